"""A balance that an account had elsewhere, before its books were kept here."""

from typing import Final

from services.transactions.domain.effects.carrying import CARRY_OVER
from services.transactions.domain.planning import (
    COUNTERPARTY,
    CUSTOMER_CLASSES,
    Against,
    Planned,
    TransactionType,
)
from shared.messages.instructions.books import OpeningBalance

HOUSE_CLASSES: Final = frozenset(
    {
        "nostro", "vault", "clearing", "position", "suspense", "blocked_funds", "return", "fee_income",
        "tax_payable", "interest_income", "interest_expense", "depository", "custodian",
    }
)  # fmt: skip
"""All but the migration account, which stands against them."""


def _movements(instruction: OpeningBalance) -> tuple[Planned, ...]:
    ends: tuple[str | Against, str | Against] = (COUNTERPARTY, instruction.account)
    debit, credit = ends[::-1] if instruction.direction == "debit" else ends
    return (Planned("opening", debit, credit, instruction.amount, instruction.asset),)


OPENING_BALANCE: Final = TransactionType(
    code="opening_balance",
    description="A balance that an account had elsewhere is carried over.",
    kind="fact",
    effect=CARRY_OVER,
    movements=_movements,
    opens=True,
    account_classes=CUSTOMER_CLASSES | HOUSE_CLASSES,
)
