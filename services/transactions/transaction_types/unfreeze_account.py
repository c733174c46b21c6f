"""Lifting one freeze of a customer's account."""

from typing import Final

from services.transactions.domain.effects.freezing import UNFREEZE
from services.transactions.domain.planning import CUSTOMER_CLASSES, TransactionType

UNFREEZE_ACCOUNT: Final = TransactionType(
    code="unfreeze_account",
    description="Lift one freeze; the account is frozen while any stands.",
    kind="request",
    effect=UNFREEZE,
    account_classes=CUSTOMER_CLASSES,
)
