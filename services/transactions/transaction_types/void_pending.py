"""Giving back what is still reserved."""

from typing import Final

from services.transactions.domain.effects import pendings
from services.transactions.domain.planning import TransactionType

VOID_PENDING: Final = TransactionType(
    code="void_pending",
    description="What is still reserved is given back.",
    kind="request",
    effect=pendings.VOID_PENDING,
)
