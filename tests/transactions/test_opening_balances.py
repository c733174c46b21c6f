"""Balances are carried over from other books, on their own days, against an account that ends at zero."""

# ruff: noqa: E501 - tables are as wide as what they show

from typing import Any

import asyncpg
import pytest

from services.transactions.queries.opening_balances import migration_show
from services.transactions.queries.verifying import verify
from shared.messages.envelope import HOUSE
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    ISIN,
    PARTITIONS,
    PureLedger,
    StoredLedger,
    custody,
    deposit,
    instruction,
    opening,
    outcome,
    owner_in,
    received,
    table,
)

ALICE = owner_in(1, "alice")


def everywhere(kind: str, **fields: Any) -> list[Any]:
    """A record of the bank's books, sent to every partition."""
    message = instruction(kind, owner=HOUSE, entity="BANK", **fields)
    return [received(message, partition=shard) for shard in range(PARTITIONS)]


def carried(amount: str, booking_date: str, **fields: Any) -> dict[str, Any]:
    """A balance of Alice's elsewhere."""
    given = {"owner": ALICE, "account": ALICE, "asset": "EUR", **fields}
    return instruction("opening_balance", amount=amount, booking_date=booking_date, **given)


def a_bank() -> PureLedger:
    """A bank on the fifth of February, with its January closed and three days of February soft-closed."""
    ledger = PureLedger()
    ledger.send(opening(ALICE), custody(ALICE), *everywhere("open_business_day", booking_date="2026-02-05"))
    january = {"first_day": "2026-01-01", "last_day": "2026-01-31"}
    days = {"first_day": "2026-02-01", "last_day": "2026-02-03", "state": "soft_closed"}
    ledger.send(*everywhere("close_period", **january), *everywhere("close_period", **days))
    ledger.events.clear()
    return ledger


DAYS = table("""
    named       booked      routed
    2026-02-05  2026-02-05  -
    2026-02-04  2026-02-04  -
    2026-02-03  2026-02-05  period_closed          # soft-closed takes adjustments alone
    2026-01-31  2026-02-05  period_closed
    2025-12-31  2026-02-05  period_closed
    2026-02-06  2026-02-05  booking_date_not_open
""")


@pytest.mark.parametrize("row", DAYS, ids=lambda row: row["named"])
def test_a_balance_is_booked_on_the_day_that_it_names(row: dict[str, str]) -> None:
    """Or on the open one, if that takes nothing any more; it has its value then all the same."""
    ledger = a_bank()
    (event,) = ledger.send(carried("10.00", row["named"]))
    assert (event["type"], event["booking_date"]) == ("TransactionPosted", row["booked"])
    assert (event["value_date"], event.get("routed", "")) == (row["named"], row["routed"])
    assert event["movements"][0]["kind"] == "opening"


def test_before_any_period_is_closed_a_balance_may_be_older_than_the_books() -> None:
    """The first period may begin with it."""
    ledger = PureLedger()
    ledger.send(opening(ALICE))
    (event,) = ledger.send(carried("10.00", "2019-12-31", value_date="2019-06-30"))
    assert (event["booking_date"], event["value_date"]) == ("2019-12-31", "2019-06-30")
    ledger.send(*everywhere("open_business_day", booking_date="2026-02-05"))
    events = ledger.send(*everywhere("close_period", first_day="2019-12-31", last_day="2026-01-31"))
    assert {outcome(each) for each in events} == {"applied"}


def test_an_accounts_balances_come_in_the_order_of_their_days() -> None:
    """Of each account by itself; and what went to suspense is nobody's."""
    ledger = PureLedger()
    ledger.send(opening(ALICE), opening(ALICE, "second"))
    events = ledger.send(
        carried("1.00", "2025-06-30"),
        carried("1.00", "2025-06-29"),
        carried("1.00", "2025-06-30"),
        carried("1.00", "2025-01-01", account="second"),
        carried("1.00", "2025-05-01", account="nobody"),
        carried("1.00", "2025-04-01", account="nobody"),
    )
    assert [outcome(each) for each in events] == [
        "posted", "booking_date_decreases", "posted", "posted", "posted", "posted",
    ]  # fmt: skip
    assert [each.get("routed") for each in events[-2:]] == ["account_unknown"] * 2


CARRIED = table("""
    owner  account              direction  asset  outcome  routed
    alice  alice                credit     EUR    posted   -
    alice  alice                debit      EUR    posted   -                          # owed, whatever the limit
    alice  alice/custody        credit     ISIN   posted   -                          # an account within it
    alice  alice                credit     USD    posted   asset_mismatch
    house  BANK/nostro/EUR      debit      EUR    posted   -
    house  BANK/migration/EUR   credit     EUR    posted   account_class_not_allowed  # it stands against them all
    bob    alice                credit     EUR    posted   wrong_owner
""")


@pytest.mark.parametrize(
    "row", CARRIED, ids=lambda row: f"{row['owner']} {row['account']} {row['direction']}"
)
def test_balances_of_customers_and_of_the_firm_are_carried_over(row: dict[str, str]) -> None:
    """Against the migration account of the asset; what cannot be booked as named goes to suspense."""
    ledger = a_bank()
    named = {"account": row["account"].replace("alice", ALICE), "direction": row["direction"]}
    asset = row["asset"].replace("ISIN", ISIN)
    owner = {"alice": ALICE, "house": HOUSE, "bob": owner_in(2, "bob")}[row["owner"]]
    amount = "10" if asset == ISIN else "10.00"
    (event,) = ledger.send(carried(amount, "2026-02-04", owner=owner, asset=asset, **named))
    assert (outcome(event), event.get("routed", "")) == (row["outcome"], row["routed"])
    ends = {event["movements"][0][side]["account"] for side in ("debit", "credit")}
    assert f"BANK/migration/{asset}" in ends


async def test_what_is_left_on_migration_accounts_is_shown(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """Nothing, when both sides have been carried over; and the order of days is known after a claim."""
    await ledger.send(opening(ALICE), carried("10.00", "2025-12-31"), carried("2.00", "2025-12-31"))
    connection = await asyncpg.connect(ledger_database.readonly)
    (line,) = await migration_show(connection)
    assert line == {
        "entity": "BANK", "account": "BANK/migration/EUR", "asset": "EUR", "debits": "12.00", "credits": "0.00",
        "left": "-12.00", "carried_over": 2,
    }  # fmt: skip
    await ledger.forget()
    house = {"owner": HOUSE, "account": "BANK/nostro/EUR", "direction": "debit"}
    events = await ledger.send(
        carried("1.00", "2025-12-30"), carried("12.00", "2025-12-31", **house), deposit(ALICE, "1.00")
    )
    # The house's shard comes first.
    assert [outcome(each) for each in events] == ["posted", "booking_date_decreases", "posted"]
    (line,) = await migration_show(connection)
    assert (line["left"], line["carried_over"]) == ("0.00", 3)
    result = await verify(ledger_database.readonly)
    assert result.first_difference is None
    owner = await asyncpg.connect(ledger_database.owner, server_settings={"search_path": "transactions"})
    await owner.execute("DELETE FROM carried_over WHERE shard = 1")
    tampered = await verify(ledger_database.readonly)
    assert {each.name for each in tampered.checks if not each.ok} == {"booking_dates"}
    await owner.close()
    await connection.close()
