"""The reference model of the rules about windows, from their words in `docs/reference/rules.md`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from audit.amounts import LARGEST, read_amount
from audit.movements import DAYS, TOLERATED, WEEK, History, Moved, volume

MONTH: Final = timedelta(days=30)
BENFORD: Final = (301_030, 176_091, 124_939, 96_910, 79_181, 66_947, 57_992, 51_153, 45_757)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What identifies a finding: how many, their sum, their events, which of a rule's patterns, and the later
    one that completes it, if it was judged before."""

    count: int
    total: int
    events: tuple[str, ...]
    pattern: str | None = None
    completed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The last of a history and the values of a rule."""

    history: History
    last: Moved
    values: Mapping[str, Any]

    def amount(self, name: str) -> int:
        """An amount among the values, in minor units."""
        read = read_amount(str(self.values[name]), self.last.scale)
        return read if isinstance(read, int) else LARGEST

    def number(self, name: str) -> int:
        """A whole number among the values."""
        return int(self.values[name])

    def days(self) -> list[Moved]:
        """What is kept of the days that the values name."""
        return self.history.within(timedelta(days=self.number("days")))


def _of(members: Iterable[Moved], pattern: str | None = None) -> Pattern:
    listed = list(members)
    events = tuple(sorted({each.reference for each in listed}))
    return Pattern(len(listed), volume(listed), events, pattern)


def _volume(asked: Asked, count: int, total: int) -> Pattern:
    return Pattern(count, total, (asked.last.reference,))


def _smurfing(asked: Asked) -> Pattern | None:
    low, high = asked.amount("band_from"), asked.amount("band_below")
    members = [each for each in asked.days() if low <= each.amount < high and each.partner]
    if asked.last not in members or len({each.partner for each in members}) < asked.number("payers"):
        return None
    return _of(members)


def _rapid(asked: Asked) -> Pattern | None:
    least = asked.amount("in_min")
    for hours in sorted(map(int, asked.values["hours"])):
        inside = asked.history.within(timedelta(hours=hours))
        first = next((place for place, each in enumerate(inside) if each.amount > 0), len(inside))
        members = inside[first:]
        came = sum(each.amount for each in members if each.amount > 0)
        went = volume(members) - came
        if came >= least and went * 100 >= came * asked.number("percent"):
            return _of(members)
    return None


def _mirrored(asked: Asked) -> Pattern | None:
    went = -asked.last.amount
    if went < asked.amount("amount_min"):
        return None
    tolerance, kept = asked.number("tolerance_percent"), 100 - asked.number("commission_percent")
    for each in reversed(asked.history.within(timedelta(hours=asked.number("hours")))):
        if each.amount > 0:
            if abs(went - each.amount) * 100 <= each.amount * tolerance:
                return _of([each, asked.last], "same")
            if abs(100 * went - kept * each.amount) * 100 <= kept * each.amount * tolerance:
                return _of([each, asked.last], "less_commission")
    return None


def _is_unusual(asked: Asked, name: str, found: int, month: int) -> bool:
    """Whether a span's figure is over so many times what the month gives for it, if that is asked for."""
    hours = {"hour": 1, "day": 24, "week": 168, "month": 720}[name]
    return found * 720 > asked.values.get("times", 0) * month * hours


def _often(asked: Asked) -> Pattern | None:
    history = asked.history
    month = len(history.counted(days=DAYS)[0])
    counts = (
        ("hour", len(history.within(timedelta(hours=1)))),
        ("day", len(history.counted(hours=25)[0])),
        ("week", len(history.counted(days=WEEK)[0])),
        ("month", month),
    )
    for name, count in counts:
        limit = asked.values[name]
        if limit is not None and count > limit and _is_unusual(asked, name, count, month):
            return _volume(asked, count, abs(asked.last.amount))
    return None


def _much(asked: Asked) -> Pattern | None:
    history = asked.history
    month = history.counted(days=DAYS)[1]
    sums = (
        ("hour", volume(history.within(timedelta(hours=1)))),
        ("day", history.counted(hours=25)[1]),
        ("week", history.counted(days=WEEK)[1]),
        ("month", month),
    )
    for name, total in sums:
        if asked.values[name] is None or not _is_unusual(asked, name, total, month):
            continue
        if total > asked.amount(name):
            return _volume(asked, 1, total)
    return None


def _fan(asked: Asked) -> Pattern | None:
    history, last = asked.history, asked.last
    comes, least = last.amount > 0, asked.amount("amount_min")
    if not last.partner or history.met or abs(last.amount) < least:
        return None
    for days, wanted in sorted(map(tuple, asked.values["steps"])):
        inside = history.within(timedelta(days=days))
        large = [each for each in inside if each.partner and abs(each.amount) >= least]
        members = [each for each in large if (each.amount > 0) == comes]
        ahead = [each for each in history.ahead() if (each.amount > 0) == comes]
        score = 0
        for partner in {each.partner for each in members}:
            here = sum(each.partner == partner for each in [*members, *ahead])
            score += 1000 // (1 + max(0, history.partners.get((partner, comes), 0) - here))
        if score >= 1000 * wanted:
            return _of(members)
    return None


def _gathered(asked: Asked) -> Pattern | None:
    least = asked.amount("amount_min")
    if not asked.last.partner or asked.history.met or abs(asked.last.amount) < least:
        return None
    members = [each for each in asked.days() if each.partner and abs(each.amount) >= least]
    payers = {each.partner for each in members if each.amount > 0}
    payees = {each.partner for each in members if each.amount < 0}
    came = sum(each.amount for each in members if each.amount > 0)
    went = volume(members) - came
    if len(payers) < asked.number("payers") or len(payees) < asked.number("payees"):
        return None
    return _of(members) if abs(came - went) * 100 <= came * asked.number("percent") else None


def _dormant(asked: Asked) -> Pattern | None:
    idle = asked.history.idle
    if idle is None or idle < timedelta(days=asked.number("days")):
        return None
    if abs(asked.last.amount) <= asked.amount("over"):
        return None
    return _of([asked.last], "long" if idle.days >= asked.number("long_days") else "dormant")


def _deviating(asked: Asked) -> Pattern | None:
    last, comes = asked.last, asked.last.amount > 0
    size = abs(last.amount)
    earlier = [abs(each.amount) for each in asked.history.moved[:-1] if (each.amount > 0) == comes]
    number = len(earlier)
    if size <= asked.amount("over") or number < asked.number("count"):
        return None
    spread = number * sum(each * each for each in earlier) - sum(earlier) ** 2
    above = number * size - sum(earlier)
    if above <= 0 or above**2 <= asked.number("deviations") ** 2 * spread:
        return None
    month = [each for each in asked.history.counted(days=DAYS)[0] if (each.amount > 0) == comes]
    rest = len(month) - 1
    if rest > 0 and size * rest <= asked.number("times") * (volume(month) - size):
        return None
    return _of([last])


def _risky(asked: Asked) -> Pattern | None:
    listed, least = asked.values["countries"], asked.amount("amount_min")
    if asked.last.country not in listed:
        return None
    if abs(asked.last.amount) >= least:
        return _of([asked.last], "amount")
    inside = asked.days()
    members = [each for each in inside if each.country in listed]
    if volume(members) < least or volume(members) * 100 < volume(inside) * asked.number("percent"):
        return None
    return _of(members, "share")


def _round(asked: Asked) -> Pattern | None:
    multiple, comes = asked.amount("multiple"), asked.last.amount > 0
    members = [each for each in asked.days() if each.amount % multiple == 0 and (each.amount > 0) == comes]
    if asked.last.amount % multiple or len(members) < asked.number("count"):
        return None
    return _of(members)


def _new_payee(asked: Asked) -> Pattern | None:
    if not asked.last.partner or asked.history.met:
        return None
    size = abs(asked.last.amount)
    if size > asked.amount("over"):
        return _of([asked.last], "large")
    earlier = [-each.amount for each in asked.history.moved[:-1] if each.amount < 0]
    if size <= asked.amount("times_over") or len(earlier) < asked.number("count"):
        return None
    return (
        _of([asked.last], "unusual") if size * len(earlier) > asked.number("times") * sum(earlier) else None
    )


def _young(asked: Asked) -> Pattern | None:
    history = asked.history
    assert history.opened is not None
    inside, total = history.counted(days=DAYS)
    if total - abs(asked.last.amount) > asked.amount("over"):
        return None
    if history.now - history.opened >= timedelta(days=asked.number("days")) or total <= asked.amount("over"):
        return None
    return _volume(asked, len(inside), total)


def _drained(asked: Asked) -> Pattern | None:
    went = -asked.last.amount
    ahead = sum(each.amount for each in asked.history.ahead())
    there = sum(each.amount for each in asked.history.moved) - ahead + went
    if went < asked.amount("amount_min") or there <= 0 or went * 100 < there * asked.number("percent"):
        return None
    tiny = [each for each in asked.days() if abs(each.amount) < asked.amount("tiny_below")]
    return _of(tiny) if len(tiny) >= asked.number("count") else None


def _untold(asked: Asked) -> Pattern | None:
    least = asked.amount("amount_min") if asked.values["amount_min"] is not None else 0
    return _of([asked.last]) if asked.last.missing and abs(asked.last.amount) >= least else None


def _digits(asked: Asked) -> Pattern | None:
    least, seen = asked.number("count"), len(asked.history.moved)
    members = asked.history.within(MONTH)
    if seen < least or seen % 10 or len(members) < least:
        return None
    sums = 0
    for place, share in enumerate(BENFORD, start=1):
        found = sum(str(abs(each.amount)).startswith(str(place)) for each in members)
        sums += found * found * 10**9 // (share * len(members))
    return _of(members) if sums - 1000 * len(members) > asked.number("over_thousandths") else None


def _washed(asked: Asked) -> Pattern | None:
    history, last = asked.history, asked.last
    if not last.traded:
        return None
    apart = timedelta(seconds=asked.number("seconds"))
    near = [each for each in history.within(TOLERATED + apart) if abs(each.at - last.at) < apart]
    if any((each.amount > 0) != (last.amount > 0) for each in near):
        return _of(near, "seconds")
    inside = history.within(timedelta(hours=asked.number("hours")))
    net = abs(sum(each.amount for each in inside))
    if len(inside) < asked.number("count") or net * 100 > volume(inside) * asked.number("net_percent"):
        return None
    return _of(inside, "flat") if inside else None


Judge = Callable[[Asked], Pattern | None]

PATTERNS: Final[Sequence[tuple[str, str, Judge]]] = (
    ("STR-2", "in", _smurfing),
    ("RMF-1", "out", _rapid),
    ("MIR-1", "out", _mirrored),
    ("VEL-1", "both", _often),
    ("VEL-2", "both", _much),
    ("FAN-1", "in", _fan),
    ("FAN-2", "out", _fan),
    ("GS-1", "out", _gathered),
    ("DOR-1", "both", _dormant),
    ("DEV-1", "both", _deviating),
    ("GEO-1", "both", _risky),
    ("RND-1", "both", _round),
    ("PAY-1", "out", _new_payee),
    ("NEW-1", "both", _young),
    ("SPL-1", "out", _drained),
    ("TRV-1", "both", _untold),
    ("MA-1", "both", _washed),
    ("BEN-1", "both", _digits),
)


def _reaches(name: str) -> Callable[[Asked], bool]:
    return lambda asked: abs(asked.last.amount) >= asked.amount(name)


ANEW: Final[Mapping[str, Callable[[Asked], bool]]] = {
    "STR-2": _reaches("band_from"),
    "RMF-1": lambda _: True,
    "MIR-1": _reaches("amount_min"),
    "FAN-1": _reaches("amount_min"),
    "FAN-2": _reaches("amount_min"),
    "GS-1": _reaches("amount_min"),
    "GEO-1": lambda asked: bool(asked.last.country),
    "RND-1": _reaches("multiple"),
    "SPL-1": _reaches("amount_min"),
    "MA-1": lambda asked: asked.last.traded,
}
"""Rules that name movements, and which of what came before, but happened later, they judge once more."""
ANEW_MOST: Final = 64


def patterns_in(
    history: History, values_of: Callable[[str], Mapping[str, Any] | None]
) -> Iterator[tuple[str, Pattern, bool, int]]:
    """Yield each rule that finds something in the last of a history, what, if it may hold, its cooldown.

    If the last lies behind the latest, then what it completes together with what lies after it.
    """
    last = history.moved[-1]
    named: set[str] = set()
    for rule, direction, judge in PATTERNS:
        if not _is_asked(direction, last):
            continue
        values = values_of(rule)
        found = judge(Asked(history, last, values)) if values is not None else None
        if found is not None and values is not None:
            holds = "hold_hours" in values and last.amount < 0
            if last.reference in found.events:
                named.add(rule)
            yield rule, found, holds, int(values.get("cooldown_days", 1))
    since_last = history.since_last() if history.is_disordered else []
    for rule, direction, judge in PATTERNS if since_last else ():
        values = values_of(rule) if rule in ANEW and rule not in named else None
        if values is None:
            continue
        asked = (Asked(history, each, values) for each in since_last if _is_asked(direction, each))
        for each in islice(filter(ANEW[rule], asked), ANEW_MOST):
            found = judge(replace(each, history=history.as_of(each.last)))
            if found is not None and last.reference in found.events:
                completed = replace(found, completed_by=each.last.reference)
                yield rule, completed, False, int(values.get("cooldown_days", 1))
                break


def _is_asked(direction: str, each: Moved) -> bool:
    return direction in ("both", "in" if each.amount > 0 else "out")
