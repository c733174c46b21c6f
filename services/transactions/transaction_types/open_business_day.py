"""Moving an entity's books on to another day, in every shard."""

from typing import Final

from services.transactions.domain.effects import business_days
from services.transactions.domain.planning import TransactionType

OPEN_BUSINESS_DAY: Final = TransactionType(
    code="open_business_day",
    description="Move an entity's books on to a later day.",
    kind="request",
    effect=business_days.OPEN_BUSINESS_DAY,
    broadcast=True,
)
