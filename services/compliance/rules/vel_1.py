"""VEL-1, how often: more transactions in an hour, a day, a week or a month than a customer has reason for.

FFIEC BSA/AML examination manual, appendix F: repetitive or unusual activity. No law gives a figure: the
defaults are to be set by a firm from its own customers, by segment.

Example: the eleventh card payment within one hour is found, the tenth is not.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain.rule import RuleParameter, WindowRule
from services.compliance.domain.windows.entry import HOUR, Entry
from services.compliance.domain.windows.telling import tell_volume
from services.compliance.domain.windows.window import DAYS, WEEK, Window
from shared.messages.compliance import Finding


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: over 10 in an hour, 30 in 24 hours, 100 in 7 days, 300 in 30 days."""

    version: int
    hour: int
    day: int
    week: int
    month: int


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values: `hour`, `day`, `week`, `month`, each the largest count that is usual."""
    del scale
    values = row.values
    return Parameters(row.version, *(int(values[name]) for name in ("hour", "day", "week", "month")))


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find the shortest time in which there were too many."""
    came, _, went, _ = window.in_days(DAYS)
    month = came + went
    if month <= parameters.hour:
        return None
    if (hour := len(window.span(HOUR))) > parameters.hour:
        return _told(window, entry, parameters, "hour", hour, parameters.hour)
    came, _, went, _ = window.in_hours()
    if came + went > parameters.day:
        return _told(window, entry, parameters, "day", came + went, parameters.day)
    if month > parameters.week:
        came, _, went, _ = window.in_days(WEEK)
        if came + went > parameters.week:
            return _told(window, entry, parameters, "week", came + went, parameters.week)
    if month > parameters.month:
        return _told(window, entry, parameters, "month", month, parameters.month)
    return None


def _told(window: Window, entry: Entry, parameters: Parameters, span: str, count: int, over: int) -> Finding:
    words = f"{count} transactions within {'an' if span == 'hour' else 'a'} {span}, over {over}."
    return tell_volume(
        RULE.code, parameters.version, words, window, entry, count, abs(entry.amount), span=span, over=over
    )


RULE: Final = WindowRule(
    code="VEL-1", title="Count velocity", judges="both", read_parameters=read_parameters, evaluate=evaluate
)
