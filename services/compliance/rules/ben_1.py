"""BEN-1, the first-digit law: amounts whose leading digits are not those that grown amounts have.

Benford, The Law of Anomalous Numbers (1938); Nigrini, Benford's Law (2012), for its use on payments. χ² with
8 degrees of freedom is over 15.507 one time in twenty by chance, so this is a hint of the second tier.

Example: fifty payments in a month that all begin with 9 are found.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.domain.windows.telling import tell
from services.compliance.domain.windows.window import LOG_DAYS, LOG_MAX, Window
from shared.messages.compliance import Finding

SHARES: Final = (301_030, 176_091, 124_939, 96_910, 79_181, 66_947, 57_992, 51_153, 45_757)
"""log10(1 + 1/d) of the digits 1 to 9, in millionths."""
_MILLION: Final = 1_000_000
EVERY: Final = 10
"""The test is made when so many more have come, not with each."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: 50 amounts or more in 30 days, χ² over 15.507 (5 % at 8 degrees of freedom)."""

    version: int
    count_min: int
    over_thousandths: int


BOUNDS: Final[bounds.Bounds] = {
    "count": bounds.count(EVERY, LOG_MAX),
    "over_thousandths": bounds.count(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    del scale
    said = bounds.read_values(row.values, BOUNDS)
    return Parameters(row.version, said["count"], said["over_thousandths"])


def gate(parameters: Parameters) -> Gate:
    """The log has no more of a month than the buckets."""
    return Gate(count_min=parameters.count_min)


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that the month's amounts are spread otherwise, in whole numbers: Σ o²/e - n over the bound."""
    count = window.in_count + window.out_count
    if count < parameters.count_min or count % EVERY:
        return None
    members = window.span(LOG_DAYS * DAY)
    number = len(members)
    if number < parameters.count_min:
        return None
    seen, amount = [0] * 10, window.amount
    for each in members:
        seen[int(str(abs(amount[each]))[0])] += 1
    weighed = sum(
        seen[digit] ** 2 * _MILLION * 1000 // (share * number) for digit, share in enumerate(SHARES, start=1)
    )
    squares = weighed - number * 1000
    if squares <= parameters.over_thousandths:
        return None
    words = f"The first digits of {number} amounts do not follow the first-digit law."
    told = f"{squares // 1000}.{squares % 1000:03d}"
    return tell(RULE.code, parameters.version, words, window, entry, members, chi_squared=told)


RULE: Final = WindowRule(
    code="BEN-1",
    title="First-digit law",
    bounds=BOUNDS,
    judges="both",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
)
