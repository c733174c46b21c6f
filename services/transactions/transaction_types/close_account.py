"""Closing a customer's account."""

from typing import Final

from services.transactions.domain.effects.closing import CLOSE
from services.transactions.domain.planning import CUSTOMER_CLASSES, TransactionType

CLOSE_ACCOUNT: Final = TransactionType(
    code="close_account",
    description="Close an account that holds nothing: it is closing until nothing is under way to it.",
    kind="request",
    effect=CLOSE,
    account_classes=CUSTOMER_CLASSES,
)
