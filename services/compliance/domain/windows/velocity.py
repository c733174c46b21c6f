"""What VEL-1 and VEL-2 share: their spans, and the comparison with what a customer's own month gives."""

from typing import Final

from services.compliance.domain import bounds

SPANS: Final = ("hour", "day", "week", "month")
DAYS_A_WEEK: Final = 7
DAYS_A_MONTH: Final = 30
HOURS_A_MONTH: Final = 24 * DAYS_A_MONTH
TIMES: Final[bounds.Bound] = bounds.optional(bounds.count(0), 0)
"""How many times the month's mean it has to be over, too; none of that with 0, or where it is left out."""
