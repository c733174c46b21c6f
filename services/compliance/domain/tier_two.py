"""The second tier: what rules about who paid whom find in what all shards have taken, and what of it is told.

A run takes what has come to each shard since the run before, puts it to what is there, and asks each rule
about each new edge. What it finds follows from the entries up to the run and those up to the one before it,
which are stored with it as numbers; no cutting of a shard's log into batches and no order of shards matters.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal, Protocol

from services.compliance.domain.graph import Edge, Graph, score
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import GraphRule
from services.compliance.domain.windows.entry import DAY, Entry, counterparty
from shared.messages.compliance import Finding
from shared.money import format_amount

Outcome = Literal["alert", "cooling", "over_budget"]
"""What becomes of a finding; `cooling` where its party was told of in the days of the rule already."""

AHEAD_DAYS: Final = 2
"""No event is later than so many days after the beginning of its business day: upstream may be wrong, and one
from next year would make all others old."""
REMEMBERED_MAX: Final = 10_000
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


class GraphParameters(Protocol):
    """What the parameters of every rule about who paid whom have."""

    @property
    def version(self) -> int: ...

    @property
    def days(self) -> int: ...

    @property
    def amount_min(self) -> int: ...

    @property
    def alerts_a_day(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Flow:
    """What a rule has found: edges in order of time."""

    rule: GraphRule[Any]
    asset: str
    edges: tuple[Edge, ...]
    score: int
    """In millionths."""
    parameters: GraphParameters

    @property
    def last(self) -> Edge:
        """The edge that closes it, whichever came last: an alert is about its owner and its business day."""
        return self.edges[-1]

    @property
    def business_date(self) -> date:
        """The business day of its last edge."""
        return date.fromordinal(self.last.day)

    @property
    def parties(self) -> tuple[int, ...]:
        """Everybody in it, each once."""
        return tuple(sorted({party for each in self.edges for party in (each.payer, each.payee)}))

    def finding(self) -> Finding:
        """Tell it; the events are named, people never."""
        count, days = len(self.edges), self.parameters.days
        return Finding(
            rule=self.rule.code,
            rule_version=self.parameters.version,
            sentence=self.rule.words.format(count=count, days=days),
            values={
                "asset": self.asset,
                "business_date": self.business_date.isoformat(),
                "count": count,
                "total": format_amount(sum(each.amount for each in self.edges), self.last.scale),
                "events": sorted({each.reference for each in self.edges}),
                "days": days,
                "score": f"{self.score // 10**6}.{self.score % 10**6:06d}",
            },
        )


@dataclass(slots=True)
class Telling:
    """What was told: a party once in a rule's days, and so many alerts of a rule on a business day."""

    told: dict[tuple[str, int], list[int]] = field(default_factory=dict[tuple[str, int], list[int]])
    """By rule and party, the business days of alerts about a flow that the party was part of."""
    spent: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    """By rule and business day, how many alerts."""

    def judge(self, flow: Flow) -> Outcome:
        """Say what becomes of a finding, and remember it where it is told."""
        rule, day = flow.rule.code, flow.last.day
        before = self.told.get((rule, counterparty(flow.last.owner)), ())
        if any(abs(day - each) < flow.parameters.days for each in before):
            return "cooling"
        if self.spent.get((rule, day), 0) >= flow.parameters.alerts_a_day:
            return "over_budget"
        self.note(rule, flow.parties, day)
        return "alert"

    def note(self, rule: str, parties: Iterable[int], day: int) -> None:
        """Remember that a flow was told."""
        for party in parties:
            self.told.setdefault((rule, party), []).append(day)
        self.spent[rule, day] = self.spent.get((rule, day), 0) + 1


@dataclass(slots=True)
class Flows:
    """The graph of each asset, and what rules find in it."""

    rules: Sequence[GraphRule[Any]]
    books: Sequence[ParameterBook]
    """Several where the same is judged by several: the first counts, unless another one is named."""
    graphs: dict[str, Graph] = field(default_factory=dict[str, Graph])
    leasts: dict[tuple[str, int, int], int | None] = field(
        default_factory=dict[tuple[str, int, int], int | None]
    )
    """By asset, business day and scale: what `_least` has read."""

    @property
    def cut_short(self) -> int:
        """How many searches were cut short."""
        return sum(each.cut_short for each in self.graphs.values())

    def take(self, entry: Entry) -> tuple[str, Edge] | None:
        """Add an entry; return its edge, with the asset, if rules may ask about it."""
        edge = edge_of(entry)
        if edge is None:
            return None
        graph = self.graphs.get(entry.asset)
        if graph is None:
            graph = self.graphs[entry.asset] = Graph()
        least = self._least(entry)
        if least is None or edge.amount < least:
            graph.meet(edge.payer, edge.payee, edge.at)
            return None
        graph.add(edge)
        return entry.asset, edge

    def find(self, fresh: Iterable[tuple[str, Edge]], book: ParameterBook | None = None) -> list[Flow]:
        """Ask each rule about new edges, all of them added; return what is found once, most telling first."""
        found: dict[tuple[str, str, tuple[Edge, ...]], Flow] = {}
        for asset, edge in fresh:
            graph = self.graphs[asset]
            if not graph.is_kept(edge):
                continue
            for rule, parameters in self._read(book or self.books[0], asset, edge.day, edge.scale):
                path = tuple(rule.evaluate(graph, edge, parameters))
                if path and (rule.code, asset, path) not in found:
                    telling = score(graph, path, parameters.days * DAY)
                    found[rule.code, asset, path] = Flow(rule, asset, path, telling, parameters)
        return sorted(found.values(), key=lambda each: (-each.score, each.rule.code, each.asset, each.edges))

    def _least(self, entry: Entry) -> int | None:
        """The smallest amount that any rule asks about; None where none is in force."""
        key = (entry.asset, entry.day, entry.scale)
        if key not in self.leasts:
            if len(self.leasts) >= REMEMBERED_MAX:
                self.leasts.clear()
            read = [parameters.amount_min for book in self.books for _, parameters in self._read(book, *key)]
            self.leasts[key] = min(read, default=None)
        return self.leasts[key]

    def _read(
        self, book: ParameterBook, asset: str, day: int, scale: int
    ) -> Iterator[tuple[GraphRule[Any], GraphParameters]]:
        for rule in self.rules:
            parameters: GraphParameters | None = book.read(rule, asset, date.fromordinal(day), scale)
            if parameters is not None:
                yield rule, parameters


def edge_of(entry: Entry) -> Edge | None:
    """Return who paid whom by an entry; None where nobody did, or the payer's own entry says so."""
    if not entry.amount or not entry.other or (entry.amount > 0 and not entry.outside):
        return None
    own = counterparty(entry.owner)
    payer, payee = (own, entry.other) if entry.amount < 0 else (entry.other, own)
    if payer == payee:
        return None
    return Edge(
        at=min(entry.at, (entry.day - _EPOCH_DAY + AHEAD_DAYS) * DAY),
        shard=entry.shard,
        seq=entry.seq,
        payer=payer,
        payee=payee,
        amount=abs(entry.amount),
        day=entry.day,
        scale=entry.scale,
        owner=entry.owner,
    )


@dataclass(slots=True)
class TierTwo:
    """What the house's shard keeps of all shards: how far it has read, and what came of it."""

    house: int
    flows: Flows
    telling: Telling
    number: int
    """The last run."""
    through: list[int]
    """By shard, the last batch of the last run."""
    entries: list[int]
    """By shard, how many entries there were up to then, from the first."""
    read: list[int] = field(default_factory=list[int])
    """By shard, the last batch in memory; less than `through` until all of it is read again."""
    is_settled: bool = True

    def __post_init__(self) -> None:
        self.read = [0] * len(self.through)

    @property
    def is_warm(self) -> bool:
        """Whether everything up to the last run is in memory."""
        return self.read == self.through
