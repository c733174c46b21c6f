"""The second tier, live: who paid whom over all shards, looked at run by run, told once."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from services.compliance.handlers import tier_two
from shared.messages.compliance import AlertRaised
from shared.messages.envelope import HOUSE, Number
from shared.messages.partitioner import shard_of
from tests.compliance.conftest import Harness
from tests.compliance.ledger import DAY, PARTITIONS, RECORDED_AT, Delivery, Ledger, hours, owners_at

CLEO, ANN, BOB, DAN = (next(owners_at(shard)) for shard in range(PARTITIONS))
RULES = ["CYC-1", "STK-1"]


def paid(ledger: Ledger, way: Sequence[str], amount: str = "5000", *, hour: float = 0) -> list[Delivery]:
    """Let each pay the next, an hour apart."""
    return [
        delivery
        for number, (payer, payee) in enumerate(pairwise(way))
        for delivery in ledger.moved(
            "transfer",
            amount,
            owner=payer,
            other=payee,
            cash=False,
            at=hours(hour + number),
            day=DAY + timedelta(days=(hour + number) // 24),
        )
    ]


async def ticked(harness: Harness, times: int = 1) -> list[Any]:
    """Let the time pass, and return what was published."""
    return [event for _ in range(times) for event in await harness.tick(RECORDED_AT)]


def told(events: Sequence[Any]) -> list[tuple[str, str]]:
    """Return rule and owner of the second tier's alerts."""
    return [
        (each.rule, each.owner) for each in events if isinstance(each, AlertRaised) and each.rule in RULES
    ]


async def findings_of(harness: Harness) -> list[dict[str, Any]]:
    """Read what runs have found."""
    return [
        dict(row) for row in await harness.connection.fetch("SELECT * FROM tier_finding ORDER BY run, number")
    ]


async def test_a_ring_over_several_shards_raises_one_alert(live: Harness):
    """No shard sees more than two of its payments; the house's shard puts them together."""
    await live.take(*paid(Ledger(), (ANN, BOB, CLEO, ANN)))
    [alert] = [each for each in await ticked(live) if each.rule in RULES]
    home = shard_of(CLEO, PARTITIONS)
    assert (alert.rule, alert.owner, alert.shard, alert.business_date) == ("CYC-1", CLEO, home, DAY)
    assert alert.about == Number(shard=home, seq=1)
    assert alert.instruction_id is None
    [finding] = alert.findings
    assert finding.sentence == "Money came back to where it began, by 3 payments within 5 days."
    assert finding.values == {
        "asset": "USD",
        "business_date": "2026-03-02",
        "count": 3,
        "total": "15000.00",
        "events": ["0-1", "1-1", "2-1"],
        "days": 5,
        "score": "1.000000",
    }
    assert await ticked(live, 3) == [], "it is told once"
    run = await live.connection.fetchrow("SELECT * FROM tier_run")
    assert (run["entries"], run["edges"], run["alerts"], run["cut_short"]) == ([2, 2, 2, 0], 3, 1, 0)


async def test_layers_are_told_once_however_many_follow(live: Harness):
    """The next payment hands on the same money, by a party that was told of."""
    ledger = Ledger()
    await live.take(*paid(ledger, (ANN, BOB, CLEO, DAN)))
    assert told(await ticked(live)) == [("STK-1", CLEO)]
    await live.take(*paid(ledger, (DAN, "C901"), hour=3))
    assert told(await ticked(live)) == []
    run = await live.connection.fetchrow("SELECT * FROM tier_run ORDER BY number DESC LIMIT 1")
    assert (run["number"], run["alerts"], run["cooling"]) == (2, 0, 1)


async def test_who_was_told_of_may_be_told_of_again_when_the_days_are_over(live: Harness):
    """A party in another ring: within its days it is the same matter, later it is not."""
    ledger = Ledger()
    await live.take(*paid(ledger, (ANN, BOB, CLEO, ANN)))
    await ticked(live)
    await live.take(*paid(ledger, ("C901", "C902", CLEO, "C901"), hour=90))
    await ticked(live)
    await live.take(*paid(ledger, ("C903", "C904", CLEO, "C903"), hour=118))
    await ticked(live)
    days = [each["business_date"] for each in await findings_of(live) if each["rule"] == "CYC-1"]
    assert days == [DAY, DAY + timedelta(days=5)]


async def test_what_is_held_on_to_no_first_tier_decision_waits_for_it(live: Harness):
    """A payment is answered with its batch; the second tier alerts later, and never holds."""
    deliveries = paid(Ledger(), (ANN, BOB, CLEO))
    await live.take(*deliveries)
    last = Ledger(seqs={0: 1}, instructions=50).moved(
        "transfer", "5000", owner=CLEO, other=ANN, cash=False, at=hours(3), pending=True
    )
    assert "cleared" in [getattr(each, "decision", None) for each in await live.take(*last)]
    assert told(await ticked(live)) == [("CYC-1", CLEO)]
    assert await live.connection.fetchval("SELECT count(*) FROM hold") == 0


async def test_no_more_alerts_a_day_than_people_can_look_at(live: Harness, owner: Any):
    """The most telling ones are told; what is over the budget is kept and seen."""
    await owner.execute(
        "UPDATE compliance.rule_parameter SET values = jsonb_set(values, '{alerts_a_day}', '1')"
        " WHERE rule = 'CYC-1'"
    )
    await live.restart()
    ledger = Ledger()
    await live.take(
        *paid(ledger, (ANN, BOB, CLEO, ANN)),
        *paid(ledger, (BOB, "C905")),  # of two ways it went, one was round
        *paid(ledger, ("C901", "C902", "C903", "C901")),
    )
    assert told(await ticked(live)) == [("CYC-1", "C903")]
    rows = [each for each in await findings_of(live) if each["rule"] == "CYC-1"]
    assert [(each["outcome"], each["owner"], each["score"]) for each in rows] == [
        ("alert", "C903", 1_000_000),
        ("over_budget", CLEO, 500_000),
    ]


async def test_a_process_that_dies_between_finding_and_raising_tells_it_once(live: Harness):
    """What was found is a row that the party's shard raises, whoever holds it."""
    await live.take(*paid(Ledger(), (ANN, BOB, CLEO, ANN)))
    house = shard_of(HOUSE, PARTITIONS)
    await live.tick_shards([house], RECORDED_AT)
    assert told(live.published) == ([("CYC-1", CLEO)] if shard_of(CLEO, PARTITIONS) == house else [])
    await live.restart()
    for shard in range(PARTITIONS):
        await live.tick_shards([shard], RECORDED_AT)
    assert told(live.published) == [("CYC-1", CLEO)]
    assert all(each["raised_seq"] is not None for each in await findings_of(live))


async def test_a_run_that_is_not_committed_is_made_again(live: Harness):
    """What was in memory of it is dropped: it would count as seen what nobody was told."""
    ledger = Ledger()
    await live.take(*paid(ledger, (ANN, BOB)))
    await ticked(live)
    await live.take(*paid(ledger, (BOB, CLEO, ANN), hour=1))
    await live.tick_shards(range(PARTITIONS), RECORDED_AT, commit=False)
    assert await live.connection.fetchval("SELECT max(number) FROM tier_run") == 1
    assert told(await ticked(live, 3)) == [("CYC-1", CLEO)]
    assert await live.connection.fetchval("SELECT max(number) FROM tier_run") == 2


async def test_after_a_restart_it_reads_a_part_in_each_tick(live: Harness, monkeypatch: pytest.MonkeyPatch):
    """However much there is, payments do not wait for it; what was told is not told again."""
    ledger = Ledger()
    for number in range(4):
        await live.take(*paid(ledger, (f"C80{number}", f"C81{number}"), hour=number))
    await live.take(*paid(ledger, (ANN, BOB, CLEO), hour=5))
    await ticked(live)
    monkeypatch.setattr(tier_two, "ENTRIES_A_RUN", 2)
    await live.restart()
    await live.take(*paid(ledger, (CLEO, ANN), hour=7))
    assert told(await ticked(live)) == []
    assert told(await ticked(live, 20)) == [("CYC-1", CLEO)]


async def test_what_was_found_cannot_be_changed(live: Harness):
    """Facts are added, never edited: only that a finding is raised is marked."""
    for statement in (
        "UPDATE tier_run SET entries = '{}'",
        "DELETE FROM tier_run",
        "UPDATE tier_finding SET owner = 'x'",
        "DELETE FROM tier_finding",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await live.connection.execute(statement)
