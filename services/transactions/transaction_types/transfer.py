"""Money or securities that move from one customer's account to another account of the firm's customers."""

from typing import Final

from services.transactions.domain.effects.charging import charged, with_charges
from services.transactions.domain.effects.movements import MOVEMENTS
from services.transactions.domain.planning import CUSTOMER_CLASSES, Planned, TransactionType
from shared.messages.instructions.payments import Transfer


def _movements(instruction: Transfer) -> tuple[Planned, ...]:
    debited = instruction.debit_account
    paid = Planned(
        "principal",
        debited,
        instruction.credit_account,
        instruction.amount,
        instruction.asset,
        "debit_account",
        "credit_account",
    )
    if not instruction.charges:
        return (paid,)
    return with_charges(instruction, paid, on_top=debited, deducted=debited)


TRANSFER: Final = TransactionType(
    code="transfer",
    description="Money moves between accounts of the firm's customers.",
    kind="request",
    effect=charged(MOVEMENTS),
    movements=_movements,
    account_classes=CUSTOMER_CLASSES,
    value_days_back=0,
    schedulable=True,
)
