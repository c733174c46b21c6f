"""Money or securities that move from one customer's account to another account of the firm's customers."""

from typing import Final

from services.transactions.domain.effects.movements import MOVEMENTS
from services.transactions.domain.planning import CUSTOMER_CLASSES, Planned, TransactionType
from shared.messages.instructions import Transfer


def _movements(instruction: Transfer) -> tuple[Planned, ...]:
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


TRANSFER: Final = TransactionType(
    code="transfer",
    description="Money moves between accounts of the firm's customers.",
    kind="request",
    effect=MOVEMENTS,
    movements=_movements,
    account_classes=CUSTOMER_CLASSES,
)
