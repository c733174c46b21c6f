"""What customers moved of late, beside others of their kind: turnovers, and what is usual among peers.

Peers are customers of the same kind (person or organisation), residence, age and risk class who moved
something in the asset. Like the graph, all of it is made by the set of entries and ratings, never by the
order in which they came.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from services.compliance.domain.windows.entry import DAY, Entry
from shared.messages.envelope import RiskClass
from shared.money import AMOUNT_MINOR_MAX

DAYS_MAX: Final = 30
"""The longest span that can be asked about."""
THOUSAND: Final = 1000
_STRIDE: Final = 3
"""Of a business day: its number, how many entries, their sum."""
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


class Known(NamedTuple):
    """What openings of accounts and ratings say of a customer."""

    segment: str = ""
    residence: str = ""
    told: tuple[int, int] = (-1, -1)
    """Shard and number of the last opening that said it."""
    opened: int | None = None
    """The first day; None where no opening was seen: the customer was there before."""
    risk_class: RiskClass = "medium"
    rating: int = 0
    """The version of the last rating."""


NOBODY: Final = Known()


class Group(NamedTuple):
    """A kind of customer."""

    segment: str
    residence: str
    is_young: bool
    risk_class: RiskClass


@dataclass(frozen=True, slots=True)
class Peers:
    """What is usual in a group. Of an even number the lower one of the two in the middle is the median."""

    count: int
    median: int
    """Of the turnovers, in minor units."""
    spread: int
    """The median of how many times a turnover is more or less than that, in thousandths: 1000 or more."""

    @classmethod
    def of(cls, turnovers: list[int]) -> "Peers":
        """Measure a group by the turnovers of its members, each above 0."""
        ordered = sorted(turnovers)
        middle = (len(ordered) - 1) // 2
        median = ordered[middle]
        apart = sorted(max(each, median) * THOUSAND // min(each, median) for each in ordered)
        return cls(len(ordered), median, apart[middle])


@dataclass(frozen=True, slots=True)
class Standing:
    """A customer beside its peers."""

    count: int
    """How many transactions."""
    total: int
    """What they add up to, in minor units."""
    peers: Peers


@dataclass(slots=True)
class Turnovers:
    """Turnovers in one asset: by customer, for each business day of the last ones, in and out together."""

    known: dict[str, Known]
    """Of all assets."""
    first: int = 0
    """The first business day of all, however long ago; 0 for none."""
    latest: int = 0
    """The last business day of all: it has only begun, so that peers are measured without it."""
    days: dict[str, "array[int]"] = field(default_factory=dict[str, "array[int]"])
    _measured: dict[tuple[int, int], dict[Group, Peers]] = field(
        default_factory=dict[tuple[int, int], dict[Group, Peers]]
    )

    def take(self, entry: Entry) -> None:
        """Count an entry on its business day, unless that is over."""
        day = entry.day
        self.first = min(self.first or day, day)
        if day > self.latest:
            self.latest = day
            self.forget_measures()
            self._sweep()
        elif day <= self.latest - DAYS_MAX - 1:
            return
        elif day < self.latest:
            self.forget_measures()
        _count(self.days.setdefault(entry.owner, array("q")), day, abs(entry.amount))

    def forget_measures(self) -> None:
        """Measure groups anew when they are asked for."""
        if self._measured:
            self._measured = {}

    def of(self, owner: str, days: int) -> tuple[int, int]:
        """How many transactions a customer had in so many business days up to the last one, and their sum."""
        count = total = 0
        for day, number, amount in _days(self.days.get(owner, array("q"))):
            if day > self.latest - days:
                count += number
                total += amount
        return count, total

    def group_of(self, owner: str, young_days: int) -> Group:
        """A customer's group; who came less than so many days ago is compared with others who did."""
        known = self.known.get(owner, NOBODY)
        is_young = known.opened is not None and self.latest - known.opened < young_days
        return Group(known.segment, known.residence, is_young, known.risk_class)

    def peers_of(self, owner: str, days: int, young_days: int) -> Peers | None:
        """What is usual in a customer's group in so many business days before the last one.

        None where nobody moved anything, or so many days have not passed since the first of all.
        """
        if self.latest - self.first < days:
            return None
        measured = self._measured.get((days, young_days))
        if measured is None:
            measured = self._measured[days, young_days] = self._measure(days, young_days)
        return measured.get(self.group_of(owner, young_days))

    def _measure(self, days: int, young_days: int) -> dict[Group, Peers]:
        since, until = self.latest - days, self.latest
        groups: dict[Group, list[int]] = {}
        for owner, kept in self.days.items():
            total = _sum(kept, since, until)
            if total:
                groups.setdefault(self.group_of(owner, young_days), []).append(total)
        return {group: Peers.of(turnovers) for group, turnovers in groups.items()}

    def _sweep(self) -> None:
        """Forget the days that are over."""
        over = self.latest - DAYS_MAX - 1
        for owner in [owner for owner, kept in self.days.items() if kept[0] <= over]:
            kept = self.days[owner]
            while kept and kept[0] <= over:
                del kept[:_STRIDE]
            if not kept:
                del self.days[owner]


@dataclass(slots=True)
class AllTurnovers:
    """The turnovers of every asset, and whom they are of."""

    known: dict[str, Known] = field(default_factory=dict[str, Known])
    assets: dict[str, Turnovers] = field(default_factory=dict[str, Turnovers])

    def take(self, entry: Entry) -> None:
        """Add an entry, or what an opening says of its customer."""
        if not entry.amount:
            self._meet(entry)
            return
        turnovers = self.assets.get(entry.asset)
        if turnovers is None:
            turnovers = self.assets[entry.asset] = Turnovers(self.known)
        turnovers.take(entry)

    def _meet(self, entry: Entry) -> None:
        before, told = self.known.get(entry.owner, NOBODY), (entry.shard, entry.seq)
        day = entry.at // DAY + _EPOCH_DAY
        opened = day if before.opened is None else min(day, before.opened)
        if (entry.segment or entry.residence) and told > before.told:
            after = before._replace(
                segment=entry.segment, residence=entry.residence, told=told, opened=opened
            )
        else:
            after = before._replace(opened=opened)
        self._learn(entry.owner, before, after)

    def rate(self, owner: str, version: int, risk_class: RiskClass) -> None:
        """Take a customer's rating; the one with the highest version counts."""
        before = self.known.get(owner, NOBODY)
        if version > before.rating:
            self._learn(owner, before, before._replace(risk_class=risk_class, rating=version))

    def _learn(self, owner: str, before: Known, after: Known) -> None:
        if after != before:
            self.known[owner] = after
            for turnovers in self.assets.values():
                if owner in turnovers.days:
                    turnovers.forget_measures()


def _days(kept: "array[int]") -> Iterator[tuple[int, int, int]]:
    columns = iter(kept)
    return zip(columns, columns, columns, strict=True)


def _sum(kept: "array[int]", since: int, until: int) -> int:
    """Add up what was moved from a day up to another one, which is the last there may be."""
    if kept[0] < since:
        return sum(amount for day, _, amount in _days(kept) if since <= day < until)
    total = sum(kept[2::_STRIDE])
    return total - kept[-1] if kept[-_STRIDE] == until else total


def _count(kept: "array[int]", day: int, amount: int) -> None:
    """Count an amount on its day; days are in order, and a sum beyond 64 bits stays at the largest."""
    place = len(kept) - _STRIDE
    while place >= 0 and kept[place] > day:
        place -= _STRIDE
    if place < 0 or kept[place] < day:
        place += _STRIDE
        kept[place:place] = array("q", (day, 0, 0))
    kept[place + 1] += 1
    kept[place + 2] = min(AMOUNT_MINOR_MAX, kept[place + 2] + amount)
