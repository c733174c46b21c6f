"""← EXTEND HERE: one file per rule, listed below in the order findings are told."""

from datetime import timedelta
from typing import Final

from services.compliance.domain.cash import Lookback
from services.compliance.domain.rule import CashRule, Rule
from services.compliance.rules import ctr_1, san_1, str_1

RULES: Final[tuple[Rule, ...]] = (san_1.RULE, ctr_1.RULE, str_1.RULE)

CASH_RULES: Final = tuple(rule for rule in RULES if isinstance(rule, CashRule))

LOOKBACK: Final = Lookback(
    days=max((rule.lookback.days for rule in CASH_RULES), default=0),
    time=max((rule.lookback.time for rule in CASH_RULES), default=timedelta()),
)
"""What all cash rules together need to see."""
