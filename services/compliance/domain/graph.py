"""Who paid whom of late, over all parties: the edges that rules about chains and rings look at.

Edges come in any order of time and are kept by event time. A pair that had often paid before tells little, so
every path is weighed by how rare its pairs are; parties with very many edges are not walked through.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from services.compliance.domain.windows.entry import DAY

KEPT: Final = 21 * DAY
BUSY: Final = 40
"""A party with more edges than this within the time is a hub: nothing is followed through it."""
STEPS_MAX: Final = 3_000
"""How many edges one question follows at most."""
WHOLE: Final = 1000


@dataclass(frozen=True, slots=True)
class Edge:
    """One transaction between two parties."""

    payer: str
    payee: str
    amount: int
    at: int
    reference: str
    times: int = 0
    """How often the pair had met before."""

    @property
    def rarity(self) -> int:
        """In thousandths: whole for a pair never seen before, half for the second time, and so on."""
        return WHOLE // (1 + self.times)


@dataclass(slots=True)
class Graph:
    """The edges of the last weeks in one asset, from both ends."""

    out: dict[str, list[Edge]] = field(default_factory=dict[str, list[Edge]])
    into: dict[str, list[Edge]] = field(default_factory=dict[str, list[Edge]])
    pairs: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    latest: int = 0

    def add(self, payer: str, payee: str, amount: int, at: int, reference: str) -> Edge:
        """Add a transaction and return its edge."""
        pair = (payer, payee)
        times = self.pairs.get(pair, 0)
        self.pairs[pair] = times + 1
        edge = Edge(payer, payee, amount, at, reference, times)
        self.latest = max(self.latest, at)
        for ends, name in ((self.out, payer), (self.into, payee)):
            kept = ends.setdefault(name, [])
            if kept and kept[0].at <= self.latest - KEPT:
                kept[:] = [each for each in kept if each.at > self.latest - KEPT]
            kept.append(edge)
        return edge

    def around(self, ends: dict[str, list[Edge]], party: str, edge: Edge, time: int) -> list[Edge]:
        """A party's edges less than a time from an edge, before or after it; none of a hub's."""
        near = [each for each in ends.get(party, ()) if abs(each.at - edge.at) < time]
        return near if len(near) <= BUSY else []

    def ring(self, edge: Edge, *, hops: int, time: int, percent: int) -> list[Edge]:
        """Return an edge and the shortest path from its payee back to its payer; empty if there is none.

        Amounts have to be alike: no less than `percent` of the larger of two.
        """
        paths: list[list[Edge]] = [[edge]]
        steps = 0
        seen = {edge.payee}
        while paths and len(paths[0]) < hops:
            longer: list[list[Edge]] = []
            for path in paths:
                for each in self.around(self.out, path[-1].payee, edge, time):
                    steps += 1
                    if steps > STEPS_MAX:
                        return []
                    if not alike(each.amount, edge.amount, percent):
                        continue
                    if each.payee == edge.payer:
                        return [*path, each]
                    if each.payee not in seen:
                        seen.add(each.payee)
                        longer.append([*path, each])
            paths = longer
        return []

    def chain(self, edge: Edge, *, layers: int, time: int, percent: int) -> list[Edge]:
        """Return the rarest chain of so many edges that ends in this one, each handing on the last."""
        best: list[Edge] = []
        for path in self._back(edge, edge, layers, time, percent, [0]):
            if not best or rarity(path) > rarity(best):
                best = path
        return best

    def _back(
        self, last: Edge, edge: Edge, layers: int, time: int, percent: int, steps: list[int]
    ) -> Iterator[list[Edge]]:
        if layers == 1:
            yield [edge]
            return
        for each in self.around(self.into, edge.payer, last, time):
            steps[0] += 1
            if steps[0] > STEPS_MAX:
                return
            if each.at <= edge.at and each.payer != last.payee and alike(each.amount, edge.amount, percent):
                for path in self._back(last, each, layers - 1, time, percent, steps):
                    if edge.payee != path[0].payer:
                        yield [*path, edge]


def alike(one: int, other: int, percent: int) -> bool:
    """Whether the smaller amount is at least a share of the larger."""
    return min(one, other) * 100 >= max(one, other) * percent


def rarity(path: list[Edge]) -> int:
    """How rare the pairs of a path are on average, in thousandths."""
    return sum(each.rarity for each in path) // len(path) if path else 0
