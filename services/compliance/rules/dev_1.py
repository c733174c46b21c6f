"""DEV-1, away from one's own history: an amount far larger than this customer's usual ones.

FFIEC BSA/AML examination manual, appendix F: activity inconsistent with the customer's established pattern.
Three standard deviations are the common rule of statistics (Shewhart's control limits); compared in whole
numbers, so that no rounding decides.

Example: ten payments of 900 to 1,100, then one of 20,000, over three deviations and three times the mean:
found.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import Entry
from services.compliance.domain.windows.telling import tell_one
from services.compliance.domain.windows.window import DAYS, Window
from shared.messages.compliance import Finding
from shared.money import format_amount


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: over 3 deviations above the mean of 10 or more, over 3 times the 30 days' mean, over 1,000."""

    version: int
    deviations: int
    count_min: int
    times: int
    over: int


BOUNDS: Final[bounds.Bounds] = {
    "deviations": bounds.count(),
    "count": bounds.count(),
    "times": bounds.count(),
    "over": bounds.amount(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    said = bounds.read_values(row.values, BOUNDS, scale)
    return Parameters(row.version, said["deviations"], said["count"], said["times"], said["over"])


def gate(parameters: Parameters) -> Gate:
    """Less is no matter, however unusual."""
    return Gate(size_min=parameters.over + 1)


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that the amount is far above those before it in its direction, and above the month's mean."""
    size = abs(entry.amount)
    if size <= parameters.over:
        return None
    if entry.amount > 0:
        count, total, squares = window.in_count - 1, window.in_sum - size, window.in_squares - size * size
        month, volume = window.in_days(DAYS)[:2]
    else:
        count, total, squares = window.out_count - 1, window.out_sum - size, window.out_squares - size * size
        month, volume = window.in_days(DAYS)[2:]
    if count < parameters.count_min:
        return None
    # (x - mean)² > k² · variance, both times count²
    above = size * count - total
    if above <= 0 or above * above <= parameters.deviations**2 * (count * squares - total * total):
        return None
    if month > 1 and size * (month - 1) <= parameters.times * (volume - size):
        return None
    mean = format_amount(total // count, entry.scale)
    words = f"The amount is far from this customer's mean of {mean} {entry.asset}."
    return tell_one(RULE.code, parameters.version, words, window, entry, mean=mean, history=count)


RULE: Final = WindowRule(
    code="DEV-1",
    title="Away from own history",
    bounds=BOUNDS,
    judges="both",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
)
