"""Money that leaves a customer's account for a counterparty outside, or over the counter."""

from typing import Final

from services.transactions.domain.effects.movements import MOVEMENTS
from services.transactions.domain.planning import (
    CASH_CLASSES,
    CASH_DESK,
    COUNTERPARTY,
    Planned,
    TransactionType,
)
from shared.messages.instructions import Withdrawal


def _movements(instruction: Withdrawal) -> tuple[Planned, ...]:
    target = CASH_DESK if instruction.channel and instruction.channel.cash else COUNTERPARTY
    return (Planned("principal", instruction.account, target, instruction.amount, instruction.asset),)


WITHDRAWAL: Final = TransactionType(
    code="withdrawal",
    description="Money leaves a customer's account.",
    kind="request",
    effect=MOVEMENTS,
    movements=_movements,
    account_classes=CASH_CLASSES,
)
