"""Opening a customer's account."""

from typing import Final

from services.transactions.domain.effects import opening
from services.transactions.domain.planning import CUSTOMER_CLASSES, TransactionType

OPEN_ACCOUNT: Final = TransactionType(
    code="open_account",
    description="Open an account for a customer.",
    kind="request",
    effect=opening.OPEN_ACCOUNT,
    account_classes=CUSTOMER_CLASSES,
)
