"""Saying who has which role with a customer, after an account was opened."""

from typing import Final

from services.transactions.domain.effects import holders
from services.transactions.domain.planning import CUSTOMER_CLASSES, TransactionType

CHANGE_HOLDER: Final = TransactionType(
    code="change_holder",
    description="Say that somebody has a role with a customer, or has it only until a day.",
    kind="request",
    effect=holders.CHANGE_HOLDER,
    account_classes=CUSTOMER_CLASSES,
)
