"""MA-1, wash trades: one owner buys and sells one instrument, so that nobody's interest or risk changes.

Regulation (EU) 596/2014, article 12(1)(a), and Commission Delegated Regulation (EU) 2016/522, annex II,
section 1, point 3(a), for what a wash trade is. No law gives figures: sides less than a minute apart, or
several trades of a day that come to nothing. All accounts of the owner count; who owns jointly is another
owner. What was delivered free of payment is looked at with the trades.

Example: an owner buys 1,000 units by one account and 40 seconds later sells 700 by another: found with the
sale.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import HOUR, SECOND, Entry
from services.compliance.domain.windows.telling import tell
from services.compliance.domain.windows.window import LATENESS, LOG_DAYS, LOG_MAX, Window
from shared.messages.compliance import Finding


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: sides less than 60 seconds apart; or 4 trades in 24 hours that come to 1 % of their volume."""

    version: int
    seconds: int
    hours: int
    count_min: int
    net_percent: int


BOUNDS: Final[bounds.Bounds] = {
    "seconds": bounds.count(1, 24 * 3600),
    "hours": bounds.count(1, 24 * LOG_DAYS),
    "count": bounds.count(2, LOG_MAX),
    "net_percent": bounds.percent(0),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    del scale
    said = bounds.read_values(row.values, BOUNDS)
    return Parameters(row.version, said["seconds"], said["hours"], said["count"], said["net_percent"])


def gate(parameters: Parameters) -> Gate:
    """Only trades count."""
    del parameters
    return Gate(tells="traded")


def reach(parameters: Parameters, entry: Entry) -> int:
    """Whatever was bought, sold or delivered is added up."""
    del entry
    return max(parameters.seconds * SECOND, parameters.hours * HOUR)


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that this trade is undone by others, at once or over the day."""
    if not entry.traded:
        return None
    at, amount, time = window.at, window.amount, parameters.seconds * SECOND
    # What comes a little out of order is judged as of the latest, so those around it are looked for.
    near = [each for each in window.span(LATENESS + time) if abs(at[each] - entry.at) < time]
    if any((amount[each] > 0) != (entry.amount > 0) for each in near):
        words = f"The owner bought and sold within {parameters.seconds} seconds."
        return tell(RULE.code, parameters.version, words, window, entry, near, pattern="seconds")
    members = window.span(parameters.hours * HOUR)
    if len(members) < parameters.count_min:
        return None
    net = abs(sum(amount[each] for each in members))
    volume = sum(abs(amount[each]) for each in members)
    if not volume or net * 100 > volume * parameters.net_percent:
        return None
    words = f"{len(members)} trades within {parameters.hours} hours come to nothing, or next to it."
    return tell(RULE.code, parameters.version, words, window, entry, members, pattern="flat")


RULE: Final = WindowRule(
    code="MA-1",
    title="Wash trades",
    bounds=BOUNDS,
    judges="both",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
    reach=reach,
)
