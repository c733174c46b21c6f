"""A posted transaction that is undone by its mirror."""

from typing import Final

from services.transactions.domain.effects.reversing import REVERSE
from services.transactions.domain.planning import TransactionType

REVERSAL: Final = TransactionType(
    code="reversal",
    description="A posted transaction is undone.",
    kind="request",
    effect=REVERSE,
    reversible=False,
    value_days_back=0,
)
