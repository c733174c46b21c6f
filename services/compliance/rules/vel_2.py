"""VEL-2, how much: a larger volume in an hour, a day, a week or a month than a customer has reason for.

FFIEC BSA/AML examination manual, appendix F: activity inconsistent with the customer's business. No law gives
a figure: the defaults are to be set by a firm from its own customers, by segment. Of an organisation only a
week's volume is looked at, and found only if it is also three times what its own month gives for a week.

Example: 20,000 go out at noon and 0.50 at half past: the second is found, 20,000.50 within the hour.
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
from services.compliance.domain.windows.window import DAYS, WEEK, Window
from shared.messages.compliance import Finding
from shared.money import format_amount

VOLUME_MAX: Final = 2**127
"""No volume passes it."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: over 20,000 in an hour, 50,000 in 24 hours, 100,000 in 7 days, 200,000 in 30 days."""

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
    "hour": bounds.or_none(bounds.amount(), VOLUME_MAX, "no limit"),
    "day": bounds.or_none(bounds.amount(), VOLUME_MAX, "no limit"),
    "week": bounds.or_none(bounds.amount(), VOLUME_MAX, "no limit"),
    "month": bounds.or_none(bounds.amount(), VOLUME_MAX, "no limit"),
    "times": TIMES,
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values: the largest usual volumes."""
    said = bounds.read_values(row.values, BOUNDS, scale)
    least = min(said[name] for name in SPANS)
    bounds.require(least < VOLUME_MAX, SPANS[-1], "an amount where all other limits are null")
    return Parameters(version=row.version, **said, least=least)


def gate(parameters: Parameters) -> Gate:
    """A shorter time has no more than the month."""
    return Gate(volume_min=parameters.least + 1)


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find the shortest time in which too much came in and went out together."""
    _, came, _, went = window.in_days(DAYS)
    month = came + went
    if month <= parameters.least:
        return None
    usual = parameters.times * month
    came, went = window.in_hours()[1::2]
    day = came + went
    if window.late or day > parameters.hour:
        amount = window.amount
        hour = sum(abs(amount[each]) for each in window.span(HOUR))
        if hour > parameters.hour and hour * HOURS_A_MONTH > usual:
            return _told(window, entry, parameters, "hour", hour, parameters.hour)
    if day > parameters.day and day * DAYS_A_MONTH > usual:
        return _told(window, entry, parameters, "day", day, parameters.day)
    if month > parameters.week:
        came, went = window.in_days(WEEK)[1::2]
        week = came + went
        if week > parameters.week and week * DAYS_A_MONTH > usual * DAYS_A_WEEK:
            return _told(window, entry, parameters, "week", week, parameters.week)
    if month > parameters.month:
        return _told(window, entry, parameters, "month", month, parameters.month)
    return None


def _told(window: Window, entry: Entry, parameters: Parameters, span: str, total: int, over: int) -> Finding:
    text, limit = format_amount(total, entry.scale), format_amount(over, entry.scale)
    words = f"{text} {entry.asset} within {'an' if span == 'hour' else 'a'} {span}, over {limit}."
    return tell_volume(RULE.code, parameters.version, words, window, entry, 1, total, span=span, over=limit)


RULE: Final = WindowRule(
    code="VEL-2",
    title="Value velocity",
    bounds=BOUNDS,
    judges="both",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
)
