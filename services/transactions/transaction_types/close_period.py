"""Closing a period of an entity's books, in every shard."""

from typing import Final

from services.transactions.domain.effects import periods
from services.transactions.domain.planning import TransactionType

CLOSE_PERIOD: Final = TransactionType(
    code="close_period",
    description="Close a period of an entity's books.",
    kind="request",
    effect=periods.CLOSE_PERIOD,
    broadcast=True,
)
