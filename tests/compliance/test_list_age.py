"""Lists that were last read longer ago than allowed: payments are marked or held, and somebody is told."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.compliance.domain.list_age import ListCheck, outdated
from services.compliance.domain.rule import RuleParameter
from services.compliance.rules import san_1
from shared.messages.acts import ActivateList, RefuseList
from shared.messages.compliance import DecisionMade, HoldPlaced, ListConfirmed, ListOutdated
from tests.compliance.conftest import Harness, kinds
from tests.compliance.ledger import PARTITIONS, RECORDED_AT, Ledger
from tests.compliance.tables import table

READ_AT = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
AGES = table("""
    on          limit    old
    2026-03-01  1        no
    2026-03-02  1        no      # read yesterday: it need not be read again before the day is over
    2026-03-03  1        yes
    2026-03-01  0        no
    2026-03-02  0        yes
    2026-02-20  0        no      # what happened before the list was read
    2030-01-01  none     no
    2030-01-01  other    no      # the limit is of another list
""")
DAYS = st.integers(0, 60)
LIMITS: dict[str, dict[str, int | None]] = {"none": {"*": 1, "L": None}, "other": {"M": 1}}


@pytest.mark.parametrize("row", AGES, ids=lambda row: f"{row['on']} {row['limit']}")
def test_a_list_is_as_old_as_the_calendar_days_since_it_was_read(row: dict[str, str]):
    """The law speaks of every calendar day, so hours do not count."""
    limits = LIMITS.get(row["limit"]) or {"*": int(row["limit"])}
    found = outdated({"L": ListCheck("7", 3, READ_AT)}, date.fromisoformat(row["on"]), limits)
    assert bool(found) == (row["old"] == "yes")


@settings(deadline=None)
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys("ABC", DAYS)),
    st.fixed_dictionaries({}, optional=dict.fromkeys("ABC*", st.none() | DAYS)),
    DAYS,
)
def test_what_is_too_old_stays_so_until_it_is_read_and_a_list_s_own_limit_comes_first(
    read: dict[str, int], limits: dict[str, int | None], day: int
):
    """Nothing else makes a list young again, and no list is judged by another's limit."""
    start = READ_AT.replace(day=1)
    checks = {code: ListCheck("1", n, start + timedelta(days=n)) for code, n in read.items()}
    today = start.date() + timedelta(days=day)
    found = {each.list_code for each in outdated(checks, today, limits)}
    assert found <= {each.list_code for each in outdated(checks, today + timedelta(days=1), limits)}
    for code, n in read.items():
        limit = limits[code] if code in limits else limits.get("*")
        assert (code in found) == (limit is not None and day - n > limit)


def activate(number: int, version: str = "1") -> ActivateList:
    """Make an act that activates the made-up list, or confirms it."""
    common: dict[str, Any] = {"actor": "ann", "reason": "read again", "list_code": "DEMO"}
    return ActivateList(act_id=UUID(int=number), version=version, **common)


@pytest.fixture
async def strict(harness: Harness, owner: Any) -> Harness:
    """Let the made-up list, which was read on 2026-01-01, be too old after a day; hold what it screens."""
    return await with_values(harness, owner, list_days_max={"*": 1}, when_outdated="hold")


@pytest.fixture
async def lenient(harness: Harness, owner: Any) -> Harness:
    """The same, but mark what it screens."""
    return await with_values(harness, owner, list_days_max={"*": 1}, when_outdated="mark")


async def with_values(harness: Harness, owner: Any, **values: Any) -> Harness:
    """Change parameters of SAN-1 and start again."""
    await owner.execute(
        'UPDATE compliance.rule_parameter SET "values" = "values" || $1 WHERE rule = $2',
        json.dumps(values),
        "SAN-1",
    )
    await harness.restart()
    return harness


def paid(ledger: Ledger, *, pending: bool = True, name: str | None = "Jane Doe") -> Any:
    """Make a payment."""
    names = {"creditor": name} if name else {}
    return ledger.moved("withdrawal", "5", cash=False, pending=pending, names=names)


async def test_what_an_old_list_screened_is_held_where_the_parameters_say_so(strict: Harness):
    """Not screened is no answer: people look at it, by two of them as for a listed name."""
    [hold] = await strict.take(*paid(Ledger()))
    assert isinstance(hold, HoldPlaced)
    [finding] = hold.findings
    assert finding.values == {
        "field": "lists",
        "comparison": "not_screened",
        "list": "DEMO",
        "list_version": "1",
        "checked_on": "2026-01-01",
        "days": 60,
        "days_max": 1,
        "when_outdated": "hold",
    }
    assert finding.sentence == (
        "Its names were compared with an old list, so they do not count as screened."
        " DEMO: version 1 was last read on 2026-01-01, and is older than allowed (1 day)."
    )
    assert hold.deadline > RECORDED_AT + timedelta(hours=23)


async def test_what_an_old_list_screened_is_marked_where_the_parameters_say_so(lenient: Harness):
    """Money goes on, and the decision says by what it was screened; a listed name is held all the same."""
    ledger = Ledger()
    [decision] = await lenient.take(*paid(ledger))
    assert isinstance(decision, DecisionMade)
    assert decision.decision == "cleared"
    assert [each.values["comparison"] for each in decision.findings] == ["not_screened"]
    [hold] = await lenient.take(*paid(ledger, name="Yorick Undertow"))
    assert isinstance(hold, HoldPlaced)
    assert [each.values["comparison"] for each in hold.findings] == ["equal", "not_screened"]


async def test_an_old_list_concerns_what_waits_and_names_somebody(strict: Harness):
    """There is nothing to compare in the others, and nothing to stop in what is posted."""
    ledger = Ledger()
    assert kinds(await strict.take(*paid(ledger, name=None))) == ["cleared"]
    assert await strict.take(*paid(ledger, pending=False)) == []


async def test_a_list_that_is_read_again_counts_from_there_on_though_nothing_in_it_has_changed(
    strict: Harness,
):
    """Publishers leave a list alone for weeks; whoever reads it daily is up to date."""
    ledger = Ledger()
    confirmed, done = await strict.act(activate(1), shard=0)
    assert isinstance(confirmed, ListConfirmed)
    assert (confirmed.list_code, confirmed.version, done.done) == ("DEMO", "1", True)
    assert kinds(await strict.take(*paid(ledger))) == ["cleared"]
    await strict.restart()
    assert kinds(await strict.take(*paid(ledger))) == ["cleared"]
    assert kinds(await strict.act(activate(1), shard=0)) == ["ActDone"], "an act sent twice is done once"


async def test_a_confirmation_that_is_rolled_back_does_not_count(strict: Harness):
    """Memory follows the database."""
    before = dict(strict.service._memory.checked[0])
    from shared.runtime.work import Received

    act = strict.service.inputs[0].decode(activate(1).model_dump_json().encode())
    await strict.handle([Received(0, "compliance.acts.v1", 0, 0, 0, b"", act)], commit=False)
    assert strict.service._memory.checked[0] == before


async def test_somebody_is_told_once_that_a_list_is_too_old_until_it_is_read_again(lenient: Harness):
    """In each shard; whoever takes the shard over goes on to warn, and says it no second time."""
    soon = datetime(2026, 3, 2, 20, tzinfo=UTC)
    told = await lenient.tick(soon)
    assert kinds(told) == ["ListOutdated"] * PARTITIONS
    [first, *_] = told
    assert isinstance(first, ListOutdated)
    assert (first.list_code, first.version, first.days_max) == ("DEMO", "1", 1)
    words = "DEMO: version 1 was last read on 2026-01-01, and is older than allowed (1 day)"
    assert lenient.service.warnings() == {"list_outdated": words}
    assert await lenient.tick(soon) == []
    await lenient.restart()
    assert lenient.service.warnings() == {"list_outdated": words}
    assert await lenient.tick(soon) == []
    for shard in range(PARTITIONS):
        await lenient.act(activate(1 + shard), shard=shard)
    assert lenient.service.warnings() == {}
    assert await lenient.tick(soon) == []
    assert kinds(await lenient.tick(soon + timedelta(days=2))) == ["ListOutdated"] * PARTITIONS


async def test_a_list_without_a_limit_never_grows_old(harness: Harness):
    """The made-up list of a new database has no publisher; nobody is told to fetch it."""
    assert await harness.tick(datetime(2036, 3, 2, tzinfo=UTC)) == []
    [decision] = await harness.take(*paid(Ledger()))
    assert decision.findings == ()


async def test_a_file_that_can_be_read_again_mends_one_that_was_refused(harness: Harness):
    """The publisher's file was cut off on the way; fetched again it is the version that is active."""
    common: dict[str, Any] = {"actor": "ann", "reason": "read again", "list_code": "DEMO"}
    act = RefuseList(act_id=UUID(int=9), file="demo.csv", line=3, why="the line is cut off", **common)
    for shard in range(PARTITIONS):
        await harness.act(act, shard=shard)
    assert list(harness.service.warnings()) == ["list_refused"]
    for shard in range(PARTITIONS):
        await harness.act(activate(1 + shard), shard=shard)
    assert harness.service.warnings() == {}
    await harness.restart()
    assert harness.service.warnings() == {}


@pytest.mark.parametrize(
    "values", [{"list_days_max": {"*": -1}}, {"list_days_max": {"*": "x"}}, {"when_outdated": "pass"}]
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, Any]):
    """The service does not start by them."""
    row = RuleParameter("SAN-1", 3, "*", values, date(2026, 1, 1), None, "test")
    with pytest.raises(ValueError, match=r"is not by a list's code|is not one of hold, mark"):
        san_1.read_parameters(row)
