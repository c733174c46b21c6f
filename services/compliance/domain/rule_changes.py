"""Which parameters judge which record of the log: what people have proposed, published and withdrawn.

A change counts from a record of the shard's partition of the journal on, which is stored with it. So whoever
judges a record later, in whatever batches, asks for what counted at its offset and is told the same.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import RuleParameter, WindowRule
from services.compliance.domain.windows.judging import WindowJudge
from shared.messages.acts.parameters import VersionStatus
from shared.messages.compliance import Finding

Before = Literal["proposed", "shadow", "live"]
After = Literal["shadow", "live", "withdrawn"]

VERSION_MIN: Final = 1001
"""Of versions that people propose; those below come with the product, whose upgrades meet none."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A version of a rule's parameters as it was proposed."""

    proposal_id: UUID
    row: RuleParameter
    proposed_by: str

    @property
    def scope(self) -> tuple[str, str, str, str]:
        """For what it counts."""
        return self.row.rule, self.row.asset, self.row.segment, self.row.jurisdiction


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One step of a version in one shard."""

    shard: int
    proposal: Proposal
    before: Before
    after: After
    journal_offset: int
    """Of the first record for which it is so."""


@dataclass(frozen=True, slots=True)
class ShadowFinding:
    """What a version in shadow would have alerted of, or held."""

    shard: int
    proposal_id: UUID
    owner: str
    rule: str
    business_date: date
    subject: str
    would_hold: bool
    findings: tuple[Finding, ...]
    about_shard: int
    about_seq: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Shadow:
    """A version in shadow, beside what is live."""

    proposal: Proposal
    book: ParameterBook
    """What is live, and this version."""
    judge: WindowJudge
    """Of its rule only, by that book; of no rule where that is not about windows."""

    @property
    def rule(self) -> str:
        """The rule's code."""
        return self.proposal.row.rule

    def counts(self, asset: str, day: date, segment: str = "", jurisdiction: str = "") -> bool:
        """Whether it is this version that would judge, and not one that is live and closer."""
        return self.book.choose(self.rule, asset, day, segment, jurisdiction) is self.proposal.row


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What a record is judged by."""

    book: ParameterBook
    judge: WindowJudge
    shadows: tuple[Shadow, ...] = ()


class RuleSets:
    """Makes rule sets, one for each set of versions: shards that judge by the same share it."""

    def __init__(self, rows: Iterable[RuleParameter], window_rules: Iterable[WindowRule[Any]]) -> None:
        self._rows = tuple(rows)
        self._rules = tuple(window_rules)
        self._made: dict[tuple[frozenset[UUID], frozenset[UUID]], RuleSet] = {}

    def of(self, live: Sequence[Proposal], shadow: Sequence[Proposal]) -> RuleSet:
        """Return what judges where these versions count beside those that come with the product."""
        key = (_ids(live), _ids(shadow))
        made = self._made.get(key)
        if made is None:
            rows = (*self._rows, *(each.row for each in live))
            book = ParameterBook(rows)
            shadows = tuple(self._shadow(each, rows) for each in sorted(shadow, key=_order))
            made = self._made[key] = RuleSet(book, WindowJudge(self._rules, book), shadows)
        return made

    def _shadow(self, proposal: Proposal, rows: Sequence[RuleParameter]) -> Shadow:
        book = ParameterBook((*rows, proposal.row))
        mine = [rule for rule in self._rules if rule.code == proposal.row.rule]
        return Shadow(proposal, book, WindowJudge(mine, book))


def _ids(proposals: Iterable[Proposal]) -> frozenset[UUID]:
    return frozenset(each.proposal_id for each in proposals)


def _order(proposal: Proposal) -> tuple[str, int]:
    return proposal.row.rule, proposal.row.version


class RuleTimeline:
    """What judges in one shard, from which record on. Never changed; `with_change` makes another."""

    def __init__(self, sets: RuleSets, changes: Iterable[RuleChange] = ()) -> None:
        """Take a shard's changes, in their order."""
        self._sets = sets
        self.changes = tuple(changes)
        self._offsets = [each.journal_offset for each in self.changes]
        self._since = self._offsets[-1] if self._offsets else 0
        self.now = self._after(len(self.changes))
        """What judges the record that comes next."""

    def at(self, offset: int) -> RuleSet:
        """What judges the record at this offset of the shard's partition of the journal."""
        if offset >= self._since:
            return self.now
        return self._after(bisect_right(self._offsets, offset))

    def with_change(self, change: RuleChange) -> "RuleTimeline":
        """The timeline that goes on with this."""
        return RuleTimeline(self._sets, (*self.changes, change))

    def status_of(self, proposal: Proposal) -> VersionStatus:
        """What became of a proposal in this shard."""
        return self._statuses(self.changes).get(proposal.proposal_id, (proposal, "proposed"))[1]

    def live_versions(self, scope: tuple[str, str, str, str]) -> list[int]:
        """The versions that people have published for exactly this scope, and not withdrawn."""
        found = self._statuses(self.changes).values()
        return [each.row.version for each, status in found if status == "live" and each.scope == scope]

    def _after(self, count: int) -> RuleSet:
        found = self._statuses(self.changes[:count]).values()
        return self._sets.of(
            [each for each, status in found if status == "live"],
            [each for each, status in found if status == "shadow"],
        )

    @staticmethod
    def _statuses(changes: Iterable[RuleChange]) -> dict[UUID, tuple[Proposal, VersionStatus]]:
        return {each.proposal.proposal_id: (each.proposal, each.after) for each in changes}
