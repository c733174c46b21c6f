"""Money that arrived for a customer, from a correspondent or over the counter."""

from typing import Final

from services.transactions.domain.effects.movements import MOVEMENTS
from services.transactions.domain.planning import (
    CASH_CLASSES,
    CASH_DESK,
    COUNTERPARTY,
    Planned,
    TransactionType,
)
from shared.messages.instructions.payments import Deposit


def _movements(instruction: Deposit) -> tuple[Planned, ...]:
    source = CASH_DESK if instruction.channel and instruction.channel.cash else COUNTERPARTY
    return (Planned("principal", source, instruction.account, instruction.amount, instruction.asset),)


DEPOSIT: Final = TransactionType(
    code="deposit",
    description="Money arrived for a customer.",
    kind="fact",
    effect=MOVEMENTS,
    movements=_movements,
    account_classes=CASH_CLASSES,
)
