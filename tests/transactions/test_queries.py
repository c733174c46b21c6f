"""What may be asked of the ledger."""

import uuid
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import asyncpg
import pytest_asyncio

from services.transactions.queries import Moment, account_history, account_show, transaction_trace
from shared.messages.envelope import HOUSE
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    ISIN,
    PARTITIONS,
    StoredLedger,
    answer,
    custody,
    custody_transfer,
    deposit,
    instruction,
    limiting,
    opening,
    owner_in,
    received,
    transfer,
    withdrawal,
)

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")


@pytest_asyncio.fixture
async def asking(ledger_database: LedgerDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A connection with the read-only login."""
    connection = await asyncpg.connect(ledger_database.readonly)
    yield connection
    await connection.close()


async def history(connection: asyncpg.Connection, code: str, **options: Any) -> list[dict[str, Any]]:
    """All lines at once."""
    return [line async for line in account_history(connection, code, **options)]


async def two_days(ledger: StoredLedger) -> None:
    """Some movements on two business days, from both shards."""
    await ledger.send(opening(ALICE, limit="10.00"), opening(BOB), deposit(ALICE, "2000.00"))
    await ledger.send(deposit(BOB, "100.00"))
    await ledger.send(transfer(BOB, ALICE, "30.00"))
    message = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-02")
    await ledger.send(*[received(message, partition=shard) for shard in range(PARTITIONS)])
    await ledger.send(transfer(ALICE, BOB, "5.00"), withdrawal(ALICE, "1000.00"))


async def test_an_account_is_shown_summed_over_its_shards(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """In the holder's favour, with what is reserved, and the vector it is true at."""
    await two_days(ledger)
    shown = await account_show(asking, ALICE)
    assert shown == {
        "code": ALICE,
        "entity": "BANK",
        "owner": ALICE,
        "shard": 1,
        "asset": "EUR",
        "class": "cash",
        "status": "open",
        "freezes": [],
        "frozen_amount": "0.00",
        "container": None,
        "limit": "10.00",
        "limits": [],
        "closings": [],
        "debits_posted": "5.00",
        "credits_posted": "2030.00",
        "debits_pending": "1000.00",
        "credits_pending": "0.00",
        "balance": "2025.00",
        "available": "1035.00",
        "at": None,
        "booking_date": None,
        "value_date": None,
        "as_of": {"0": 1, "1": 5, "2": 4, "3": 1},
    }


async def test_a_balance_can_be_asked_by_booking_date(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """At the end of that day."""
    await two_days(ledger)
    shown = {
        day: (await account_show(asking, ALICE, Moment(booking_date=day)) or {})["balance"]
        for day in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 2))
    }
    assert list(shown.values()) == ["0.00", "2030.00", "2025.00"]


async def test_the_limit_shown_is_the_one_in_force_at_the_moment(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """On the booking date, as known at the instant; and who has set each."""
    await two_days(ledger)
    before = ledger.now
    await ledger.send(
        limiting(ALICE, "30.00", valid_from="2026-01-03", authority="first"),
        limiting(ALICE, None, valid_from="2026-01-05", valid_until="2026-01-06", authority="second"),
    )
    found: list[Any] = []
    for day in (2, 3, 5, 6):
        shown = await account_show(asking, ALICE, Moment(booking_date=date(2026, 1, day)))
        assert shown is not None
        found.append(shown["limit"])
    assert found == ["10.00", "30.00", None, "30.00"]
    day = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-03")
    await ledger.send(*[received(day, partition=shard) for shard in range(PARTITIONS)])
    shown = await account_show(asking, ALICE)
    assert shown is not None
    assert (shown["limit"], shown["available"]) == ("30.00", "1055.00")
    assert [(each["limit"], each["authority"], each["valid_until"]) for each in shown["limits"]] == [
        ("30.00", "first", None),
        (None, "second", "2026-01-06"),
    ]
    earlier = await account_show(asking, ALICE, Moment(at=before, booking_date=date(2026, 1, 3)))
    assert earlier is not None
    assert (earlier["limit"], earlier["limits"]) == ("10.00", [])


async def test_a_house_account_is_shown_in_its_own_favour(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """What the firm has grows by debits; without a limit there is no available amount."""
    await two_days(ledger)
    shown = await account_show(asking, "BANK/nostro/EUR")
    assert shown is not None
    assert (shown["balance"], shown["limit"], shown["available"]) == ("2100.00", None, None)


async def test_an_unknown_account_is_not_shown(ledger: StoredLedger, asking: asyncpg.Connection) -> None:
    """There is nothing to show, and no history."""
    assert await account_show(asking, "nobody") is None
    assert await history(asking, "nobody") == []


async def test_a_frozen_account_says_so(ledger: StoredLedger, asking: asyncpg.Connection) -> None:
    """With what freezes it."""
    await ledger.send(opening(ALICE))
    await ledger.send(
        instruction(
            "freeze_account", owner=ALICE, account=ALICE, freeze_id="f", authority="c", direction="debit"
        )
    )
    shown = await account_show(asking, ALICE)
    assert shown is not None
    freeze = {"freeze_id": "f", "direction": "debit", "amount": None}
    assert (shown["status"], shown["freezes"]) == ("frozen", [freeze])


async def test_an_account_shows_what_freezes_keep_of_it(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """It is open, for nothing is stopped, and so much less is available; lifted ones keep nothing."""
    given = {"owner": ALICE, "authority": "c", "direction": "debit"}
    held = f"{ALICE}/custody#{ISIN}"
    await ledger.send(opening(ALICE), deposit(ALICE, "100.00"), custody(ALICE))
    await ledger.send(custody_transfer(ALICE, "receive", "10"))
    await ledger.send(
        instruction("freeze_account", **given, account=ALICE, freeze_id="a", amount="60.00"),
        instruction("freeze_account", **given, account=ALICE, freeze_id="b", amount="5.50"),
        instruction("freeze_account", **given, account=ALICE, freeze_id="c", amount="1.00"),
        instruction("freeze_account", **given, account=held, freeze_id="d", amount="4"),
        instruction("unfreeze_account", owner=ALICE, account=ALICE, freeze_id="c"),
    )
    shown = await account_show(asking, ALICE)
    assert shown is not None
    assert (shown["status"], shown["frozen_amount"], shown["available"]) == ("open", "65.50", "34.50")
    assert [each["amount"] for each in shown["freezes"]] == ["60.00", "5.50"]
    box = await account_show(asking, f"{ALICE}/custody")
    assert box is not None
    assert (box["holdings"][0]["settled"], box["holdings"][0]["available"]) == ("10", "6")


async def test_a_history_merges_the_shards_and_runs_a_balance(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """By booking date and time; what is only reserved is not in it; it can be read on from any line."""
    await two_days(ledger)
    lines = await history(asking, ALICE)
    assert [(each["booking_date"], each["side"], each["amount"], each["balance"]) for each in lines] == [
        ("2026-01-01", "credit", "2000.00", "2000.00"),
        ("2026-01-01", "credit", "30.00", "2030.00"),
        ("2026-01-02", "debit", "5.00", "2025.00"),
    ]
    assert [each["counterpart"] for each in lines] == ["BANK/nostro/EUR", BOB, BOB]
    assert await history(asking, ALICE, limit=2) == lines[:2]
    assert await history(asking, ALICE, after=lines[0]["position"], limit=1) == lines[1:2]


async def test_an_instruction_is_traced_through_all_that_named_it(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """Refused for its place, reserved, repeated, posted."""
    await ledger.send(opening(ALICE), deposit(ALICE, "2000.00"))
    message = withdrawal(ALICE, "1000.00")
    await ledger.send(received(message, key="mallory"))
    (pending,) = await ledger.send(message)
    await ledger.send(message)
    await ledger.send(answer(pending, "cleared"))
    trace = await transaction_trace(asking, uuid.UUID(message["instruction_id"]))
    assert [each["event"] for each in trace] == [
        "InstructionRejected",
        "TransactionPending",
        "DuplicateReceived",
        "TransactionPosted",
    ]
    assert await transaction_trace(asking, uuid.uuid4()) == []
