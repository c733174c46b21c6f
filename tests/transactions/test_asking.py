"""A journal row keeps nothing twice, and the view spells all of it again, byte for byte."""

import json
from typing import Any

import pytest

from tests.transactions.support import (
    StoredLedger,
    deposit,
    instruction,
    opening,
    owner_in,
    transfer,
    withdrawal,
)

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")
ODD = 'x","occurred_at":"y","business_reference":"z'
"""A text that looks like what is kept as one byte."""

ASKED: dict[str, tuple[dict[str, Any], int]] = {
    "transfer": (transfer(ALICE, BOB, "5.00"), 3),
    "transfer with reference and time": (
        transfer(ALICE, BOB, "0.05", occurred_at="2026-03-01T09:30:00Z", business_reference="INV 7"),
        3,
    ),
    "transfer with a payment": (
        transfer(ALICE, BOB, "12.34", payment={"remittance": ODD}, channel={"cash": True}),
        3,
    ),
    "transfer with a value date": (transfer(ALICE, BOB, "1.00", value_date="2026-01-01"), 3),
    "deposit": (deposit(ALICE, "7.00", business_reference=ODD), 1),
    "deposit of an asset without decimals": (deposit(ALICE, "500", "jpy", asset="JPY"), 1),
    "withdrawal": (withdrawal(ALICE, "3.00"), 2),
    "withdrawal to be screened": (withdrawal(ALICE, "1000.00"), 2),
    "fee": (instruction("fee", owner=BOB, account=BOB, amount="0.10", asset="EUR"), 4),
    "interest": (instruction("interest", owner=BOB, account=BOB, amount="0.01", asset="EUR"), 5),
    "interest paid": (
        instruction("interest", owner=BOB, account=BOB, amount="0.01", asset="EUR", direction="credit"),
        6,
    ),
    "interest charged": (
        instruction("interest", owner=BOB, account=BOB, amount="0.02", asset="EUR", direction="debit"),
        7,
    ),
    "an amount without all decimals": (transfer(ALICE, BOB, "5"), 0),
    "a zero too many": (transfer(ALICE, BOB, "05.00"), 0),
    "a list of no charges": (transfer(ALICE, BOB, "5.00", charges=[]), 0),
    "a withdrawal with a list of no charges": (withdrawal(ALICE, "5.00", charges=[]), 0),
    "a deposit that goes to suspense": (deposit(ALICE, "1.00", "nobody"), 0),
    "what is rejected": (transfer(ALICE, "nobody", "1.00"), 0),
}
"""What is asked, and the byte behind which it is kept; 0 where it is kept whole."""


@pytest.mark.parametrize("name", ASKED)
async def test_what_was_asked_is_spelt_again_byte_for_byte(ledger: StoredLedger, name: str) -> None:
    """Though hardly any of it is kept."""
    message, mark = ASKED[name]
    await ledger.send(opening(ALICE), opening(BOB), opening(ALICE, "jpy", asset="JPY"))
    await ledger.send(deposit(ALICE, "5000.00"), deposit(BOB, "5000.00"))
    (event,) = await ledger.send(message)
    row = await ledger.connection.fetchrow(
        """
        SELECT journal.content, journal.instruction_type, journal.owner,
               journal.topic::text, journal.partition, journal.value_date,
               row.content AS kept
        FROM journal JOIN journal_row AS row USING (shard, seq)
        WHERE shard = $1 AND seq = $2
        """,
        event["shard"],
        event["seq"],
    )
    assert row is not None
    assert json.loads(row["content"]) == event["instruction"]
    assert row["content"] in ledger.outgoing[-1].body
    assert (row["instruction_type"], row["owner"]) == (message["type"], message["owner"])
    assert row["topic"] == event["source"]["topic"]
    assert row["partition"] == event["source"]["partition"]
    if "value_date" in event:
        assert row["value_date"].isoformat() == event["value_date"]
    if mark:
        assert row["kept"][0] == mark
        assert len(row["kept"]) < len(row["content"]) - 90
    else:
        assert row["kept"] == row["content"]
