"""What of an account counts from a later day on than the one it was booked on. Pure."""

from collections.abc import Mapping
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
