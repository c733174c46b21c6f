"""A fee that was charged to a customer."""

from typing import Final

from services.transactions.domain.effects.movements import MOVEMENTS
from services.transactions.domain.planning import CASH_CLASSES, COUNTERPARTY, Planned, TransactionType
from shared.messages.instructions.fees_and_interest import Fee


def _movements(instruction: Fee) -> tuple[Planned, ...]:
    return (Planned("fee", instruction.account, COUNTERPARTY, instruction.amount, instruction.asset),)


FEE: Final = TransactionType(
    code="fee",
    description="A fee was charged to a customer.",
    kind="fact",
    effect=MOVEMENTS,
    movements=_movements,
    account_classes=CASH_CLASSES,
)
