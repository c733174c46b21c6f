"""Lets windows take entries and rules judge them: the engine's inner loop."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Final

from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import WindowRule
from services.compliance.domain.windows.entry import Entry
from services.compliance.domain.windows.window import Window
from shared.messages.compliance import Finding

_Judge = Callable[[Window, Entry, Any], Finding | None]
_Plan = tuple[tuple[_Judge, Any], ...]

REMEMBERED_MAX: Final = 10_000


class WindowJudge:
    """Judges entries by a set of rules, each with the parameters of its asset, customer and business day."""

    def __init__(self, rules: Iterable[WindowRule[Any]], book: ParameterBook) -> None:
        self._rules = tuple(rules)
        self._book = book
        self._plans: dict[tuple[str, int, int, str, str], tuple[_Plan, _Plan]] = {}

    def take(self, window: Window, entry: Entry) -> Sequence[Finding]:
        """Let a window take an entry, and return what the rules find then, in their order."""
        if not entry.amount:
            window.open(entry)
            return ()
        window.take(entry)
        return self.judge(window, entry)

    def judge(self, window: Window, entry: Entry) -> Sequence[Finding]:
        """Return what the rules find of the entry that a window has just taken, in their order."""
        key = (entry.asset, entry.day, entry.scale, window.segment, window.residence)
        plans = self._plans.get(key)
        if plans is None:
            plans = self._plan(*key)
        found: list[Finding] | None = None
        for evaluate, parameters in plans[entry.amount < 0]:
            finding = evaluate(window, entry, parameters)
            if finding is not None:
                if found is None:
                    found = []
                found.append(finding)
        return found or ()

    def _plan(self, asset: str, day: int, scale: int, segment: str, residence: str) -> tuple[_Plan, _Plan]:
        """Read once which rules judge what comes in, and what goes out."""
        if len(self._plans) >= REMEMBERED_MAX:
            self._plans.clear()
        booking_date = date.fromordinal(day)
        read = [
            (rule, self._book.read(rule, asset, booking_date, scale, segment, residence))
            for rule in self._rules
        ]
        comes, goes = (
            tuple(
                (rule.evaluate, parameters)
                for rule, parameters in read
                if parameters is not None and rule.judges in (direction, "both")
            )
            for direction in ("in", "out")
        )
        self._plans[asset, day, scale, segment, residence] = (comes, goes)
        return comes, goes


def replay(window: Window, entries: Iterable[Entry]) -> None:
    """Let a window take entries that were judged before."""
    for entry in entries:
        if entry.amount:
            window.take(entry)
        else:
            window.open(entry)
