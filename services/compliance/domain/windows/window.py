"""The state of one owner in one asset: an exact log of late, buckets for volumes, and what was ever seen.

A window is a fold: what it holds depends on the entries it took and their order, never on how they were
cut into batches. Rules look at it after it has taken the entry they judge.

- **The log** is exact: the last `LOG_MAX` entries of `LOG_DAYS` days, by event time, in one array: an array
  for each column would cost more memory than what most windows have in it.
- **Buckets** of one hour (25 of them) and one day (31) hold count and sum, in and out, of all entries. Their
  grain is their error: "24 hours" reaches back 24 to 25 hours, "30 days" 30 to 31 days.
- **Event time**: an entry up to `LATENESS` behind the latest is judged as if it had come in order; a later
  one is judged as of its own time, from what is still kept, and marked late. `look_from` turns back to any
  entry in the log, as if that were late: what came after it in time is not seen then, however it arrived.
"""

from array import array
from bisect import bisect_right
from typing import Any, Final

import msgspec

from services.compliance.domain.windows.entry import DAY, HOUR, SECOND, Entry
from shared.money import AMOUNT_MINOR_MAX

FORM: Final = 3
"""Of stored windows: another one is built anew from the stored entries."""
LOG_MAX: Final = 500
LOG_DAYS: Final = 30
LATENESS: Final = 600 * SECOND
KNOWN_MAX: Final = 1024
"""Counterparties remembered by direction; beyond it the one known longest is forgotten."""
_RETAINED: Final = LOG_DAYS * DAY
_OUT: Final = 1
"""Marks a counterparty that was paid; the numbers of counterparties are even."""
_WIDTH: Final = 4
"""Of an entry in the log: event time, amount, counterparty, and the ledger's event with `_TRADED`."""
_CUT_AT: Final = _WIDTH * (LOG_MAX + 100)
"""How long the log becomes before it is cut."""
_SHARD_BITS: Final = 48
_TRADED: Final = 1 << 47
"""Marks the event of an entry that was bought or sold."""
_SEQ_MASK: Final = _TRADED - 1
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
        "changed_since",
        "country",
        "days",
        "days_totals",
        "hours",
        "idle",
        "in_count",
        "in_squares",
        "in_sum",
        "key",
        "known",
        "last_at",
        "late",
        "log",
        "now",
        "opened_at",
        "others",
        "out_count",
        "out_squares",
        "out_sum",
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
        self.log = array("q")
        self.country: array[int] | None = None
        """Of the other side; none until one is told."""
        self.hours = array("q")
        self.days = array("q")
        self.days_totals = [0, 0, 0, 0]
        self.in_count = self.in_sum = self.in_squares = 0
        self.out_count = self.out_sum = self.out_squares = 0
        self.late = False
        self.now = 0
        """Where windows end: the latest event time, or the entry's own if it is late."""
        self.idle = -1
        """How long its account had not moved; -1 where it was not known."""
        self.times = 0
        """How often its counterparty had been seen before in this direction: of a late one in time, too."""

    def open(self, entry: Entry) -> None:
        """Note an account's opening, and who the customer is."""
        self.segment, self.residence = entry.segment or self.segment, entry.residence or self.residence
        if self._seen(entry.account) < 0:
            self._move(entry.account, entry.at)
        if self.opened_at < 0 or entry.at < self.opened_at:
            self.opened_at = entry.at

    def take(self, entry: Entry) -> None:
        """Add one movement."""
        at, amount, other, account = entry.at, entry.amount, entry.other, entry.account
        behind = self.last_at - at
        if behind <= 0:
            self.late = False
            self.last_at = self.now = at
        else:
            self.late = behind > LATENESS
            self.now = at if self.late else self.last_at
        if account == self.account:
            seen = self.account_at
            if at > seen:
                self.account_at = at
        else:
            seen = self._seen(account)
            if at > seen:
                self._move(account, at)
        self.idle = -1 if seen < 0 else at - seen
        if self.opened_at < 0:
            self.opened_at = at
        if amount > 0:
            size, column, key = amount, 1, other
            self.in_count += 1
            self.in_sum += size
            self.in_squares += size * size
        else:
            size, column, key = -amount, 3, other | _OUT
            self.out_count += 1
            self.out_sum += size
            self.out_squares += size * size
        if other:
            known = self.known
            self.times = times = known.get(key, 0)
            known[key] = times + 1
            if len(known) > KNOWN_MAX:
                del known[next(iter(known))]
        else:
            self.times = 0
        reference = entry.shard << _SHARD_BITS | entry.seq
        if entry.traded:
            reference |= _TRADED
        log = self.log
        place = len(log)
        if log and log[-_WIDTH] > at:
            place = bisect_right(self.at, at) * _WIDTH
            log[place:place] = array("q", (at, amount, other, reference))
        else:
            log.fromlist([at, amount, other, reference])  # `extend` would grow it number by number
        if entry.country or self.country is not None:
            self._tell_country(place // _WIDTH, entry.country)
        if self.late and self.times:
            self.times = self._times_at(place // _WIDTH)
        if len(log) >= _CUT_AT or log[0] < self.last_at - 2 * _RETAINED:
            self._cut()
        _count(self.hours, None, at // HOUR, HOURS, column, size)
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

    def _tell_country(self, place: int, country: str) -> None:
        """Note the country of an entry just logged; from the first one told on all have a place for it."""
        if self.country is None:
            self.country = array("H", bytes(2 * (len(self.log) // _WIDTH - 1)))
        self.country.insert(place, int.from_bytes(country.encode(), "big"))

    def _cut(self) -> None:
        """Drop what is beyond the log; done now and then, since `span` leaves it out anyway."""
        first = self._first(self.at)
        del self.log[: first * _WIDTH]
        if self.country is not None:
            del self.country[:first]

    def _first(self, times: "array[int]") -> int:
        old = bisect_right(times, self.last_at - _RETAINED)
        return max(old, len(times) - LOG_MAX)

    @property
    def at(self) -> "array[int]":
        """When what is in the log happened: a copy, as are the next two, so take it once."""
        return self.log[::_WIDTH]

    @property
    def amount(self) -> "array[int]":
        """What moved with each entry in the log."""
        return self.log[1::_WIDTH]

    @property
    def other(self) -> "array[int]":
        """The counterparty of each entry in the log."""
        return self.log[2::_WIDTH]

    def span(self, time: int) -> range:
        """Where in the log the entries are that lie less than `time` before now, and none after it."""
        times, now = self.at, self.now
        first = max(bisect_right(times, now - time), len(times) - LOG_MAX)
        if not self.late:
            return range(first, len(times))
        return range(max(first, self._first(times)), bisect_right(times, now))

    def later(self) -> range:
        """Where in the log the entries after now are; none in order."""
        if not self.late:
            return range(0)
        times = self.at
        return range(max(self._first(times), bisect_right(times, self.now)), len(times))

    def balance(self) -> int:
        """What has come in less what has gone out, up to now."""
        amount = self.amount if self.late else ()
        return self.in_sum - self.out_sum - sum(amount[each] for each in self.later())

    def place_of(self, entry: Entry) -> int | None:
        """Where in the log the entry taken last is; None where it is older than the log."""
        times = self.at
        place = bisect_right(times, entry.at) - 1
        return place if place >= self._first(times) else None

    def twin(self) -> "Window":
        """Return a window that shares what this one holds, but not where it looks from."""
        twin = Window.__new__(Window)
        for name in Window.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin

    def look_from(self, place: int) -> None:
        """Look as of an entry in the log, as of a late one, until the next is taken."""
        self.late, self.now, self.idle = True, self.log[place * _WIDTH], -1
        self.times = self._times_at(place)

    def _times_at(self, place: int) -> int:
        """How often the counterparty of an entry in the log had been seen before it, as far as is known."""
        amount, other = self.amount, self.other
        named, comes = other[place], amount[place] > 0
        if not named:
            return 0
        after = range(max(place + 1, self._first(self.at)), len(other))
        later = sum(other[each] == named and (amount[each] > 0) is comes for each in after)
        return max(0, self.known.get(named if comes else named | _OUT, 0) - 1 - later)

    def may_have(self, count: int, time: int) -> bool:
        """Whether so many entries or more, one at least, may lie less than `time` before now.

        One look, for rules to ask before they count: no is certain, yes is not.
        """
        if self.late or count > LOG_MAX:
            return True
        place = len(self.log) - count * _WIDTH
        return place >= 0 and self.log[place] > self.now - time

    def in_hours(self) -> Totals:
        """What was counted in 24 hours up to now."""
        if self.late:
            return _sum(self.hours, self.now // HOUR, HOURS)
        came, came_sum, went, went_sum = _columns(self.hours)
        return came, came_sum, went, went_sum

    def in_days(self, days: int) -> Totals:
        """What was counted in so many days' buckets up to now, `DAYS` at most."""
        if days == DAYS and not self.late:
            counted = self.days_totals
            return counted[0], counted[1], counted[2], counted[3]
        return _sum(self.days, self.now // DAY, days)

    def number_at(self, place: int) -> tuple[int, int]:
        """The ledger's event of an entry in the log: shard and seq."""
        packed = self.log[place * _WIDTH + 3]
        return packed >> _SHARD_BITS, packed & _SEQ_MASK

    def reference_at(self, place: int) -> str:
        """The ledger's event of an entry in the log, as `shard-seq`."""
        packed = self.log[place * _WIDTH + 3]
        return f"{packed >> _SHARD_BITS}-{packed & _SEQ_MASK}"

    def is_traded_at(self, place: int) -> bool:
        """Whether an entry in the log was bought or sold."""
        return bool(self.log[place * _WIDTH + 3] & _TRADED)

    def country_at(self, place: int) -> str:
        """The country of an entry in the log."""
        packed = self.country[place] if self.country is not None else 0
        return packed.to_bytes(2, "big").decode() if packed else ""

    def to_bytes(self) -> bytes:
        """Spell the window to be stored."""
        country = self.country if self.country is not None and any(self.country) else array("H")
        columns = (self.log, country, self.hours, self.days)
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
        log, country, hours, days = head[8]
        if country:
            window.country = array("H", country)
        for column, content in (
            (window.log, log),
            (window.hours, hours),
            (window.days, days),
        ):
            column.frombytes(content)
        sums = tuple(map(int, head[9]))
        window.in_sum, window.in_squares, window.out_sum, window.out_squares = sums
        window.in_count, window.out_count = head[10]
        window.days_totals = _columns(window.days)
        return window


_ENCODE: Final = msgspec.msgpack.encode
_DECODE: Final = msgspec.msgpack.decode


def _count(
    buckets: "array[int]", totals: list[int] | None, number: int, kept: int, column: int, size: int
) -> None:
    """Count an amount in its bucket, and drop the buckets that are over; in order at no search."""
    if buckets and buckets[-_STRIDE] == number:
        place = column - _STRIDE
    else:
        found = _bucket(buckets, totals, number, kept)
        if found < 0:
            return
        place = found + column
    buckets[place] += 1
    before = buckets[place + 1]
    after = before + size
    if after > AMOUNT_MINOR_MAX:
        after = AMOUNT_MINOR_MAX
    buckets[place + 1] = after
    if totals is not None:
        totals[column - 1] += 1
        totals[column] += after - before


def _bucket(buckets: "array[int]", totals: list[int] | None, number: int, kept: int) -> int:
    """Return the place of a bucket that is not the latest, or becomes it; -1 for one that is over."""
    place = len(buckets) - _STRIDE
    if place < 0 or buckets[place] < number:
        buckets.fromlist([number, 0, 0, 0, 0])
        over = 0
        while buckets[over] <= number - kept:
            if totals is not None:
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
