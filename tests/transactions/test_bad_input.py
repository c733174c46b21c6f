"""What must never stop the line: each comes to a named outcome, and nothing else in its batch is touched."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

import asyncpg
import pytest

from services.transactions.domain.chart import Dated, ScreeningPolicy
from services.transactions.domain.decoding import decode_instruction
from services.transactions.domain.planning import Planned
from services.transactions.handlers.memory import TYPES
from services.transactions.queries import verify
from shared.messages.envelope import HOUSE
from shared.runtime.errors import UnreadableRecord
from shared.runtime.work import Received, Unreadable
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    StoredLedger,
    allocating,
    deposit,
    instruction,
    opening,
    outcome,
    owner_in,
    received,
    returning,
    reversal,
    transfer,
    withdrawal,
    writing_off,
)

ALICE, CAROL, BOB = owner_in(1, "alice"), owner_in(1, "carol"), owner_in(2, "bob")
LARGEST: Final = "92233720368547658.07"
"""What a 64-bit counter still holds on top of Alice's 100.00."""
BEYOND: Final = "(a number beyond all bounds)"
RESERVE: Final = instruction("reserve", owner=ALICE, account=ALICE, amount="10.00", asset="EUR")
ITEM: Final = {"shard": 1, "seq": 6, "owner": ALICE}
"""What comes first behind the good instruction of each batch."""
PAID: Final = withdrawal(ALICE, "2.00")
UNDONE: Final = reversal(PAID)
SCREENED: Final = instruction("reserve", owner=ALICE, account=ALICE, amount="60.00", asset="EUR")


TWICE: Final = deposit(ALICE, "0.01")


def resolving(kind: str, reserve: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Post or void a reserve of Alice's."""
    return instruction(kind, owner=ALICE, pending_id=reserve["instruction_id"], **fields)


def of_january(kind: str, **fields: Any) -> dict[str, Any]:
    """Something about the bank's January."""
    return instruction(kind, owner=HOUSE, entity="BANK", **fields)


JANUARY: Final = {"first_day": "2026-01-01", "last_day": "2026-01-31"}


def of_own_type(code: str, **fields: Any) -> dict[str, Any]:
    """A transfer, to be planned as a type of the tests' own."""
    return transfer(ALICE, CAROL, "1.00", business_reference=code, **fields)


def planned(message: Any) -> tuple[Planned, ...]:
    """Movements as no type of the product makes them; all others as they are."""
    to_carol = Planned("principal", ALICE, CAROL, "0.01", "EUR")
    match message.business_reference:
        case "two customers debited":
            return to_carol, Planned("principal", BOB, CAROL, "0.01", "EUR")
        case "10,000 movements":
            return (to_carol,) * 10_000
        case _:
            return TYPES["transfer"].movements(message)


BAD: Final[dict[str, tuple[Sequence[Any], Sequence[str]]]] = {
    "an amount beyond 64 bits": ([deposit(ALICE, "92233720368547758.08")], ["amount_too_large"]),
    "an amount of sixty digits": ([deposit(ALICE, "9" * 60)], ["amount_too_large"]),
    "an amount as a number beyond all bounds": ([deposit(ALICE, BEYOND)], ["amount_not_a_string"]),
    "a sum that would overflow": (
        [deposit(CAROL, LARGEST, "full"), deposit(CAROL, "0.01", "full")],
        ["posted", "balance_overflow"],
    ),
    "a date before 1900": ([deposit(ALICE, "1.00", value_date="1899-12-31")], ["date_out_of_range"]),
    "a date after 2100": ([deposit(ALICE, "1.00", value_date="2101-01-01")], ["date_out_of_range"]),
    "a time in the year 9999": (
        [deposit(ALICE, "1.00", occurred_at="9999-12-31T23:59:59Z")], ["date_out_of_range"],
    ),
    "two customers debited": ([of_own_type("two customers debited")], ["spans_owners"]),
    "two entities in a movement": ([transfer(ALICE, "broker", "1.00")], ["spans_entities"]),
    "a pending resolved twice in one batch": (
        [RESERVE, resolving("post_pending", RESERVE), resolving("void_pending", RESERVE)],
        ["pending", "posted", "pending_resolved"],
    ),
    "10,000 movements in one record": ([of_own_type("10,000 movements")], ["too_large"]),
    "a group of seventeen": (
        [instruction("group", owner=ALICE, members=[deposit(ALICE, "0.01") for _ in range(17)])],
        ["too_large"],
    ),
    "a group with the same member twice": (
        [instruction("group", owner=ALICE, members=[TWICE, TWICE])], ["member_id_repeated"],
    ),
    "a group with a group in it": (
        [instruction("group", owner=ALICE, members=[instruction("group", owner=ALICE, members=[])])],
        ["field_value_unknown"],
    ),
    "a code of 10,000 characters": ([deposit(ALICE, "1.00", "a" * 10_000)], ["field_malformed"]),
    "a code with a control character": ([deposit(ALICE, "1.00", "a\tb")], ["field_malformed"]),
    "a code with a null character": ([deposit(ALICE, "1.00", "a\0b")], ["field_malformed"]),
    "an owner of 10,000 characters": ([deposit("a" * 10_000, "1.00", ALICE)], ["unreadable"]),
    "a fact for an account that does not exist": ([deposit(ALICE, "1.00", "nobody")], ["posted"]),
    "the same item allocated twice from two shards": (
        [
            deposit(ALICE, "5.00", "nobody"),
            *[allocating(ITEM, "5.00", "BANK/nostro/EUR", owner=each) for each in (ALICE, BOB, ALICE)],
        ],
        ["posted", "posted", "wrong_partition", "item_used_up"],
    ),
    "an item of another shard": ([allocating(ITEM | {"shard": 2}, "5.00", ALICE)], ["wrong_owner"]),
    "an item beyond all numbers": (
        [allocating(ITEM | {"seq": each}, "5.00", ALICE) for each in (10**18 - 1, 10**18)],
        ["item_unknown", "field_malformed"],
    ),
    "more of an item than there is": (
        [deposit(ALICE, "5.00", "nobody"), allocating(ITEM, "5.01", ALICE), writing_off(ITEM, "5.01")],
        ["posted", "amount_exceeds_item", "amount_exceeds_item"],
    ),
    "a return beyond its payment": ([PAID, returning(PAID, "2.00"), returning(PAID, "0.01")], ["posted"] * 3),
    "a part of what is under screening": (
        [SCREENED, resolving("post_pending", SCREENED, amount="1.00")], ["pending", "under_screening"],
    ),
    "a reversal of a reversal": (
        [PAID, UNDONE, reversal(UNDONE), reversal(PAID)],
        ["posted", "posted", "original_not_reversible", "already_reversed"],
    ),
    "closing a period that is closing": (
        [
            of_january("open_business_day", booking_date="2026-02-01"),
            *[of_january("close_period", **JANUARY, state="soft_closed") for _ in range(2)],
            *[of_january("close_period", **JANUARY) for _ in range(2)],
        ],
        ["applied", "applied", "period_already_closed", "applied", "period_already_closed"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("messages", "outcomes"), BAD.values(), ids=BAD)
async def test_bad_input_has_a_name_and_touches_nothing_else(
    ledger: StoredLedger,
    ledger_database: LedgerDatabase,
    messages: Sequence[Any],
    outcomes: Sequence[str],
) -> None:
    """In one batch with what is good, of the same owner and of others."""
    memory = ledger.service.memory
    memory.chart.policies[1, "reserve", 978] = [Dated(ScreeningPolicy(50_00), date(1900, 1, 1), None)]
    owner = await asyncpg.connect(ledger_database.owner)
    await owner.execute(
        "INSERT INTO transactions.screening_policy"
        " (entity_id, instruction_type, asset_id, amount_from, valid_from)"
        " VALUES (1, 'reserve', 978, 5000, '1900-01-01')"
    )
    await owner.close()
    ledger.service.types["transfer"] = replace(TYPES["transfer"], movements=planned)
    await ledger.send(*[opening(each) for each in (ALICE, CAROL, BOB)])
    await ledger.send(
        opening(CAROL, "full"), opening(BOB, "broker", entity="BROKER"), deposit(ALICE, "100.00")
    )
    before, after = transfer(ALICE, BOB, "1.00"), transfer(ALICE, CAROL, "2.00")
    records = [
        received(json.dumps(each).replace(f'"{BEYOND}"', "1e999999").encode(), key=each["owner"], partition=1)
        for each in (before, *messages, after)
    ]
    for record in records:
        record.message = decoded(ledger, record)
    events = await ledger.send(*records)
    named = {each.get("instruction_id"): outcome(each) for each in events}
    assert (named[before["instruction_id"]], named[after["instruction_id"]]) == ("posted", "posted")
    others = [each for each in events if each.get("instruction_id") not in _ids(before, after)]
    assert [outcome(each) for each in others] == list(outcomes)
    rows = await ledger.connection.fetch(
        "SELECT code, sum(credits_posted - debits_posted) AS minor"
        " FROM balance JOIN account USING (account_id) WHERE owner <> 'house' GROUP BY code"
    )
    balances = {row["code"]: int(row["minor"]) for row in rows}
    posted = 10_00 if messages[0] is RESERVE else 0
    assert (balances[ALICE], balances[CAROL], balances[BOB]) == (97_00 - posted, 2_00, 1_00)
    assert (await verify(ledger_database.readonly)).ok


def decoded(ledger: StoredLedger, record: Received) -> Any:
    """What the ledger's own types make of a record."""
    try:
        return decode_instruction(ledger.service.types, record.value or b"")
    except UnreadableRecord as error:
        return Unreadable(error.error, len(record.value or b""), "00" * 32)


def _ids(*messages: dict[str, Any]) -> set[str]:
    return {each["instruction_id"] for each in messages}
