"""STR-1, structuring: cash kept just under the reporting threshold, again and again.

31 CFR 1010.314 forbids to break a sum into parts in order to evade the report; the patterns are those
of the FFIEC BSA/AML examination manual, appendix G. Attempts count, whether they were posted or not. It
looks at all cash events less than 24 hours, or within the weeks, before *and after* the event in their
own time, so that a late one completes a pattern as it would have in order.

Over all customers of one person (as in CTR-1) the second tier finds the same where several customers are part
of it. It only alerts, once for the person, direction and business day, about the customer with the last of
it.

Example: 8,500, 9,200 and 9,000 USD in banknotes within 24 hours are three in the band: the third is found,
and held if it waits. Each through another customer of one person, none is held, and an alert follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from services.compliance.domain import bounds
from services.compliance.domain.cash import CashEvent, CashLog, Lookback, customers_of, in_time
from services.compliance.domain.persons import REACH_DAYS
from services.compliance.domain.rule import CashRule, RuleParameter
from shared.messages.compliance import Finding
from shared.money import format_amount

HOURS_MAX: Final = 7 * 24
WEEKS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Parameters:
    """Defaults: 3 of 8,000 to 9,999.99 in 24 hours; over 10,000 in one day in parts of 10,000 at most; one
    in the band in each of 3 weeks (FFIEC manual, appendix G; 31 CFR 1010.311 for the threshold).
    """

    version: int
    scale: int
    band_from: int
    """Lower end of the band, part of it."""
    band_below: int
    """Upper end of the band, no longer part of it."""
    count_min: int
    span: timedelta
    over: int
    """The reporting threshold: at most this is below it, and parts that together pass it are found."""
    weeks: int

    def in_band(self, event: CashEvent) -> bool:
        """Whether an amount is just under the threshold."""
        return self.band_from <= event.amount < self.band_below


BOUNDS: Final[bounds.Bounds] = {
    "band_from": bounds.amount(),
    "band_below": bounds.amount(),
    "over": bounds.amount(),
    "count": bounds.count(),
    "hours": bounds.count(1, HOURS_MAX),
    "weeks": bounds.count(2, WEEKS_MAX),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    said = bounds.read_values(row.values, BOUNDS, scale)
    bounds.require_band(said["band_from"], said["band_below"], "band_from", "band_below")
    return Parameters(
        version=row.version,
        scale=scale,
        band_from=said["band_from"],
        band_below=said["band_below"],
        count_min=said["count"],
        span=timedelta(hours=said["hours"]),
        over=said["over"],
        weeks=said["weeks"],
    )


def evaluate(history: CashLog, event: CashEvent, parameters: Parameters) -> Finding | None:
    """Find the first pattern that this event completes or prolongs."""
    if event.amount > parameters.over:
        return None
    for pattern, members_of in _PATTERNS:
        if members := members_of(history, event, parameters):
            return _finding(pattern, members, event, parameters)
    return None


def evaluate_person(history: CashLog, event: CashEvent, parameters: Parameters) -> Finding | None:
    """Find the first pattern that this event completes, of those with several customers of one person.

    All there is in the band in the weeks is part of the last pattern, not only the earliest of each.
    """
    if event.amount > parameters.over:
        return None
    for pattern, members_of in _PATTERNS_OF_PERSONS:
        members = members_of(history, event, parameters)
        if (customers := customers_of(members)) > 1:
            return _finding(pattern, members, event, parameters, customers)
    return None


def _many_in_band(history: CashLog, event: CashEvent, parameters: Parameters) -> Sequence[CashEvent]:
    """The largest number in the band, this event among them, that lie within less than the span."""
    if not parameters.in_band(event):
        return ()
    near = history.around(event.asset, event.occurred_at, parameters.span)
    members = sorted([event, *(each for each in near if parameters.in_band(each))], key=in_time)
    best: Sequence[CashEvent] = ()
    own = members.index(event)
    last = 0
    for first, start in enumerate(members):
        while last < len(members) and members[last].occurred_at - start.occurred_at < parameters.span:
            last += 1
        if first <= own < last and last - first > len(best):
            best = members[first:last]
    return best if len(best) >= parameters.count_min else ()


def _day_in_parts(history: CashLog, event: CashEvent, parameters: Parameters) -> Sequence[CashEvent]:
    same = [
        each
        for each in history.on(event.asset, event.booking_date)
        if each.direction == event.direction and each.amount <= parameters.over
    ]
    total = sum(each.amount for each in same) + event.amount
    return [*same, event] if total > parameters.over else ()


def _weekly(history: CashLog, event: CashEvent, parameters: Parameters) -> Sequence[CashEvent]:
    """One in the band for each of the weeks running, the event's week (Monday to Sunday) among them."""
    if not parameters.in_band(event):
        return ()
    own = event.booking_date - timedelta(days=event.booking_date.weekday())
    weeks: list[CashEvent] = [event]
    for step in (-1, 1):
        for distance in range(1, parameters.weeks):
            found = _in_week(history, event.asset, own + timedelta(weeks=step * distance), parameters)
            if found is None:
                break
            weeks.append(found)
    return weeks if len(weeks) >= parameters.weeks else ()


def _in_week(history: CashLog, asset: str, monday: date, parameters: Parameters) -> CashEvent | None:
    """The earliest of a week in the band."""
    for day in range(7):
        found = [each for each in history.on(asset, monday + timedelta(days=day)) if parameters.in_band(each)]
        if found:
            return min(found, key=in_time)
    return None


def _many_in_band_before(history: CashLog, event: CashEvent, parameters: Parameters) -> Sequence[CashEvent]:
    """All in the band less than the span before this event, the log having nothing after it."""
    if not parameters.in_band(event):
        return ()
    near = history.around(event.asset, event.occurred_at, parameters.span)
    members = [each for each in near if parameters.in_band(each) and _is_in_reach(each, event)]
    return [*members, event] if len(members) + 1 >= parameters.count_min else ()


def _weekly_before(history: CashLog, event: CashEvent, parameters: Parameters) -> Sequence[CashEvent]:
    """All in the band of the weeks running that end with the event's, if each has any."""
    if not parameters.in_band(event):
        return ()
    own = event.booking_date - timedelta(days=event.booking_date.weekday())
    members: list[CashEvent] = [event]
    for week in range(parameters.weeks):
        days = (own + timedelta(days=day - 7 * week) for day in range(7))
        found = [each for day in days for each in history.on(event.asset, day) if parameters.in_band(each)]
        if week and not found:
            return ()
        members += found
    return members


def _is_in_reach(each: CashEvent, event: CashEvent) -> bool:
    return abs(each.booking_date - event.booking_date) <= timedelta(days=REACH_DAYS)


_PATTERNS: Final = (
    ("many_in_band", _many_in_band),
    ("day_in_parts", _day_in_parts),
    ("weekly", _weekly),
)
_PATTERNS_OF_PERSONS: Final = (
    ("many_in_band", _many_in_band_before),
    ("day_in_parts", _day_in_parts),
    ("weekly", _weekly_before),
)


def _finding(
    pattern: str,
    members: Sequence[CashEvent],
    event: CashEvent,
    parameters: Parameters,
    customers: int = 0,
) -> Finding:
    values: dict[str, Any] = {
        "pattern": pattern,
        "asset": event.asset,
        "direction": event.direction,
        "business_date": event.booking_date.isoformat(),
        "amount": format_amount(event.amount, parameters.scale),
        "total": format_amount(sum(each.amount for each in members), parameters.scale),
        "count": len(members),
        "band_from": format_amount(parameters.band_from, parameters.scale),
        "band_below": format_amount(parameters.band_below, parameters.scale),
        "over": format_amount(parameters.over, parameters.scale),
        "events": sorted({each.reference for each in members}),
    }
    through = f", through {customers} customers of one person" if customers else ""
    return Finding(
        rule=RULE.code,
        rule_version=parameters.version,
        sentence=f"{_words(pattern, len(members), event, parameters)}{through}:"
        f" {values['total']} {event.asset}.",
        values=values | ({"customers": customers} if customers else {}),
    )


def _words(pattern: str, count: int, event: CashEvent, parameters: Parameters) -> str:
    match pattern:
        case "many_in_band":
            hours = int(parameters.span.total_seconds()) // 3600
            return f"{count} cash transactions just under the threshold within {hours} hours"
        case "day_in_parts":
            return f"Cash {event.direction} in {count} parts, together over the threshold, in one day"
        case _:
            return f"Cash just under the threshold in {parameters.weeks} weeks running"


RULE: Final = CashRule(
    code="STR-1",
    title="Structuring",
    bounds=BOUNDS,
    holds=True,
    judges="attempts",
    lookback=Lookback(days=7 * WEEKS_MAX, time=timedelta(hours=HOURS_MAX)),
    read_parameters=read_parameters,
    evaluate=evaluate,
    evaluate_person=evaluate_person,
)
