"""Money that moves between two of the firm's own accounts."""

from typing import Final

from services.transactions.domain.effects.movements import MOVEMENTS
from services.transactions.domain.planning import Planned, TransactionType
from shared.messages.instructions.books import HousePosting


def _movements(instruction: HousePosting) -> tuple[Planned, ...]:
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


HOUSE_POSTING: Final = TransactionType(
    code="house_posting",
    description="Money moves between two of the firm's own accounts.",
    kind="request",
    effect=MOVEMENTS,
    movements=_movements,
    schedulable=True,
)
