"""Interest that has accrued on an account, from day to day, without losing what each day's rounding would."""

from typing import Final

from services.transactions.domain.effects.accruing import ACCRUE
from services.transactions.domain.planning import CASH_CLASSES, Against, Planned, TransactionType
from shared.messages.instructions.fees_and_interest import Accrual


def _movements(instruction: Accrual) -> tuple[Planned, ...]:
    direction = "debit" if instruction.direction == "debit" else "credit"
    ends: tuple[str | Against, str | Against] = (Against(direction), instruction.account)
    debit, credit = ends[::-1] if direction == "debit" else ends
    return (
        Planned(
            "interest", debit, credit, instruction.cumulative, instruction.asset, amount_field="cumulative"
        ),
    )


ACCRUAL: Final = TransactionType(
    code="accrual",
    description="Interest accrues on a customer's account.",
    kind="fact",
    effect=ACCRUE,
    movements=_movements,
    account_classes=CASH_CLASSES,
    reversible=False,
)
