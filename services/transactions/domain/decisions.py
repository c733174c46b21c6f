"""What the ledger decided about one record: everything its journal row, movements and event are made of."""

from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from services.transactions.domain.chart import Account, ScreeningPolicy

POSTED: Final = "TransactionPosted"
PENDING: Final = "TransactionPending"
SCHEDULED: Final = "TransactionScheduled"
CANCELLED: Final = "TransactionCancelled"
VOIDED: Final = "TransactionVoided"
CLEARED: Final = "PendingCleared"
APPLIED: Final = "InstructionApplied"
REJECTED: Final = "InstructionRejected"
DUPLICATE: Final = "DuplicateReceived"
DRY_RUN: Final = "DryRunJudged"
UNREADABLE: Final = "RecordUnreadable"
PARKED: Final = "OwnerParked"
DISCARDED: Final = "RecordDiscarded"
WITHOUT_EFFECT: Final = "DecisionWithoutEffect"
RISK_CHANGED: Final = "RiskClassChanged"
DAY_OPENED: Final = "BusinessDayOpened"
PERIOD_CLOSED: Final = "PeriodClosed"
ACT_DONE: Final = "ActDone"
SWEPT: Final = "CreditSwept"
BOOKED: Final = "ObligationBooked"
REOPENED: Final = "PendingReopened"
CLOSED: Final = "AccountClosed"

FIRST_OUTCOMES: Final = frozenset(
    {POSTED, PENDING, SCHEDULED, CANCELLED, VOIDED, APPLIED, REJECTED, DAY_OPENED, PERIOD_CLOSED}
)
"""The kinds that may be an instruction's first outcome."""


class Leg(NamedTuple):
    """A movement with the accounts found, and each row's posted balance after it."""

    kind: str
    debit: Account
    credit: Account
    amount: int
    debit_balance_after: int
    credit_balance_after: int


@dataclass(slots=True)
class Terms:
    """What plain transactions of one type, entity, asset and pair of dates have in common."""

    instruction_type: str
    classes: frozenset[str]
    """Which a customer's account may be of."""
    kind: str
    """Of the movement."""
    asset: str
    scale: int
    house: Account | None
    """What the posting rules put against the customer, where they do."""
    policies: tuple[ScreeningPolicy, ...]
    """By which it may be screened before it is posted."""
    screened_from: int | None
    """Minor units below which none of them does; none where there are none."""
    booking_date: date
    value_date: date
    spelt: Any = None
    """How events spell all this; see `services.transactions.domain.events`."""
    row: Any = None
    """How journal rows spell it; see `services.transactions.store.journal_rows`."""


@dataclass(slots=True)
class Decision:
    """One event of the journal. Optional parts are there as its kind needs them."""

    seq: int
    kind: str
    topic: str | None
    """Where the record stands that asked for it; none of the three where none did."""
    partition: int | None
    offset: int | None
    instruction_id: str | None = None
    instruction_type: str | None = None
    owner: str | None = None
    about_seq: int | None = None
    """The outcome of the same instruction that it follows up."""
    booking_date: date | None = None
    value_date: date | None = None
    reason: str | None = None
    detail: dict[str, Any] | None = None
    content: bytes | None = None
    content_hash: bytes | None = None
    legs: list[Leg] = field(default_factory=list)
    account: Account | None = None
    """Of an `InstructionApplied` or `AccountClosed`."""
    seen: dict[str, Any] | None = None
    traceparent: str | None = None
    uses_up_id: bool = False
    """Whether it is its instruction's first outcome, to which a repeat will be a duplicate."""
    terms: Terms | None = field(default=None, repr=False, compare=False)
    """Of a plain transaction that was posted as it was asked for."""

    @property
    def keeps_content(self) -> bool:
        """Whether the content is kept with it; what follows up a pending one finds it there."""
        return self.content is not None and not (self.about_seq is not None and self.kind in (POSTED, VOIDED))


def hash_of(content: bytes) -> bytes:
    """Return what tells one content from another: BLAKE2b with 128 bits (RFC 7693)."""
    return blake2b(content, digest_size=16).digest()
