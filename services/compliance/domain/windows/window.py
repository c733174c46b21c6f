"""The state of one owner in one asset: an exact log of late, buckets for volumes, and what was ever seen.

A window is a fold: what it holds depends on the entries it took and their order, never on how they were
cut into batches. Rules look at it after it has taken the entry they judge.

- **The log** is exact: the last `LOG_MAX` entries of `LOG_DAYS` days, by event time, in columns.
- **Buckets** of one hour (25 of them) and one day (31) hold count and sum, in and out, of all entries. Their
  grain is their error: "24 hours" reaches back 24 to 25 hours, "30 days" 30 to 31 days.
- **Event time**: an entry up to `LATENESS` behind the latest is judged as if it had come in order; a later
  one is judged as of its own time, from what is still kept, and marked late.
"""

from array import array
from bisect import bisect_right
from typing import Any, Final

import msgspec

from services.compliance.domain.windows.entry import DAY, HOUR, SECOND, Entry
from shared.money import AMOUNT_MINOR_MAX

FORM: Final = 1
"""Of stored windows: another one is built anew from the stored entries."""
LOG_MAX: Final = 500
LOG_DAYS: Final = 30
LATENESS: Final = 600 * SECOND
KNOWN_MAX: Final = 1024
"""Counterparties remembered by direction; beyond it the one known longest is forgotten."""
_SLACK: Final = 100
_RETAINED: Final = LOG_DAYS * DAY
_OUT: Final = 1
"""Marks a counterparty that was paid; the numbers of counterparties are even."""
_SHARD_BITS: Final = 48
_SEQ_MASK: Final = (1 << _SHARD_BITS) - 1
HOURS: Final = 25
WEEK: Final = 8
DAYS: Final = 31
"""Buckets for 24 hours, 7 and 30 days: the last one is not yet full."""
_STRIDE: Final = 5
"""Of a bucket: its number, count in, sum in, count out, sum out."""

Totals = tuple[int, int, int, int]
"""Count in, sum in, count out, sum out."""


class Window:
    """What is known of an owner in an asset. The slots after `late` are about the entry taken last."""

    __slots__ = (
        "account",
        "account_at",
        "amount",
        "at",
        "changed_since",
        "country",
        "days",
        "days_totals",
        "hours",
        "hours_totals",
        "idle",
        "in_count",
        "in_squares",
        "in_sum",
        "key",
        "known",
        "last_at",
        "late",
        "now",
        "opened_at",
        "other",
        "others",
        "out_count",
        "out_squares",
        "out_sum",
        "reference",
        "residence",
        "segment",
        "times",
    )

    def __init__(self) -> None:
        self.key: tuple[str, str] = ("", "")
        """Owner and asset, where a shard keeps it."""
        self.changed_since = -1
        """The batch since which it differs from what is stored; -1 where it does not."""
        self.segment = ""
        self.residence = ""
        self.opened_at = -1
        self.last_at = -1
        self.account = ""
        self.account_at = -1
        """When the first account was opened or last moved."""
        self.others: dict[str, int] | None = None
        """The same of further accounts."""
        self.known: dict[int, int] = {}
        """How often each counterparty was seen; odd numbers are those that were paid."""
        self.at = array("q")
        self.amount = array("q")
        self.other = array("q")
        self.reference = array("q")
        self.country: array[int] | None = None
        """Of the other side; none until one is told."""
        self.hours = array("q")
        self.days = array("q")
        self.hours_totals = [0, 0, 0, 0]
        self.days_totals = [0, 0, 0, 0]
        self.in_count = self.in_sum = self.in_squares = 0
        self.out_count = self.out_sum = self.out_squares = 0
        self.late = False
        self.now = 0
        """Where windows end: the latest event time, or the entry's own if it is late."""
        self.idle = -1
        """How long its account had not moved; -1 where it was not known."""
        self.times = 0
        """How often its counterparty had been seen before in this direction."""

    def open(self, entry: Entry) -> None:
        """Note an account's opening, and who the customer is."""
        self.segment, self.residence = entry.segment or self.segment, entry.residence or self.residence
        if self._seen(entry.account) < 0:
            self._move(entry.account, entry.at)
        if self.opened_at < 0 or entry.at < self.opened_at:
            self.opened_at = entry.at

    def take(self, entry: Entry) -> None:
        """Add one movement."""
        at, amount = entry.at, entry.amount
        behind = self.last_at - at
        self.late = behind > LATENESS
        if behind <= 0:
            self.last_at = self.now = at
        else:
            self.now = at if self.late else self.last_at
        account = entry.account
        seen = self.account_at if account == self.account else self._seen(account)
        self.idle = -1 if seen < 0 else at - seen
        if at > seen:
            if account == self.account:
                self.account_at = at
            else:
                self._move(account, at)
        if self.opened_at < 0:
            self.opened_at = at
        if amount > 0:
            self.in_count += 1
            self.in_sum += amount
            self.in_squares += amount * amount
            column = 1
        else:
            self.out_count += 1
            self.out_sum -= amount
            self.out_squares += amount * amount
            column = 3
        self._meet(entry.other, amount)
        self._log(entry)
        size = amount if amount > 0 else -amount
        _count(self.hours, self.hours_totals, at // HOUR, HOURS, column, size)
        _count(self.days, self.days_totals, at // DAY, DAYS, column, size)

    def _seen(self, account: str) -> int:
        if account == self.account:
            return self.account_at
        return self.others.get(account, -1) if self.others is not None else -1

    def _move(self, account: str, at: int) -> None:
        if account == self.account or not self.account:
            self.account, self.account_at = account, at
        elif self.others is None:
            self.others = {account: at}
        else:
            self.others[account] = at

    def _meet(self, other: int, amount: int) -> None:
        if not other:
            self.times = 0
            return
        known, key = self.known, other if amount > 0 else other | _OUT
        self.times = known.get(key, 0)
        known[key] = self.times + 1
        if len(known) > KNOWN_MAX:
            del known[next(iter(known))]

    def _log(self, entry: Entry) -> None:
        at, times = entry.at, self.at
        country = int.from_bytes(entry.country.encode(), "big") if entry.country else 0
        if country and self.country is None:
            self.country = array("H", bytes(2 * len(times)))
        reference = entry.shard << _SHARD_BITS | entry.seq
        if not times or times[-1] <= at:
            times.append(at)
            self.amount.append(entry.amount)
            self.other.append(entry.other)
            self.reference.append(reference)
            if self.country is not None:
                self.country.append(country)
        else:
            place = bisect_right(times, at)
            times.insert(place, at)
            self.amount.insert(place, entry.amount)
            self.other.insert(place, entry.other)
            self.reference.insert(place, reference)
            if self.country is not None:
                self.country.insert(place, country)
        if len(times) >= LOG_MAX + _SLACK or times[0] < self.last_at - 2 * _RETAINED:
            self._cut()

    def _cut(self) -> None:
        """Drop what is beyond the log; done now and then, since `span` leaves it out anyway."""
        first = self._first()
        for column in (self.at, self.amount, self.other, self.reference, self.country):
            if column is not None:
                del column[:first]

    def _first(self) -> int:
        old = bisect_right(self.at, self.last_at - _RETAINED)
        return max(old, len(self.at) - LOG_MAX)

    def span(self, time: int) -> range:
        """Where in the log the entries are that lie less than `time` before now, and none after it."""
        times, now = self.at, self.now
        first = max(bisect_right(times, now - time), len(times) - LOG_MAX)
        if not self.late:
            return range(first, len(times))
        return range(max(first, self._first()), bisect_right(times, now))

    def in_hours(self) -> Totals:
        """What was counted in 24 hours up to now."""
        if self.late:
            return _sum(self.hours, self.now // HOUR, HOURS)
        counted = self.hours_totals
        return counted[0], counted[1], counted[2], counted[3]

    def in_days(self, days: int) -> Totals:
        """What was counted in so many days' buckets up to now, `DAYS` at most."""
        if days == DAYS and not self.late:
            counted = self.days_totals
            return counted[0], counted[1], counted[2], counted[3]
        return _sum(self.days, self.now // DAY, days)

    def reference_at(self, place: int) -> str:
        """The ledger's event of an entry in the log."""
        packed = self.reference[place]
        return f"{packed >> _SHARD_BITS}-{packed & _SEQ_MASK}"

    def country_at(self, place: int) -> str:
        """The country of an entry in the log."""
        packed = self.country[place] if self.country is not None else 0
        return packed.to_bytes(2, "big").decode() if packed else ""

    def to_bytes(self) -> bytes:
        """Spell the window to be stored."""
        country = self.country if self.country is not None and any(self.country) else array("H")
        columns = (self.at, self.amount, self.other, self.reference, country, self.hours, self.days)
        return _ENCODE(
            (
                self.segment,
                self.residence,
                self.opened_at,
                self.last_at,
                self.account,
                self.account_at,
                self.others,
                list(self.known.items()),
                tuple(column.tobytes() for column in columns),
                tuple(map(str, (self.in_sum, self.in_squares, self.out_sum, self.out_squares))),
                (self.in_count, self.out_count),
            )
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Window":
        """Read a stored window."""
        window = cls()
        head: Any = _DECODE(stored)
        window.segment, window.residence, window.opened_at, window.last_at = head[:4]
        window.account, window.account_at, window.others = head[4:7]
        window.known = dict(head[7])
        at, amount, other, reference, country, hours, days = head[8]
        if country:
            window.country = array("H", country)
        for column, content in (
            (window.at, at),
            (window.amount, amount),
            (window.other, other),
            (window.reference, reference),
            (window.hours, hours),
            (window.days, days),
        ):
            column.frombytes(content)
        sums = tuple(map(int, head[9]))
        window.in_sum, window.in_squares, window.out_sum, window.out_squares = sums
        window.in_count, window.out_count = head[10]
        window.hours_totals = _columns(window.hours)
        window.days_totals = _columns(window.days)
        return window


_ENCODE: Final = msgspec.msgpack.encode
_DECODE: Final = msgspec.msgpack.decode


def _count(buckets: "array[int]", totals: list[int], number: int, kept: int, column: int, size: int) -> None:
    """Count an amount in its bucket, and drop the buckets that are over; in order at no search."""
    place = len(buckets) - _STRIDE
    if place < 0 or buckets[place] != number:
        place = _bucket(buckets, totals, number, kept)
        if place < 0:
            return
    buckets[place + column] += 1
    totals[column - 1] += 1
    before = buckets[place + column + 1]
    after = before + size
    if after > AMOUNT_MINOR_MAX:
        after = AMOUNT_MINOR_MAX
    buckets[place + column + 1] = after
    totals[column] += after - before


def _bucket(buckets: "array[int]", totals: list[int], number: int, kept: int) -> int:
    """Return the place of a bucket that is not the latest, or becomes it; -1 for one that is over."""
    place = len(buckets) - _STRIDE
    if place < 0 or buckets[place] < number:
        buckets.extend((number, 0, 0, 0, 0))
        over = 0
        while buckets[over] <= number - kept:
            for each in range(4):
                totals[each] -= buckets[over + each + 1]
            over += _STRIDE
        if over:
            del buckets[:over]
        return len(buckets) - _STRIDE
    if buckets[place] - kept >= number:
        return -1
    while place >= 0 and buckets[place] > number:
        place -= _STRIDE
    if place < 0 or buckets[place] < number:
        place += _STRIDE
        buckets[place:place] = array("q", (number, 0, 0, 0, 0))
    return place


def _sum(buckets: "array[int]", last: int, count: int) -> Totals:
    """Add up the buckets after `last - count` up to `last`."""
    found = [0, 0, 0, 0]
    for place in range(0, len(buckets), _STRIDE):
        if last - count < buckets[place] <= last:
            for each in range(4):
                found[each] += buckets[place + 1 + each]
    return found[0], found[1], found[2], found[3]


def _columns(buckets: "array[int]") -> list[int]:
    return [sum(buckets[column::_STRIDE]) for column in range(1, _STRIDE)]
