"""What the API shows and takes, as types, so that its OpenAPI document says all of it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.compliance.domain.cases import CaseStatus, FilingStatus, What
from services.compliance.domain.priority import Priority
from services.compliance.domain.ratings import RatingProposalStatus
from services.compliance.domain.records import HoldStatus
from services.compliance.domain.whitelist import WhitelistStatus
from shared.messages.acts import (
    CaseKind,
    Disposition,
    FilingAnswer,
    FilingForm,
    GrantStatus,
    LinkKind,
    Role,
    Scope,
    Sha256,
    VersionStatus,
)
from shared.messages.blocks import Country
from shared.messages.compliance import Finding
from shared.messages.envelope import Code, Number, Reference, RiskClass, Text

Personal = Annotated[Any, Field(description="Personal data; absent for roles that may not see them.")]


class RuleWeightShown(BaseModel):
    """What a rule weighs in a lead: the fewer alerts it raises, the more."""

    rule: str
    segment: str
    """Whose alerts are counted: of persons, organisations, or those of whom it is not known."""
    alerts: int
    one_in: float
    """Of so many events of the ledger one has led to such an alert."""
    bits: float


class LeadShown(BaseModel):
    """The owner's alerts of a week, to which an alert belongs."""

    since: date
    alerts: int
    bits: float
    """What its rules weigh together; the heaviest lead comes first."""
    rules: list[RuleWeightShown]


class WorkShown(BaseModel):
    """Why an alert stands where it does in the order of work."""

    because: str
    """Of its priority."""
    lead: LeadShown


class AlertShown(BaseModel):
    """Something that people should look at, and what became of it."""

    alert_id: str
    owner: str
    rule: str
    priority: Priority
    business_date: date
    recorded_at: datetime
    findings: list[Finding]
    about: Number
    instruction_id: UUID | None = None
    triage: Literal["new", "dismissed", "in_case"]
    case_id: UUID | None = None
    triaged_by: str | None = None
    triage_reason: Personal = None
    work: WorkShown | None = None
    """In the order of work only."""


class HoldShown(BaseModel):
    """A payment that waits for a person, or waited."""

    instruction_id: UUID
    owner: str
    status: HoldStatus
    asset: str
    amount: str
    placed_at: datetime
    deadline: datetime
    overdue: bool
    findings: list[Finding]
    lists: dict[str, str]
    first: Number
    proposed_by: str | None = None
    """Who has proposed to release it; another person has to."""
    decided_at: datetime | None = None
    actor: str | None = None
    reason: Personal = None
    act_id: UUID | None = None


class CaseShown(BaseModel):
    """A case as it is."""

    case_id: UUID
    owner: str
    kind: CaseKind
    status: CaseStatus
    version: int
    """Also the entity tag, for `If-Match`."""
    officer: str | None = None
    opened_at: datetime
    deadline: datetime
    overdue: bool
    disposition: Disposition | None = None
    report: bool | None = None
    proposed_by: str | None = None
    filing: int | None = None
    """The version of the last filing of its report."""
    filing_status: FilingStatus | None = None
    alerts: int


class CaseFactShown(BaseModel):
    """One thing that was done to a case."""

    version: int
    what: What
    actor: str
    reason: Personal = None
    recorded_at: datetime
    act_id: UUID
    deadline: datetime | None = None
    officer: str | None = None
    disposition: Disposition | None = None
    report: bool | None = None
    link_kind: LinkKind | None = None
    link: Personal = None
    proposal: int | None = None
    proposed_by: str | None = None
    form: FilingForm | None = None
    sha256: str | None = None
    schema_sha256: str | None = None
    filing: int | None = None
    answer: FilingAnswer | None = None
    reference: str | None = None
    alerts: list[str] | None = None


class CaseWithHistory(CaseShown):
    """A case with everything that was done to it."""

    history: list[CaseFactShown]


class PairShown(BaseModel):
    """A party and a listed entry that people have found to be two."""

    whitelisting_id: UUID
    owner: str
    name: Personal = None
    kind: str | None = None
    birth_date: Personal = None
    country: Personal = None
    list_code: str
    list_version: str
    entry_id: str
    until: date
    status: WhitelistStatus
    proposed_at: datetime
    proposed_by: str
    reason: Personal = None
    approved_by: str | None = None
    approval_reason: Personal = None
    revoked_by: str | None = None
    revocation_reason: Personal = None


class DecisionShown(BaseModel):
    """An answer to a pending transaction, with all it was decided by."""

    shard: int
    seq: int
    recorded_at: datetime
    instruction_id: UUID
    content_hash: str
    owner: str
    first: Number
    decision: Literal["cleared", "released", "refused"]
    findings: list[Finding]
    lists: dict[str, str]
    act_id: UUID | None = None
    actor: str | None = None
    reason: Personal = None
    proposed_by: str | None = None


VersionState = VersionStatus | Literal["product", "mixed"]
"""`mixed` while shards differ: for a moment, or where what was asked of all was cut off."""


class VersionShown(BaseModel):
    """A version of a rule's parameters: of the product, or proposed by somebody."""

    rule: str
    version: int
    asset: str
    segment: str
    jurisdiction: str
    values: dict[str, Any]
    """None of them where the rule is off there."""
    valid_from: date
    valid_until: date | None = None
    source: str
    """Where the values come from, or why they were proposed."""
    status: VersionState
    """Also the entity tag of one that was proposed, for `If-Match`."""
    proposal_id: UUID | None = None
    proposed_by: str | None = None
    proposed_at: datetime | None = None
    shards: dict[str, VersionStatus] | None = None
    """What became of it in each shard where anything did."""


class VersionStep(BaseModel):
    """One thing that was done to a version."""

    at: datetime
    version: int
    step: VersionStatus
    actor: str
    reason: str
    proposal_id: UUID
    journal_offsets: dict[str, int]
    """The first record of each shard for which it is so."""


class ShadowReport(BaseModel):
    """What a version has found in shadow."""

    proposal_id: UUID
    findings: int
    parties: int
    would_hold: int
    live_too: int
    """How many of the findings the live rule has told, too."""


class ShadowFindingShown(BaseModel):
    """What a version in shadow has found of an owner and a business day."""

    shard: int
    owner: str
    business_date: date
    subject: str
    would_hold: bool
    is_live: bool
    """Whether the live rule has told it, too."""
    events: list[str]


class RatingShown(BaseModel):
    """What a customer is or was rated, and by whom or by which data."""

    shard: int
    seq: int
    owner: str
    version: int
    risk_class: RiskClass
    previous: RiskClass
    rated_at: datetime
    rule: str | None = None
    """Of the data by which it was rated; absent where people did it."""
    sentence: str | None = None
    actor: str | None = None
    reason: Personal = None
    proposed_by: str | None = None


class RatingProposalShown(BaseModel):
    """A lower class that one person has proposed."""

    rating_id: UUID
    shard: int
    owner: str
    risk_class: RiskClass
    proposed_at: datetime
    proposed_by: str
    reason: Personal = None
    status: RatingProposalStatus
    """Also the entity tag, for `If-Match`; `superseded` where the customer was rated since."""


class CustomerRating(BaseModel):
    """What a customer is rated, and how it came to that."""

    owner: str
    risk_class: RiskClass
    version: int
    """Also the entity tag, for `If-Match`; 0 before the first rating."""
    history: list[RatingShown]
    proposed: list[RatingProposalShown]


class GrantShown(BaseModel):
    """A role that an officer has, had, or may be given."""

    grant_id: UUID
    officer: str
    role: Role
    since: date
    until: date | None = None
    status: GrantStatus | Literal["mixed"]
    """Also the entity tag, for `If-Match`."""
    proposed_at: datetime
    proposed_by: str
    reason: str
    approved_by: str | None = None
    revoked_by: str | None = None
    revocation_reason: str | None = None


class ListAge(BaseModel):
    """That a list is older than allowed."""

    days_max: int
    shards: list[int]


class ListVersionShown(BaseModel):
    """A stored version of a watch list."""

    list_code: str
    version: str
    sha256: str
    loaded_at: datetime
    parts: int
    parts_loaded: int
    complete: bool
    entries: int
    names: int
    active_shards: list[int]
    checked_at: datetime | None = None
    """When all shards that screen against it had last been told that it is what the publisher gives out."""
    outdated: ListAge | None = None
    """Absent where it is not older than allowed."""


class ListRefusalShown(BaseModel):
    """The last refused file of a list of which no version was activated or confirmed since."""

    list_code: str
    file: str
    line: int
    why: str
    stays: str | None = None
    refused_at: datetime


class Answer(BaseModel):
    """How an act was answered."""

    act_id: UUID
    act: str | None = None
    done: bool | None = None
    """Absent while the act stands in the topic and waits for the shard's writer."""
    detail: str | None = None
    result: dict[str, Any] | None = None
    shard: int
    seq: int | None = None
    recorded_at: datetime | None = None


PERSONAL = frozenset(
    name
    for shape in (AlertShown, HoldShown, CaseFactShown, PairShown, DecisionShown, RatingShown)
    for name, field in shape.model_fields.items()
    if field.description == "Personal data; absent for roles that may not see them."
)


class Body(BaseModel):
    """What a request says; a field that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Text
    """Why, for the record."""


class NewCase(Body):
    """A case to open."""

    owner: Code
    kind: CaseKind = "suspicion"
    alert_ids: tuple[Code, ...] = ()


class MoreAlerts(Body):
    """Alerts to take into a case."""

    alert_ids: Annotated[tuple[Code, ...], Field(min_length=1)]


class Assignment(Body):
    """Who is to look into a case."""

    officer: Code


class Evidence(Body):
    """What bears on a case."""

    kind: LinkKind
    reference: Reference


class CaseDecision(Body):
    """What a case comes to."""

    disposition: Disposition
    report: bool = False


class Filing(Body):
    """A report that was filed: the file, valid against its authority's schema."""

    form: FilingForm
    sha256: Sha256
    schema_sha256: Sha256


class Acknowledgement(Body):
    """What the authority answered to a report."""

    filing: int
    status: FilingAnswer
    reference: Reference


class HoldDecision(Body):
    """What becomes of a held payment."""

    decision: Literal["released", "refused"]
    owner: Code | None = None
    """Where two owners used the same instruction id."""


class NewVersion(Body):
    """A version of a rule's parameters, whole."""

    rule: Code
    asset: Scope = "*"
    segment: Scope = "*"
    jurisdiction: Scope = "*"
    values: dict[str, Any]
    """All of them, amounts as decimal strings of the asset; none to switch the rule off there."""
    scale: int = 0
    """The asset's number of decimals; 0 for `*`."""
    valid_from: date = date(1970, 1, 1)
    """The first business day that is judged by it; else every one from its record on."""
    valid_until: date | None = None


class Publication(Body):
    """From when on a version counts: now."""

    shadow: bool = False
    """Only keep what it finds."""


class NewRating(Body):
    """A class to give a customer: a higher one at once, a lower one when another person approves it."""

    owner: Code
    risk_class: RiskClass


class NewGrant(Body):
    """A role to give an officer, once another administrator approves it."""

    officer: Code
    role: Role
    since: date
    until: date | None = None


class NewPair(Body):
    """A party and a listed entry that are two, as far as the party is known."""

    owner: Code
    name: Text
    kind: Literal["person", "organisation"] | None = None
    birth_date: date | None = None
    country: Country | None = None
    list_code: Code
    entry_id: Reference
    until: date
