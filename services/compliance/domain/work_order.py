"""In which order alerts are worked: by priority, then the rarest lead first, then the oldest.

A reading of what stands in the tables, as of a vector of numbers (shard to its last alert), and stored
nowhere: the same vector gives the same order, but for priorities, which follow holds and cases as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.compliance.domain.leads import Kind, Lead, Raised, join, surprise, weight
from services.compliance.domain.priority import ORDER, Priority, priority_and_why

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
    is_wanted: bool = True
    """Whether it is among those to be ordered; the others of its owner's only belong to leads."""
    is_held: bool = False
    was_confirmed: bool = False


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
        """By what it is ordered."""
        return place(self.priority, self.lead_bits, self.lead_since, self.owner, self.shard, self.seq)


def place(priority: Priority, bits: float, since: date, owner: str, shard: int, seq: int) -> Place:
    """Return by what an alert is ordered: alerts of one lead and priority stand together."""
    return ORDER.index(priority), -bits, since.toordinal(), owner, shard, seq


def work_order(alerts: Iterable[Standing], hits: Mapping[Kind, int], events: int) -> list[Work]:
    """Return the wanted alerts in the order in which they are worked, each with its reasons.

    `alerts` are all of every owner of whom one is wanted. `hits` counts alerts by rule and segment among all
    owners, and `events` those of the ledger that were judged.
    """
    ordered = sorted(alerts, key=lambda each: (each.business_date, each.shard, each.seq))
    open_leads: dict[str, Lead] = {}
    leads = [
        join(
            open_leads,
            each.business_date.toordinal(),
            Raised(each.rule, each.owner, each.segment, number),
        )
        for number, each in enumerate(ordered)
    ]
    wanted = [
        _work(each, lead, hits, events) for each, lead in zip(ordered, leads, strict=True) if each.is_wanted
    ]
    return sorted(wanted, key=lambda each: each.place)


def _work(alert: Standing, lead: Lead, hits: Mapping[Kind, int], events: int) -> Work:
    priority, because = priority_and_why(alert.rule, is_held=alert.is_held, was_confirmed=alert.was_confirmed)
    return Work(
        alert.shard,
        alert.seq,
        alert.owner,
        priority,
        because,
        date.fromordinal(lead.since),
        len(lead.alerts),
        round(weight(lead, hits, events), BITS_DIGITS),
        _weights(lead, hits, events),
    )


def _weights(lead: Lead, hits: Mapping[Kind, int], events: int) -> tuple[RuleWeight, ...]:
    """The rarest first."""
    kinds: Sequence[Kind] = sorted({(each.rule, each.segment) for each in lead.alerts})
    found = [
        RuleWeight(
            rule,
            segment,
            hits.get((rule, segment), 0),
            round((1 + events) / (1 + hits.get((rule, segment), 0)), 1),
            round(surprise(hits.get((rule, segment), 0), events), BITS_DIGITS),
        )
        for rule, segment in kinds
    ]
    return tuple(sorted(found, key=lambda each: (-each.bits, each.rule, each.segment)))
