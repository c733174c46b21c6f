"""Counts new counterparties, each the less the more often it had been seen: fan-in and fan-out."""

from dataclasses import dataclass
from typing import Any, Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.domain.windows.window import DAYS, LOG_DAYS, LOG_MAX, Window
from shared.money import AMOUNT_MINOR_MAX

WHOLE = 1000
"""The weight of a counterparty never seen before; one seen n times before counts a (n + 1)th of it."""


@dataclass(frozen=True, slots=True)
class FanParameters:
    """Default: new counterparties worth 4 in 1 day, or 5 in 5 days, from 1,000 on."""

    version: int
    steps: tuple[tuple[int, int], ...]
    """Days, and how many whole new counterparties make a fan in them; shortest first."""
    count_min: int
    amount_min: int
    """Smaller amounts are no part of a fan."""


FAN_BOUNDS: Final[bounds.Bounds] = {
    "steps": bounds.several(bounds.pair(bounds.count(1, LOG_DAYS), bounds.count(1, LOG_MAX))),
    "amount_min": bounds.amount(),
}


def read_fan_parameters(row: RuleParameter, scale: int) -> FanParameters:
    """Read stored values: `steps` are pairs of days and new counterparties."""
    said = bounds.read_values(row.values, FAN_BOUNDS, scale)
    steps = said["steps"]
    return FanParameters(row.version, steps, min(number for _, number in steps), said["amount_min"])


def fan_gate(parameters: FanParameters) -> Gate:
    """Smaller amounts are no part of a fan, and it takes so many."""
    return Gate(size_min=parameters.amount_min, count_min=parameters.count_min)


def fan_reach(parameters: FanParameters, entry: Entry) -> int:
    """Only another large one, of somebody named, makes a fan larger."""
    is_part = entry.other and abs(entry.amount) >= parameters.amount_min
    return parameters.steps[-1][0] * DAY if is_part else 0


def fan(window: Window, entry: Entry, parameters: FanParameters) -> tuple[int, int, list[int]] | None:
    """Return days, how many counterparties and the places of the shortest fan that this entry completes.

    Only a counterparty never seen before completes one.
    """
    if not entry.other or window.times or abs(entry.amount) < parameters.amount_min:
        return None
    comes = entry.amount > 0
    if window.in_days(DAYS)[0 if comes else 2] < parameters.count_min:
        return None
    amount, other, known = window.amount, window.other, window.known
    low, high = parameters.amount_min, AMOUNT_MINOR_MAX
    if not comes:
        low, high = -high, -low
    mark = 0 if comes else 1
    after: dict[int, int] = {}
    for each in window.later():
        if (amount[each] > 0) is comes:
            after[other[each]] = after.get(other[each], 0) + 1
    for days, count in parameters.steps:
        members = [each for each in window.span(days * DAY) if low <= amount[each] <= high and other[each]]
        if len(members) < count:
            continue
        inside: dict[int, int] = {}
        for each in members:
            inside[other[each]] = inside.get(other[each], 0) + 1
        if len(inside) < count:
            continue
        score = sum(
            WHOLE // (1 + max(0, known.get(each | mark, 0) - times - after.get(each, 0)))
            for each, times in inside.items()
        )
        if score >= count * WHOLE:
            return days, len(inside), members
    return None


def fan_words(found: tuple[int, int, list[int]], words: str) -> tuple[str, dict[str, Any]]:
    """Return the sentence and the values that tell a fan."""
    days, count, _ = found
    within = "a day" if days == 1 else f"{days} days"
    return f"{count} {words} within {within}, most of them new.", {"days": days, "counterparties": count}
