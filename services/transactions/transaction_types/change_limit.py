"""Setting the limit of a customer's account anew."""

from typing import Final

from services.transactions.domain.effects import limits
from services.transactions.domain.planning import CUSTOMER_CLASSES, TransactionType

CHANGE_LIMIT: Final = TransactionType(
    code="change_limit",
    description="Give a customer's account another limit from a booking date on.",
    kind="request",
    effect=limits.CHANGE_LIMIT,
    account_classes=CUSTOMER_CLASSES,
)
