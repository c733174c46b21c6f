"""Moving an entity's books on to another day, in every shard."""

from typing import Final

from services.transactions.domain.planning import TransactionType

OPEN_BUSINESS_DAY: Final = TransactionType(
    code="open_business_day",
    description="Move an entity's books on to a later day.",
    kind="request",
    effect="open_business_day",
    broadcast=True,
)
