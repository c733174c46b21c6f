"""The firm's own books are put right."""

from typing import Final

from services.transactions.domain.effects.adjusting import ADJUST
from services.transactions.domain.planning import Planned, TransactionType
from shared.messages.instructions.books import Adjustment


def _movements(instruction: Adjustment) -> tuple[Planned, ...]:
    return (
        Planned(
            "principal",
            instruction.debit_account,
            instruction.credit_account,
            instruction.amount,
            instruction.asset,
            "debit_account",
            "credit_account",
        ),
    )


ADJUSTMENT: Final = TransactionType(
    code="adjustment",
    description="The firm's own books are put right.",
    kind="request",
    effect=ADJUST,
    movements=_movements,
)
