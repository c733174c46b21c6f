"""Who paid whom of late, over all parties: the edges that rules about chains and rings look at.

A graph is made by the set of its edges, never by the order in which they came: whatever it answers, it would
have answered had they come in another order. A pair that had paid before tells little, so a path counts by
how many of its pairs are new, and by how likely somebody who follows the money at random would have taken it;
parties with very many edges are not walked through.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from services.compliance.domain.windows.entry import DAY

KEPT: Final = 21 * DAY
BUSY: Final = 40
"""A party with more edges than this within the time is a hub: nothing is followed through it."""
STEPS_MAX: Final = 10_000
"""How many edges one question follows at most; one that would follow more is cut short, and counted."""
HOPS_MAX: Final = 12
"""No longer way is asked for."""
WHOLE: Final = 1_000_000

Ends = dict[int, list["Edge"]]


class Edge(NamedTuple):
    """One transaction between two parties; in order of event time, then of the ledger's number."""

    at: int
    shard: int
    seq: int
    payer: int
    """Parties are numbers, as `windows.entry.counterparty` makes them."""
    payee: int
    amount: int
    day: int
    scale: int
    owner: str
    """The party of the two whom an alert is about: the payer, or the payee where the payer is outside."""

    @property
    def reference(self) -> str:
        """The ledger's event, as `shard-seq`."""
        return f"{self.shard}-{self.seq}"


def _pair(payer: int, payee: int) -> int:
    """Both numbers, of 63 bits, in one: it takes a third of the memory of two in a tuple."""
    return payer << 64 | payee


@dataclass(slots=True)
class Graph:
    """The edges of the last weeks in one asset, from both ends."""

    out: Ends = field(default_factory=dict[int, list[Edge]])
    into: Ends = field(default_factory=dict[int, list[Edge]])
    first: dict[int, int] = field(default_factory=dict[int, int])
    """When a payer first paid a payee, however little; by their pair, of which there may be millions."""
    latest: int = 0
    swept: int = 0
    """The last day on which edges that were over were forgotten."""
    steps: int = 0
    """Edges followed so far."""
    cut_short: int = 0
    """Questions that would have followed more than `STEPS_MAX`."""

    def meet(self, payer: int, payee: int, at: int) -> None:
        """Note that one paid another."""
        pair = _pair(payer, payee)
        before = self.first.get(pair)
        if before is None or at < before:
            self.first[pair] = at
        self.latest = max(self.latest, at)

    def add(self, edge: Edge) -> None:
        """Add a transaction that may be part of a path; one that is over is only met."""
        self.meet(edge.payer, edge.payee, edge.at)
        if not self.is_kept(edge):
            return
        for ends, party in ((self.out, edge.payer), (self.into, edge.payee)):
            insort(ends.setdefault(party, []), edge)
        if self.latest // DAY > self.swept:
            self._sweep()

    def is_kept(self, edge: Edge) -> bool:
        """Whether an edge is not over."""
        return edge.at > self.latest - KEPT

    def is_new(self, edge: Edge) -> bool:
        """Whether its payer had not paid its payee before."""
        return self.first[_pair(edge.payer, edge.payee)] >= edge.at

    def around(self, ends: Ends, party: int, at: int, time: int) -> Sequence[Edge]:
        """A party's edges less than a time from an instant, before or after it; none of a hub's."""
        places = self._places(ends, party, at, time)
        return ends[party][places.start : places.stop] if 0 < len(places) <= BUSY else ()

    def branches(self, party: int, at: int, time: int) -> int:
        """Count whom a party paid less than a time from an instant, each as often as it did."""
        return len(self._places(self.out, party, at, time))

    def ring(
        self, edge: Edge, *, least: int, most: int, time: int, percent: int, new_percent: int, amount: int
    ) -> list[Edge]:
        """Return the most telling ring that an edge is part of, in order of time; empty if there is none.

        Of `least` to `most` edges, from the first to the last less than `time`, each of `amount` or more,
        the smallest no less than `percent` of the largest, so many in a hundred of its pairs new.
        """
        search = _Search(self, edge.at, time, new_percent)
        if edge.amount >= amount:
            for path in search.rings([edge], most, percent, amount):
                if len(path) >= least:
                    search.consider(path)
        return search.best()

    def chain(
        self, edge: Edge, *, layers: int, time: int, percent: int, new_percent: int, amount: int
    ) -> list[Edge]:
        """Return the most telling chain that an edge is part of, in order of time; empty if there is none.

        Of so many edges, each handing on what came by the one before, alike by `percent`; else as in `ring`.
        """
        search = _Search(self, edge.at, time, new_percent)
        if edge.amount >= amount:
            for before in range(layers):
                for path in search.chains([edge], before, layers - 1 - before, percent, amount):
                    search.consider(path)
        return search.best()

    def _sweep(self) -> None:
        self.swept = self.latest // DAY
        for ends in (self.out, self.into):
            for party in [party for party, kept in ends.items() if not self.is_kept(kept[0])]:
                del ends[party][: bisect_left(ends[party], self._since())]
                if not ends[party]:
                    del ends[party]

    def _since(self) -> tuple[int]:
        return (self.latest - KEPT + 1,)

    def _places(self, ends: Ends, party: int, at: int, time: int) -> range:
        kept = ends.get(party)
        if kept is None:
            return range(0)
        since = max((at - time + 1,), self._since())
        # A tuple of the time alone comes before every edge of that time.
        return range(bisect_left(kept, since), bisect_left(kept, (at + time,)))


class _Search:
    """One question: the paths found so far, and how many edges were followed for it."""

    def __init__(self, graph: Graph, at: int, time: int, new_percent: int) -> None:
        self._graph = graph
        self._at = at
        self._time = time
        self._known_percent = 100 - new_percent
        self._steps = 0
        self._best: tuple[Any, ...] | None = None

    def best(self) -> list[Edge]:
        """Return the path that tells most, in order of time."""
        self._graph.steps += self._steps
        self._graph.cut_short += self._steps > STEPS_MAX
        return list(self._best[-1]) if self._best is not None else []

    def consider(self, path: Sequence[Edge]) -> None:
        """Keep a path that tells more than those before; of equals the shorter, then the earlier one."""
        if self._known(path) * 100 <= len(path) * self._known_percent:
            ordered = sorted(path)
            candidate = (-score(self._graph, ordered, self._time), len(ordered), ordered)
            if self._best is None or candidate < self._best:
                self._best = candidate

    def rings(self, path: list[Edge], most: int, percent: int, amount: int) -> Iterator[list[Edge]]:
        """Yield every way from a path's end back to its beginning."""
        edge, seen = path[0], {each.payee for each in path}
        for each in self._follow(self._graph.out, path[-1].payee):
            longer = [*path, each]
            if each.amount < amount or each.payee in seen or not self._fits(longer, most):
                continue
            amounts = [one.amount for one in longer]
            if not alike(min(amounts), max(amounts), percent):
                continue
            if each.payee == edge.payer:
                yield longer
            elif len(longer) < most:
                yield from self.rings(longer, most, percent, amount)

    def chains(
        self, path: list[Edge], before: int, after: int, percent: int, amount: int
    ) -> Iterator[list[Edge]]:
        """Yield every way to go on from a path to both sides by so many edges."""
        if not before and not after:
            yield path
            return
        edge = path[0] if before else path[-1]
        ends, party = (self._graph.into, edge.payer) if before else (self._graph.out, edge.payee)
        seen = {path[0].payer, *(each.payee for each in path)}
        for each in self._follow(ends, party):
            longer = [each, *path] if before else [*path, each]
            new = each.payer if before else each.payee
            in_order = each.at <= edge.at if before else each.at >= edge.at
            if (
                each.amount >= amount
                and in_order
                and new not in seen
                and alike(each.amount, edge.amount, percent)
                and self._fits(longer, len(longer) + before + after - 1)
            ):
                yield from self.chains(longer, max(0, before - 1), after - (not before), percent, amount)

    def _follow(self, ends: Ends, party: int) -> Iterator[Edge]:
        for each in self._graph.around(ends, party, self._at, self._time):
            self._steps += 1
            if self._steps > STEPS_MAX:
                return
            yield each

    def _fits(self, path: Sequence[Edge], most: int) -> bool:
        """Whether a path is short enough in time, and may still have enough new pairs when it is whole."""
        span = max(each.at for each in path) - min(each.at for each in path)
        return span < self._time and self._known(path) * 100 <= most * self._known_percent

    def _known(self, path: Iterable[Edge]) -> int:
        return sum(not self._graph.is_new(each) for each in path)


def alike(one: int, other: int, percent: int) -> bool:
    """Whether the smaller amount is at least a share of the larger."""
    return min(one, other) * 100 >= max(one, other) * percent


def score(graph: Graph, path: Sequence[Edge], time: int) -> int:
    """How telling a path is, in millionths: its share of new pairs, over the ways that it could have gone.

    The second is how likely money that is followed at random, from each payer to one of those it paid within
    the time around the path's last edge, takes this path: rings among those who pay many mean little.
    """
    at = max(path).at
    ways = 1
    for each in path:
        ways *= graph.branches(each.payer, at, time)
    return WHOLE * sum(graph.is_new(each) for each in path) // (len(path) * ways)
