"""Freezing a customer's account under an authority."""

from typing import Final

from services.transactions.domain.effects.freezing import FREEZE
from services.transactions.domain.planning import CUSTOMER_CLASSES, TransactionType

FREEZE_ACCOUNT: Final = TransactionType(
    code="freeze_account",
    description="Stop debits, credits or both on a customer's account.",
    kind="request",
    effect=FREEZE,
    account_classes=CUSTOMER_CLASSES,
)
