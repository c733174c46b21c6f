"""Interest that was paid to a customer, or charged."""

from typing import Final

from services.transactions.domain.effects.movements import MOVEMENTS
from services.transactions.domain.planning import CASH_CLASSES, Against, Planned, TransactionType
from shared.messages.instructions.fees_and_interest import Interest

_PAID: Final = Against("credit")
_CHARGED: Final = Against("debit")


def _movements(instruction: Interest) -> tuple[Planned, ...]:
    if instruction.direction == "debit":
        return (Planned("interest", instruction.account, _CHARGED, instruction.amount, instruction.asset),)
    return (Planned("interest", _PAID, instruction.account, instruction.amount, instruction.asset),)


INTEREST: Final = TransactionType(
    code="interest",
    description="Interest was paid to a customer or charged.",
    kind="fact",
    effect=MOVEMENTS,
    movements=_movements,
    account_classes=CASH_CLASSES,
)
