"""The rows compliance keeps of what it did: decisions, holds, alerts, answers to acts, list versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from services.compliance.domain.lists.party import ListedParty
from services.compliance.domain.persons import PersonFinding, PersonRole, UncodedRole
from services.compliance.domain.whitelist import WhitelistRow, WhitelistStatus
from shared.messages.compliance import Finding

AlertKey = tuple[int, str, str, date, str]
"""Shard, owner, rule, business day, subject: what alerts at most once."""

HoldStatus = Literal["held", "released", "refused"]


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """An answer to a pending transaction."""

    shard: int
    seq: int
    recorded_at: datetime
    instruction_id: UUID
    content_hash: str
    owner: str
    first_shard: int
    first_seq: int
    decision: Literal["cleared", "released", "refused"]
    findings: tuple[Finding, ...]
    lists: Mapping[str, str]
    act_id: UUID | None = None
    actor: str | None = None
    reason: str | None = None
    proposed_by: str | None = None
    """Who proposed the release, where it took two people."""


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A pending payment that waits for a person."""

    shard: int
    instruction_id: UUID
    seq: int
    recorded_at: datetime
    content_hash: str
    owner: str
    first_shard: int
    first_seq: int
    asset: str
    amount: str
    deadline: datetime
    findings: tuple[Finding, ...]
    lists: Mapping[str, str]
    status: HoldStatus = "held"
    decided_seq: int | None = None
    proposed_by: str | None = None
    """Who has proposed to release it; another person has to."""
    told: str | None = None
    """Whom the ledger's policy names to be told."""


@dataclass(frozen=True, slots=True)
class Delisting:
    """Entries for which a payment is held, and a version of their list that has not got them."""

    shard: int
    instruction_id: UUID
    owner: str
    told: str | None
    list_code: str
    version: str
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One person has proposed to release a held payment."""

    shard: int
    instruction_id: UUID
    seq: int
    recorded_at: datetime
    act_id: UUID
    proposed_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlertRow:
    """Something people should look at."""

    key: AlertKey
    seq: int
    recorded_at: datetime
    findings: tuple[Finding, ...]
    about_shard: int
    about_seq: int
    instruction_id: UUID | None


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """How an act was answered."""

    shard: int
    act_id: UUID
    seq: int
    recorded_at: datetime
    act: str
    actor: str
    reason: str
    content_hash: bytes
    """Of all that the act said, but for what its actor had seen."""
    done: bool
    detail: str
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WhitelistProposal:
    """A pair as it is proposed."""

    pair: WhitelistRow
    seq: int
    recorded_at: datetime
    list_version: str
    reason: str


@dataclass(frozen=True, slots=True)
class WhitelistMove:
    """A pair is approved or revoked."""

    shard: int
    whitelisting_id: UUID
    status: WhitelistStatus
    actor: str
    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class ListRefusalRow:
    """A file of a list that was refused whole."""

    shard: int
    seq: int
    recorded_at: datetime
    list_code: str
    file: str
    line: int
    why: str
    stays: str | None

    @property
    def words(self) -> str:
        """What somebody must know."""
        place = f"{self.file}, line {self.line}" if self.line else self.file
        stays = f"version {self.stays} stays in force" if self.stays else "there is no other version"
        return f"{self.list_code}: {place}: {self.why}; {stays}"


@dataclass(frozen=True, slots=True)
class PartyRow:
    """Somebody whom an account was opened for, or a holder of it, as far as they can be screened."""

    shard: int
    seq: int
    """The ledger's event."""
    recorded_at: datetime
    owner: str
    digest: str
    instruction_id: UUID
    field: str
    name: str
    kind: str | None
    birth_date: str | None
    country: str | None
    identifier: str | None


@dataclass(frozen=True, slots=True)
class RescreeningRow:
    """Parties are to be screened again, because a version of a list replaces another."""

    shard: int
    seq: int
    """The event that activated the version."""
    list_code: str
    version: str
    replaced: str | None
    business_date: date
    entries: frozenset[str] | None
    """New and changed ones; None for all."""


@dataclass(frozen=True, slots=True)
class OpenRescreening:
    """How far a screening has come."""

    shard: int
    seq: int
    list_code: str
    version: str
    replaced: str | None
    business_date: date
    through: int
    """The number of the last party to screen."""
    done_through: int
    parties: int
    alerts: int
    entries: int | None


@dataclass(frozen=True, slots=True)
class ListState:
    """How much of a list version is stored."""

    parts: int
    sha256: str
    loaded: frozenset[int]

    @property
    def is_complete(self) -> bool:
        """Whether all parts are there; the version never changes from then on."""
        return len(self.loaded) == self.parts


@dataclass(frozen=True, slots=True)
class ListPart:
    """A part of a list version to store."""

    list_code: str
    version: str
    part: int
    parts: int
    sha256: str
    recorded_at: datetime
    entries: tuple[ListedParty, ...]


@dataclass(frozen=True, slots=True)
class TierRunRow:
    """A run of the second tier: up to where it looked, and how much it found."""

    number: int
    recorded_at: datetime
    house_seq: int
    """The last event of the house's shard before it: the parameters that were live then judged."""
    through: tuple[int, ...]
    """By shard, the last batch of entries."""
    entries: tuple[int, ...]
    """By shard, how many entries up to then."""
    ratings: tuple[int, ...]
    """By shard, the event of the last rating."""
    edges: int
    alerts: int
    cooling: int
    over_budget: int
    cut_short: int


@dataclass(frozen=True, slots=True)
class TierFindingRow:
    """What a run found of a party."""

    run: int
    number: int
    shard: int
    """The party's home."""
    owner: str
    rule: str
    business_date: date
    outcome: str
    score: int
    parties: tuple[int, ...]
    finding: Finding
    about_shard: int
    about_seq: int


@dataclass(frozen=True, slots=True)
class PersonRoleRow:
    """Who has a role with a customer, by a record of the customer's shard."""

    shard: int
    seq: int
    """The ledger's event."""
    recorded_at: datetime
    told: PersonRole


@dataclass(frozen=True, slots=True)
class UncodedRoleRow:
    """That somebody without a code has one."""

    shard: int
    seq: int
    recorded_at: datetime
    told: UncodedRole


@dataclass(frozen=True, slots=True)
class PersonRunRow:
    """A look at the cash of persons: up to where it looked, by shard from 0 on, and how much it found."""

    number: int
    cash_through: tuple[int, ...]
    cash: tuple[int, ...]
    """How many handings over up to then."""
    roles_through: tuple[int, ...]
    roles: tuple[int, ...]
    recorded_at: datetime | None = None
    house_seq: int = 0
    """The last event of the house's shard before it: the parameters that were live then judged."""
    persons: int = 0
    alerts: int = 0


@dataclass(frozen=True, slots=True)
class PersonFindingRow:
    """What a run found of a person, to be raised by the home shard of the customer it is about."""

    run: int
    number: int
    shard: int
    found: PersonFinding
