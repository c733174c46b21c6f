"""Rules about a person, live: cash of all customers of one person over all shards, alerted once."""

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any

import asyncpg
import pytest

from audit.checks.screening import screening_equals_recomputation
from audit.examination import Examination
from services.compliance.handlers import persons
from shared.messages.compliance import AlertRaised
from shared.messages.envelope import HOUSE, Number
from shared.messages.partitioner import shard_of
from tests.compliance.auditing import evidence_of
from tests.compliance.conftest import Harness
from tests.compliance.ledger import DAY, PARTITIONS, RECORDED_AT, Delivery, Ledger, hours, owners_at

CLEO, ANN, BOB, DAN = (next(owners_at(shard)) for shard in range(PARTITIONS))
PERSON = "P-1"


def opened(
    ledger: Ledger, *owners: str, role: str = "beneficial_owner", person: str = PERSON, **more: Any
) -> list[Delivery]:
    """Open an account for firms in which one person has a role."""
    holder = {"name": "Ada Morgenrot", "role": role, "person": person, **more}
    return [
        each
        for owner in owners
        for each in ledger.opened(f"Firm {owner}", owner=owner, kind="organisation", holders=[holder])
    ]


def paid_in(
    ledger: Ledger, *amounts: tuple[str, str], hour: float = 10, day: date = DAY, **more: Any
) -> list[Delivery]:
    """Let customers pay banknotes in, an hour apart."""
    return [
        each
        for number, (owner, amount) in enumerate(amounts)
        for each in ledger.moved("deposit", amount, owner=owner, at=hours(hour + number), day=day, **more)
    ]


async def ticked(harness: Harness, times: int = 1) -> list[Any]:
    """Let the time pass, and return what was published."""
    return [event for _ in range(times) for event in await harness.tick(RECORDED_AT)]


def told(events: Sequence[Any]) -> list[tuple[str, str]]:
    """Return rule and owner of alerts about persons."""
    return sorted(
        (each.rule, each.owner)
        for each in events
        if isinstance(each, AlertRaised) and "person" in each.findings[0].values
    )


async def test_three_deposits_through_three_customers_of_one_person_are_reportable(harness: Harness):
    """No customer's cash is over the threshold; the person's is, and it was kept under it in parts."""
    ledger = Ledger()
    await harness.take(
        *opened(ledger, ANN, BOB, CLEO), *paid_in(ledger, (ANN, "4000"), (BOB, "4000"), (CLEO, "4000"))
    )
    assert harness.published == [] or not any(isinstance(x, AlertRaised) for x in harness.published)
    first, second = await ticked(harness)
    home = shard_of(CLEO, PARTITIONS)
    assert (first.rule, first.owner, first.shard, first.business_date) == ("CTR-1", CLEO, home, DAY)
    assert first.about == Number(shard=home, seq=2)
    assert first.findings[0].sentence == (
        "Cash in of 12000.00 USD on 2026-03-02 through 3 customers of one person is over 10000.00."
    )
    assert first.findings[0].values == {
        "asset": "USD",
        "direction": "in",
        "business_date": "2026-03-02",
        "total": "12000.00",
        "over": "10000.00",
        "count": 3,
        "events": ["0-2", "1-2", "2-2"],
        "customers": 3,
        "person": PERSON,
    }
    assert (second.rule, second.owner, second.findings[0].values["pattern"]) == (
        "STR-1",
        CLEO,
        "day_in_parts",
    )
    assert await ticked(harness, 3) == [], "it is told once"
    run = await harness.connection.fetchrow("SELECT * FROM person_run")
    assert (run["cash"], run["roles"], run["persons"], run["alerts"]) == ([1, 1, 1, 0], [1, 1, 1, 0], 1, 2)


async def test_a_customer_alone_is_their_own_rules_matter(harness: Harness):
    """The owner's shard has told it; another customer of the person who brought nothing adds nothing."""
    ledger = Ledger()
    events = await harness.take(
        *opened(ledger, ANN, BOB), *paid_in(ledger, (ANN, "6000"), (ANN, "6000"), (ANN, "4000"))
    )
    assert [each.rule for each in events] == ["CTR-1", "STR-1"]
    assert await ticked(harness) == []


async def test_what_the_own_rule_has_told_is_told_again_only_with_another_customer(harness: Harness):
    """The customer's alert says nothing of the other one, whose cash is reportable with it."""
    ledger = Ledger()
    await harness.take(*opened(ledger, ANN, BOB), *paid_in(ledger, (ANN, "12000")))
    assert await ticked(harness) == []
    await harness.take(*paid_in(ledger, (BOB, "1"), hour=12))
    assert told(await ticked(harness)) == [("CTR-1", BOB)]


@pytest.mark.parametrize("role", ["holder", "joint_holder", "beneficial_owner", "signatory"])
async def test_these_roles_make_it_a_persons_matter(harness: Harness, role: str):
    """By or on behalf of the person."""
    ledger = Ledger()
    await harness.take(*opened(ledger, ANN, BOB, role=role), *paid_in(ledger, (ANN, "6000"), (BOB, "6000")))
    assert told(await ticked(harness)) == [("CTR-1", BOB), ("STR-1", BOB)]


@pytest.mark.parametrize("role", ["representative", "guardian"])
async def test_who_acts_for_others_counts_by_what_they_bring(harness: Harness, role: str):
    """A guardian's wards are not the guardian; but who brings the banknotes of several is found."""
    ledger = Ledger()
    await harness.take(*opened(ledger, ANN, BOB, role=role), *paid_in(ledger, (ANN, "6000"), (BOB, "6000")))
    assert told(await ticked(harness)) == []
    await harness.take(*paid_in(ledger, (ANN, "6000"), (BOB, "6000"), hour=14, conductor=PERSON))
    assert told(await ticked(harness)) == [("CTR-1", BOB), ("STR-1", BOB)]


async def test_who_brings_cash_for_others_adds_it_to_their_own(harness: Harness):
    """A role with one customer, and banknotes brought for another one."""
    ledger = Ledger()
    await harness.take(*opened(ledger, ANN), *paid_in(ledger, (ANN, "6000")))
    assert await ticked(harness) == []
    await harness.take(*paid_in(ledger, (BOB, "6000"), hour=12, conductor=PERSON))
    assert told(await ticked(harness)) == [("CTR-1", BOB), ("STR-1", BOB)]


async def test_a_party_itself_is_a_person(harness: Harness):
    """A natural person with an account of their own, and a firm that they own."""
    ledger = Ledger()
    await harness.take(
        *ledger.opened("Ada Morgenrot", owner=ANN, person=PERSON),
        *opened(ledger, BOB),
        *paid_in(ledger, (ANN, "6000"), (BOB, "6000")),
    )
    assert told(await ticked(harness)) == [("CTR-1", BOB), ("STR-1", BOB)]


@pytest.mark.parametrize(
    ("days", "is_found"),
    [
        ({"since": "2026-03-02"}, True),
        ({"since": "2026-03-03"}, False),
        ({"until": "2026-03-03"}, True),
        ({"until": "2026-03-02"}, False),
        ({"since": "2026-03-03", "until": "2026-03-01"}, False),
    ],
)
async def test_a_role_counts_on_its_days(harness: Harness, days: dict[str, str], is_found: bool):
    """From its first business day on, and no longer on the day it ends."""
    ledger = Ledger()
    await harness.take(
        *opened(ledger, ANN, **days), *opened(ledger, BOB), *paid_in(ledger, (ANN, "6000"), (BOB, "6000"))
    )
    assert bool(told(await ticked(harness))) is is_found


async def test_a_role_that_is_told_later_finds_what_was_before(harness: Harness):
    """The account is opened for them when its customer is known already: a role is a fact of its days."""
    ledger = Ledger()
    await harness.take(*opened(ledger, ANN), *paid_in(ledger, (ANN, "6000"), (BOB, "6000")))
    assert await ticked(harness) == []
    await harness.take(*opened(ledger, BOB))
    assert told(await ticked(harness)) == [("CTR-1", BOB), ("STR-1", BOB)]


async def test_the_last_word_on_a_role_counts(harness: Harness):
    """Another account opened with the same role of theirs, now with an end."""
    ledger = Ledger()
    await harness.take(*opened(ledger, ANN, BOB), *opened(ledger, BOB, until="2026-03-02"))
    await harness.take(*paid_in(ledger, (ANN, "6000"), (BOB, "6000")))
    assert told(await ticked(harness)) == []


def role(**more: Any) -> dict[str, Any]:
    """Spell the block of somebody who owns a firm."""
    return {"name": "Ada Morgenrot", "role": "beneficial_owner", "person": PERSON, **more}


async def test_a_role_can_be_given_after_the_opening(harness: Harness):
    """Somebody buys a firm, or is found to have owned it all along: what was paid in before counts."""
    ledger = Ledger()
    await harness.take(
        *opened(ledger, ANN),
        *ledger.opened("Firm", owner=BOB, kind="organisation"),
        *paid_in(ledger, (ANN, "6000"), (BOB, "6000")),
    )
    assert await ticked(harness) == []
    await harness.take(*ledger.told_of(role(), owner=BOB))
    assert told(await ticked(harness)) == [("CTR-1", BOB), ("STR-1", BOB)]


async def test_a_role_that_begins_later_makes_nothing_of_what_was_before(harness: Harness):
    """Who has bought a firm is not who was paid for the day before."""
    ledger = Ledger()
    await harness.take(
        *opened(ledger, ANN),
        *ledger.opened("Firm", owner=BOB, kind="organisation"),
        *paid_in(ledger, (ANN, "6000"), (BOB, "6000")),
        *ledger.told_of(role(since="2026-03-03"), owner=BOB),
    )
    assert told(await ticked(harness)) == []
    later = date(2026, 3, 3)
    await harness.take(*paid_in(ledger, (ANN, "6000"), (BOB, "6000"), hour=34, day=later))
    assert ("CTR-1", BOB) in told(await ticked(harness))


@pytest.mark.parametrize("days", [{"until": "2026-03-02"}, {"since": "2026-03-02", "until": "2026-03-02"}])
async def test_a_role_can_be_ended_after_the_opening(harness: Harness, days: dict[str, str]):
    """From the day on that is said; the last word on the same person and role counts."""
    ledger = Ledger()
    await harness.take(*opened(ledger, ANN, BOB), *ledger.told_of(role(**days), owner=BOB))
    await harness.take(*paid_in(ledger, (ANN, "6000"), (BOB, "6000")))
    assert told(await ticked(harness)) == []


async def test_ending_one_role_leaves_another_one(harness: Harness):
    """Who no longer owns a firm may still sign for it."""
    ledger = Ledger()
    await harness.take(
        *opened(ledger, ANN, BOB),
        *ledger.told_of(role(until="2026-03-01"), owner=BOB),
        *ledger.told_of(role() | {"role": "signatory"}, owner=BOB),
        *paid_in(ledger, (ANN, "6000"), (BOB, "6000")),
    )
    assert told(await ticked(harness)) == [("CTR-1", BOB), ("STR-1", BOB)]


@pytest.mark.parametrize("seed", range(6))
async def test_the_auditor_tells_the_same_however_roles_change(harness: Harness, seed: int):
    """Roles given and ended between runs, beside cash of any of their days: plain loops agree."""
    ledger, draw = Ledger(), Random(seed)
    owners, delivered = (ANN, BOB, CLEO), list[Delivery]()
    await harness.take(*(given := [each for owner in owners for each in ledger.opened("Firm", owner=owner)]))
    delivered += given
    days = ("2026-03-01", "2026-03-02", "2026-03-03", None)
    for _ in range(10):
        owner, day = draw.choice(owners), date(2026, 3, draw.randint(1, 3))
        if draw.random() < 0.4:
            block = role(role=draw.choice(("beneficial_owner", "signatory", "guardian")))
            block |= {name: said for name in ("since", "until") if (said := draw.choice(days))}
            given = ledger.told_of(block, owner=owner)
        else:
            given = paid_in(ledger, (owner, "6000"), hour=24 * (day.day - 2) + draw.randint(0, 23), day=day)
        delivered += given
        await harness.take(*given)
        await ticked(harness, draw.randint(0, 1))
    await ticked(harness, 2)
    evidence = await evidence_of(harness, delivered)
    assert evidence.screening is not None
    assert len(evidence.screening.person_runs) > 0
    assert list(screening_equals_recomputation(Examination(evidence)).examples) == []


async def test_a_late_handing_over_completes_what_comes_after_it(harness: Harness):
    """It came last and happened first: the alert is about who was last by event time."""
    ledger = Ledger()
    await harness.take(*opened(ledger, ANN, BOB), *paid_in(ledger, (ANN, "6000"), hour=15))
    assert await ticked(harness) == []
    await harness.take(*paid_in(ledger, (BOB, "6000"), hour=9))
    assert told(await ticked(harness)) == [("CTR-1", ANN), ("STR-1", ANN)]


async def test_a_process_that_dies_between_finding_and_raising_tells_it_once(harness: Harness):
    """What was found is a row that the customer's shard raises, whoever holds it."""
    ledger = Ledger()
    await harness.take(*opened(ledger, ANN, BOB), *paid_in(ledger, (ANN, "6000"), (BOB, "6000")))
    house = shard_of(HOUSE, PARTITIONS)
    await harness.tick_shards([house], RECORDED_AT, commit=False)
    await harness.tick_shards([house], RECORDED_AT)
    await harness.restart()
    for shard in range(PARTITIONS):
        await harness.tick_shards([shard], RECORDED_AT)
    assert told(harness.published) == [("CTR-1", BOB), ("STR-1", BOB)]
    assert (
        await harness.connection.fetchval("SELECT count(*) FROM person_finding WHERE raised_seq IS NULL") == 0
    )


async def test_however_much_comes_a_run_takes_a_part(harness: Harness, monkeypatch: pytest.MonkeyPatch):
    """Payments do not wait for it; what is found in the end is the same."""
    monkeypatch.setattr(persons, "FACTS_A_RUN", 1)
    ledger = Ledger()
    await harness.take(*opened(ledger, ANN, BOB))
    await harness.take(*paid_in(ledger, (ANN, "3000"), (ANN, "3000"), (BOB, "3000"), (BOB, "3000")))
    assert told(await ticked(harness)) == []
    assert told(await ticked(harness, 3)) == [("CTR-1", BOB), ("STR-1", BOB)]


async def test_what_another_version_would_have_found_is_not_asked_again(harness: Harness, owner: Any):
    """A lower threshold counts for what comes after it: what is over is what was asked, then."""
    ledger = Ledger()
    await harness.take(*opened(ledger, ANN, BOB), *paid_in(ledger, (ANN, "3000"), (BOB, "3000")))
    assert await ticked(harness) == []
    await owner.execute(
        "UPDATE compliance.rule_parameter SET values = jsonb_set(values, '{over}', '\"5000\"')"
        " WHERE rule = 'CTR-1'"
    )
    await harness.restart()
    assert await ticked(harness) == []
    await harness.take(*paid_in(ledger, (BOB, "1"), hour=14))
    assert told(await ticked(harness)) == [("CTR-1", BOB)]


async def test_what_was_found_cannot_be_changed(harness: Harness):
    """Facts are added, never edited: only that a finding is raised is marked."""
    for statement in (
        "UPDATE person_run SET cash = '{}'",
        "DELETE FROM person_run",
        "UPDATE person_finding SET owner = 'x'",
        "DELETE FROM person_finding",
        "UPDATE person_role SET until = NULL",
        "DELETE FROM person_role",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await harness.connection.execute(statement)
