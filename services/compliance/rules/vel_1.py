"""VEL-1, how often: more transactions in an hour, a day, a week or a month than a customer has reason for.

FFIEC BSA/AML examination manual, appendix F: repetitive or unusual activity. No law gives a figure: the
defaults are to be set by a firm from its own customers, by segment. Trade is many transactions: of an
organisation a count is found only if it is also three times what its own month gives for so long.

Example: the eleventh card payment within one hour is found, the tenth is not.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import HOUR, Entry
from services.compliance.domain.windows.telling import tell_volume
from services.compliance.domain.windows.velocity import (
    DAYS_A_MONTH,
    DAYS_A_WEEK,
    HOURS_A_MONTH,
    SPANS,
    TIMES,
)
from services.compliance.domain.windows.window import DAYS, HOURS, WEEK, Window
from shared.messages.compliance import Finding

COUNT_MAX: Final = 2**63 - 1
"""No count passes it."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: over 10 in an hour, 30 in 24 hours, 100 in 7 days, 300 in 30 days."""

    version: int
    hour: int
    day: int
    week: int
    month: int
    times: int
    """Also over so many times the month's mean for the span; 0 asks for none of that."""
    least: int
    """The smallest of the limits."""


BOUNDS: Final[bounds.Bounds] = {
    "hour": bounds.or_none(bounds.count(), COUNT_MAX, "no limit"),
    "day": bounds.or_none(bounds.count(), COUNT_MAX, "no limit"),
    "week": bounds.or_none(bounds.count(), COUNT_MAX, "no limit"),
    "month": bounds.or_none(bounds.count(), COUNT_MAX, "no limit"),
    "times": TIMES,
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values: the largest usual counts."""
    del scale
    said = bounds.read_values(row.values, BOUNDS)
    least = min(said[name] for name in SPANS)
    bounds.require(least < COUNT_MAX, SPANS[-1], "a number where all other limits are null")
    return Parameters(version=row.version, **said, least=least)


def gate(parameters: Parameters) -> Gate:
    """A shorter time has no more than the month."""
    return Gate(count_min=parameters.least + 1)


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find the shortest time in which there were too many."""
    came, _, went, _ = window.in_days(DAYS)
    month = came + went
    if month <= parameters.least:
        return None
    usual = parameters.times * month
    if window.may_have(min(parameters.hour, parameters.day) + 1, HOURS * HOUR):
        hour = len(window.span(HOUR))
        if hour > parameters.hour and hour * HOURS_A_MONTH > usual:
            return _told(window, entry, parameters, "hour", hour, parameters.hour)
        came, _, went, _ = window.in_hours()
        day = came + went
        if day > parameters.day and day * DAYS_A_MONTH > usual:
            return _told(window, entry, parameters, "day", day, parameters.day)
    if month > parameters.week:
        came, _, went, _ = window.in_days(WEEK)
        week = came + went
        if week > parameters.week and week * DAYS_A_MONTH > usual * DAYS_A_WEEK:
            return _told(window, entry, parameters, "week", week, parameters.week)
    if month > parameters.month:
        return _told(window, entry, parameters, "month", month, parameters.month)
    return None


def _told(window: Window, entry: Entry, parameters: Parameters, span: str, count: int, over: int) -> Finding:
    words = f"{count} transactions within {'an' if span == 'hour' else 'a'} {span}, over {over}."
    return tell_volume(
        RULE.code, parameters.version, words, window, entry, count, abs(entry.amount), span=span, over=over
    )


RULE: Final = WindowRule(
    code="VEL-1",
    title="Count velocity",
    bounds=BOUNDS,
    judges="both",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
)
