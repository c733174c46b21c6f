"""A payment that went out and came back, whole or in part."""

from typing import Final

from services.transactions.domain.effects import returning
from services.transactions.domain.planning import (
    CASH_CLASSES,
    COUNTERPARTY,
    PAYER,
    Planned,
    TransactionType,
)
from shared.messages.instructions.payments import Return


def _movements(instruction: Return) -> tuple[Planned, ...]:
    return (
        Planned(
            "principal",
            COUNTERPARTY,
            PAYER,
            instruction.amount,
            instruction.asset,
            credit_field="original_id",
        ),
    )


RETURN: Final = TransactionType(
    code="return",
    description="A payment that went out came back.",
    kind="fact",
    effect=returning.RETURN,
    movements=_movements,
    account_classes=CASH_CLASSES,
)
