"""What compliance says: decisions on payments that wait, ratings of customers, and alerts to be worked."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from shared.messages.envelope import Code, Event, Message, Number, Reference, RiskClass, Text
from shared.messages.journal import ActDone


class Finding(Message):
    """One rule that hit, with what it saw; enough to explain and to repeat the decision."""

    rule: Code
    rule_version: int
    sentence: str
    """For people, without personal data."""
    values: dict[str, Any]
    """The inputs, window values and parameters compared; amounts as decimal strings."""


class DecisionMade(Event):
    """Compliance answers a pending transaction."""

    type: Literal["DecisionMade"] = "DecisionMade"
    instruction_id: UUID
    content_hash: str
    """Of the instruction that was judged; the ledger takes no decision about another content."""
    owner: Code
    first: Number
    """The ledger's event that asked."""
    decision: Literal["cleared", "released", "refused"]
    findings: tuple[Finding, ...] = ()
    lists: dict[str, str] = Field(default_factory=dict)
    """Versions of the watch lists screened against, by list code."""
    act_id: UUID | None = None
    actor: str | None = None
    reason: str | None = None
    proposed_by: str | None = None
    """Who proposed the release before `actor` did it, where a listed name was found."""


class CustomerRated(Event):
    """A customer has another risk class from here on: by the data of a rule, or by an act.

    Who has never been rated is of medium risk. The ledger takes it in the order of the shard's decisions.
    """

    type: Literal["CustomerRated"] = "CustomerRated"
    owner: Code
    version: int
    """Of the owner's ratings, from 1."""
    risk_class: RiskClass
    previous: RiskClass
    finding: Finding | None = None
    """Where data say so: of which rule, and what it saw; else it was an act."""
    about: Number | None = None
    """The ledger's event on which data were asked."""
    act_id: UUID | None = None
    actor: str | None = None
    reason: str | None = None
    proposed_by: str | None = None
    """Where the risk was lowered, which takes two people: who proposed it before `actor` approved it."""


class AlertRaised(Event):
    """Rules hit; people should look. Never undoes a posting."""

    type: Literal["AlertRaised"] = "AlertRaised"
    alert_id: Code
    """`<owner's shard>-<seq>`: the event's own number."""
    owner: Code
    rule: Code
    findings: tuple[Finding, ...]
    about: Number | None = None
    """The ledger's event it was raised on."""
    instruction_id: UUID | None = None
    business_date: date | None = None


class AlertSnoozed(Event):
    """What would have been an alert, of a rule that two people have silenced for the customer."""

    type: Literal["AlertSnoozed"] = "AlertSnoozed"
    snooze_id: UUID
    owner: Code
    rule: Code
    findings: tuple[Finding, ...]
    about: Number
    """The ledger's event on which it would have been raised."""
    instruction_id: UUID | None = None
    business_date: date


class SnoozeChanged(Event):
    """From a record of the journal on, a rule's alerts about a customer are silenced, or not any more."""

    type: Literal["SnoozeChanged"] = "SnoozeChanged"
    snooze_id: UUID
    owner: Code
    rule: Code
    until: date
    """The first business day of which it alerts again, if nobody ends it before."""
    after: Literal["approved", "ended"]
    journal_offset: int
    """In the shard's partition of the journal, the first record for which it is so."""
    act_id: UUID
    actor: Code
    reason: Text
    proposed_by: Code


class HoldPlaced(Event):
    """A pending payment is held until somebody releases or refuses it."""

    type: Literal["HoldPlaced"] = "HoldPlaced"
    owner: Code
    instruction_id: UUID
    first: Number
    findings: tuple[Finding, ...]
    deadline: datetime
    asset: Code
    amount: str
    told: Code | None = None
    """Whom the ledger's policy names to be told of it."""


class HoldOverdue(Event):
    """A hold's deadline has passed; it stays held."""

    type: Literal["HoldOverdue"] = "HoldOverdue"
    owner: Code
    instruction_id: UUID
    deadline: datetime
    told: Code | None = None
    """As `HoldPlaced` named them."""


class HoldDelisted(Event):
    """What a payment is held for is no longer on its list; it stays held until people decide."""

    type: Literal["HoldDelisted"] = "HoldDelisted"
    owner: Code
    instruction_id: UUID
    list_code: Code
    version: Code
    """Of the list, without these entries."""
    entries: tuple[Reference, ...]
    told: Code | None = None
    """As `HoldPlaced` named them."""


class CaseOverdue(Event):
    """A case is past its deadline and not closed; it stays as it is."""

    type: Literal["CaseOverdue"] = "CaseOverdue"
    owner: Code
    case_id: UUID
    deadline: datetime


class ListActivated(Event):
    """This shard screens against a new version of a list from here on."""

    type: Literal["ListActivated"] = "ListActivated"
    list_code: Code
    version: Code
    entries: int


class ListConfirmed(Event):
    """The version that this shard screens against was read again, and is still what is published."""

    type: Literal["ListConfirmed"] = "ListConfirmed"
    list_code: Code
    version: Code


class ListOutdated(Event):
    """A list was last read longer ago than allowed; payments with names are marked or held until it is."""

    type: Literal["ListOutdated"] = "ListOutdated"
    list_code: Code
    version: Code
    checked_at: datetime
    """When it was last activated or confirmed."""
    days_max: int
    """Calendar days that it may be old."""


class ListRefused(Event):
    """A file of a watch list was refused whole: it is cut off, empty, or no such list. Somebody must look."""

    type: Literal["ListRefused"] = "ListRefused"
    list_code: Code
    file: Reference
    line: int
    why: Text
    stays: Code | None = None
    """The version that stays in force; null where the list has none."""


class PartiesRescreened(Event):
    """All parties on record in this shard are screened against what a version of a list has changed."""

    type: Literal["PartiesRescreened"] = "PartiesRescreened"
    list_code: Code
    version: Code
    replaced: Code | None = None
    """The version before; null where the list is new."""
    entries: int | None = None
    """How many entries were new or changed; null for all of a new list."""
    parties: int
    alerts: int
    """Alerts raised; a party that alerted by this version already alerts no second time."""


class ParametersChanged(Event):
    """From a record of the journal on this shard judges by a version of a rule's parameters, or no more."""

    type: Literal["ParametersChanged"] = "ParametersChanged"
    proposal_id: UUID
    rule: Code
    rule_version: int
    before: Literal["proposed", "shadow", "live"]
    after: Literal["shadow", "live", "withdrawn"]
    journal_offset: int
    """In the shard's partition of the journal, the first record for which it is so."""
    actor: Code
    proposed_by: Code


class RemovedRecord(Message):
    """A record whose words are gone."""

    kind: Literal[
        "alert",
        "snoozed_alert",
        "case",
        "hold",
        "decision",
        "rating",
        "rating_proposal",
        "whitelisting",
        "snooze",
        "snooze_change",
        "legal_hold",
        "answer",
        "party",
        "shadow_finding",
        "tier_shadow_finding",
    ]
    """`answer`: to an act that was refused. That of one that was done goes with what it did."""
    seq: int
    """Its event, of what people have begun the answer to that act; of a party or a finding in shadow, which
    no event names, its place in the shard's rows."""
    record_class: Literal["aml", "sanctions", "filing"]
    sha256: str | None = None
    """Of the event's body as it stays, without the words; null of kinds whose events have none."""


class RecordsRemoved(Event):
    """What people wrote, and what rules saw, is gone from records that the law no longer wants kept.

    Ids, dates and outcomes stay. The hashes of the audit chain are those of the events as they were told.
    """

    type: Literal["RecordsRemoved"] = "RecordsRemoved"
    removal_id: UUID
    through: date
    """From this day on, or an earlier one, none of them had to be kept."""
    terms: dict[str, int | None]
    """For how many years each class is kept, and how many from the end of the relationship."""
    actor: Code
    proposed_by: Code
    records: tuple[RemovedRecord, ...]


DecisionEvent = DecisionMade | CustomerRated
AlertEvent = (
    AlertRaised
    | AlertSnoozed
    | SnoozeChanged
    | HoldPlaced
    | HoldOverdue
    | HoldDelisted
    | CaseOverdue
    | ListActivated
    | ListConfirmed
    | ListOutdated
    | ListRefused
    | PartiesRescreened
    | ParametersChanged
    | RecordsRemoved
    | ActDone
)

DECISION_EVENT: Final[TypeAdapter[DecisionEvent]] = TypeAdapter(
    Annotated[DecisionEvent, Field(discriminator="type")]
)
ALERT_EVENT: Final[TypeAdapter[AlertEvent]] = TypeAdapter(Annotated[AlertEvent, Field(discriminator="type")])
