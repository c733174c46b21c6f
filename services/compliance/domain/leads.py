"""Puts a party's alerts together and the rarest first: what an alert budget lets people look at.

Every alert stands as it was raised; this says in which order they are worth somebody's time. What is over
the budget stays below the line, where it can be sampled. Altman et al., Realistic Synthetic Financial
Transactions for AML Models (NeurIPS 2023): a single scenario is right one time in a hundred, so several that
meet at one party, and those that seldom hit anybody, come first. Shannon's measure of surprise does that
without labels: a scenario that alerts once in n transactions weighs log2 n bits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log2
from typing import Final

LEAD_DAYS: Final = 7
"""A party's alerts of so many days are one lead."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert, as far as it matters here."""

    rule: str
    owner: str
    segment: str
    """Rarity is counted within it: what is rare among persons may be common among organisations."""
    number: int
    """Whatever the caller knows it by."""


@dataclass(slots=True)
class Lead:
    """One party's alerts of a week: one thing to look at."""

    owner: str
    since: int
    alerts: list[Raised] = field(default_factory=list[Raised])
    is_obligatory: bool = False
    """Whether the law wants it looked at, so that no budget applies."""
    above_since: int | None = None
    """The day on which it came above the line."""


Kind = tuple[str, str]
"""A rule, and the segment of those it is counted among."""


def surprise(hits: int, transactions: int) -> float:
    """How many bits it weighs that something happens which happened so often in so many transactions."""
    return log2((1 + transactions) / (1 + hits))


def weight(lead: Lead, hits: Mapping[Kind, int], transactions: int) -> float:
    """How surprising a lead is, in bits: what each of its rules weighs, each counted once."""
    kinds = {(alert.rule, alert.segment) for alert in lead.alerts}
    return sum(surprise(hits.get(kind, 0), transactions) for kind in sorted(kinds))


def join(open_leads: dict[str, Lead], day: int, alert: Raised) -> Lead:
    """Put an alert of a day into its owner's lead of that week, or into a new one; return it."""
    lead = open_leads.get(alert.owner)
    if lead is None or day - lead.since >= LEAD_DAYS:
        lead = open_leads[alert.owner] = Lead(alert.owner, day)
    lead.alerts.append(alert)
    return lead


@dataclass(slots=True)
class LeadQueue:
    """A fold over days. Each day's alerts join their leads; then the rarest come above the line.

    So many of a thousand transactions since the first day may be above it. What is obligatory always is, and
    counts. Only what was known on the day decides: the same days give the same leads.
    """

    budget_per_mille: int
    obligatory: frozenset[str]
    """Rules whose alerts the law wants looked at."""
    transactions: int = 0
    above: int = 0
    leads: list[Lead] = field(default_factory=list[Lead])
    _open: dict[str, Lead] = field(default_factory=dict[str, Lead])
    _hits: dict[Kind, int] = field(default_factory=dict[Kind, int])

    def close_day(self, day: int, transactions: int, raised: Iterable[Raised]) -> list[Lead]:
        """Take a day's alerts and how many transactions it had; return the leads that came above the line."""
        self.transactions += transactions
        for alert in raised:
            self._join(day, alert)
        waiting = [
            lead for lead in self._open.values() if lead.above_since is None and day - lead.since < LEAD_DAYS
        ]
        waiting.sort(key=lambda lead: (not lead.is_obligatory, -self.bits(lead), lead.since, lead.owner))
        room = self.transactions * self.budget_per_mille // 1000 - self.above
        chosen = [lead for place, lead in enumerate(waiting) if lead.is_obligatory or place < room]
        for lead in chosen:
            lead.above_since = day
        self.above += len(chosen)
        return chosen

    def bits(self, lead: Lead) -> float:
        """How surprising a lead is now."""
        return weight(lead, self._hits, self.transactions)

    def _join(self, day: int, alert: Raised) -> None:
        kind = (alert.rule, alert.segment)
        self._hits[kind] = self._hits.get(kind, 0) + 1
        lead = join(self._open, day, alert)
        if len(lead.alerts) == 1:
            self.leads.append(lead)
        lead.is_obligatory = lead.is_obligatory or alert.rule in self.obligatory
