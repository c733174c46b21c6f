"""What VEL-1 and VEL-2 share: their spans, and the comparison with what a customer's own month gives."""

from typing import Final

from services.compliance.domain.rule import RuleParameter

SPANS: Final = ("hour", "day", "week", "month")
DAYS_A_WEEK: Final = 7
DAYS_A_MONTH: Final = 30
HOURS_A_MONTH: Final = 24 * DAYS_A_MONTH


def read_times(row: RuleParameter) -> int:
    """Read a stored value: `times`, 0 where there is none; raises `ValueError` for less."""
    times = int(row.values.get("times", 0))
    if times < 0:
        raise ValueError("times is 0 at least")
    return times
