"""Periods are closed one after the other in every shard, and nothing is booked into a closed one."""

# ruff: noqa: E501 - tables are as wide as what they show

from datetime import date
from typing import Any

import asyncpg
import pytest

from services.transactions.domain.chart import Dated, ScreeningPolicy
from services.transactions.queries import Wanted, find_transactions
from services.transactions.queries.periods import periods_show
from services.transactions.queries.verifying import verify
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PARTITIONS,
    PureLedger,
    StoredLedger,
    answer,
    deposit,
    instruction,
    opening,
    outcome,
    owner_in,
    received,
    table,
)

HOUSE_SHARD = shard_of(HOUSE, PARTITIONS)
ALICE = owner_in(1, "alice")


def day(booking_date: str) -> dict[str, Any]:
    """Open a business day of the bank."""
    return instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date=booking_date)


def closing(first_day: str, last_day: str, state: str | None = None, **fields: Any) -> dict[str, Any]:
    """Close a period of the bank."""
    given = {"entity": "BANK", "first_day": first_day, "last_day": last_day, "state": state, **fields}
    return instruction("close_period", **{"owner": HOUSE, **given})


def adjustment(booking_date: str | None = None, **fields: Any) -> dict[str, Any]:
    """Put the bank's books right, on a day of its own if one is named."""
    people = {"reason": "an error", "entered_by": "op:jane", "approved_by": "op:joe"}
    ends = {"debit_account": "BANK/nostro/EUR", "credit_account": "BANK/suspense/EUR"}
    given = {**people, **ends, "amount": "1.00", "asset": "EUR", "booking_date": booking_date}
    return instruction("adjustment", owner=HOUSE, **given | fields)


def everywhere(message: dict[str, Any]) -> list[Any]:
    """The record as it is sent to every partition."""
    return [received(message, partition=shard) for shard in range(PARTITIONS)]


def a_bank_on(booking_date: str, *closed: dict[str, Any]) -> PureLedger:
    """A bank whose first day is 2026-01-01, on another day now, with some periods closed."""
    ledger = PureLedger()
    ledger.send(*everywhere(day(booking_date)))
    for message in closed:
        ledger.send(*everywhere(message))
    ledger.events.clear()
    return ledger


CLOSINGS = table("""
    soft                    closed                  first_day   last_day    state        outcome
    -                       -                       2026-01-01  2026-01-31  -            applied
    -                       -                       2026-01-01  2026-01-31  soft_closed  applied
    -                       -                       2026-01-01  2026-01-01  -            applied
    -                       -                       2025-12-01  2026-01-31  -            applied                # opening balances may be in it
    -                       -                       2026-01-02  2026-01-31  -            period_not_next        # a gap
    -                       -                       2026-01-01  2026-02-05  -            period_not_over        # the open day
    -                       -                       2026-01-01  2026-02-04  -            applied
    -                       -                       2026-01-02  2026-01-01  -            period_empty
    -                       -                       2026-03-02  2026-03-01  -            period_empty           # before it is not over
    -                       -                       2026-01-01  2101-01-01  -            date_out_of_range
    -                       2026-01-01..2026-01-31  2026-02-01  2026-02-04  -            applied
    -                       2026-01-01..2026-01-31  2026-02-02  2026-02-04  -            period_not_next
    -                       2026-01-01..2026-01-31  2026-01-31  2026-02-04  -            period_not_next        # an overlap
    -                       2026-01-01..2026-01-31  2026-01-01  2026-01-31  -            period_already_closed
    -                       2026-01-01..2026-01-31  2026-01-01  2026-01-31  soft_closed  period_already_closed
    -                       2026-01-01..2026-01-31  2026-01-01  2026-01-15  -            period_already_closed
    2026-01-01..2026-01-31  -                       2026-01-01  2026-01-31  soft_closed  period_already_closed  # closing one that is closing
    2026-01-01..2026-01-31  -                       2026-01-01  2026-01-31  -            applied
    2026-01-01..2026-01-31  -                       2026-01-01  2026-01-30  -            period_not_next        # not as it was soft-closed
    2026-01-01..2026-01-31  -                       2026-02-01  2026-02-04  soft_closed  applied
    2026-01-01..2026-01-31  -                       2026-02-01  2026-02-04  -            period_not_next        # the first one comes first
    2026-02-01..2026-02-03  2026-01-01..2026-01-31  2026-02-01  2026-02-03  -            applied
    2026-02-01..2026-02-03  2026-01-01..2026-01-31  2026-02-04  2026-02-04  soft_closed  applied
""")


@pytest.mark.parametrize(
    "row", CLOSINGS, ids=lambda row: f"{row['soft']}/{row['closed']} {row['first_day']} {row['state']}"
)
def test_periods_follow_each_other_without_a_gap(row: dict[str, str]) -> None:
    """When they are over; the open day is 2026-02-05."""
    before: list[dict[str, Any]] = []
    for name, state in (("closed", "closed"), ("soft", "soft_closed")):
        if row[name]:
            first_day, last_day = row[name].split("..")
            before.append(closing(first_day, last_day, state))
    ledger = a_bank_on("2026-02-05", *before)
    events = ledger.send(*everywhere(closing(row["first_day"], row["last_day"], row["state"] or None)))
    assert {outcome(each) for each in events} == {row["outcome"]}
    if row["outcome"] == "applied":
        assert [
            (each["type"], each["first_day"], each["last_day"], each["state"], each["booking_date"])
            for each in events
        ] == [
            ("PeriodClosed", row["first_day"], row["last_day"], row["state"] or "closed", "2026-02-05")
        ] * PARTITIONS


def test_a_period_is_closed_by_the_house_of_an_entity_that_there_is() -> None:
    """Under another owner it is refused; each entity's periods are its own."""
    ledger = a_bank_on("2026-02-05", closing("2026-01-01", "2026-01-31"))
    for expected, message in (
        ("wrong_owner", closing("2026-02-01", "2026-02-02", owner="alice")),
        ("entity_unknown", closing("2026-02-01", "2026-02-02", entity="NOBODY")),
        ("period_not_over", closing("2026-01-01", "2026-01-31", entity="BROKER")),
    ):
        (event,) = ledger.send(received(message, partition=2, key=HOUSE))
        assert outcome(event) == expected


def test_a_shard_closes_a_period_at_its_own_place() -> None:
    """What is closed in one is open in another, until the record is read there too."""
    ledger = a_bank_on("2026-02-05")
    message = closing("2026-01-01", "2026-01-31")
    ledger.send(received(message, partition=1))
    again = [
        received({**message, "instruction_id": deposit("a", "1")["instruction_id"]}, partition=p)
        for p in (1, 2)
    ]
    assert [outcome(each) for each in ledger.send(*again)] == ["period_already_closed", "applied"]


ADJUSTMENTS = table("""
    named       outcome
    -           posted                 # on the open day
    2026-02-05  posted
    2026-02-06  booking_date_not_open  # a day to come
    2026-02-04  booking_date_not_open  # of the open period, but gone by
    2026-01-31  posted                 # soft-closed
    2026-01-16  posted
    2026-01-15  period_closed
    2025-12-31  period_closed          # all that was before
    1899-12-31  date_out_of_range
""")


@pytest.mark.parametrize("row", ADJUSTMENTS, ids=lambda row: row["named"] or "none")
def test_an_adjustment_alone_is_booked_into_a_soft_closed_period(row: dict[str, str]) -> None:
    """On the day that it names, with the value of that day unless it says otherwise."""
    ledger = a_bank_on(
        "2026-02-05",
        closing("2026-01-01", "2026-01-15"),
        closing("2026-01-16", "2026-01-31", "soft_closed"),
    )
    (event,) = ledger.send(adjustment(row["named"] or None))
    assert outcome(event) == row["outcome"]
    if row["outcome"] == "posted":
        assert (event["booking_date"], event["value_date"]) == (row["named"] or "2026-02-05",) * 2
        (event,) = ledger.send(adjustment(row["named"] or None, value_date="2026-01-02"))
        assert event["value_date"] == "2026-01-02"
    else:
        assert event["field"] == "booking_date"


def test_what_has_its_value_in_a_closed_period_is_booked_on_the_open_day() -> None:
    """The books of that period stay as they are, and interest is right all the same."""
    ledger = a_bank_on("2026-02-05", closing("2026-01-01", "2026-01-31"))
    ledger.send(opening("alice"))
    (event,) = ledger.send(deposit("alice", "1.00", value_date="2026-01-10"))
    assert (event["booking_date"], event["value_date"]) == ("2026-02-05", "2026-01-10")


SCREENED = table("""
    then    decision  outcome            booked
    -       cleared   posted             2026-01-20
    -       refused   screening_refused  2026-01-20
    closed  cleared   period_closed      2026-02-05
    closed  refused   screening_refused  2026-02-05
""")


@pytest.mark.parametrize("row", SCREENED, ids=lambda row: f"{row['then']} {row['decision']}")
def test_a_period_is_looked_at_again_when_a_pending_adjustment_is_decided(row: dict[str, str]) -> None:
    """Closed meanwhile, it cannot be booked there; what it had set aside is given back on the open day."""
    ledger = a_bank_on("2026-02-05", closing("2026-01-01", "2026-01-31", "soft_closed"))
    ledger.chart.policies[1, "adjustment", 978] = [Dated(ScreeningPolicy(0), date(1900, 1, 1), None)]
    (pending,) = ledger.send(adjustment("2026-01-20"))
    assert (pending["type"], pending["booking_date"]) == ("TransactionPending", "2026-01-20")
    if row["then"]:
        ledger.send(*everywhere(closing("2026-01-01", "2026-01-31")))
    (event,) = ledger.send(answer(pending, row["decision"]))
    assert (outcome(event), event["booking_date"]) == (row["outcome"], row["booked"])
    assert ledger.states[HOUSE_SHARD].balances[ledger.accounts["BANK/nostro/EUR"].account_id][2] == 0


async def test_periods_are_remembered_and_shown(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """With where each shard closed them; after a claim the next one is known, and what is dated back is found."""
    for message in (
        day("2026-03-02"),
        closing("2026-01-01", "2026-01-31"),
        closing("2026-02-01", "2026-02-28", "soft_closed"),
    ):
        await ledger.send(*everywhere(message))
    await ledger.send(adjustment("2026-02-10"))
    await ledger.forget()
    events = await ledger.send(adjustment("2026-02-11"), adjustment("2026-01-11"))
    assert [outcome(each) for each in events] == ["posted", "period_closed"]
    (event,) = await ledger.send(received(closing("2026-02-01", "2026-02-28"), partition=3))
    assert outcome(event) == "applied"
    connection = await asyncpg.connect(ledger_database.readonly)
    shown = await periods_show(connection, "BANK")
    wanted = Wanted(type="adjustment", booked_until=date(2026, 2, 28))
    found = [each async for each in find_transactions(connection, wanted)]
    result = await verify(ledger_database.readonly)
    await connection.close()
    assert [(each["first_day"], each["last_day"], each["state"]) for each in shown] == [
        ("2026-01-01", "2026-01-31", "closed"),
        ("2026-02-01", "2026-02-28", "closing"),
        ("2026-03-01", None, "open"),
    ]
    assert shown[0]["closed_at"] == {str(shard): 2 for shard in range(PARTITIONS)}
    assert shown[1]["closed_at"] == {"3": event["seq"]}
    assert [each["booking_date"] for each in found] == ["2026-02-11", "2026-02-10"]
    assert result.first_difference is None
