"""What the house keeps for somebody is put on their account."""

from typing import Final

from services.transactions.domain.effects import items
from services.transactions.domain.planning import CUSTOMER_CLASSES, ITEM, Planned, TransactionType
from shared.messages.instructions.corrections import Allocate


def _movements(instruction: Allocate) -> tuple[Planned, ...]:
    return (Planned("principal", ITEM, instruction.account, instruction.amount, instruction.asset, "item"),)


ALLOCATE: Final = TransactionType(
    code="allocate",
    description="What the house keeps for somebody is put on their account.",
    kind="fact",
    effect=items.ALLOCATE,
    movements=_movements,
    opens=True,
    account_classes=CUSTOMER_CLASSES,
)
