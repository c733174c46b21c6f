"""The order of work: priority, then the rarest lead, then age; with its reasons, the same in all pages."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compliance.domain.leads import LEAD_DAYS
from services.compliance.domain.priority import ORDER
from services.compliance.domain.work_order import Scales, Standing, work_order
from services.compliance.queries.work_order import work_queue
from shared.messages.topics import JOURNAL
from tests.compliance.api_desk import Desk
from tests.compliance.conftest import Harness
from tests.compliance.ledger import ALICE, ANNE, BOB, DAY, Ledger
from tests.support.asgi import encoded

FIRST = date(2026, 3, 2)
EVENTS = 1023


def alert(seq: int, owner: str, rule: str, day: int = 0, **more: Any) -> Standing:
    """An alert of a person."""
    return Standing(0, seq, owner, rule, more.pop("segment", "person"), FIRST + timedelta(days=day), **more)


def order(*alerts: Standing, **hits: int) -> list[tuple[str, int]]:
    """Owner and number, in the order of work; of each rule one alert, unless it says more."""
    counts = {
        (each.rule, each.segment): hits.get(f"{each.rule}_{each.segment}", hits.get(each.rule, 1))
        for each in alerts
    }
    return [(each.owner, each.seq) for each in work_order(alerts, Scales(counts, EVENTS), is_new=True)]


def test_what_waits_comes_before_what_is_rare():
    """The law's times and people's money do not wait for rarity."""
    found = order(
        alert(1, "A", "GS-1"), alert(2, "B", "CTR-1"), alert(3, "C", "PAY-1", is_held=True), **{"PAY-1": 500}
    )
    assert found == [("C", 3), ("B", 2), ("A", 1)]


def test_within_a_priority_the_rarest_lead_comes_first_and_then_the_oldest():
    """Two rules at one owner weigh more than one; equals are worked by age."""
    hits = {"PAY-1": 511, "GS-1": 1, "RND-1": 63}
    found = order(
        alert(1, "A", "PAY-1"),
        alert(2, "B", "RND-1", 1),
        alert(3, "C", "RND-1"),
        alert(4, "D", "GS-1", 2),
        alert(5, "E", "GS-1", 2),
        alert(6, "E", "PAY-1", 3),
        **hits,
    )
    assert found == [("E", 5), ("E", 6), ("D", 4), ("C", 3), ("B", 2), ("A", 1)]


def test_an_alert_that_somebody_has_looked_at_still_weighs_in_its_lead():
    """What is dismissed is not worked again, and tells of its owner all the same."""
    assert order(
        alert(1, "A", "RND-1"),
        alert(2, "B", "RND-1", 1),
        alert(3, "B", "GS-1", 1, is_new=False),
    ) == [("B", 2), ("A", 1)]


def test_alerts_a_week_apart_are_two_leads():
    """What was found long ago makes what is found now no rarer."""
    [first, second] = work_order(
        [alert(1, "A", "RND-1"), alert(2, "A", "GS-1", LEAD_DAYS)],
        Scales({("RND-1", "person"): 1, ("GS-1", "person"): 3}, EVENTS),
    )
    assert [(each.seq, each.lead_alerts, each.lead_bits) for each in (first, second)] == [
        (1, 1, 9.0),
        (2, 1, 8.0),
    ]
    assert second.lead_since == FIRST + timedelta(days=LEAD_DAYS)


def test_rarity_is_told_as_one_in_how_many_events_of_the_segment():
    """So that an officer can check it."""
    [work] = work_order(
        [alert(1, "A", "VEL-1", segment="organisation")],
        Scales({("VEL-1", "organisation"): 63, ("VEL-1", "person"): 1}, EVENTS),
    )
    [rule] = work.rules
    assert (rule.segment, rule.alerts, rule.one_in, rule.bits) == ("organisation", 63, 16.0, 4.0)
    assert work.because == "nothing waits for it"


ALERTS = st.lists(
    st.tuples(
        st.sampled_from("ABCD"),
        st.sampled_from(["CTR-1", "RND-1", "GS-1", "PAY-1"]),
        st.integers(0, 20),
        st.booleans(),
        st.booleans(),
    ),
    max_size=20,
)


@given(made=ALERTS, events=st.integers(0, 10_000), shuffled=st.randoms())
def test_the_order_is_the_same_whatever_order_alerts_come_in(
    made: list[tuple[str, str, int, bool, bool]], events: int, shuffled: Any
):
    """Each wanted alert once; no more urgent one behind a less urgent, no lighter lead before a heavier."""
    alerts = [
        alert(seq, owner, rule, day, is_held=held, is_new=wanted)
        for seq, (owner, rule, day, held, wanted) in enumerate(made)
    ]
    hits = {
        (rule, "person"): sum(each.rule == rule for each in alerts)
        for rule in ("CTR-1", "RND-1", "GS-1", "PAY-1")
    }
    scales = Scales(hits, events)
    found = work_order(alerts, scales, is_new=True)
    mixed = list(alerts)
    shuffled.shuffle(mixed)
    assert work_order(mixed, scales, is_new=True) == found
    assert sorted(each.seq for each in found) == [each.seq for each in alerts if each.is_new]
    for one, other in pairwise(found):
        ranks = ORDER.index(one.priority), ORDER.index(other.priority)
        assert ranks[0] <= ranks[1]
        if ranks[0] == ranks[1]:
            assert one.lead_bits >= other.lead_bits
            if one.lead_bits == other.lead_bits:
                assert one.lead_since <= other.lead_since


@pytest.fixture
def desk(harness: Harness) -> Desk:
    """Make the API."""
    return Desk(harness)


async def busy(harness: Harness, ledger: Ledger) -> None:
    """Bob brings much cash; Anne and Alice split theirs, and bring much cash by that."""
    await harness.connection.execute(
        "INSERT INTO source_mark (topic, partition, source_shard, last_seq)"
        " VALUES ($1, 0, 0, 1000), ($1, 1, 1, 500), ($1, 1, 0, 70)",
        JOURNAL.name,
    )
    await harness.take(*ledger.moved("deposit", "10000.01", owner=BOB))
    for owner in (ANNE, ALICE):
        for _ in range(3):
            await harness.take(*ledger.moved("deposit", "9000", owner=owner))
    await harness.take(*ledger.moved("deposit", "10000.01", owner=ALICE, day=DAY + timedelta(days=1)))


async def test_alerts_can_be_asked_for_in_the_order_of_work(harness: Harness, desk: Desk):
    """With why each stands where it does; pages follow each other as of the first, though more comes in."""
    ledger = Ledger()
    await busy(harness, ledger)
    whole = (await desk.ask("GET", "/v1/alerts", order="work")).body["items"]
    assert len(whole) == len((await desk.ask("GET", "/v1/alerts")).body["items"])
    places = [
        (ORDER.index(each["priority"]), -each["work"]["lead"]["bits"], each["work"]["lead"]["since"])
        for each in whole
    ]
    assert places == sorted(places)
    assert (whole[0]["owner"], whole[0]["rule"]) == (ALICE, "CTR-1"), "two rules in a week"
    assert whole[0]["work"]["because"] == "the law sets 15 days to report it"
    assert {each["rule"] for each in whole[0]["work"]["lead"]["rules"]} == {"CTR-1", "STR-1"}

    shown: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while not shown or cursor:
        reply = await desk.ask("GET", "/v1/alerts", order="work", limit=1, **cursor)
        shown += reply.body["items"]
        cursor = {"cursor": reply.body["next"]} if "next" in reply.body else {}
        await harness.take(
            *ledger.moved("deposit", "10000.01", owner=BOB, day=DAY + timedelta(days=1 + len(shown)))
        )
    assert shown == whole


async def test_the_order_of_work_leaves_out_what_was_triaged(harness: Harness, desk: Desk):
    """Of one rule or owner, too; all else of the owner still makes the lead."""
    await busy(harness, Ledger())
    for each in (await desk.ask("GET", "/v1/alerts", owner=ALICE, rule="CTR-1")).body["items"]:
        done = await desk.post(f"/v1/alerts/{each['alert_id']}/dismissal", "analyst")
        assert done.status == 200
    left = (await desk.ask("GET", "/v1/alerts", order="work", owner=ALICE, new="true")).body["items"]
    assert [each["rule"] for each in left] == ["STR-1"]
    assert left[0]["work"]["lead"]["alerts"] == 3
    only = (await desk.ask("GET", "/v1/alerts", order="work", rule="CTR-1")).body["items"]
    assert {each["rule"] for each in only} == {"CTR-1"}


async def test_a_cursor_of_one_order_is_none_of_the_other(harness: Harness, desk: Desk):
    """Nor is one that somebody made up."""
    await busy(harness, Ledger())
    for one, other in (("age", "work"), ("work", "age")):
        cursor = (await desk.ask("GET", "/v1/alerts", order=one, limit=1)).body["next"]
        reply = await desk.ask("GET", "/v1/alerts", order=other, cursor=cursor)
        assert (reply.status, reply.body["title"]) == (400, "cursor_unreadable")
    for made in (
        b'[1,2,[],0,-1.0,1,"A",0,1]',
        b'[1,[1],[],0,NaN,1,"A",0,1]',
        b'[1,["x"],[],0,-1.0,1,"A",0,1]',
        b'[1,[1],[["CTR-1",1]],0,-1.0,1,"A",0,1]',
        b'[1,[1],[],0,-1.0,0,"A",0,1]',
        b'[1,[1],[],0,-1.0,9999999,"A",0,1]',
    ):
        reply = await desk.ask("GET", "/v1/alerts", order="work", cursor=encoded(made))
        assert (reply.status, reply.body["title"]) == (400, "cursor_unreadable")


async def test_rarity_counts_what_the_ledger_has_told(harness: Harness):
    """Events of each shard's own journal, once."""
    await busy(harness, Ledger())
    of, found = await work_queue(harness.connection, JOURNAL.name)
    assert of.scales.events == 1500
    assert all(each["work"]["lead"]["bits"] > 7 for each in found)
