"""Money counts from its value date on, and no request leaves an account short on a day from its own on."""

# ruff: noqa: E501 - tables are as wide as what they show

from typing import Any

import asyncpg
import pytest

from services.transactions.queries import Moment, account_show
from services.transactions.queries.verifying import verify
from shared.messages.envelope import HOUSE
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PARTITIONS,
    PureLedger,
    StoredLedger,
    deposit,
    exchange,
    instruction,
    opening,
    outcome,
    owner_in,
    received,
    reversal,
    table,
    transfer,
    withdrawal,
)

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")
TODAY = "2026-01-01"


def day(booking_date: str) -> list[Any]:
    """Open a business day of the bank in every shard."""
    message = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date=booking_date)
    return [received(message, partition=shard) for shard in range(PARTITIONS)]


def reserve(owner: str, amount: str, **fields: Any) -> dict[str, Any]:
    """Set an amount of the owner's aside."""
    return instruction("reserve", owner=owner, account=owner, amount=amount, asset="EUR", **fields)


def fee(owner: str, amount: str, **fields: Any) -> dict[str, Any]:
    """Charge the owner a fee."""
    return instruction("fee", owner=owner, account=owner, amount=amount, asset="EUR", **fields)


def a_bank(*, quick: bool = True) -> PureLedger:
    """Alice with 10.00, and 100.00 that have their value on the fifth; Bob in another shard with 100.00."""
    ledger = PureLedger(quick=quick)
    ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "10.00"), deposit(BOB, "100.00"))
    ledger.send(deposit(ALICE, "100.00", value_date="2026-01-05"))
    ledger.events.clear()
    return ledger


AVAILABLE = table("""
    open        value       amount  outcome
    2026-01-01  -           10.00   posted
    2026-01-01  -           10.01   short_on_value_date
    2026-01-01  2026-01-04  10.01   short_on_value_date
    2026-01-01  2026-01-05  110.00  posted
    2026-01-01  2026-01-05  110.01  insufficient_funds
    2026-01-01  -           110.01  insufficient_funds   # on no day at all
    2026-01-04  -           10.01   short_on_value_date
    2026-01-05  -           110.00  posted
    2026-01-05  -           110.01  insufficient_funds
    2026-01-02  2026-01-01  1.00    value_date_out_of_window
""")


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("row", AVAILABLE, ids=lambda row: f"{row['open']} {row['value']} {row['amount']}")
def test_money_is_available_from_its_value_date_on(row: dict[str, str], quick: bool) -> None:
    """Not on the days before, though it is posted; judged quickly or rung by rung."""
    ledger = a_bank(quick=quick)
    if row["open"] != TODAY:
        ledger.send(*day(row["open"]))
    (event,) = ledger.send(transfer(ALICE, BOB, row["amount"], value_date=row["value"] or None))
    assert outcome(event) == row["outcome"]
    if row["outcome"] == "short_on_value_date":
        assert event["field"] == "debit_account"


def test_what_leaves_later_is_not_there_twice() -> None:
    """A debit with its value ahead is borne on its day, and by what is there until then."""
    ledger = a_bank()
    later = transfer(ALICE, BOB, "105.00", value_date="2026-01-05")
    events = ledger.send(later, transfer(ALICE, BOB, "5.01"), transfer(ALICE, BOB, "5.00"))
    assert [outcome(each) for each in events] == ["posted", "insufficient_funds", "posted"]
    (event,) = ledger.send(transfer(BOB, ALICE, "1.00"), *day("2026-01-05"))[:1]
    assert outcome(event) == "posted"
    (event,) = ledger.send(transfer(ALICE, BOB, "1.00"))
    assert outcome(event) == "posted"


def test_what_other_shards_credit_counts_from_its_value_date_on() -> None:
    """And the decision keeps what it saw of that."""
    ledger = a_bank()
    ledger.send(transfer(BOB, ALICE, "20.00", value_date="2026-01-03"), transfer(BOB, ALICE, "2.00"))
    events = ledger.send(transfer(ALICE, BOB, "12.01"), transfer(ALICE, BOB, "12.00"))
    assert [outcome(each) for each in events] == ["short_on_value_date", "posted"]
    account_id = ledger.accounts[ALICE].account_id
    seen = [each.seen for each in ledger.decisions[1][-2:]]
    assert (
        seen == [{"credits": {str(account_id): 2200}, "ahead": {str(account_id): {"2026-01-03": 2000}}}] * 2
    )
    (event,) = ledger.send(transfer(ALICE, BOB, "20.00", value_date="2026-01-03"))
    assert outcome(event) == "posted"


def test_what_is_set_aside_must_be_there_today() -> None:
    """It may be posted on any day from today on, whatever value it was to have."""
    ledger = a_bank()
    later = {"value_date": "2026-01-05"}
    events = ledger.send(reserve(ALICE, "10.01", **later), reserve(ALICE, "10.00", **later))
    assert [outcome(each) for each in events] == ["short_on_value_date", "pending"]
    posting = {"owner": ALICE, "pending_id": events[1]["instruction_id"]}
    early = instruction("post_pending", **posting, value_date="2025-12-31")
    events = ledger.send(early, instruction("post_pending", **posting))
    assert [outcome(each) for each in events] == ["value_date_out_of_window", "posted"]


def test_a_fact_is_booked_though_the_money_is_still_to_come() -> None:
    """It says that it has passed what was available then; its own value may lie anywhere."""
    ledger = a_bank()
    events = ledger.send(
        fee(ALICE, "10.00", value_date="2025-06-01"),
        fee(ALICE, "1.00"),
        fee(ALICE, "9.00", value_date="2026-01-05"),
    )
    assert [each.get("limit_passed", False) for each in events] == [False, True, False]


WINDOWS = table("""
    what       outcome
    transfer   value_date_out_of_window
    withdrawal value_date_out_of_window
    exchange   posted
    reserve    value_date_out_of_window
    reversal   value_date_out_of_window
    forced     posted
    deposit    posted
    posting    posted
""")


@pytest.mark.parametrize("row", WINDOWS, ids=lambda row: row["what"])
def test_a_payment_has_its_value_today_or_later(row: dict[str, str]) -> None:
    """An exchange may reach back, as `test_past_values.py` says; so may facts, and what is the firm's own."""
    ledger = a_bank()
    ledger.send(opening(ALICE, f"{ALICE}/USD", asset="USD"))
    ledger.send(*day("2026-01-02"))
    paid = deposit(ALICE, "1.00")
    ledger.send(paid)
    right: dict[str, Any] = {"forced": True, "reason": "x", "entered_by": "op:jane", "approved_by": "op:joe"}
    ends = {"debit_account": "BANK/nostro/EUR", "credit_account": "BANK/vault/EUR"}
    back = {"value_date": TODAY}
    message = {
        "transfer": transfer(ALICE, BOB, "1.00", **back),
        "withdrawal": withdrawal(ALICE, "1.00", **back),
        "exchange": exchange(ALICE, "1.00", "1.10", "1.1", **back),
        "reserve": reserve(ALICE, "1.00", **back),
        "reversal": reversal(paid, **back),
        "forced": reversal(paid, **back, **right),
        "deposit": deposit(ALICE, "1.00", **back),
        "posting": instruction("house_posting", owner=HOUSE, **ends, amount="1.00", asset="EUR", **back),
    }[row["what"]]
    (event,) = ledger.send(message)
    assert outcome(event) == row["outcome"]
    assert event.get("value_date", TODAY) == TODAY


def test_an_account_is_judged_quickly_again_when_nothing_lies_ahead() -> None:
    """What has come to its day is forgotten, for that entity alone."""
    ledger = a_bank()
    account_id = ledger.accounts[ALICE].account_id
    state = ledger.states[1]
    assert account_id in state.stopped
    ledger.send(*day("2026-01-05"))
    assert (state.ahead, account_id in state.stopped) == ({}, False)


async def available_is_shown(ledger: StoredLedger, ledger_database: LedgerDatabase) -> None:
    """What is there today, now and as of an instant, is less by what is to come."""
    await ledger.send(deposit(ALICE, "8.00", value_date="2026-01-04"), deposit(ALICE, "2.00"))
    connection = await asyncpg.connect(ledger_database.readonly)
    for moment in (Moment(), Moment(at=ledger.now)):
        shown = await account_show(connection, ALICE, moment)
        assert shown is not None
        assert (shown["balance"], shown["available"]) == ("9.50", "1.50")
    await connection.close()


async def test_what_a_shard_posts_on_its_next_day_counts_when_home_has_come_to_it(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """Shards open a business day one after the other: what is booked on tomorrow's is not there today."""
    ahead, home = ([each for each in day("2026-01-02") if each.partition == shard] for shard in (2, 1))
    await ledger.send(opening(ALICE), opening(BOB), deposit(BOB, "100.00"))
    await ledger.send(transfer(BOB, ALICE, "5.00"))
    await ledger.send(*ahead, transfer(BOB, ALICE, "20.00"))
    events = await ledger.send(
        transfer(ALICE, BOB, "5.01"),
        transfer(ALICE, BOB, "20.00", value_date="2026-01-02"),
        transfer(ALICE, BOB, "5.01", value_date="2026-01-02"),
        transfer(ALICE, BOB, "5.00"),
    )
    assert [outcome(each) for each in events] == [
        "short_on_value_date", "posted", "insufficient_funds", "posted",
    ]  # fmt: skip
    assert [outcome(each) for each in await ledger.send(*home, transfer(ALICE, BOB, "0.01"))][1:] == [
        "insufficient_funds"
    ]
    result = await verify(ledger_database.readonly)
    assert result.first_difference is None


async def test_what_lies_ahead_is_remembered(ledger: StoredLedger, ledger_database: LedgerDatabase) -> None:
    """After a claim, from elsewhere and from here, and the verifier derives it anew."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "10.00"), deposit(BOB, "100.00"))
    await ledger.send(
        deposit(ALICE, "70.00", value_date="2026-01-05"), deposit(ALICE, "30.00", value_date="2026-01-05")
    )
    await ledger.send(transfer(BOB, ALICE, "20.00", value_date="2026-01-06"), transfer(BOB, ALICE, "1.00"))
    await ledger.forget()
    events = await ledger.send(
        transfer(ALICE, BOB, "11.01"),
        transfer(ALICE, BOB, "11.00"),
        transfer(ALICE, BOB, "100.00", value_date="2026-01-05"),
        transfer(ALICE, BOB, "20.01", value_date="2026-01-06"),
        transfer(ALICE, BOB, "20.00", value_date="2026-01-06"),
        fee(ALICE, "0.50"),
        withdrawal(BOB, "1.00", value_date="2026-01-09"),
    )
    assert [outcome(each) for each in events] == [
        "short_on_value_date", "posted", "posted", "insufficient_funds", "posted", "posted", "posted",
    ]  # fmt: skip
    rows = await ledger.connection.fetch(
        "SELECT code, value_date::text, day_balance.shard, debits, credits FROM day_balance"
        " JOIN account USING (account_id) WHERE code = $1 ORDER BY 2, 3",
        ALICE,
    )
    assert [tuple(row)[1:] for row in rows] == [
        ("2026-01-05", 1, 10_000, 10_000), ("2026-01-06", 1, 2_000, 0), ("2026-01-06", 2, 0, 2_000),
    ]  # fmt: skip
    result = await verify(ledger_database.readonly)
    assert result.first_difference is None
    await available_is_shown(ledger, ledger_database)
    owner = await asyncpg.connect(ledger_database.owner, server_settings={"search_path": "transactions"})
    for statement in (
        "UPDATE journal SET seen = (seen::jsonb - 'ahead')::json WHERE seen::text LIKE '%2026%' AND kind = 'TransactionPosted'",
        "UPDATE day_balance SET credits = credits + 1",
        "DELETE FROM day_balance",
    ):
        await owner.execute(statement)
        tampered = await verify(ledger_database.readonly)
        assert "value_dates" in {each.name for each in tampered.checks if not each.ok}
    await owner.close()
