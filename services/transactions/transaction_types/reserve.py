"""An amount of a customer's that is set aside, to be posted or given back later."""

from typing import Final

from services.transactions.domain.effects import reserving
from services.transactions.domain.effects.charging import charged, with_charges
from services.transactions.domain.planning import CASH_CLASSES, COUNTERPARTY, Planned, TransactionType
from shared.messages.instructions.pendings import Reserve


def _movements(instruction: Reserve) -> tuple[Planned, ...]:
    aside = Planned(
        "principal",
        instruction.account,
        instruction.credit_account or COUNTERPARTY,
        instruction.amount,
        instruction.asset,
        credit_field="credit_account",
    )
    return with_charges(instruction, aside, on_top=instruction.account, deducted=instruction.account)


RESERVE: Final = TransactionType(
    code="reserve",
    description="An amount of a customer's is set aside.",
    kind="request",
    effect=charged(reserving.RESERVE),
    movements=_movements,
    reserves=True,
    account_classes=CASH_CLASSES,
    value_days_back=0,
)
