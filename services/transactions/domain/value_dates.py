"""What an account held on each day by value date, and what of it counts from a later day on. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

Nets = Mapping[date, int]
"""Credits less debits, in minor units, by the value date from which they count."""

NONE_AHEAD: Final[Nets] = {}


class Ahead(NamedTuple):
    """What is posted on an account at home and has its value on a day to come."""

    entity_id: int
    nets: Nets

    def after(self, day: date) -> Nets:
        """Return what still lies ahead on a day."""
        return {value_date: net for value_date, net in self.nets.items() if value_date > day and net}


class Shift(NamedTuple):
    """Something posted on an account with its value on another day than the one that was open."""

    value_date: date
    posted_on: date


class Past(NamedTuple):
    """What was posted on an account at home since a day, as far as the batch before has left it."""

    since: date
    openings: Mapping[date, int]
    """By business day after that one: credits less debits of the home row when it was opened. Days on which
    nothing was posted may lack, but for the last."""
    shifts: Mapping[Shift, int]
    """Credits less debits of the home row that have their value on another day than they were posted on."""
    elsewhere: Nets
    """What other shards have credited, by the value date from which it counts."""


class DayBegun(NamedTuple):
    """A business day that a batch opens, and what the accounts changed before in it held then."""

    entity_id: int
    previous: date
    day: date
    seq: int
    held: dict[int, tuple[int, int]]
    """Account → debits and credits posted."""


class DayOpening(NamedTuple):
    """What an account held when a business day was opened: a row to be written."""

    account_id: int
    seq: int
    """The event that opened it."""
    debits: int
    credits: int


class DaysOpened(NamedTuple):
    """An entity's business days in a shard, earliest first, and the events that opened them; 0 for none."""

    dates: list[date]
    seqs: list[int]

    def held_by(self, since: date, kept: Iterable[tuple[int, int]], now: int) -> dict[date, int]:
        """Return what an account held when days after one were opened, of the last and those with postings.

        What it held when a day of any entity was opened is `kept`, earliest first, once something is posted
        after that: so between two of these, and from the last until now, it held the same.
        """
        dates, seqs = self
        if not dates or dates[-1] <= since:
            return {}
        found = {dates[0]: 0} if not seqs[0] and dates[0] > since else {}
        for seq, held in kept:
            found.setdefault(dates[bisect_right(seqs, seq) - 1], held)
        found.setdefault(dates[-1], now)
        return found


def nets_of(openings: Mapping[date, int], now: int, shifts: Mapping[Shift, int]) -> Nets:
    """Return by value date what was posted since the first of these days was opened.

    What was posted on a day is what was there when the next one was opened less what was there before; and
    what has its value on another day counts on that one instead.
    """
    days = sorted(openings)
    after = [openings[day] for day in days[1:]] + [now]
    nets = {day: net - openings[day] for day, net in zip(days, after, strict=False)}
    for (value_date, posted_on), net in shifts.items():
        if posted_on in nets:
            nets[posted_on] -= net
        nets[value_date] = nets.get(value_date, 0) + net
    return nets


def withheld(nets: Nets, elsewhere: Nets, since: date) -> int:
    """Return by how much an account may hold less, on some day from one on, than all that is posted on it.

    On a day it holds what has its value by then: so of all its days that one counts on which most is still to
    come. Nothing lies ahead on the last one.
    """
    ahead = worst = 0
    for value_date in sorted({*nets, *elsewhere}, reverse=True):
        if value_date <= since:
            break
        ahead += nets.get(value_date, 0) + elsewhere.get(value_date, 0)
        worst = max(worst, ahead)
    return worst
