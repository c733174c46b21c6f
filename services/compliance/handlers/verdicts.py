"""What acts are judged by, and what comes of judging them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.compliance.domain.cases import AlertState, CaseFact, CaseFile, TriageRow
from services.compliance.domain.memory import ListVersion
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.ratings import Rating, RatingProposal, Standing
from services.compliance.domain.records import HoldRow, ListState
from services.compliance.domain.retention import LegalHold, LegalHoldFact, Removal, RemovalFact, Terms
from services.compliance.domain.roles import RoleBook, RoleFact
from services.compliance.domain.rule_changes import Proposal, RuleChange, RuleTimeline
from services.compliance.domain.snoozes import Snooze, SnoozeFact
from services.compliance.domain.watchlist import NamesIndex
from services.compliance.domain.whitelist import WhitelistRow
from shared.messages.acts import LoadList, RefuseList
from shared.messages.acts.cases import CaseKind


@dataclass(slots=True)
class KnownRules:
    """What acts on rules' parameters are judged by."""

    proposals: dict[UUID, Proposal] = field(default_factory=dict[UUID, Proposal])
    versions: dict[str, int] = field(default_factory=dict[str, int])
    """The last one proposed, by rule."""
    timelines: dict[int, RuleTimeline] = field(default_factory=dict[int, RuleTimeline])
    starts: Mapping[int, int] = field(default_factory=dict[int, int])
    """The first record of the journal that is judged after these acts, by shard."""


@dataclass(slots=True)
class KnownSnoozes:
    """What acts on snoozes are judged by."""

    snoozes: dict[tuple[int, UUID], Snooze] = field(default_factory=dict[tuple[int, UUID], Snooze])
    """By shard and snooze id, of those that acts name."""
    starts: Mapping[int, int] = field(default_factory=dict[int, int])
    """The first record of the journal that is judged after these acts, by shard."""
    books: Mapping[int, ParameterBook] = field(default_factory=dict[int, ParameterBook])
    """The parameters in force, by shard."""

    def book(self, shard: int) -> ParameterBook:
        """The parameters in force in a shard."""
        return self.books.get(shard) or ParameterBook(())


@dataclass(slots=True)
class KnownRemovals:
    """What acts on removals are judged by."""

    removals: dict[tuple[int, UUID], Removal] = field(default_factory=dict[tuple[int, UUID], Removal])
    """By shard and id, of those that acts name."""
    terms: Mapping[int, Terms | None] = field(default_factory=dict[int, Terms | None])
    """In force today, by shard."""
    held: dict[tuple[int, str], list[UUID]] = field(default_factory=dict[tuple[int, str], list[UUID]])
    """By shard and customer, of those whom acts name, the legal holds that count; acts before change it."""


@dataclass(slots=True)
class Known:
    """What the acts of a batch are judged by; those before change it for those after."""

    house_shard: int
    partitions: int
    verdicts: dict[tuple[int, UUID], "Verdict"]
    """By shard and act id, of acts answered before."""
    holds: dict[tuple[int, UUID], HoldRow]
    lists: dict[ListVersion, ListState]
    entries: set[tuple[str, str, str]]
    contents: dict[tuple[int, UUID], bytes] = field(default_factory=dict[tuple[int, UUID], bytes])
    """Hashes of what acts answered before have said, by shard and act id."""
    active: dict[int, dict[str, str]] = field(default_factory=dict[int, dict[str, str]])
    indexes: Mapping[ListVersion, NamesIndex] = field(default_factory=dict[ListVersion, NamesIndex])
    """Of the versions that were active before these acts."""
    pairs: dict[tuple[int, UUID], WhitelistRow] = field(default_factory=dict[tuple[int, UUID], WhitelistRow])
    moments: dict[int, datetime] = field(default_factory=dict[int, datetime])
    """When the acts are carried out, by shard."""
    whitelist_days_max: Mapping[int, int] = field(default_factory=dict[int, int])
    """How long a pair may count, by shard."""
    cases: dict[tuple[int, UUID], CaseFile] = field(default_factory=dict[tuple[int, UUID], CaseFile])
    alerts: dict[tuple[int, int], AlertState] = field(default_factory=dict[tuple[int, int], AlertState])
    """By shard and number, of alerts that acts name."""
    roles: dict[int, RoleBook] = field(default_factory=dict[int, RoleBook])
    """By shard."""
    roles_required: bool = False
    """Whether nothing is done before there are administrators."""
    case_days: Mapping[CaseKind, int] = field(default_factory=dict[CaseKind, int])
    """How long each kind of case may take that is opened now."""

    standings: dict[tuple[int, str], Standing] = field(default_factory=dict[tuple[int, str], Standing])
    """By shard and owner, of customers who have been rated."""
    rating_proposals: dict[tuple[int, UUID], RatingProposal] = field(
        default_factory=dict[tuple[int, UUID], RatingProposal]
    )

    def standing(self, shard: int, owner: str) -> Standing:
        """What an owner is rated now."""
        return self.standings.get((shard, owner), Standing())

    rules: KnownRules = field(default_factory=KnownRules)
    snoozing: KnownSnoozes = field(default_factory=KnownSnoozes)
    legal_holds: dict[tuple[int, UUID], LegalHold] = field(default_factory=dict[tuple[int, UUID], LegalHold])
    """By shard and id, of those that acts name."""
    removals: KnownRemovals = field(default_factory=KnownRemovals)

    def day(self, shard: int) -> date:
        """The day on which the acts of a shard are carried out."""
        return self.moments[shard].date()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an act is done, and what it changes."""

    done: bool
    detail: str
    result: Mapping[str, Any]
    hold: HoldRow | None = None
    """The hold it decides, as it was."""
    proposes: HoldRow | None = None
    """The hold whose release it proposes."""
    pair: WhitelistRow | None = None
    """The whitelisted pair as it is after the act."""
    case: CaseFile | None = None
    """The case as it is after the act, and what the act has done to it."""
    fact: CaseFact | None = None
    triaged: tuple[TriageRow, ...] = ()
    """Alerts that the act has taken into a case, or dismissed."""
    proposal: Proposal | None = None
    """The version of parameters that it proposes."""
    change: RuleChange | None = None
    """What it does to such a version in the shard."""
    rating: Rating | None = None
    rating_proposal: RatingProposal | None = None
    role: RoleFact | None = None
    snooze: SnoozeFact | None = None
    legal_hold: LegalHoldFact | None = None
    removal: RemovalFact | None = None
    part: LoadList | None = None
    activates: ListVersion | None = None
    confirms: ListVersion | None = None
    """The version is the active one, and what the publisher still gives out."""
    refuses: RefuseList | None = None
    is_repeat: bool = False
    """The act had been answered before, or its id had: nothing is done, and no other answer kept."""


def refused(reason: str, words: str, **more: Any) -> Verdict:
    """Return the verdict on an act that cannot be done."""
    return Verdict(False, f"{reason}: {words}", {"refused": reason, **more})
