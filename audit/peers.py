"""The reference model of DEV-2, a customer beside its peers, from its words in `docs/reference/rules.md`.

For each run that compliance has stored, the turnovers of everybody are added up anew from all up to it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from fractions import Fraction
from typing import Any, Final

from audit.amounts import LARGEST, read_amount
from audit.movements import Moved, Opened, volume

RULE: Final = "DEV-2"
THOUSANDTHS: Final = 1000

ValuesFor = Callable[[str, str, date, str, str], Mapping[str, Any] | None]
"""A rule's values for an asset, a business day, a kind of party and a residence."""


@dataclass(frozen=True, slots=True)
class Apart:
    """A customer who has to be told of."""

    owner: str
    asset: str
    day: date
    count: int
    total: int
    event: str
    times: int
    """The median, in millionths."""


@dataclass(frozen=True, slots=True)
class Who:
    """What openings of accounts and the last rating say of a customer."""

    segment: str = ""
    country: str = ""
    opened: date | None = None
    risk_class: str = "medium"


def tell_apart(
    entered: Mapping[int, Sequence[Moved | Opened]],
    runs: Iterable[tuple[Sequence[int], ValuesFor | None]],
    only: Mapping[str, Any] | None = None,
    classes: Sequence[Mapping[str, str]] = (),
) -> list[Apart]:
    """What every run has to tell; runs, and `only`, are given as in `audit.flows.tell`.

    `classes` has for each run the risk class of those who were rated by then.
    """
    told: list[Apart] = []
    before: Sequence[int] = ()
    for number, (run, values_for) in enumerate(runs):
        rated = classes[number] if classes else {}
        until = [each for shard, count in enumerate(run) for each in entered.get(shard, ())[:count]]
        fresh = [
            each
            for shard, count in enumerate(run)
            for each in entered.get(shard, ())[before[shard] if shard < len(before) else 0 : count]
        ]
        before = run
        if values_for is None:
            continue
        found = sorted(
            _found(until, fresh, values_for, rated),
            key=lambda each: (-each[0].times, each[0].asset, each[0].owner),
        )
        for each, values in found:
            if only is not None and values is not only:
                continue
            lately = [one for one in told if abs((one.day - each.day).days) < int(values["days"])]
            on_the_day = sum(one.day == each.day for one in told)
            if each.owner not in {one.owner for one in lately} and on_the_day < int(values["alerts_a_day"]):
                told.append(each)
    return told


def _found(
    until: Sequence[Moved | Opened],
    fresh: Sequence[Moved | Opened],
    values_for: ValuesFor,
    rated: Mapping[str, str],
) -> Iterator[tuple[Apart, Mapping[str, Any]]]:
    known = _known(until, rated)
    for asset in sorted({each.asset for each in fresh if isinstance(each, Moved)}):
        moved = [each for each in until if isinstance(each, Moved) and each.asset == asset]
        today = max(each.day for each in moved)
        for owner in sorted({e.owner for e in fresh if isinstance(e, Moved) and e.asset == asset}):
            who = known.get(owner, Who())
            values = values_for(RULE, asset, today, who.segment, who.country)
            if values is None:
                continue
            mine = [each for each in moved if each.owner == owner]
            new = [e for e in fresh if isinstance(e, Moved) and (e.owner, e.asset) == (owner, asset)]
            last = max(new, key=lambda each: (each.at, *map(int, each.reference.split("-"))))
            found = _beside(mine, last, moved, known, today, values)
            if found is not None:
                yield found, values


def _beside(
    mine: Sequence[Moved],
    last: Moved,
    moved: Sequence[Moved],
    known: Mapping[str, Who],
    today: date,
    values: Mapping[str, Any],
) -> Apart | None:
    """A customer beside its peers, if that is to be told."""
    days, least = timedelta(days=int(values["days"])), read_amount(str(values["amount_min"]), last.scale)
    month = [each for each in mine if today - days < each.day <= today]
    total = volume(month)
    if total < (least if isinstance(least, int) else LARGEST) or today - min(e.day for e in moved) < days:
        return None
    young = int(values["young_days"])
    group = _group(known.get(last.owner, Who()), today, young)
    turnovers: dict[str, int] = {}
    for each in moved:
        if today - days <= each.day < today and _group(known.get(each.owner, Who()), today, young) == group:
            turnovers[each.owner] = turnovers.get(each.owner, 0) + abs(each.amount)
    if len(turnovers) < max(1, int(values["peers_min"])):
        return None
    median = _median(turnovers.values())
    spread = _median(
        int(Fraction(max(each, median) * THOUSANDTHS, min(each, median))) for each in turnovers.values()
    )
    usual = median * Fraction(spread, THOUSANDTHS) ** int(values["spreads"])
    if total <= max(usual, int(values["times"]) * median):
        return None
    times = min(LARGEST, total * 10**6 // median)
    return Apart(last.owner, last.asset, today, len(month), total, last.reference, times)


def _known(entries: Iterable[Moved | Opened], rated: Mapping[str, str]) -> dict[str, Who]:
    """What openings say, the last of those that say who it is; a customer is as old as the first."""
    known = {owner: Who(risk_class=risk_class) for owner, risk_class in rated.items()}
    for each in entries:
        if isinstance(each, Opened):
            before, day = known.get(each.owner, Who()), each.at.astimezone(UTC).date()
            who = each if each.segment or each.country else before
            opened = min(day, before.opened or day)
            known[each.owner] = Who(who.segment, who.country, opened, before.risk_class)
    return known


def _group(who: Who, today: date, young_days: int) -> tuple[str, str, bool, str]:
    """Who are peers."""
    is_young = who.opened is not None and (today - who.opened).days < young_days
    return who.segment, who.country, is_young, who.risk_class


def _median(numbers: Iterable[int]) -> int:
    """The one in the middle; of two the lower one."""
    ordered = sorted(numbers)
    return ordered[(len(ordered) - 1) // 2]
