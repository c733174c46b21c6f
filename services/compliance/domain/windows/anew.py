"""Judges what lies after an entry that came out of order once more: a late one completes patterns, too."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from msgspec import structs

from services.compliance.domain.rule import Gate, Telling, WindowRule
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.domain.windows.telling import told_anew
from services.compliance.domain.windows.window import Window
from shared.messages.compliance import Finding

ANEW_MAX: Final = 64
"""Entries that a rule judges once more for one that came out of order: the nearest in time."""


class Anew(NamedTuple):
    """A rule that has a reach, and what an entry has to be to complete a pattern of it."""

    rule: WindowRule[Any]
    parameters: Any
    gate: Gate


def judge_anew(
    window: Window, entry: Entry, asked: Iterable[Anew], found: Iterable[Finding]
) -> Iterator[Finding]:
    """Yield of each rule the first finding that names the entry: its own as of its time, or a later one's.

    The window has just taken the entry, behind the latest, and `found` is what was found of it then: a rule
    that named it is not asked again. Each is judged as of its own time, by the entry's parameters, so that
    what is found depends on what there is and not on the order in which it came.
    """
    own = window.place_of(entry)
    if own is None:
        return
    reference = entry.reference
    named = {finding.rule for finding in found if reference in finding.values["events"]}
    past = _Past(window, entry, own)
    # On the latest day buckets held no more when a later entry came than they do now.
    is_latest_day = entry.at // DAY == window.last_at // DAY
    came, came_sum, went, went_sum = window.days_totals
    for each in asked:
        gate = each.gate
        if is_latest_day and (gate.count_min > came + went or gate.volume_min > came_sum + went_sum):
            continue
        reach = each.rule.reach(each.parameters, entry) if each.rule.reach is not None else 0
        if not reach or each.rule.code in named:
            continue
        for place in islice(past.places(each, reach), ANEW_MAX):
            later = past.look_from(place)
            finding = each.rule.evaluate(past.window, later, each.parameters)
            if finding is not None and reference in finding.values["events"]:
                yield told_anew(finding, later)
                break


class _Past:
    """A window that looks as of entries that it took before, and what they were."""

    def __init__(self, window: Window, entry: Entry, own: int) -> None:
        self._now = window
        self._then: Window | None = None
        self._entry = entry
        self._at, self._amount, self._other = window.at, window.amount, window.other
        self._since = own + 1 if window.late else own  # a late one has been judged as of its own time
        self._read: dict[int, tuple[Entry, int]] = {}
        """Entries, and how often their counterparty had been seen before."""

    @property
    def window(self) -> Window:
        """The window, looking as of the entry turned to last; made when first asked for, as few rules do."""
        if self._then is None:
            self._then = self._now.twin()
        return self._then

    def places(self, asked: Anew, reach: int) -> Iterator[int]:
        """Yield where in the log the entries are that may complete a pattern of a rule, earliest first."""
        amount, rule, least = self._amount, asked.rule, asked.gate.size_min
        tells = _TELLS[asked.gate.tells] if asked.gate.tells is not None else None
        for place in range(self._since, bisect_left(self._at, self._entry.at + reach)):
            moved = amount[place]
            if -least < moved < least or (rule.judges != "both" and (rule.judges == "in") is not (moved > 0)):
                continue
            if tells is None or tells(self._now, place):
                yield place

    def look_from(self, place: int) -> Entry:
        """Turn the window back to an entry, and return it, as far as the log knows it."""
        window = self.window
        read = self._read.get(place)
        if read is not None:
            entry, window.times = read
            window.now = entry.at
            return entry
        window.look_from(place)
        shard, seq = window.number_at(place)
        entry = structs.replace(
            self._entry,
            amount=self._amount[place],
            at=self._at[place],
            shard=shard,
            seq=seq,
            other=self._other[place],
            country=window.country_at(place),
            missing="",
            traded=window.is_traded_at(place),
        )
        self._read[place] = entry, window.times
        return entry


_TELLS: Final[Mapping[Telling, Callable[[Window, int], object]]] = {
    "country": Window.country_at,
    "traded": Window.is_traded_at,
}
"""Fields that the log keeps; a rule whose gate asks for another one has no reach."""
