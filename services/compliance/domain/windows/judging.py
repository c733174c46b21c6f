"""Lets windows take entries and rules judge them: the engine's inner loop."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Final

from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import WindowRule
from services.compliance.domain.windows.anew import Anew, judge_anew
from services.compliance.domain.windows.entry import Entry
from services.compliance.domain.windows.window import Window
from shared.messages.compliance import Finding

_Judge = Callable[[Window, Entry, Any], Finding | None]
_Steps = tuple[tuple[_Judge, Any], ...]

REMEMBERED_MAX: Final = 10_000


class WindowJudge:
    """Judges entries by a set of rules, each with the parameters of its asset, customer and business day."""

    def __init__(self, rules: Iterable[WindowRule[Any]], book: ParameterBook) -> None:
        self._rules = tuple(rules)
        self._book = book
        self._plans: dict[tuple[str, int, int, str, str], _Plans] = {}

    def take(self, window: Window, entry: Entry) -> Sequence[Finding]:
        """Let a window take an entry, and return what the rules find then, in their order."""
        if not entry.amount:
            window.open(entry)
            return ()
        window.take(entry)
        return self.judge(window, entry)

    def judge(self, window: Window, entry: Entry) -> Sequence[Finding]:
        """Return what the rules find of the entry that a window has just taken, in their order.

        Of one that came out of order, then, what those after it are part of together with it.
        """
        key = (entry.asset, entry.day, entry.scale, window.segment, window.residence)
        plans = self._plans.get(key)
        if plans is None:
            plans = self._plan(*key)
        comes, goes, anew = plans
        plan = comes if entry.amount > 0 else goes
        found: list[Finding] | None = None
        for evaluate, parameters in plan.all if window.late else plan.steps(window, entry):
            finding = evaluate(window, entry, parameters)
            if finding is not None:
                if found is None:
                    found = []
                found.append(finding)
        if entry.at < window.last_at:
            return [*(found or ()), *judge_anew(window, entry, anew, found or ())]
        return found or ()

    def _plan(self, asset: str, day: int, scale: int, segment: str, residence: str) -> "_Plans":
        """Read once which rules judge what comes in, and what goes out."""
        if len(self._plans) >= REMEMBERED_MAX:
            self._plans.clear()
        booking_date = date.fromordinal(day)
        read = [
            (rule, self._book.read(rule, asset, booking_date, scale, segment, residence))
            for rule in self._rules
        ]
        comes, goes = (
            _Plan(
                (rule, parameters)
                for rule, parameters in read
                if parameters is not None and rule.judges in (direction, "both")
            )
            for direction in ("in", "out")
        )
        anew = tuple(
            Anew(rule, parameters, rule.gate(parameters))
            for rule, parameters in read
            if parameters is not None and rule.reach is not None
        )
        self._plans[asset, day, scale, segment, residence] = plans = (comes, goes, anew)
        return plans


class _Plan:
    """The rules of one direction, and which of them an entry's gates let through, each answer made once.

    An answer depends on nothing but how many of the gates' thresholds of each kind are reached, and on which
    fields are told, so that there are few of them.
    """

    __slots__ = ("_counts", "_gates", "_made", "_sizes", "_volumes", "all")

    def __init__(self, rules: Iterable[tuple[WindowRule[Any], Any]]) -> None:
        read = [(rule.evaluate, parameters, rule.gate(parameters)) for rule, parameters in rules]
        self.all: _Steps = tuple((evaluate, parameters) for evaluate, parameters, _ in read)
        self._gates = tuple(gate for *_, gate in read)
        self._sizes = sorted({gate.size_min for gate in self._gates})
        self._counts = sorted({gate.count_min for gate in self._gates})
        self._volumes = sorted({gate.volume_min for gate in self._gates})
        self._made: dict[tuple[int, int, int, bool, bool, bool], _Steps] = {}

    def steps(self, window: Window, entry: Entry) -> _Steps:
        """The rules that may find something of an entry that is not late, in their order."""
        amount = entry.amount
        came, came_sum, went, went_sum = window.days_totals
        key = (
            bisect_right(self._sizes, amount if amount > 0 else -amount),
            bisect_right(self._counts, came + went),
            bisect_right(self._volumes, came_sum + went_sum),
            not entry.country,
            not entry.missing,
            not entry.traded,
        )
        steps = self._made.get(key)
        return steps if steps is not None else self._make(key)

    def _make(self, key: tuple[int, int, int, bool, bool, bool]) -> _Steps:
        sizes, counts, volumes, *untold = key
        size, count, volume = (
            reached[-1] if reached else -1
            for reached in (self._sizes[:sizes], self._counts[:counts], self._volumes[:volumes])
        )
        lacking = {name for name, is_untold in zip(_TOLD, untold, strict=True) if is_untold}
        made = self._made[key] = tuple(
            step
            for step, gate in zip(self.all, self._gates, strict=True)
            if gate.size_min <= size
            and gate.count_min <= count
            and gate.volume_min <= volume
            and gate.tells not in lacking
        )
        return made


_Plans = tuple[_Plan, _Plan, tuple[Anew, ...]]
"""What judges what comes in, what goes out, and once more what lies after an entry out of order."""
_TOLD: Final = ("country", "missing", "traded")


def replay(window: Window, entries: Iterable[Entry]) -> None:
    """Let a window take entries that were judged before."""
    for entry in entries:
        if entry.amount:
            window.take(entry)
        else:
            window.open(entry)
