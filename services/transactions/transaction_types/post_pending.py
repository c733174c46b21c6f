"""Posting what was reserved, at once or part by part."""

from typing import Final

from services.transactions.domain.effects import pendings
from services.transactions.domain.planning import TransactionType

POST_PENDING: Final = TransactionType(
    code="post_pending",
    description="What was reserved, or a part of it, is posted.",
    kind="request",
    effect=pendings.POST_PENDING,
)
