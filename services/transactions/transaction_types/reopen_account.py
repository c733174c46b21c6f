"""Opening a customer's account again."""

from typing import Final

from services.transactions.domain.effects.closing import REOPEN
from services.transactions.domain.planning import CUSTOMER_CLASSES, TransactionType

REOPEN_ACCOUNT: Final = TransactionType(
    code="reopen_account",
    description="Open an account again that is closing or closed, by two people's right.",
    kind="request",
    effect=REOPEN,
    account_classes=CUSTOMER_CLASSES,
)
