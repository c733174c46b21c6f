"""What the ledger says happened: the events of `transactions.journal.v1`, the books' public record."""

from datetime import date
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from shared.messages.envelope import Code, Event, Message, Number, Place, RiskClass

MovementKind = Literal["principal", "fee", "interest", "commission", "tax", "obligation", "opening"]


class Posting(Message):
    """One end of a movement; carries what a consumer would otherwise need the ledger's tables for."""

    account: Code
    owner: Code
    entity: Code
    account_class: str = Field(alias="class")


class Movement(Message):
    """One debit account, one credit account, one asset, one positive amount."""

    leg: int
    """Its place in the transaction, from 0."""
    kind: MovementKind
    amount: str
    """Decimal string in the asset's scale."""
    asset: Code
    scale: int
    debit: Posting
    credit: Posting
    member: int | None = None
    """Of a group: to which of its `members` it belongs, from 0."""


class GroupMember(Message):
    """One instruction of a group, and how it was booked."""

    instruction_id: UUID
    type: str
    movements: int
    """How many of the event's movements are its own; they stand in the order of the members."""
    routed: str | None = None
    """Of a group of facts: why this one could not be booked as named."""


class MovementNumber(Number):
    """Shard and seq of an event, and the place of one of its movements."""

    leg: int


class LedgerEvent(Event):
    """An event of the ledger about a record it took."""

    source: Place | None = None
    """The record it came from; none where the ledger did by itself what was due."""
    instruction_id: UUID | None = None
    instruction_type: str | None = None
    owner: Code | None = None
    """The home owner; always the customer whose partition is the primary's, or `house`."""
    first: Number | None = None
    """For a later event: the outcome it follows up."""
    instruction: dict[str, Any] | None = None
    """What was asked: the record's business fields, normalised (shape: `shared.messages.instructions`), with
    what is personal in them sealed (`shared.messages.sealing`)."""
    content_hash: str | None = None
    """Hexadecimal BLAKE2b-128 of the bytes of `instruction`."""


class TransactionEvent(LedgerEvent):
    """An event that moved, reserved or freed money."""

    booking_date: date
    value_date: date
    movements: tuple[Movement, ...]
    members: tuple[GroupMember, ...] | None = None
    """Of a group: its instructions, in their order."""


class TransactionPosted(TransactionEvent):
    """Money moved. With `first`, a screened transaction was posted; with `resolves`, a reserved one."""

    type: Literal["TransactionPosted"] = "TransactionPosted"
    routed: str | None = None
    """For a fact that could not be booked as named: the reason it went to suspense or blocked funds."""
    limit_passed: bool = False
    """A fact, or a forced reversal, took the account below its limit."""
    opened: Code | None = None
    """The account of a security within a custody account that was opened for it."""
    resolves: Number | None = None
    """The reserve that was posted, or of which this was a part."""
    settled: str | None = None
    """Of a part of a trade: how much of its quantity is settled with it, a decimal string."""
    freed: str | None = None
    """What of that reserve is given back with this: a decimal string in the asset's scale."""
    reverses: Number | None = None
    """Of a reversal: the posting whose movements it mirrors."""
    uses: MovementNumber | None = None
    """Of a return: the movement of which this came back. Of an `allocate` or `write_off`: the item."""
    reopens: bool = False
    """Of a reversal of one of those: what it moves back is an item of its own, to be allocated anew."""
    executes: Number | None = None
    """The `TransactionScheduled` whose day had come."""


class ScreenedBy(Message):
    """The policy by which a request is screened before it is posted, and what it saw beside the amount.

    Of several policies that ask for it, the one with the shortest deadline. A condition that is not named is
    none.
    """

    amount_from: str
    """Decimal string in the asset's scale."""
    risk_classes: tuple[RiskClass, ...] = ()
    countries: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    risk_class: RiskClass | None = None
    """The customer's, as it was when the request was judged; none of the house's own."""
    country: str | None = None
    """Of the bank that is to be paid (`payment.creditor_agent`)."""
    channel: str | None = None
    deadline_hours: int | None = None
    """Within how many hours a hold is to be decided, where that is sooner than its rule says."""
    told: Code
    """Whom a hold is brought to."""


class TransactionPending(TransactionEvent):
    """Money is reserved until a decision or an instruction; the movements are those that may be posted."""

    type: Literal["TransactionPending"] = "TransactionPending"
    screening: bool = True
    """Whether it waits for compliance."""
    screened_by: ScreenedBy | None = None
    """Where it does: why."""
    routed: str | None = None
    """For a fact: as in `TransactionPosted`."""
    limit_passed: bool = False
    """For a fact: what it sets aside takes the account below its limit."""
    opened: Code | None = None
    """The account of a security within a custody account that was opened for it."""
    executes: Number | None = None
    """The `TransactionScheduled` whose day had come."""


class TransactionScheduled(LedgerEvent):
    """A request waits for its day. Nothing is reserved for it; it is judged by the whole ladder on that day.

    What comes of it then is a `TransactionPosted`, a `TransactionPending` or an `InstructionRejected` that
    names it (`executes`) and comes from no record.
    """

    type: Literal["TransactionScheduled"] = "TransactionScheduled"
    entity: Code
    """Whose business day it waits for."""
    booking_date: date
    """The open business day."""
    execute_on: date


class TransactionCancelled(LedgerEvent):
    """What was scheduled was given up before its day, as a `void_pending` asked."""

    type: Literal["TransactionCancelled"] = "TransactionCancelled"
    entity: Code
    booking_date: date
    """The open business day."""
    resolves: Number
    """The `TransactionScheduled`."""


class PendingCleared(LedgerEvent):
    """Compliance had nothing against a reserve: it may be posted now. `first` is its own."""

    type: Literal["PendingCleared"] = "PendingCleared"
    decision: str


class TransactionVoided(TransactionEvent):
    """A pending transaction came to nothing; its movements are what is freed.

    With `first`, a screened transaction, or a reserve that had expired; with `resolves`, a reserved one, or
    what was left of it.
    """

    type: Literal["TransactionVoided"] = "TransactionVoided"
    reason: str
    """`screening_refused`, `void_requested`, `expired`, or what stood against posting what was cleared."""
    resolves: Number | None = None
    """The reserve that was given back."""


class InstructionApplied(LedgerEvent):
    """Something other than money changed: an account opened, frozen, closing, its limit changed."""

    type: Literal["InstructionApplied"] = "InstructionApplied"
    account: Posting
    asset: Code
    scale: int
    valid_from: date | None = None
    """Of a changed limit: the first booking date on which it holds."""


class CreditSwept(TransactionEvent):
    """A credit had still reached an account that is closing or closed; its home moved it to suspense.

    No record asked for it. `first` is what closed the account. It is moved money like all that is posted.
    """

    type: Literal["CreditSwept"] = "CreditSwept"


class ObligationBooked(TransactionEvent):
    """What the firm owes and is owed for a trade changed in its books, between accounts of its own.

    No record of its own asked for it: it stands behind the event of what did, or the trade's day had passed.
    `first` is the trade. It is moved money like all that is posted.
    """

    type: Literal["ObligationBooked"] = "ObligationBooked"
    cause: str
    """`traded`: booked at once, by trade date; `failed`: the market's side moved to the fails, since the
    contractual day had passed; `settled`: taken off the fails, with a part that was settled late;
    `cancelled`: undone, as what was left of the trade."""


class PendingReopened(TransactionEvent):
    """A part of a trade that had been settled was undone: its securities and the money are pending again.

    No record of its own asked for it: it stands behind the reversal of that part. `first` is the trade. Its
    movements are reserved like those of what is pending.
    """

    type: Literal["PendingReopened"] = "PendingReopened"
    settled: str
    """How much of the trade's quantity is settled by now."""


class AccountClosed(LedgerEvent):
    """An account that was closing has come to nothing in all shards. No record asked for it.

    `first` is what closed it.
    """

    type: Literal["AccountClosed"] = "AccountClosed"
    booking_date: date
    account: Posting
    asset: Code
    scale: int


class InstructionRejected(LedgerEvent):
    """A rule said no."""

    type: Literal["InstructionRejected"] = "InstructionRejected"
    reason: str
    field: str | None = None
    detail: str
    executes: Number | None = None
    """The `TransactionScheduled` whose day had come."""
    member: int | None = None
    """Of a group: which of its members was in the way, from 0."""


class DuplicateReceived(LedgerEvent):
    """The same instruction came again; nothing was posted. `first` is its first outcome, or that of the group
    of which it was a member."""

    type: Literal["DuplicateReceived"] = "DuplicateReceived"
    first_outcome: str
    first_reason: str | None = None


class BalancesAfter(Message):
    """What the two rows of a movement's accounts would hold after it."""

    leg: int
    debit: str
    """Posted credits less posted debits of this shard's row: a decimal string in the asset's scale."""
    credit: str


class DryRunJudged(LedgerEvent):
    """What would have come of an instruction sent as a dry run. Nothing moved, and its id is still free."""

    type: Literal["DryRunJudged"] = "DryRunJudged"
    reason: str | None = None
    """Why it would have been rejected, or voided."""
    outcome: str
    """`posted`, `pending`, `scheduled`, `voided`, `applied`, `rejected` or `duplicate`."""
    would_be: dict[str, Any]
    """The event there would have been: its `type` and the fields that are its own."""
    balances_after: tuple[BalancesAfter, ...] = ()
    """By movement of that event."""


class RecordUnreadable(LedgerEvent):
    """A record nobody can read; its bytes are kept as a dead letter."""

    type: Literal["RecordUnreadable"] = "RecordUnreadable"
    error: str
    size: int
    sha256: str


class OwnerParked(LedgerEvent):
    """Handling a record failed, or waits behind one that failed; it is kept and can be replayed."""

    type: Literal["OwnerParked"] = "OwnerParked"
    error: str
    behind: bool
    """Whether it only waits behind an earlier record of its owner."""


class RecordDiscarded(LedgerEvent):
    """An operator gave a parked record up."""

    type: Literal["RecordDiscarded"] = "RecordDiscarded"
    act_id: UUID
    actor: str
    reason: str


class DecisionWithoutEffect(LedgerEvent):
    """A decision came for something that does not wait for one; somebody should look."""

    type: Literal["DecisionWithoutEffect"] = "DecisionWithoutEffect"
    decision: str
    why: str


class RiskClassChanged(LedgerEvent):
    """Compliance has rated a customer: from here on requests of theirs are screened as that class is."""

    type: Literal["RiskClassChanged"] = "RiskClassChanged"
    risk_class: RiskClass
    previous: RiskClass


class BusinessDayOpened(LedgerEvent):
    """The entity's books moved on, in this shard."""

    type: Literal["BusinessDayOpened"] = "BusinessDayOpened"
    entity: Code
    booking_date: date
    previous: date | None


class PeriodClosed(LedgerEvent):
    """Nothing is booked into a period any more, in this shard: what this shard booked into it stands before.

    Soft-closed, it still takes adjustments.
    """

    type: Literal["PeriodClosed"] = "PeriodClosed"
    booking_date: date
    """The open business day, on which it was closed."""
    entity: Code
    first_day: date
    last_day: date
    state: Literal["soft_closed", "closed"]


class ActDone(LedgerEvent):
    """An operator's act was carried out, or refused with a reason. Every service publishes these."""

    type: Literal["ActDone"] = "ActDone"
    act_id: UUID
    act: str
    actor: str
    done: bool
    detail: str
    result: dict[str, Any] = Field(default_factory=dict)


JournalEvent = (
    TransactionPosted
    | TransactionPending
    | TransactionScheduled
    | TransactionCancelled
    | TransactionVoided
    | PendingCleared
    | InstructionApplied
    | CreditSwept
    | ObligationBooked
    | PendingReopened
    | AccountClosed
    | InstructionRejected
    | DuplicateReceived
    | DryRunJudged
    | RecordUnreadable
    | OwnerParked
    | RecordDiscarded
    | DecisionWithoutEffect
    | RiskClassChanged
    | BusinessDayOpened
    | PeriodClosed
    | ActDone
)

JOURNAL_EVENT: Final[TypeAdapter[JournalEvent]] = TypeAdapter(
    Annotated[JournalEvent, Field(discriminator="type")]
)

OUTCOMES: Final = {
    "TransactionPosted": "posted",
    "TransactionPending": "pending",
    "TransactionScheduled": "scheduled",
    "TransactionCancelled": "voided",
    "TransactionVoided": "voided",
    "InstructionApplied": "applied",
    "BusinessDayOpened": "applied",
    "PeriodClosed": "applied",
    "CreditSwept": "swept",
    "ObligationBooked": "booked",
    "PendingReopened": "reopened",
    "AccountClosed": "closed",
    "InstructionRejected": "rejected",
    "DuplicateReceived": "duplicate",
    "DryRunJudged": "dry_run",
    "RecordUnreadable": "unreadable",
    "OwnerParked": "parked",
    "RecordDiscarded": "discarded",
}
"""The fate that each event gives to the record it came from (acts and decisions have none here).

What the ledger does by itself comes from no record: it only follows one up.
"""
