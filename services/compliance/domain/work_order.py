"""In which order alerts are worked: by priority, then the rarest lead first, then the oldest.

Whatever changes as alerts come in, the counts, weighs a whole pile alike: alerts of one rule and priority, in
leads of the same rules. So each alert is kept in its pile, and only piles are weighed when somebody asks.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple

from services.compliance.domain.leads import Kind, Lead, Raised, join, surprise
from services.compliance.domain.priority import ORDER, Priority, priority_of, why

BITS_DIGITS: Final = 3
"""Weights are compared as they are shown."""

Place = tuple[int, float, int, str, int, int]
"""Rank of the priority, minus the lead's bits, its first day (ordinal), owner, shard and number."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert, as far as the order depends on it."""

    shard: int
    seq: int
    owner: str
    rule: str
    segment: str
    business_date: date
    is_new: bool = True
    """Whether nobody has triaged it."""
    is_held: bool = False
    was_confirmed: bool = False


class LeadKind(NamedTuple):
    """Leads that weigh the same, whatever is counted."""

    segment: str
    rules: str
    """Codes, each once, sorted, with a blank between."""


class Pile(NamedTuple):
    """Alerts that weigh the same, whatever is counted; within one the oldest lead comes first."""

    is_new: bool
    rank: int
    """Of the priority, the first is 0."""
    rule: str
    segment: str
    rules: str
    """Of the lead, as its kind has them."""

    @property
    def leads(self) -> "LeadKind":
        """What its leads weigh by."""
        return LeadKind(self.segment, self.rules)


@dataclass(frozen=True, slots=True)
class Placed:
    """An alert in its pile."""

    shard: int
    seq: int
    owner: str
    since: date
    """The first day of its lead."""
    pile: Pile


@dataclass(frozen=True, slots=True)
class RuleWeight:
    """What a rule weighs in a lead."""

    rule: str
    segment: str
    alerts: int
    """How many it has raised within the segment."""
    one_in: float
    """Of so many events of the ledger one has led to such an alert."""
    bits: float


@dataclass(frozen=True, slots=True)
class Scales:
    """What piles are weighed by."""

    hits: Mapping[Kind, int]
    """Alerts by rule and segment, among all owners."""
    events: int
    """Those of the ledger that were judged."""

    _known: dict[Kind, float] = field(default_factory=dict[Kind, float], init=False, compare=False)

    def bits(self, leads: LeadKind) -> float:
        """How surprising leads are: what each of the rules weighs, each counted once."""
        return round(sum(self._bits((rule, leads.segment)) for rule in leads.rules.split()), BITS_DIGITS)

    def weights(self, leads: LeadKind) -> tuple[RuleWeight, ...]:
        """What each rule of leads weighs, the rarest first."""
        kinds: list[Kind] = [(rule, leads.segment) for rule in leads.rules.split()]
        found = [
            RuleWeight(
                *kind,
                self.hits.get(kind, 0),
                round((1 + self.events) / (1 + self.hits.get(kind, 0)), 1),
                round(self._bits(kind), BITS_DIGITS),
            )
            for kind in kinds
        ]
        return tuple(sorted(found, key=lambda each: (-each.bits, each.rule, each.segment)))

    def _bits(self, kind: Kind) -> float:
        found = self._known.get(kind)
        if found is None:
            found = self._known[kind] = surprise(self.hits.get(kind, 0), self.events)
        return found


@dataclass(frozen=True, slots=True)
class Work:
    """Where an alert stands in the order, and why."""

    shard: int
    seq: int
    owner: str
    priority: Priority
    because: str
    lead_since: date
    lead_alerts: int
    lead_bits: float
    rules: tuple[RuleWeight, ...]

    @property
    def place(self) -> Place:
        """By what it is ordered: alerts of one lead and priority stand together."""
        rank, since = ORDER.index(self.priority), self.lead_since.toordinal()
        return rank, -self.lead_bits, since, self.owner, self.shard, self.seq


def place_alerts(alerts: Iterable[Standing]) -> list[Placed]:
    """Return each alert in its pile, by owner and age.

    Of each owner it takes all alerts, or all from the first day of one lead on.
    """
    ordered = sorted(alerts, key=lambda each: (each.shard, each.owner, each.business_date, each.seq))
    placed: list[Placed] = []
    for _, owned in groupby(ordered, key=lambda each: (each.shard, each.owner)):
        placed += _place_owned(owned)
    return placed


def _place_owned(owned: Iterable[Standing]) -> list[Placed]:
    open_leads: dict[str, Lead] = {}
    joined = [
        (
            each,
            join(
                open_leads,
                each.business_date.toordinal(),
                Raised(each.rule, each.owner, each.segment, each.seq),
            ),
        )
        for each in owned
    ]
    return [
        Placed(each.shard, each.seq, each.owner, date.fromordinal(lead.since), pile_of(each, _rules(lead)))
        for each, lead in joined
    ]


def pile_of(alert: Standing, rules: str) -> Pile:
    """Return the pile that an alert belongs to, whose lead is of these rules."""
    priority = priority_of(alert.rule, is_held=alert.is_held, was_confirmed=alert.was_confirmed)
    return Pile(alert.is_new, ORDER.index(priority), alert.rule, alert.segment, rules)


def weigh(placed: Placed, scales: Scales, lead_alerts: int) -> Work:
    """Say where an alert stands, whose lead has so many."""
    pile = placed.pile
    priority = ORDER[pile.rank]
    return Work(
        placed.shard,
        placed.seq,
        placed.owner,
        priority,
        why(pile.rule, priority),
        placed.since,
        lead_alerts,
        scales.bits(pile.leads),
        scales.weights(pile.leads),
    )


def work_order(
    alerts: Iterable[Standing], scales: Scales, rule: str | None = None, *, is_new: bool = False
) -> list[Work]:
    """Return alerts in the order in which they are worked, of one rule if given, each with its reasons.

    Of each owner it takes all alerts: those that somebody has looked at belong to leads, too, and are left
    out at the end if only new ones are wanted.
    """
    placed = place_alerts(alerts)
    sizes = Counter((each.shard, each.owner, each.since) for each in placed)
    work = [
        weigh(each, scales, sizes[each.shard, each.owner, each.since])
        for each in placed
        if rule in (None, each.pile.rule) and (each.pile.is_new or not is_new)
    ]
    return sorted(work, key=lambda each: each.place)


def _rules(lead: Lead) -> str:
    return " ".join(sorted({alert.rule for alert in lead.alerts}))
