"""Securities of a customer's that came into the firm's safekeeping, or left it."""

from typing import Final

from services.transactions.domain.effects.safekeeping import SAFEKEEPING
from services.transactions.domain.planning import CUSTODY_CLASSES, Against, Planned, TransactionType
from shared.messages.instructions.securities import CustodyTransfer


def _movements(instruction: CustodyTransfer) -> tuple[Planned, ...]:
    ends: tuple[str | Against, str | Against] = (Against(instruction.location), instruction.account)
    debit, credit = ends if instruction.direction == "receive" else ends[::-1]
    return (
        Planned("principal", debit, credit, instruction.quantity, instruction.asset, amount_field="quantity"),
    )


CUSTODY_TRANSFER: Final = TransactionType(
    code="custody_transfer",
    description="Securities of a customer's came into safekeeping, or left it.",
    kind="fact",
    effect=SAFEKEEPING,
    movements=_movements,
    opens=True,
    account_classes=CUSTODY_CLASSES,
)
