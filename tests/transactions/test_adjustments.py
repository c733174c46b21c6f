"""The firm's own books are put right by two people, and nobody else's are touched."""

from typing import Any

import pytest

from shared.messages.envelope import HOUSE
from tests.transactions.support import PureLedger, deposit, instruction, opening, outcome, reversal, table

NOSTRO, CLEARING = "BANK/nostro/EUR", "BANK/clearing/EUR"


def adjustment(**fields: Any) -> dict[str, Any]:
    """Put 12.50 right."""
    ends = {"debit_account": NOSTRO, "credit_account": CLEARING}
    people = {"reason": "reconciled", "entered_by": "op:jane", "approved_by": "op:joe"}
    given = {"owner": HOUSE, "amount": "12.50", "asset": "EUR", **ends, **people, **fields}
    return instruction("adjustment", **given)


ADJUSTMENTS = table("""
    field           value             outcome                    named
    -               -                 posted                     -
    reason          -                 field_missing              reason
    entered_by      -                 field_missing              entered_by
    approved_by     -                 field_missing              approved_by
    approved_by     op:jane           approver_same              approved_by
    amount          0.00              amount_zero                amount
    credit_account  BANK/nostro/EUR   accounts_same              credit_account
    credit_account  alice             wrong_owner                owner  # a customer's money
    credit_account  nobody            account_unknown            credit_account
    asset           USD               asset_mismatch             debit_account
""")


@pytest.mark.parametrize("row", ADJUSTMENTS, ids=lambda row: f"{row['field']} {row['outcome']}")
def test_an_adjustment_is_between_the_firms_own_accounts(row: dict[str, str]) -> None:
    """With a reason, and not by one person alone."""
    ledger = PureLedger()
    ledger.send(opening("alice"), deposit("alice", "100.00"))
    fields = {row["field"]: row["value"] or None} if row["field"] else {}
    (event,) = ledger.send(adjustment(**fields))
    assert (outcome(event), event.get("field", "")) == (row["outcome"], row["named"])
    assert ledger.balance(CLEARING) == (12_50 if row["outcome"] == "posted" else 0)
    assert ledger.balance("alice") == 100_00


def test_an_adjustment_is_reversed_like_anything_else() -> None:
    """At the house's home."""
    ledger = PureLedger()
    message = adjustment()
    events = ledger.send(message, reversal(message), reversal(message))
    assert [outcome(each) for each in events] == ["posted", "posted", "already_reversed"]
    assert ledger.balance(CLEARING) == 0
