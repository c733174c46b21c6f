"""Trades that are not settled on their day: what the market owes, or is owed, stands among fails."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transactions.queries.verifying import verify
from shared.money import format_amount
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PARTITIONS,
    PureLedger,
    StoredLedger,
    custody,
    custody_transfer,
    deposit,
    opening,
    outcome,
    trade,
)
from tests.transactions.test_expiry import ALICE, day
from tests.transactions.test_obligations import (
    INCOME,
    NOSTRO,
    PAYABLE,
    RECEIVABLE,
    by_trade_date,
)
from tests.transactions.test_trades import counters, ending

TO_DELIVER, TO_RECEIVE = "BANK/fail_to_deliver/EUR", "BANK/fail_to_receive/EUR"
OWED = (RECEIVABLE, PAYABLE, TO_DELIVER, TO_RECEIVE)


def due(ledger: PureLedger, side: str, quantity: str = "4", money: str = "60.00", **fields: Any) -> Any:
    """Trade, to be settled on the first of January, which is the open day."""
    fields = {"commission": "1.50", "contractual_settlement_date": "2026-01-01", **fields}
    return ledger.send(trade("alice", side, quantity, money, **fields))[0]


def turns(ledger: PureLedger, date: str, *, ticks: bool = True) -> list[dict[str, Any]]:
    """Open a business day everywhere, and do what is due."""
    ledger.send(*day(date))
    return [event for shard in range(PARTITIONS) for event in ledger.tick(shard)] if ticks else []


def by_settlement_date() -> PureLedger:
    """A broker whose policy is to book trades when they are settled."""
    ledger = by_trade_date()
    ledger.chart.trade_policies.clear()
    return ledger


POLICIES = {"trade_date": by_trade_date, "settlement_date": by_settlement_date}


def owed(ledger: PureLedger) -> list[int]:
    """The posted balances of receivables, payables, and fails to deliver and to receive."""
    return [counters(ledger, code)[0] for code in OWED]


FAILED = (
    ("trade_date", "buy", [-6000, 5850, 0, 0], [-6000, 0, 0, 5850]),
    ("trade_date", "sell", [-6150, 6000, 0, 0], [0, 6000, -6150, 0]),
    ("settlement_date", "buy", [0, 0, 0, 0], [-5850, 0, 0, 5850]),
    ("settlement_date", "sell", [0, 0, 0, 0], [0, 6150, -6150, 0]),
)


@pytest.mark.parametrize(("policy", "side", "before", "after"), FAILED)
def test_a_trade_that_is_not_settled_on_its_day_fails_at_the_next(
    policy: str, side: str, before: list[int], after: list[int]
) -> None:
    """The customer's side stays as it was, where it is in the books; it is said once."""
    ledger = POLICIES[policy]()
    event = due(ledger, side)
    assert owed(ledger) == before
    (failed,) = turns(ledger, "2026-01-02")
    assert (failed["type"], failed["cause"], failed["first"]["seq"]) == (
        "ObligationBooked",
        "failed",
        event["seq"],
    )
    assert owed(ledger) == after
    assert turns(ledger, "2026-01-03") == []


@pytest.mark.parametrize("fields", [{}, {"contractual_settlement_date": "2026-01-02"}])
def test_a_trade_stands_up_to_the_end_of_its_day(fields: dict[str, str]) -> None:
    """One that says no day does so for ever."""
    ledger = by_trade_date()
    given_day: dict[str, Any] = fields or {"contractual_settlement_date": None}
    due(ledger, "buy", **given_day)
    assert turns(ledger, "2026-01-02") == []
    assert len(turns(ledger, "2026-01-03")) == len(fields)


LATE = (
    ("trade_date", "buy", [-4500, 0, 0, 4387]),
    ("trade_date", "sell", [0, 4500, -4612, 0]),
    ("settlement_date", "buy", [-4387, 0, 0, 4387]),
    ("settlement_date", "sell", [0, 4612, -4612, 0]),
)


@pytest.mark.parametrize("ticks", [True, False])
@pytest.mark.parametrize(("policy", "side", "expected"), LATE)
def test_late_settlement_clears_the_fail(policy: str, side: str, expected: list[int], ticks: bool) -> None:
    """In parts as well, and the same whether the duty has been faster or not."""
    ledger = POLICIES[policy]()
    event = due(ledger, side)
    turns(ledger, "2026-01-02", ticks=ticks)
    told = ledger.send(ending("post_pending", event, amount="1", final=False))
    causes = [each["cause"] for each in told if each["type"] == "ObligationBooked"]
    assert causes == (["settled"] if ticks else ["failed", "settled"])
    assert owed(ledger) == expected
    assert [ledger.tick(shard) for shard in range(PARTITIONS)] == [[]] * PARTITIONS
    ledger.send(ending("post_pending", event))
    assert owed(ledger) == [0, 0, 0, 0]
    assert ledger.balance(INCOME) == 1_50


@pytest.mark.parametrize("ticks", [True, False])
@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("policy", POLICIES)
def test_a_failed_trade_may_be_cancelled(policy: str, side: str, ticks: bool) -> None:
    """Nothing of it is left, in whatever account it was."""
    ledger = POLICIES[policy]()
    event = due(ledger, side)
    turns(ledger, "2026-01-02", ticks=ticks)
    *_, undone = ledger.send(ending("void_pending", event))
    assert undone["cause"] == "cancelled"
    assert owed(ledger) == [0, 0, 0, 0]
    assert ledger.balance(INCOME) == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_an_entity_without_accounts_of_fails_keeps_its_obligation(policy: str) -> None:
    """Late settlement clears it where it is."""
    ledger = POLICIES[policy]()
    for condition in ("fail_to_receive", "fail_to_deliver"):
        del ledger.chart.rules[1, "trade", condition]
    event = due(ledger, "buy")
    assert turns(ledger, "2026-01-02") == []
    assert outcome(ledger.send(ending("post_pending", event))[-1]) == "posted"
    assert owed(ledger) == [0, 0, 0, 0]


TRADE = st.tuples(
    st.sampled_from(["buy", "sell"]),
    st.integers(1, 30),
    st.integers(3_01, 90_00),
    st.integers(0, 3_00),
    st.sampled_from(["2026-01-01", "2026-01-02", "2026-01-03"]),
)
STEP = st.one_of(
    st.tuples(st.integers(0, 3), st.integers(1, 30)), st.sampled_from(["2026-01-02", "2026-01-03", "tick"])
)


@given(
    st.lists(TRADE, min_size=1, max_size=4),
    st.lists(STEP, max_size=20),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.sampled_from(sorted(POLICIES)),
)
@settings(deadline=None)
def test_nothing_is_owed_in_the_end_and_when_fails_are_moved_decides_nothing(
    trades: list[tuple[str, int, int, int, str]], steps: list[Any], cancelled: list[bool], policy: str
) -> None:
    """However trades are cut, settled late or cancelled: with a duty that is fast, slow or never comes."""
    left: list[list[tuple[int, int, int]]] = []
    for ticks in ("as drawn", "always", "never"):
        ledger = POLICIES[policy]()
        events: list[dict[str, Any]] = []
        for side, quantity, money, kept, settles_on in trades:
            fields = {
                "commission": format_amount(kept, 2) if kept else None,
                "contractual_settlement_date": settles_on,
            }
            events.append(due(ledger, side, str(quantity), format_amount(money, 2), **fields))
        for step in steps:
            if isinstance(step, tuple):
                event = events[step[0] % len(events)]
                ledger.send(ending("post_pending", event, amount=str(step[1]), final=False))
            elif step != "tick":
                ledger.send(*day(step))
            if ticks == "always" or (ticks == "as drawn" and step == "tick"):
                for shard in range(PARTITIONS):
                    ledger.tick(shard)
        for event, is_cancelled in zip(events, cancelled, strict=False):
            ledger.send(ending("void_pending" if is_cancelled else "post_pending", event))
        for code in OWED:
            assert counters(ledger, code) == (0, 0, 0)
        left.append([counters(ledger, code) for code in ("alice", NOSTRO, INCOME)])
    assert left[0] == left[1] == left[2]


DAYS = {"settlement_date": ("2026-01-02", "2026-01-03"), "trade_date": ("2026-01-05", "2026-01-06")}
"""The open day and the next one, by the policy that the bank's data have then."""


@pytest.mark.parametrize("policy", DAYS)
async def test_a_fail_outlives_the_memory_and_is_derived_anew(
    ledger: StoredLedger, ledger_database: LedgerDatabase, policy: str
) -> None:
    """Moved by the duty before, settled after."""
    today, tomorrow = DAYS[policy]
    await ledger.send(opening(ALICE), custody(ALICE), deposit(ALICE, "100.00"))
    await ledger.send(custody_transfer(ALICE, "receive", "9"))
    await ledger.send(*day(today))
    fields = {"contractual_settlement_date": today}
    told = await ledger.send(
        trade(ALICE, "buy", "3", "10.00", commission="0.02", **fields),
        trade(ALICE, "sell", "1", "5.00", **fields),
        trade(ALICE, "sell", "2", "7.00", **fields),
    )
    events = [each for each in told if each["type"] == "TransactionPending"]
    await ledger.send(*day(tomorrow))
    await ledger.send(ending("void_pending", events[2]))
    assert [each["cause"] for each in await ledger.tick()] == ["failed", "failed"]
    assert await ledger.tick() == []
    kept = {shard: (each.pendings, each.settling) for shard, each in ledger.service.memory.shards.items()}
    await ledger.forget()
    read = {shard: (each.pendings, each.settling) for shard, each in ledger.service.memory.shards.items()}
    assert kept == read
    told = await ledger.send(
        ending("post_pending", events[0], amount="1", final=False), ending("void_pending", events[1])
    )
    assert [each.get("cause") for each in told] == [None, "settled", None, "cancelled"]
    for quick in (True, False):
        assert (await verify(ledger_database.readonly, quick=quick)).ok


@pytest.mark.parametrize("policy", DAYS)
async def test_the_verifier_says_what_should_have_failed(
    ledger: StoredLedger, ledger_database: LedgerDatabase, policy: str
) -> None:
    """Ten minutes of its writer's work after its day, not before."""
    today, tomorrow = DAYS[policy]
    await ledger.send(opening(ALICE), custody(ALICE), deposit(ALICE, "100.00"))
    await ledger.send(*day(today))
    await ledger.send(trade(ALICE, "buy", "3", "10.00", contractual_settlement_date=today))
    await ledger.send(*day(tomorrow))
    assert (await verify(ledger_database.readonly)).ok
    ledger.now += timedelta(minutes=11)
    await ledger.send(deposit(ALICE, "1.00"))
    found = (await verify(ledger_database.readonly)).first_difference
    assert found is not None
    assert (found.check, found.seq) == ("obligations", 5)
    await ledger.tick()
    assert (await verify(ledger_database.readonly)).ok
