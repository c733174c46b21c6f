"""Money that leaves a customer's account for a counterparty outside, or over the counter."""

from typing import Final

from services.transactions.domain.effects.charging import charged, with_charges
from services.transactions.domain.effects.movements import MOVEMENTS
from services.transactions.domain.planning import (
    CASH_CLASSES,
    CASH_DESK,
    COUNTERPARTY,
    Planned,
    TransactionType,
)
from shared.messages.instructions.payments import Withdrawal


def _movements(instruction: Withdrawal) -> tuple[Planned, ...]:
    target = CASH_DESK if instruction.channel and instruction.channel.cash else COUNTERPARTY
    paid = Planned("principal", instruction.account, target, instruction.amount, instruction.asset)
    if not instruction.charges:
        return (paid,)
    return with_charges(instruction, paid, on_top=instruction.account, deducted=instruction.account)


WITHDRAWAL: Final = TransactionType(
    code="withdrawal",
    description="Money leaves a customer's account.",
    kind="request",
    effect=charged(MOVEMENTS),
    movements=_movements,
    account_classes=CASH_CLASSES,
    schedulable=True,
    returnable=True,
    value_days_back=0,
)
