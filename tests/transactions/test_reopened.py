"""What was settled of a trade and is undone is owed again: pending, in the books, and among the fails."""

from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transactions.queries.verifying import verify
from shared.money import AMOUNT_MINOR_MAX, format_amount
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PARTITIONS,
    PureLedger,
    StoredLedger,
    custody,
    custody_transfer,
    deposit,
    limiting,
    opening,
    outcome,
    received,
    reversal,
    trade,
    withdrawal,
)
from tests.transactions.test_expiry import ALICE, day
from tests.transactions.test_fails import DAYS, POLICIES, due, owed, turns
from tests.transactions.test_obligations import INCOME, NOSTRO, by_trade_date
from tests.transactions.test_trades import HELD, counters, ending

OF_TRADES = ("alice", HELD, NOSTRO, INCOME)


def standing(ledger: PureLedger) -> list[Any]:
    """Balance, pending out and in of whatever a trade touches, and what is owed for it."""
    return [*(counters(ledger, code) for code in OF_TRADES), owed(ledger)]


def settling(event: dict[str, Any], amount: str | None = None) -> dict[str, Any]:
    """Settle so much of a trade; all that is left, if nothing is said."""
    return ending("post_pending", event, amount=amount, final=amount is None)


@pytest.mark.parametrize("last", ["1", None])
@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_undone_of_a_trade_is_as_it_was_before(policy: str, side: str, last: str | None) -> None:
    """Whether another part is left or the trade had ended; and it is settled again as if nothing had been."""
    ledger = POLICIES[policy]()
    event = due(ledger, side)
    ledger.send(settling(event, "2"))
    before = standing(ledger)
    part = settling(event, last)
    (posted,) = ledger.send(part)
    after = standing(ledger)
    undone, reopened = ledger.send(reversal(part))
    assert (outcome(undone), outcome(reopened)) == ("posted", "reopened")
    assert (reopened["first"]["seq"], reopened["settled"]) == (event["seq"], "2")
    assert posted["settled"] == ("3" if last else "4")
    assert reopened["movements"] == posted["movements"]
    assert standing(ledger) == before
    ledger.send(settling(event, last))
    assert standing(ledger) == after


UNDOING = (
    ("settle 1, settle 2", "2", "posted"),
    # The money of a part depends on those before it.
    ("settle 1, settle 2", "1", "later_part_settled"),
    ("settle 1, settle 2, undo 2", "1", "posted"),
    ("settle 1, settle 2, undo 2", "2", "already_reversed"),
    # Nothing is left that could be settled.
    ("settle 1, cancel", "1", "trade_cancelled"),
    ("settle 1, undo 1, cancel", "1", "already_reversed"),
    ("settle all", "all", "posted"),
)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(("done", "undone", "expected"), UNDOING)
def test_the_last_part_is_undone_first(done: str, undone: str, expected: str, together: bool) -> None:
    """The same in one batch as record by record."""
    ledger = by_trade_date()
    event = due(ledger, "buy")
    parts = {each: settling(event, None if each == "all" else each) for each in ("1", "2", "all")}
    messages: list[dict[str, Any]] = []
    for step in (*done.split(", "), f"undo {undone}"):
        verb, _, which = step.partition(" ")
        match verb:
            case "settle":
                messages.append(parts[which])
            case "undo":
                messages.append(reversal(parts[which]))
            case _:
                messages.append(ending("void_pending", event))
    told = ledger.run([received(each) for each in messages]) if together else ledger.send(*messages)
    assert outcome([each for each in told if "source" in each][-1]) == expected


@pytest.mark.parametrize("ticks", [True, False])
@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_undone_after_its_day_has_failed(policy: str, side: str, ticks: bool) -> None:
    """Settled in time or late: what is open again is among the fails, and leaves them once settled."""
    ledger = POLICIES[policy]()
    event = due(ledger, side)
    in_time, late = settling(event, "1"), settling(event, "2")
    ledger.send(in_time)
    turns(ledger, "2026-01-02", ticks=ticks)
    failed = owed(ledger) if ticks else None
    ledger.send(late)
    told = ledger.send(reversal(late))
    assert [each.get("cause") for each in told] == [None, None, "failed"]
    assert failed is None or owed(ledger) == failed
    told = ledger.send(reversal(in_time))
    assert [each.get("cause") for each in told] == [None, None, "failed"]
    assert [ledger.tick(shard) for shard in range(PARTITIONS)] == [[]] * PARTITIONS
    whole = POLICIES[policy]()
    due(whole, side)
    turns(whole, "2026-01-02")
    assert standing(ledger) == standing(whole)
    ledger.send(settling(event))
    assert owed(ledger) == [0, 0, 0, 0]


@pytest.mark.parametrize("policy", POLICIES)
def test_what_was_settled_in_time_and_is_undone_later_fails_by_itself(policy: str) -> None:
    """Nothing of it had failed before, so the duty finds it."""
    ledger = POLICIES[policy]()
    event = due(ledger, "buy")
    part = settling(event)
    ledger.send(part)
    assert turns(ledger, "2026-01-02") == []
    ledger.send(reversal(part))
    (failed,) = [event for shard in range(PARTITIONS) for event in ledger.tick(shard)]
    assert (failed["cause"], failed["movements"][0]["amount"]) == ("failed", "58.50")


def test_what_is_gone_is_not_undone_unless_by_right() -> None:
    """Money from a sale that was spent; by right it is, and what is pending again needs no funds."""
    ledger = by_trade_date()
    event = due(ledger, "sell")
    part = settling(event)
    ledger.send(part, withdrawal("alice", "160.00"))
    assert outcome(ledger.send(reversal(part))[0]) == "insufficient_funds"
    by_right: dict[str, Any] = {
        "forced": True,
        "reason": "wrong",
        "entered_by": "op:jane",
        "approved_by": "op:joe",
    }
    undone, reopened = ledger.send(reversal(part, **by_right))
    assert (undone["limit_passed"], outcome(reopened)) == (True, "reopened")
    assert counters(ledger, "alice") == (-60_00, 0, 60_00)


def test_what_is_pending_again_must_fit_its_counters() -> None:
    """And nothing of the reversal is left where it does not."""
    ledger = by_trade_date()
    event = due(ledger, "buy", contractual_settlement_date=None)
    part = settling(event)
    ledger.send(part, limiting("alice", None))
    ledger.send(deposit("alice", format_amount(AMOUNT_MINOR_MAX - 220_00, 2)))
    ledger.send(withdrawal("alice", format_amount(AMOUNT_MINOR_MAX - 90_00, 2)))
    before = standing(ledger)
    assert outcome(ledger.send(reversal(part))[0]) == "balance_overflow"
    assert standing(ledger) == before


STEP = st.one_of(
    st.tuples(st.just("settle"), st.integers(0, 2), st.integers(1, 30)),
    st.tuples(st.just("undo"), st.integers(0, 2), st.integers(0, 4)),
    st.sampled_from([("day", 2, 0), ("day", 3, 0), ("tick", 0, 0)]),
)
TRADE = st.tuples(
    st.sampled_from(["buy", "sell"]), st.integers(1, 30), st.integers(3_01, 90_00), st.integers(0, 3_00)
)


@given(
    st.lists(TRADE, min_size=1, max_size=3),
    st.lists(STEP, max_size=25),
    st.sampled_from(sorted(POLICIES)),
)
@settings(deadline=None)
def test_whatever_is_undone_on_the_way_a_trade_comes_to_the_same(
    trades: list[tuple[str, int, int, int]], steps: list[tuple[str, int, int]], policy: str
) -> None:
    """Settled part by part, undone and settled again, in time and late: in the end it is as if at one go."""
    straight, winding = POLICIES[policy](), POLICIES[policy]()
    for ledger in (straight, winding):
        events: list[dict[str, Any]] = []
        for side, quantity, money, kept in trades:
            fee = format_amount(kept, 2) if kept else None
            events.append(due(ledger, side, str(quantity), format_amount(money, 2), commission=fee))
        parts: list[list[dict[str, Any]]] = [[] for _ in events]
        for verb, which, number in steps if ledger is winding else ():
            at = which % len(events)
            if verb == "settle":
                part = settling(events[at], str(number))
                if ledger.send(part)[0]["type"] == "TransactionPosted":
                    parts[at].append(part)
            elif verb == "undo" and parts[at]:
                by_right: dict[str, Any] = {
                    "forced": True,
                    "reason": "-",
                    "entered_by": "op:a",
                    "approved_by": "op:b",
                }
                wanted = parts[at][max(0, len(parts[at]) - 1 - number)]
                told = ledger.send(reversal(wanted, **by_right))
                if wanted is parts[at][-1]:
                    assert outcome(told[0]) == "posted"
                    parts[at].pop()
                else:
                    assert outcome(told[0]) == "later_part_settled"
            elif verb == "day":
                ledger.send(*day(f"2026-01-0{which}"))
            elif verb == "tick":
                for shard in range(PARTITIONS):
                    ledger.tick(shard)
        for event in events:
            ledger.send(settling(event))
    assert standing(straight) == standing(winding)
    assert owed(winding) == [0, 0, 0, 0]


@pytest.mark.parametrize("policy", DAYS)
async def test_what_is_open_again_outlives_the_memory_and_is_derived_anew(
    ledger: StoredLedger, ledger_database: LedgerDatabase, policy: str
) -> None:
    """A trade that had ended and is read from the tables to be opened again, late and in time."""
    today, tomorrow = DAYS[policy]
    await ledger.send(opening(ALICE), custody(ALICE), deposit(ALICE, "100.00"))
    await ledger.send(custody_transfer(ALICE, "receive", "9"))
    await ledger.send(*day(today))
    told = await ledger.send(
        trade(ALICE, "buy", "3", "10.00", commission="0.02", contractual_settlement_date=today),
        trade(ALICE, "sell", "2", "7.00"),
    )
    bought, sold = (each for each in told if each["type"] == "TransactionPending")
    one, rest, at_once = settling(bought, "1"), settling(bought), settling(sold)
    await ledger.send(one, at_once)
    await ledger.send(*day(tomorrow))
    await ledger.tick()
    await ledger.send(rest)
    await ledger.forget()
    told = await ledger.send(reversal(at_once), reversal(rest), reversal(one))
    assert [outcome(each) for each in told] == [
        *("posted", "reopened"),
        *("posted", "reopened", "booked"),
        *("posted", "reopened", "booked"),
    ]
    kept = {shard: (each.pendings, each.arriving) for shard, each in ledger.service.memory.shards.items()}
    await ledger.forget()
    read = {shard: (each.pendings, each.arriving) for shard, each in ledger.service.memory.shards.items()}
    assert kept == read
    assert await ledger.tick() == []
    for quick in (True, False):
        assert (await verify(ledger_database.readonly, quick=quick)).ok
    told = await ledger.send(settling(sold), ending("void_pending", bought), reversal(one))
    assert outcome(told[-1]) == "already_reversed"
    for quick in (True, False):
        assert (await verify(ledger_database.readonly, quick=quick)).ok


TAMPERED = (
    (
        "UPDATE journal_row SET detail = '{\"settled\":\"1\"}' WHERE kind = 'PendingReopened'",
        "obligations",
    ),
    ("UPDATE journal_row SET about_seq = about_seq - 1 WHERE kind = 'PendingReopened'", "obligations"),
    ("UPDATE journal_row SET topic = 'transactions.acts.v1' WHERE kind = 'PendingReopened'", "obligations"),
    (
        "UPDATE movement_of_several SET amount = 7 WHERE leg = 1 AND seq > 6",
        "obligations",
    ),
    ("UPDATE pending SET resolved_seq = seq + 1", "pendings"),
    ("UPDATE pending SET settled_minor = 2", "pendings"),
)


@pytest.mark.parametrize(("tampering", "check"), TAMPERED)
async def test_the_verifier_finds_what_is_not_so(
    ledger: StoredLedger, ledger_database: LedgerDatabase, tampering: str, check: str
) -> None:
    """Of what is open again: how much, of which trade, by whom, and what its row says."""
    await ledger.send(opening(ALICE), custody(ALICE), deposit(ALICE, "100.00"))
    (bought,) = await ledger.send(trade(ALICE, "buy", "3", "10.00"))
    part = settling(bought)
    await ledger.send(part, reversal(part))
    assert (await verify(ledger_database.readonly)).ok
    owner = await asyncpg.connect(ledger_database.owner, server_settings={"search_path": "transactions"})
    try:
        assert not (await owner.execute(tampering)).endswith(" 0")
    finally:
        await owner.close()
    found = await verify(ledger_database.readonly)
    assert check in {each.name for each in found.checks if not each.ok}
