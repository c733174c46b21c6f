"""The reference model of the rules about who paid whom, from their words in `docs/reference/rules.md`.

For each run that compliance has stored, everything up to it is looked at by plain recursion: every ring and
every chain that a new payment is part of.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from math import prod
from typing import Any, Final

from audit.amounts import LARGEST, read_amount
from audit.movements import Moved, Opened

KEPT: Final = timedelta(days=21)
HUB: Final = 40
AHEAD: Final = timedelta(days=2)

ValuesOf = Callable[[str, str, date], Mapping[str, Any] | None]
"""A rule's values for an asset and a business day."""


@dataclass(frozen=True, slots=True, order=True)
class Paid:
    """One party paid another."""

    at: datetime
    shard: int
    seq: int
    payer: str
    payee: str
    amount: int
    day: date
    owner: str

    @property
    def reference(self) -> str:
        """The ledger's event."""
        return f"{self.shard}-{self.seq}"


@dataclass(frozen=True, slots=True)
class Told:
    """What has to be told of a party."""

    rule: str
    owner: str
    day: date
    path: tuple[Paid, ...]


@dataclass(slots=True)
class Picture:
    """Everything paid in one asset so far."""

    asset: str
    out: dict[str, list[Paid]] = field(default_factory=dict[str, list[Paid]])
    into: dict[str, list[Paid]] = field(default_factory=dict[str, list[Paid]])
    met: dict[tuple[str, str], datetime] = field(default_factory=dict[tuple[str, str], datetime])
    latest: datetime | None = None

    def add(self, paid: Paid, least: int | None) -> bool:
        """Add a payment; say whether it is large enough for any rule."""
        pair = (paid.payer, paid.payee)
        self.met[pair] = min(paid.at, self.met.get(pair, paid.at))
        self.latest = paid.at if self.latest is None else max(self.latest, paid.at)
        if least is None or paid.amount < least:
            return False
        self.out.setdefault(paid.payer, []).append(paid)
        self.into.setdefault(paid.payee, []).append(paid)
        return True

    def is_over(self, paid: Paid) -> bool:
        """Whether it is too old to be part of anything."""
        assert self.latest is not None
        return paid.at <= self.latest - KEPT

    def is_new(self, paid: Paid) -> bool:
        """Whether the two had not met before."""
        return self.met[paid.payer, paid.payee] >= paid.at

    def near(self, paid: Iterable[Paid], at: datetime, span: timedelta) -> list[Paid]:
        """Those less than a time from an instant."""
        return [each for each in paid if abs(each.at - at) < span and not self.is_over(each)]

    def through(self, paid: Sequence[Paid], at: datetime, span: timedelta) -> list[Paid]:
        """The same, but none of a hub's."""
        found = self.near(paid, at, span)
        return found if len(found) <= HUB else []


@dataclass(slots=True)
class _Question:
    """A rule's values, and the payment that is asked about."""

    picture: Picture
    asked: Paid
    scale: int
    values: Mapping[str, Any]

    @property
    def span(self) -> timedelta:
        return timedelta(days=int(self.values["days"]))

    def best(self, paths: Iterable[Sequence[Paid]]) -> tuple[tuple[int, int, list[Paid]], ...]:
        """The path that tells most, with how much; nothing where there is none."""
        found = [(-self._score(sorted(path)), len(path), sorted(path)) for path in paths if self.holds(path)]
        return (min(found),) if found else ()

    def holds(self, path: Sequence[Paid]) -> bool:
        """Whether a whole path is large, short and new enough."""
        least = read_amount(str(self.values["amount_min"]), self.scale)
        new = sum(map(self.picture.is_new, path))
        return (
            min(each.amount for each in path) >= (least if isinstance(least, int) else LARGEST)
            and self.is_short(path)
            and new * 100 >= len(path) * int(self.values["new_percent"])
        )

    def is_short(self, path: Sequence[Paid]) -> bool:
        """Whether all of a path lies within the days."""
        return max(each.at for each in path) - min(each.at for each in path) < self.span

    def alike(self, one: int, other: int) -> bool:
        """Whether amounts are near enough."""
        return min(one, other) * 100 >= max(one, other) * int(self.values["percent"])

    def rings(self) -> Iterator[list[Paid]]:
        """Every ring, from the payment asked about on."""
        yield from (each for each in self._round([self.asked]) if len(each) >= int(self.values["hops_min"]))

    def chains(self) -> Iterator[list[Paid]]:
        """Every chain, with the payment asked about in each of its places."""
        layers = int(self.values["layers"])
        for before in range(layers):
            for head in self._before([self.asked], before):
                yield from self._after(head, layers - len(head))

    def _round(self, path: list[Paid]) -> Iterator[list[Paid]]:
        if len(path) == int(self.values["hops_max"]):
            return
        goes = self.picture.out.get(path[-1].payee, ())
        for each in self.picture.through(goes, self.asked.at, self.span):
            longer = [*path, each]
            amounts = [one.amount for one in longer]
            if not self._may_hold(longer, int(self.values["hops_max"])):
                continue
            if not self.alike(min(amounts), max(amounts)) or each.payee in {one.payee for one in path}:
                continue
            if each.payee == self.asked.payer:
                yield longer
            else:
                yield from self._round(longer)

    def _before(self, path: list[Paid], more: int) -> Iterator[list[Paid]]:
        if not more:
            yield path
            return
        first = path[0]
        for each in self.picture.through(self.picture.into.get(first.payer, ()), self.asked.at, self.span):
            if each.at <= first.at and self._goes_on(each.payer, path, each, first):
                yield from self._before([each, *path], more - 1)

    def _after(self, path: list[Paid], more: int) -> Iterator[list[Paid]]:
        if not more:
            yield path
            return
        last = path[-1]
        for each in self.picture.through(self.picture.out.get(last.payee, ()), self.asked.at, self.span):
            if each.at >= last.at and self._goes_on(each.payee, path, each, last):
                yield from self._after([*path, each], more - 1)

    def _goes_on(self, who: str, path: Sequence[Paid], each: Paid, beside: Paid) -> bool:
        parties = {party for one in path for party in (one.payer, one.payee)}
        layers = int(self.values["layers"])
        return (
            who not in parties
            and self.alike(each.amount, beside.amount)
            and self._may_hold([*path, each], layers)
        )

    def _may_hold(self, path: Sequence[Paid], most: int) -> bool:
        """Whether it is short, and has not too many pairs already that had met."""
        known = sum(not self.picture.is_new(each) for each in path)
        return self.is_short(path) and known * 100 <= most * (100 - int(self.values["new_percent"]))

    def _score(self, path: Sequence[Paid]) -> int:
        ways = prod(
            len(self.picture.near(self.picture.out[each.payer], path[-1].at, self.span)) for each in path
        )
        return 10**6 * sum(map(self.picture.is_new, path)) // (len(path) * ways)


ASKED: Final[Sequence[tuple[str, Callable[[_Question], Iterator[list[Paid]]]]]] = (
    ("CYC-1", _Question.rings),
    ("STK-1", _Question.chains),
)
RULES: Final = tuple(rule for rule, _ in ASKED)


def tell(
    entered: Mapping[int, Sequence[Moved | Opened]],
    runs: Iterable[tuple[Sequence[int], ValuesOf | None]],
    only: Mapping[str, Any] | None = None,
) -> list[Told]:
    """What every run has to tell.

    Runs are given by how much of each shard, from 0 on, they had seen, and by the parameters they had: with
    others than the run before, all that was seen is put together anew. A run without any asks nothing. Where
    `only` these values are asked about, what others find is left out.
    """
    pictures: dict[str, Picture] = {}
    told: list[Told] = []
    seen: dict[int, int] = {}
    before: ValuesOf | None = None
    for run, values_of in runs:
        if values_of is None:
            before, seen = None, dict(enumerate(run))
            continue
        if values_of is not before:
            pictures, before = {}, values_of
            for shard, count in seen.items():
                _put(pictures, entered.get(shard, ())[:count], values_of)
        fresh: list[tuple[Picture, Paid, int]] = []
        for shard, count in enumerate(run):
            fresh += _put(pictures, entered.get(shard, ())[seen.get(shard, 0) : count], values_of)
            seen[shard] = count
        told += _judged(_found(fresh, values_of, only), told, values_of)
    return told


def _put(
    pictures: dict[str, Picture], entries: Iterable[Moved | Opened], values_of: ValuesOf
) -> list[tuple[Picture, Paid, int]]:
    """Put what moved to the pictures, and return what rules ask about."""
    asked: list[tuple[Picture, Paid, int]] = []
    for each in entries:
        paid = _paid(each) if isinstance(each, Moved) else None
        if paid is not None:
            picture = pictures.setdefault(each.asset, Picture(each.asset))
            scale = each.scale if isinstance(each, Moved) else 0
            if picture.add(paid, _least(values_of, each.asset, paid.day, scale)):
                asked.append((picture, paid, scale))
    return asked


def _found(
    fresh: Sequence[tuple[Picture, Paid, int]], values_of: ValuesOf, only: Mapping[str, Any] | None
) -> list[tuple[int, str, str, tuple[Paid, ...]]]:
    """What is found of new payments, the most telling first."""
    found: set[tuple[int, str, str, tuple[Paid, ...]]] = set()
    for picture, paid, scale in fresh:
        for rule, paths_of in ASKED:
            values = values_of(rule, picture.asset, paid.day)
            if values is not None and (only is None or values is only) and not picture.is_over(paid):
                question = _Question(picture, paid, scale, values)
                for less, _, path in question.best(paths_of(question)):
                    found.add((less, rule, picture.asset, tuple(path)))
    return sorted(found)


def _judged(
    found: Iterable[tuple[int, str, str, tuple[Paid, ...]]], before: Sequence[Told], values_of: ValuesOf
) -> list[Told]:
    """Those that are told: of a party once in the days, and so many a business day."""
    told: list[Told] = []
    for _, rule, asset, path in found:
        last = path[-1]
        values = values_of(rule, asset, last.day)
        assert values is not None
        same = [each for each in (*before, *told) if each.rule == rule]
        lately = [each for each in same if abs((each.day - last.day).days) < int(values["days"])]
        parties = {party for each in lately for paid in each.path for party in (paid.payer, paid.payee)}
        on_the_day = sum(each.day == last.day for each in same)
        if last.owner not in parties and on_the_day < int(values["alerts_a_day"]):
            told.append(Told(rule, last.owner, last.day, path))
    return told


def _least(values_of: ValuesOf, asset: str, day: date, scale: int) -> int | None:
    """The smallest amount that any rule asks about."""
    read = [
        read_amount(str(values["amount_min"]), scale)
        for rule in RULES
        if (values := values_of(rule, asset, day)) is not None
    ]
    return min((each if isinstance(each, int) else LARGEST for each in read), default=None)


def _paid(moved: Moved) -> Paid | None:
    """Who paid whom; what the payer's own entry says, the payee's need not."""
    if not moved.partner or moved.partner == moved.owner or (moved.amount > 0 and not moved.outside):
        return None
    payer, payee = moved.owner, moved.partner
    if moved.amount > 0:
        payer, payee = payee, payer
    shard, _, seq = moved.reference.partition("-")
    midnight = datetime.combine(moved.day, time(), UTC)
    return Paid(
        at=min(moved.at, midnight + AHEAD),
        shard=int(shard),
        seq=int(seq),
        payer=payer,
        payee=payee,
        amount=abs(moved.amount),
        day=moved.day,
        owner=moved.owner,
    )
