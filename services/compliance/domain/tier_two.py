"""The second tier: what rules over all shards find in what these have taken, and what of it is told.

A run takes what has come to each shard since the run before, puts it to what is there, and asks rules about
each new edge, and about each customer who has moved something. What it finds follows from the entries up to
the run and those up to the one before it, which are stored with it as numbers; no cutting of a shard's log
into batches and no order of shards matters.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal, Protocol
from uuid import UUID

from services.compliance.domain.graph import Edge, Graph, score
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.peers import NOBODY, AllTurnovers, Standing
from services.compliance.domain.rule import GraphRule, PeerRule, RuleParameter
from services.compliance.domain.rule_changes import Proposal, RuleSet, Shadow
from services.compliance.domain.windows.entry import DAY, Entry, counterparty, number_of
from shared.messages.compliance import Finding
from shared.messages.envelope import RiskClass
from shared.money import AMOUNT_MINOR_MAX, format_amount

Outcome = Literal["alert", "cooling", "over_budget"]
"""What becomes of a finding; `cooling` where its party was told of in the days of the rule already."""

AHEAD_DAYS: Final = 2
"""No event is later than so many days after the beginning of its business day: upstream may be wrong, and one
from next year would make all others old."""
REMEMBERED_MAX: Final = 10_000
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


TierRule = GraphRule[Any] | PeerRule[Any]
"""A rule over all shards."""


class TierParameters(Protocol):
    """What the parameters of every rule over all shards have."""

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
    parameters: TierParameters

    @property
    def last(self) -> Edge:
        """The edge that closes it, whichever came last: an alert is about its owner and its business day."""
        return self.edges[-1]

    @property
    def day(self) -> int:
        """The business day of its last edge."""
        return self.last.day

    @property
    def business_date(self) -> date:
        """The same, as a date."""
        return date.fromordinal(self.day)

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


@dataclass(frozen=True, slots=True)
class Deviation:
    """A customer who moved far more than its peers."""

    rule: PeerRule[Any]
    asset: str
    last: Entry
    """The last by event time that the customer was asked about for."""
    day: int
    """The last business day of all."""
    standing: Standing
    parameters: TierParameters

    @property
    def business_date(self) -> date:
        """The last business day of all."""
        return date.fromordinal(self.day)

    @property
    def parties(self) -> tuple[int, ...]:
        """The customer."""
        return (counterparty(self.last.owner),)

    @property
    def score(self) -> int:
        """How many times the median, in millionths."""
        return min(AMOUNT_MINOR_MAX, self.standing.total * 10**6 // self.standing.peers.median)

    def finding(self) -> Finding:
        """Tell it; of the events only the last is named."""
        peers, days = self.standing.peers, self.parameters.days
        times = f"{self.score // 10**6}.{self.score // 10**5 % 10}"
        return Finding(
            rule=self.rule.code,
            rule_version=self.parameters.version,
            sentence=self.rule.words.format(days=days, times=times, count=peers.count),
            values={
                "asset": self.asset,
                "business_date": self.business_date.isoformat(),
                "count": self.standing.count,
                "total": format_amount(self.standing.total, self.last.scale),
                "events": [self.last.reference],
                "days": days,
                "peers": peers.count,
                "median": format_amount(peers.median, self.last.scale),
                "spread": f"{peers.spread // 1000}.{peers.spread % 1000:03d}",
            },
        )


Told = Flow | Deviation
"""What may be told of a party."""


@dataclass(slots=True)
class Telling:
    """What was told: a party once in a rule's days, and so many alerts of a rule on a business day."""

    told: dict[tuple[str, int], list[int]] = field(default_factory=dict[tuple[str, int], list[int]])
    """By rule and party, the business days of alerts about what the party was part of."""
    spent: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    """By rule and business day, how many alerts."""

    over: set[tuple[str, int, int]] = field(default_factory=set[tuple[str, int, int]])
    """By rule, party and business day, who was found, but over the budget: kept once a day."""

    def judge(self, found: Told) -> Outcome:
        """Say what becomes of a finding, and remember it where it is told."""
        rule, day, party = found.rule.code, found.day, counterparty(found.last.owner)
        before = self.told.get((rule, party), ())
        if any(abs(day - each) < found.parameters.days for each in before):
            return "cooling"
        if self.spent.get((rule, day), 0) < found.parameters.alerts_a_day:
            self.note(rule, found.parties, day)
            return "alert"
        # A customer is asked about again with whatever it moves next; a flow is another one.
        if isinstance(found, Deviation) and (rule, party, day) in self.over:
            return "cooling"
        self.over.add((rule, party, day))
        return "over_budget"

    def note(self, rule: str, parties: Iterable[int], day: int) -> None:
        """Remember that it was told."""
        for party in parties:
            self.told.setdefault((rule, party), []).append(day)
        self.spent[rule, day] = self.spent.get((rule, day), 0) + 1

    def restore(self, rule: str, party: int, parties: Iterable[int], day: int, outcome: str) -> None:
        """Remember what was kept of a finding about a party."""
        if outcome == "alert":
            self.note(rule, parties, day)
        else:
            self.over.add((rule, party, day))


@dataclass(slots=True)
class Flows:
    """The graph of each asset, and what rules find in it."""

    rules: Sequence[GraphRule[Any]]
    books: Sequence[ParameterBook]
    """Several where the same is judged by several: the first counts, unless another one is named."""
    only: str = ""
    """The one rule that is asked, if one is named; all of them say which edges are kept."""
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
        ends = ends_of(entry)
        if ends is None:
            return None
        graph = self.graphs.get(entry.asset)
        if graph is None:
            graph = self.graphs[entry.asset] = Graph()
        least = self._least(entry)
        if least is None or abs(entry.amount) < least:
            graph.meet(*ends, _time_of(entry))
            return None
        edge = _edge(entry, *ends)
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
                if self.only not in ("", rule.code):
                    continue
                path = tuple(rule.evaluate(graph, edge, parameters))
                if path and (rule.code, asset, path) not in found:
                    telling = score(graph, path, parameters.days * DAY)
                    found[rule.code, asset, path] = Flow(rule, asset, path, telling, parameters)
        return sorted(found.values(), key=lambda each: (-each.score, each.rule.code, each.asset, each.edges))

    def _least(self, entry: Entry) -> int | None:
        """The smallest amount that any rule asks about; None where none is in force."""
        key = (entry.asset, entry.day, entry.scale)
        try:
            return self.leasts[key]
        except KeyError:
            if len(self.leasts) >= REMEMBERED_MAX:
                self.leasts.clear()
            read = [parameters.amount_min for book in self.books for _, parameters in self._read(book, *key)]
            least = self.leasts[key] = min(read, default=None)
            return least

    def _read(
        self, book: ParameterBook, asset: str, day: int, scale: int
    ) -> Iterator[tuple[GraphRule[Any], TierParameters]]:
        for rule in self.rules:
            parameters: TierParameters | None = book.read(rule, asset, date.fromordinal(day), scale)
            if parameters is not None:
                yield rule, parameters


def ends_of(entry: Entry) -> tuple[int, int] | None:
    """Return who paid whom by an entry; None where nobody did, or the payer's own entry says so."""
    amount, other = entry.amount, entry.other
    if not amount or not other or (amount > 0 and not entry.outside):
        return None
    own = number_of(entry.owner)
    if own == other:
        return None
    return (own, other) if amount < 0 else (other, own)


def _edge(entry: Entry, payer: int, payee: int) -> Edge:
    return Edge(
        at=_time_of(entry),
        shard=entry.shard,
        seq=entry.seq,
        payer=payer,
        payee=payee,
        amount=abs(entry.amount),
        day=entry.day,
        scale=entry.scale,
        owner=entry.owner,
    )


def _time_of(entry: Entry) -> int:
    return min(entry.at, (entry.day - _EPOCH_DAY + AHEAD_DAYS) * DAY)


Fresh = dict[tuple[str, str], Entry]
"""By owner and asset, the last by event time of the entries that a run adds."""


def last_of_each(entries: Iterable[Entry]) -> Fresh:
    """Return whom peer rules are asked about, because something moved."""
    fresh: Fresh = {}
    for entry in entries:
        if entry.amount:
            key = (entry.owner, entry.asset)
            before = fresh.get(key)
            if before is None or (before.at, before.shard, before.seq) < (entry.at, entry.shard, entry.seq):
                fresh[key] = entry
    return fresh


def deviations(
    turnovers: AllTurnovers, rules: Iterable[PeerRule[Any]], fresh: Fresh, book: ParameterBook
) -> list[Deviation]:
    """Ask each rule about each customer; return what is found, most telling first."""
    found: list[Deviation] = []
    for rule in rules:
        for (owner, asset), entry in fresh.items():
            of_asset, known = turnovers.assets[asset], turnovers.known.get(owner, NOBODY)
            day = date.fromordinal(of_asset.latest)
            kind = (known.segment, known.residence)
            parameters: TierParameters | None = book.read(rule, asset, day, entry.scale, *kind)
            if parameters is None:
                continue
            standing = rule.evaluate(of_asset, owner, parameters)
            if standing is not None:
                found.append(Deviation(rule, asset, entry, of_asset.latest, standing, parameters))
    return sorted(found, key=lambda each: (-each.score, each.rule.code, each.asset, each.last.owner))


@dataclass(slots=True)
class TierJudge:
    """Finds by one book of parameters, and knows what of it was told."""

    flows: Flows
    peer_rules: Sequence[PeerRule[Any]]
    telling: Telling = field(default_factory=Telling)
    proposal: Proposal | None = None
    """The version in shadow whose rule alone is asked; None for what is live."""
    fresh: list[tuple[str, Edge]] = field(default_factory=list[tuple[str, Edge]])
    """New edges that rules may ask about."""

    @classmethod
    def live(cls, rules: Sequence[TierRule], book: ParameterBook) -> "TierJudge":
        """Judge by what is live."""
        return cls(
            Flows(_graph_rules(rules), (book,)), [each for each in rules if isinstance(each, PeerRule)]
        )

    @classmethod
    def of_shadow(cls, rules: Sequence[TierRule], shadow: Shadow) -> "TierJudge":
        """Judge by a version in shadow as if it were live, with edges of its own: others may be kept."""
        peer_rules = [each for each in rules if isinstance(each, PeerRule) and each.code == shadow.rule]
        flows = Flows(_graph_rules(rules), (shadow.book,), only=shadow.rule)
        return cls(flows, peer_rules, proposal=shadow.proposal)

    @property
    def proposal_id(self) -> UUID | None:
        """Of the version in shadow."""
        return self.proposal.proposal_id if self.proposal is not None else None

    def find(self, turnovers: AllTurnovers, fresh: Fresh) -> list[tuple[Told, Outcome]]:
        """Ask about what was added, and say what becomes of each finding, in order."""
        found: list[Told] = [
            *self.flows.find(self.fresh),
            *deviations(turnovers, self.peer_rules, fresh, self.flows.books[0]),
        ]
        self.fresh.clear()
        return [(each, self.telling.judge(each)) for each in found if self._is_judge_of(each)]

    def _is_judge_of(self, found: Told) -> bool:
        """Whether a version in shadow has found it, and not one that is live and closer."""
        return self.proposal is None or found.parameters.version == self.proposal.row.version


def _graph_rules(rules: Iterable[TierRule]) -> list[GraphRule[Any]]:
    return [each for each in rules if isinstance(each, GraphRule)]


@dataclass(frozen=True, slots=True)
class TierRules:
    """By what the second tier judges: equal where it would find the same."""

    rows: list[RuleParameter]
    shadows: list[UUID]

    @classmethod
    def of(cls, rules: Sequence[TierRule], now: RuleSet) -> "TierRules":
        """Take from all parameters what is about these rules."""
        codes = {each.code for each in rules}
        return cls(
            [row for row in now.book.rows if row.rule in codes],
            [each.proposal.proposal_id for each in now.shadows if each.rule in codes],
        )


@dataclass(slots=True)
class TierTwo:
    """What the house's shard keeps of all shards: how far it has read, and what came of it."""

    house: int
    rules: TierRules
    judges: list[TierJudge]
    """What is live, then each version in shadow."""
    number: int
    """The last run."""
    through: list[int]
    """By shard, the last batch of the last run."""
    entries: list[int]
    """By shard, how many entries there were up to then, from the first."""
    ratings: list[int]
    """By shard, the event of the last rating that it knows."""
    turnovers: AllTurnovers = field(default_factory=AllTurnovers)
    read: list[int] = field(default_factory=list[int])
    """By shard, the last batch in memory; less than `through` until all of it is read again."""
    is_settled: bool = True

    def __post_init__(self) -> None:
        self.read = [0] * len(self.through)

    @property
    def is_warm(self) -> bool:
        """Whether everything up to the last run is in memory."""
        return self.read == self.through

    @property
    def cut_short(self) -> int:
        """How many searches were cut short."""
        return sum(each.flows.cut_short for each in self.judges)

    def rate(self, ratings: Iterable[tuple[int, int, str, int, RiskClass]]) -> None:
        """Take ratings: shard, event, owner, version and class."""
        for shard, seq, owner, version, risk_class in ratings:
            self.turnovers.rate(owner, version, risk_class)
            self.ratings[shard] = max(self.ratings[shard], seq)

    def take(self, entries: Iterable[Entry]) -> None:
        """Add entries to what is there."""
        for entry in entries:
            self.turnovers.take(entry)
            for judge in self.judges:
                edge = judge.flows.take(entry)
                if edge is not None:
                    judge.fresh.append(edge)
