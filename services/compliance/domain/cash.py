"""Cash movements of one owner and what was seen of them before: the exact window store's unit.

A log answers two questions, by business day and by event time. It is exact: what it returns depends on
the set of events it was given, never on how they were cut into batches.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal

Direction = Literal["in", "out"]
"""From the firm's till: `in` credits the owner, `out` debits them."""

Phase = Literal["posted", "pending", "settled"]
"""`posted` at once; `pending` is only an attempt; `settled` is a pending one that was posted later."""

Log = Literal["attempts", "payments"]
"""Attempts are first outcomes (posted, pending); payments are money that moved (posted, settled)."""

LOGS: Final[dict[Phase, tuple[Log, ...]]] = {
    "posted": ("attempts", "payments"),
    "pending": ("attempts",),
    "settled": ("payments",),
}


@dataclass(frozen=True, slots=True)
class CashEvent:
    """Banknotes of one asset that one owner brought or took in one transaction."""

    owner: str
    asset: str
    direction: Direction
    phase: Phase
    amount: int
    """Minor units, positive."""
    occurred_at: datetime
    booking_date: date
    source_shard: int
    seq: int
    leg: int
    conductor: str | None = None
    """A code of who brought or took it, where the instruction says so."""

    @property
    def reference(self) -> str:
        """The ledger's event, as `shard-seq`."""
        return f"{self.source_shard}-{self.seq}"


def in_time(event: CashEvent) -> tuple[datetime, int, int, int]:
    """Order events by event time, ties by their place in the ledger's journal."""
    return (event.occurred_at, event.source_shard, event.seq, event.leg)


def customers_of(events: Iterable[CashEvent]) -> int:
    """Count whose they are."""
    return len({each.owner for each in events})


def _time_of(event: CashEvent) -> datetime:
    return event.occurred_at


@dataclass(slots=True)
class CashLog:
    """Cash events of one owner, to be asked by business day and by event time."""

    by_time: list[CashEvent] = field(default_factory=list[CashEvent])
    by_day: dict[tuple[str, date], tuple[CashEvent, ...]] = field(
        default_factory=dict[tuple[str, date], tuple[CashEvent, ...]]
    )

    def add(self, event: CashEvent) -> None:
        """Put one event in its place."""
        if not self.by_time or in_time(self.by_time[-1]) <= in_time(event):
            self.by_time.append(event)
        else:
            insort(self.by_time, event, key=in_time)
        key = (event.asset, event.booking_date)
        self.by_day[key] = (*self.by_day.get(key, ()), event)

    def on(self, asset: str, day: date) -> tuple[CashEvent, ...]:
        """All of one business day in one asset."""
        return self.by_day.get((asset, day), ())

    def around(self, asset: str, at: datetime, span: timedelta) -> list[CashEvent]:
        """All in one asset less than `span` before or after an instant, in event time."""
        first = bisect_right(self.by_time, at - span, key=_time_of)
        last = bisect_left(self.by_time, at + span, key=_time_of)
        return [each for each in self.by_time[first:last] if each.asset == asset]

    def copy(self) -> "CashLog":
        """A log that can grow on its own; events and days' tuples are shared, being immutable."""
        return CashLog(self.by_time.copy(), self.by_day.copy())


@dataclass(frozen=True, slots=True, order=True)
class Reach:
    """How far back a history is complete, or has to be: from a business day and from an instant on."""

    day: date
    since: datetime

    def covers(self, other: "Reach") -> bool:
        """Whether a history complete from here answers what is asked from `other`."""
        return self.day <= other.day and self.since <= other.since

    def joined(self, other: "Reach") -> "Reach":
        """The farther of both, in each respect."""
        return Reach(min(self.day, other.day), min(self.since, other.since))


@dataclass(frozen=True, slots=True)
class Lookback:
    """What a rule needs to see before an event: days of the books, and time by the events' own clock."""

    days: int
    time: timedelta

    def from_event(self, event: CashEvent) -> Reach:
        """How far back the history of this event has to be complete."""
        return Reach(event.booking_date - timedelta(days=self.days), event.occurred_at - self.time)


TRIM_ABOVE: Final = 512
"""A history longer than this is cut to what in-order events still need; late ones load it again."""


@dataclass(slots=True)
class OwnerHistory:
    """The cash events of one owner that this process has in memory."""

    reach: Reach
    logs: dict[Log, CashLog] = field(default_factory=lambda: {"attempts": CashLog(), "payments": CashLog()})
    trim_above: int = TRIM_ABOVE

    @classmethod
    def of(cls, reach: Reach, events: Iterable[CashEvent]) -> "OwnerHistory":
        """Build a history from stored events."""
        history = cls(reach)
        for event in events:
            history.add(event)
        return history

    def add(self, event: CashEvent) -> None:
        """Remember one event."""
        for log in LOGS[event.phase]:
            self.logs[log].add(event)

    def copy(self) -> "OwnerHistory":
        """A history that a batch may add to without changing this one."""
        return OwnerHistory(
            self.reach, {name: log.copy() for name, log in self.logs.items()}, self.trim_above
        )

    def trimmed(self, lookback: Lookback) -> "OwnerHistory":
        """This history, cut to twice what its latest event needs if it has grown long."""
        events = {each for log in self.logs.values() for each in log.by_time}
        if len(events) <= self.trim_above:
            return self
        day = max(each.booking_date for each in events) - timedelta(days=2 * lookback.days)
        since = max(each.occurred_at for each in events) - 2 * lookback.time
        reach = Reach(max(day, self.reach.day), max(since, self.reach.since))
        kept = [
            each
            for each in sorted(events, key=in_time)
            if each.booking_date >= reach.day or each.occurred_at >= reach.since
        ]
        history = OwnerHistory.of(reach, kept)
        history.trim_above = max(TRIM_ABOVE, 2 * len(kept))
        return history
