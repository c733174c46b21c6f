"""What operators do to a shard: acts, records on the owning service's acts topic.

Each carries an id, the actor and a reason, is executed once by the shard's writer and answered by an
`ActDone` event. It is published to the partition of the shard it concerns.
"""

from datetime import date
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, TypeAdapter

from shared.messages.blocks import Country
from shared.messages.envelope import CODE_PATTERN, Code, Message, Reference, RiskClass, Text


class ActBase(Message):
    """What every act carries."""

    act_id: UUID
    actor: Code
    reason: Text


class ReplayParked(ActBase):
    """Handle a parked owner's records again, in order; stops at the first that fails again."""

    type: Literal["replay_parked"] = "replay_parked"
    owner: Code


class DiscardParked(ActBase):
    """Give up one parked record (its place), so that those behind it can be replayed."""

    type: Literal["discard_parked"] = "discard_parked"
    owner: Code
    topic: str
    partition: int
    offset: int


class ResumeShard(ActBase):
    """Let a halted shard go on, after what halted it was mended."""

    type: Literal["resume_shard"] = "resume_shard"
    shard: int


class PassOverLost(ActBase):
    """Let a shard go on behind records that were deleted from its input before they were taken.

    Names exactly what is lost, as the reason of the halt does: offsets from one up to and without another.
    It is kept for ever, with the two people who answer for it that the records are sent again or given up.
    """

    type: Literal["pass_over_lost"] = "pass_over_lost"
    shard: int
    topic: str
    from_offset: int
    until_offset: int
    approved_by: Code
    """Somebody other than the actor."""


class EraseParty(ActBase):
    """Remove an owner's key, so that nobody can open any more what the ledger has sealed under it.

    Refused while an account of theirs is open or a record of theirs waits. Books, hashes and seals stay as
    they are. Two people answer for it that no law wants the data kept.
    """

    type: Literal["erase_party"] = "erase_party"
    owner: Code
    approved_by: Code
    """Somebody other than the actor."""


class ReleaseHold(ActBase):
    """Let a held payment go; where a listed name was found, the first of two people proposes it thereby."""

    type: Literal["release_hold"] = "release_hold"
    owner: Code
    instruction_id: UUID


class RefuseHold(ActBase):
    """Stop a held payment for good."""

    type: Literal["refuse_hold"] = "refuse_hold"
    owner: Code
    instruction_id: UUID


class ListedName(Message):
    """One entry of a watch list with its names."""

    entry_id: str
    kind: Literal["person", "organisation", "vessel", "aircraft", "unknown"] = "unknown"
    names: tuple[str, ...]
    programmes: tuple[str, ...] = ()
    weak_names: tuple[str, ...] = ()
    """Aliases too common to screen by; they confirm a match."""
    birth_dates: tuple[str, ...] = ()
    """`1962-09-08`, `1962-09`, `1962` or a range of years, `1960/1965`."""
    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2."""
    identifiers: tuple[str, ...] = ()
    """`kind:value`, such as `passport:X12345`, `bic:ABCDFRPP`, `crypto:…`."""
    addresses: tuple[str, ...] = ()
    remarks: str = ""


class ProposeWhitelisting(ActBase):
    """Say that a party and a listed entry are two; counts when another person has approved it."""

    type: Literal["propose_whitelisting"] = "propose_whitelisting"
    owner: Code
    """The customer in whose files or payments the name stands."""
    name: Text
    """As it stands there; another name is another party. So are what follows, null where nothing is known."""
    kind: Literal["person", "organisation"] | None = None
    birth_date: date | None = None
    country: Country | None = None
    list_code: Code
    entry_id: Reference
    until: date
    """The first business day on which it no longer counts."""


class ApproveWhitelisting(ActBase):
    """Let a proposed pair count; by somebody other than who proposed it."""

    type: Literal["approve_whitelisting"] = "approve_whitelisting"
    owner: Code
    whitelisting_id: UUID
    """The id of the act that proposed it."""


class RevokeWhitelisting(ActBase):
    """Let a pair count no more, or never; one person is enough."""

    type: Literal["revoke_whitelisting"] = "revoke_whitelisting"
    owner: Code
    whitelisting_id: UUID


class ProposeSnooze(ActBase):
    """Silence a rule's alerts about a customer for a time; counts when another person has approved it.

    Findings are still kept. A rule that holds payments is never silenced.
    """

    type: Literal["propose_snooze"] = "propose_snooze"
    owner: Code
    rule: Code
    until: date
    """The first business day of which it alerts again."""


class ApproveSnooze(ActBase):
    """Let a proposed snooze count; by somebody other than who proposed it."""

    type: Literal["approve_snooze"] = "approve_snooze"
    owner: Code
    snooze_id: UUID
    """The id of the act that proposed it."""


class EndSnooze(ActBase):
    """Let a rule alert again from here on, or never be silent; one person is enough."""

    type: Literal["end_snooze"] = "end_snooze"
    owner: Code
    snooze_id: UUID


class PlaceLegalHold(ActBase):
    """Keep all records about a customer from here on, whatever their age, until another person lifts it."""

    type: Literal["place_legal_hold"] = "place_legal_hold"
    owner: Code


class LiftLegalHold(ActBase):
    """Let a customer's records go when their time comes; by somebody other than who placed the hold."""

    type: Literal["lift_legal_hold"] = "lift_legal_hold"
    owner: Code
    legal_hold_id: UUID
    """The id of the act that placed it."""


class ProposeRemoval(ActBase):
    """Remove what people wrote, and what rules saw, in records past their day; another person approves it.

    Sent to each shard. Ids, dates and outcomes stay, and so does the audit chain.
    """

    type: Literal["propose_removal"] = "propose_removal"
    through: date
    """Of records that need not be kept from this day on, or an earlier one; no day to come."""
    customer: Code | None = None
    """Only about this customer; refused where a legal hold keeps their records."""


class ApproveRemoval(ActBase):
    """Let a proposed removal begin; by somebody other than who proposed it. Sent to each shard."""

    type: Literal["approve_removal"] = "approve_removal"
    removal_id: UUID
    """The id of the act that proposed it."""


class RateCustomer(ActBase):
    """Give a customer another risk class: a higher one at once, a lower one once somebody approves it."""

    type: Literal["rate_customer"] = "rate_customer"
    owner: Code
    risk_class: RiskClass
    seen: int | None = None
    """The version of the rating that the actor has seen, 0 before the first; refused `version_old` where it
    has gone on since."""


class ApproveRating(ActBase):
    """Let a lower risk class count; by somebody other than who proposed it, on the rating it was made on."""

    type: Literal["approve_rating"] = "approve_rating"
    owner: Code
    rating_id: UUID
    """The id of the act that proposed it."""


class LoadList(ActBase):
    """One part of a new version of a watch list; sent to the house's shard, parts 1 to `parts`."""

    type: Literal["load_list"] = "load_list"
    list_code: Code
    version: Code
    part: int
    parts: int
    sha256: str
    """Of the file the version was made from."""
    entries: tuple[ListedName, ...]


class ActivateList(ActBase):
    """Screen against a loaded version from this record on; sent to every partition."""

    type: Literal["activate_list"] = "activate_list"
    list_code: Code
    version: Code


class RefuseList(ActBase):
    """Note that a file of a list was refused whole when it was read; sent to the house's shard."""

    type: Literal["refuse_list"] = "refuse_list"
    list_code: Code
    file: Reference
    """Its name, without folders."""
    line: int = 0
    """The line to blame; 0 where there is none."""
    why: Text


Scope = Annotated[str, StringConstraints(pattern=rf"{CODE_PATTERN}|^\*$")]
"""A code, or `*` for everything that has no parameters of its own."""


class ProposeParameters(ActBase):
    """Propose a version of a rule's parameters; sent to the house's shard. Its id is the act's.

    It counts nowhere until another person publishes it.
    """

    type: Literal["propose_parameters"] = "propose_parameters"
    rule: Code
    asset: Scope = "*"
    segment: Scope = "*"
    """The kind of party it is for, `person` or `organisation`."""
    jurisdiction: Scope = "*"
    """The customer's country."""
    values: dict[str, Any]
    """All of them, amounts as decimal strings of the asset; none where the rule is to be off there."""
    scale: int = 0
    """The asset's; 0 for `*`, where whole units are what every asset has."""
    valid_from: date
    """The first business day that is judged by it."""
    valid_until: date | None = None
    """The first that is not any more."""


VersionStatus = Literal["proposed", "shadow", "live", "withdrawn"]
"""What became of a proposed version in a shard."""


class PublishParameters(ActBase):
    """Let a proposed version count from here on; by another person than proposed it, to every partition."""

    type: Literal["publish_parameters"] = "publish_parameters"
    proposal_id: UUID
    shadow: bool = False
    """Only keep what it finds: nothing is held, and nobody is alerted."""
    seen: VersionStatus | None = None
    """What the actor has seen it to be; refused `version_old` where it has gone on since."""


class WithdrawParameters(ActBase):
    """Let a version count no more from here on, or never; sent to every partition.

    What is live is withdrawn by somebody else than proposed it: what counts then is what counted before.
    """

    type: Literal["withdraw_parameters"] = "withdraw_parameters"
    proposal_id: UUID
    seen: VersionStatus | None = None
    """What the actor has seen it to be; refused `version_old` where it has gone on since."""


CaseKind = Literal["suspicion", "unknown_suspect", "review", "continuing", "cash_report", "market_abuse"]
"""What a case is about; it decides how long it may take."""
Disposition = Literal["false_positive", "inconclusive", "confirmed"]
LinkKind = Literal["alert", "case", "document", "hold", "transaction"]
FilingForm = Literal["sar", "ctr", "goaml", "stor"]
"""FinCEN's suspicious activity and currency transaction reports, an authority's that runs goAML, and the
suspicious transaction and order report on market abuse."""
FilingAnswer = Literal["accepted", "rejected"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class OpenCase(ActBase):
    """Gather alerts of one owner into a new case; its id is the act's."""

    type: Literal["open_case"] = "open_case"
    owner: Code
    kind: CaseKind
    alert_ids: tuple[Code, ...] = ()
    """As `AlertRaised` names them; none for a case that began elsewhere, such as with a letter."""


class DismissAlert(ActBase):
    """Say that an alert needs no case; the reason says why."""

    type: Literal["dismiss_alert"] = "dismiss_alert"
    owner: Code
    alert_id: Code


class CaseAct(ActBase):
    """What every act on a case carries beside its id, actor and reason."""

    owner: Code
    case_id: UUID
    version: int
    """The case's version that the actor has seen; refused `version_old` where it has gone on since."""


class GatherAlerts(CaseAct):
    """Take more alerts of the owner into a case."""

    type: Literal["gather_alerts"] = "gather_alerts"
    alert_ids: Annotated[tuple[Code, ...], Field(min_length=1)]


class AssignCase(CaseAct):
    """Give a case to an officer; an open one is investigated from then on."""

    type: Literal["assign_case"] = "assign_case"
    officer: Code


class NoteCase(CaseAct):
    """Add a note to a case: the act's reason."""

    type: Literal["note_case"] = "note_case"


class LinkEvidence(CaseAct):
    """Add to a case what bears on it."""

    type: Literal["link_evidence"] = "link_evidence"
    kind: LinkKind
    reference: Reference
    """Its id, or of a document where it lies."""


class DecideCase(CaseAct):
    """Decide a case: closed at once, or proposed where it is confirmed, which takes two people."""

    type: Literal["decide_case"] = "decide_case"
    disposition: Disposition
    report: bool = False
    """Whether a report is to be filed; of a confirmed one only."""


class ApproveDecision(CaseAct):
    """Close a case as proposed; by somebody other than who proposed it."""

    type: Literal["approve_decision"] = "approve_decision"


class ReturnDecision(CaseAct):
    """Give a proposed decision back to the officer; the reason says what is missing."""

    type: Literal["return_decision"] = "return_decision"


class ReopenCase(CaseAct):
    """Investigate a closed case again; its time runs anew."""

    type: Literal["reopen_case"] = "reopen_case"


class FileReport(CaseAct):
    """Say that the report of a closed case is filed: the file, valid against its authority's schema."""

    type: Literal["file_report"] = "file_report"
    form: FilingForm
    sha256: Sha256
    """Of the file."""
    schema_sha256: Sha256
    """Of the schema that it was found valid against."""


class AcknowledgeReport(CaseAct):
    """Keep what the authority answered to a filed report."""

    type: Literal["acknowledge_report"] = "acknowledge_report"
    filing: int
    """The version of the case at which the report was filed."""
    status: FilingAnswer
    reference: Reference
    """The authority's own, such as FinCEN's BSA identifier."""


Role = Literal[
    "analyst", "investigator", "approver", "rule_author", "rule_publisher", "auditor", "administrator"
]


GrantStatus = Literal["proposed", "approved", "revoked"]
"""What became of a role that was proposed."""


class ProposeRole(ActBase):
    """Propose to give an officer a role; sent to every partition, like all that concerns roles."""

    type: Literal["propose_role"] = "propose_role"
    officer: Code
    role: Role
    since: date
    until: date | None = None
    """The first day on which it no longer counts."""


class ApproveRole(ActBase):
    """Give the role; by another administrator than who proposed it."""

    type: Literal["approve_role"] = "approve_role"
    grant_id: UUID
    """The id of the act that proposed it."""


class RevokeRole(ActBase):
    """Take a role away, or drop what was proposed; one administrator is enough."""

    type: Literal["revoke_role"] = "revoke_role"
    grant_id: UUID
    seen: GrantStatus | None = None
    """What the actor has seen it to be; refused `version_old` where it has gone on since."""


class MakeReport(ActBase):
    """Make a report and announce it; sent to the house's shard."""

    type: Literal["make_report"] = "make_report"
    report: Code
    booking_date: date
    parameters: dict[str, str] = Field(default_factory=dict)
    """What the report asks for besides, such as `account` for a statement."""
    at_least: dict[str, int] = Field(default_factory=dict)
    """The vector (shard to `seq`) that must have been taken first; refused while it has not."""


TransactionsAct = ReplayParked | DiscardParked | ResumeShard | PassOverLost | EraseParty
ComplianceAct = (
    ReleaseHold
    | RefuseHold
    | ProposeWhitelisting
    | ApproveWhitelisting
    | RevokeWhitelisting
    | ProposeSnooze
    | ApproveSnooze
    | EndSnooze
    | PlaceLegalHold
    | LiftLegalHold
    | ProposeRemoval
    | ApproveRemoval
    | RateCustomer
    | ApproveRating
    | LoadList
    | ActivateList
    | RefuseList
    | ProposeParameters
    | PublishParameters
    | WithdrawParameters
    | OpenCase
    | DismissAlert
    | GatherAlerts
    | AssignCase
    | NoteCase
    | LinkEvidence
    | DecideCase
    | ApproveDecision
    | ReturnDecision
    | ReopenCase
    | FileReport
    | AcknowledgeReport
    | ProposeRole
    | ApproveRole
    | RevokeRole
    | ResumeShard
)
ReportingAct = MakeReport | ResumeShard

TRANSACTIONS_ACT: Final[TypeAdapter[TransactionsAct]] = TypeAdapter(
    Annotated[TransactionsAct, Field(discriminator="type")]
)
COMPLIANCE_ACT: Final[TypeAdapter[ComplianceAct]] = TypeAdapter(
    Annotated[ComplianceAct, Field(discriminator="type")]
)
REPORTING_ACT: Final[TypeAdapter[ReportingAct]] = TypeAdapter(
    Annotated[ReportingAct, Field(discriminator="type")]
)
Act = TransactionsAct | ComplianceAct | ReportingAct
