"""What the API shows and takes, as types, so that its OpenAPI document says all of it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.compliance.domain.cases import CaseStatus, FilingStatus, What
from services.compliance.domain.priority import Priority
from services.compliance.domain.records import HoldStatus
from services.compliance.domain.whitelist import WhitelistStatus
from shared.messages.acts.cases import CaseKind, Disposition, FilingAnswer, FilingForm, LinkKind, Sha256
from shared.messages.blocks import Country
from shared.messages.compliance import Finding
from shared.messages.envelope import Code, Number, Reference, Text

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


class EntryDelisted(BaseModel):
    """An entry that the version of its list which is active now has not got."""

    list: str
    entry: str
    told_at: datetime


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
    delisted: list[EntryDelisted]
    """Entries among its reasons that are no longer listed."""
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
    for shape in (AlertShown, HoldShown, CaseFactShown, PairShown, DecisionShown)
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
