"""What the firm owes and is owed for trades: booked by trade date, cleared as they come to an end."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transactions.domain.chart import Dated
from services.transactions.queries.verifying import verify
from shared.money import AMOUNT_MINOR_MAX, format_amount
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PureLedger,
    StoredLedger,
    custody,
    deposit,
    opening,
    outcome,
    table,
    trade,
)
from tests.transactions.test_expiry import ALICE, day
from tests.transactions.test_trades import HELD, a_broker, counters, ending

FOREVER = date(1900, 1, 1)
RECEIVABLE, PAYABLE = "BANK/trade_receivable/EUR", "BANK/trade_payable/EUR"
NOSTRO, INCOME = "BANK/nostro/EUR", "BANK/fee_income/EUR"


def by_trade_date() -> PureLedger:
    """A broker whose policy is to book trades on their day."""
    ledger = a_broker()
    ledger.chart.trade_policies[1] = [Dated("trade_date", FOREVER, None)]
    return ledger


def test_what_is_owed_for_a_trade_is_booked_with_it() -> None:
    """Both ways, and the commission as earned, in an event of its own behind that of the trade."""
    ledger = by_trade_date()
    (event, booked) = ledger.send(trade("alice", "buy", "4", "60.00", commission="1.50"))
    assert (booked["type"], booked["cause"], booked["first"]["seq"]) == (
        "ObligationBooked",
        "traded",
        event["seq"],
    )
    assert "source" not in booked
    assert [each["kind"] for each in booked["movements"]] == ["obligation", "commission"]
    assert [each["kind"] for each in event["movements"]] == ["principal"] * 3


BOOKED = table("""
    side  commission  receivable  payable  income  paid
    buy   1.50        -6000       5850     150     5850
    buy   -           -6000       6000     0       6000
    sell  1.50        -6150       6000     150     -6150
    sell  -           -6000       6000     0       -6000
""")


@pytest.mark.parametrize("row", BOOKED, ids=lambda row: f"{row['side']} {row['commission']}")
def test_settling_clears_what_was_booked(row: dict[str, str]) -> None:
    """What is owed both ways ends at nothing, and the firm keeps its commission."""
    ledger = by_trade_date()
    before = ledger.balance(NOSTRO)
    event = ledger.send(trade("alice", row["side"], "4", "60.00", commission=row["commission"] or None))[0]
    assert counters(ledger, HELD)[0] == 10
    assert [ledger.balance(each) for each in (RECEIVABLE, PAYABLE, INCOME)] == [
        int(row[each]) for each in ("receivable", "payable", "income")
    ]
    assert ledger.balance(NOSTRO) == before
    (posted,) = ledger.send(ending("post_pending", event))
    assert outcome(posted) == "posted"
    for code in (RECEIVABLE, PAYABLE):
        assert counters(ledger, code) == (0, 0, 0)
    assert ledger.balance(INCOME) == int(row["income"])
    assert ledger.balance(NOSTRO) - before == int(row["paid"])


def test_a_trade_that_is_cancelled_leaves_the_books() -> None:
    """With its commission: the firm has earned nothing by it."""
    ledger = by_trade_date()
    event = ledger.send(trade("alice", "sell", "4", "60.00", commission="1.50"))[0]
    voided, undone = ledger.send(ending("void_pending", event))
    assert (outcome(voided), undone["cause"]) == ("void_requested", "cancelled")
    for code in (RECEIVABLE, PAYABLE, INCOME):
        assert counters(ledger, code) == (0, 0, 0)


def test_the_policy_of_the_day_decides() -> None:
    """What was booked under one policy is settled under it, whatever holds by then."""
    ledger = a_broker()
    ledger.chart.trade_policies[1] = [
        Dated("settlement_date", FOREVER, date(2026, 1, 2)),
        Dated("trade_date", date(2026, 1, 2), None),
    ]
    (before,) = ledger.send(trade("alice", "buy", "1", "9.00"))
    ledger.send(*day("2026-01-02"))
    after, booked = ledger.send(trade("alice", "buy", "1", "9.00"))
    assert booked["type"] == "ObligationBooked"
    assert len(ledger.send(ending("void_pending", before))) == 1
    assert len(ledger.send(ending("void_pending", after))) == 2
    assert counters(ledger, RECEIVABLE) == counters(ledger, PAYABLE) == (0, 0, 0)


def test_an_entity_that_keeps_no_such_accounts_cannot_book_a_trade() -> None:
    """Its chart must have been extended before its policy was changed."""
    ledger = by_trade_date()
    del ledger.chart.rules[1, "trade", "payable"]
    (refused,) = ledger.send(trade("alice", "buy", "4", "60.00"))
    assert outcome(refused) == "asset_not_used"
    assert counters(ledger, "alice") == (100_00, 0, 0)


def test_what_is_booked_beside_a_trade_must_fit_its_counters_too() -> None:
    """Nothing of it is left where it does not."""
    ledger = by_trade_date()
    ledger.send(opening("alice", "alice/euro"))
    most = format_amount(AMOUNT_MINOR_MAX, 2)
    event, _ = ledger.send(trade("alice", "buy", "1", most))
    refused = ledger.send(trade("alice", "sell", "1", "0.01"))
    assert outcome(refused[0]) == "balance_overflow"
    refused = ledger.send(ending("void_pending", event))
    assert [outcome(each) for each in refused] == ["balance_overflow"]
    assert counters(ledger, HELD) == (10, 0, 1)


TRADE = st.tuples(
    st.sampled_from(["buy", "sell"]),
    st.integers(1, 30),
    st.integers(3_01, 90_00),
    st.integers(0, 3_00),
)


@given(
    st.lists(TRADE, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 30)), max_size=20),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_nothing_is_owed_once_all_trades_have_come_to_an_end(
    trades: list[tuple[str, int, int, int]], parts: list[tuple[int, int]], cancelled: list[bool]
) -> None:
    """However they are cut, and whether the last of each is settled or cancelled."""
    ledger = by_trade_date()
    events: list[dict[str, Any]] = []
    for side, quantity, money, kept in trades:
        fees = format_amount(kept, 2) if kept else None
        events += ledger.send(trade("alice", side, str(quantity), format_amount(money, 2), commission=fees))[
            :1
        ]
    for which, amount in parts:
        event = events[which % len(events)]
        ledger.send(ending("post_pending", event, amount=str(amount), final=False))
    for event, is_cancelled in zip(events, cancelled, strict=False):
        ledger.send(ending("void_pending" if is_cancelled else "post_pending", event))
    for code in (RECEIVABLE, PAYABLE):
        assert counters(ledger, code) == (0, 0, 0)
    assert counters(ledger, "alice")[1:] == counters(ledger, NOSTRO)[1:] == (0, 0)
    assert ledger.balance("alice") + ledger.balance(INCOME) + ledger.balance(NOSTRO) == 0


async def test_what_is_booked_outlives_the_memory_and_is_derived_anew(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """A part is settled before, the rest cancelled after; the data say from which day on it is so."""
    await ledger.send(opening(ALICE), custody(ALICE), deposit(ALICE, "100.00"))
    await ledger.run(sorted(day("2026-01-05"), key=lambda each: each.shard))
    event, booked, *_ = await ledger.send(
        trade(ALICE, "buy", "3", "10.00", commission="0.02"), trade(ALICE, "buy", "1", "5.00")
    )
    assert booked["cause"] == "traded"
    await ledger.send(ending("post_pending", event, amount="1", final=False))
    kept = {shard: each.pendings for shard, each in ledger.service.memory.shards.items()}
    await ledger.forget()
    assert kept == {shard: each.pendings for shard, each in ledger.service.memory.shards.items()}
    _, undone = await ledger.send(ending("void_pending", event))
    assert [each["amount"] for each in undone["movements"]] == ["6.65", "0.02"]
    for quick in (True, False):
        assert (await verify(ledger_database.readonly, quick=quick)).ok
    left = await ledger.connection.fetch(
        """
        SELECT class, sum(credits_posted - debits_posted)::int AS posted
        FROM balance
        JOIN account USING (account_id)
        WHERE class LIKE 'trade%' GROUP BY class ORDER BY class
        """
    )
    assert [tuple(each) for each in left] == [("trade_payable", 5_00), ("trade_receivable", -5_00)]
