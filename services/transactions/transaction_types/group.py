"""Several instructions of one owner, all or nothing."""

from typing import Final

from services.transactions.domain.effects import grouping
from services.transactions.domain.planning import TransactionType

GROUP: Final = TransactionType(
    code="group",
    description="Several instructions of one owner, all or nothing.",
    kind="request",
    effect=grouping.GROUP,
)
