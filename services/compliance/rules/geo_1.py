"""GEO-1, high-risk geography: money from or to countries on FATF's lists of the day.

FATF recommendation 19; Regulation (EU) 2024/1624, articles 29 to 31. The lists are parameters, each valid
from the plenary's day on; 3,000 is the threshold of the US recordkeeping rule, 31 CFR 1010.410(f).

Example: 3,000 USD to a payee in Iran: found, which 2,999.99 would not be. Three of 1,000 each in 30 days are
found with the third, if no more than 1,285.71 moved with other countries: 70 % of the month's money.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.domain.windows.telling import tell, tell_one
from services.compliance.domain.windows.window import LOG_DAYS, Window
from shared.messages.compliance import Finding


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: 3,000 at once, or 70 % of what moved in 30 days and 3,000 together."""

    version: int
    countries: frozenset[str]
    amount_min: int
    percent: int
    days: int


BOUNDS: Final[bounds.Bounds] = {
    "countries": bounds.countries(),
    "amount_min": bounds.amount(),
    "percent": bounds.percent(),
    "days": bounds.count(1, LOG_DAYS),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    return Parameters(version=row.version, **bounds.read_values(row.values, BOUNDS, scale))


def gate(parameters: Parameters) -> Gate:
    """Only entries with a country count."""
    del parameters
    return Gate(tells="country")


def reach(parameters: Parameters, entry: Entry) -> int:
    """Only what is with such a country makes the share larger."""
    return parameters.days * DAY if entry.country in parameters.countries else 0


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that this is much, or that most of the month is, with such countries."""
    if entry.country not in parameters.countries:
        return None
    if abs(entry.amount) >= parameters.amount_min:
        words = f"A large amount from or to {entry.country}, a country of high risk."
        return tell_one(
            RULE.code, parameters.version, words, window, entry, pattern="amount", country=entry.country
        )
    members: list[int] = []
    risky = moved = 0
    amount = window.amount
    for each in window.span(parameters.days * DAY):
        size = abs(amount[each])
        moved += size
        if window.country_at(each) in parameters.countries:
            risky += size
            members.append(each)
    if risky < parameters.amount_min or risky * 100 < moved * parameters.percent:
        return None
    words = f"{risky * 100 // moved} % of {parameters.days} days' money is with countries of high risk."
    return tell(
        RULE.code, parameters.version, words, window, entry, members, pattern="share", country=entry.country
    )


RULE: Final = WindowRule(
    code="GEO-1",
    title="High-risk geography",
    bounds=BOUNDS,
    judges="both",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
    reach=reach,
)
