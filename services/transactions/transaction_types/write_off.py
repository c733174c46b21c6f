"""What is left of a small item becomes the house's income."""

from typing import Final

from services.transactions.domain.effects import items
from services.transactions.domain.planning import COUNTERPARTY, ITEM, Planned, TransactionType
from shared.messages.instructions.corrections import WriteOff


def _movements(instruction: WriteOff) -> tuple[Planned, ...]:
    return (Planned("principal", ITEM, COUNTERPARTY, instruction.amount, instruction.asset, "item"),)


WRITE_OFF: Final = TransactionType(
    code="write_off",
    description="What is left of a small item becomes the house's income.",
    kind="fact",
    effect=items.WRITE_OFF,
    movements=_movements,
)
