"""Posting what was reserved, at once or part by part."""

from typing import Final

from services.transactions.domain.planning import TransactionType

POST_PENDING: Final = TransactionType(
    code="post_pending",
    description="What was reserved, or a part of it, is posted.",
    kind="request",
    effect="post_pending",
)
