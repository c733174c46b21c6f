"""What the ledger's tables hold: the chart, the journal, and what is kept of accounts and shards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from audit.places import Place


@dataclass(frozen=True, slots=True)
class Asset:
    """A row of `asset`."""

    asset_id: int
    code: str
    kind: str
    scale: int


@dataclass(frozen=True, slots=True)
class Instrument:
    """A row of `instrument`: what a security is beyond an asset."""

    asset_id: int
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """A row of `entity`."""

    entity_id: int
    code: str
    first_booking_date: date


@dataclass(frozen=True, slots=True)
class AccountClass:
    """A row of `account_class`: a node of the chart of accounts."""

    code: str
    parent: str | None = None
    valid_from: date = date.min
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A row of `account`."""

    account_id: int
    code: str
    entity_id: int
    owner: str
    shard: int
    asset_id: int
    account_class: str
    limit_minor: int | None
    opened_seq: int
    container: str | None = None


@dataclass(frozen=True, slots=True)
class PostingRule:
    """A row of `posting_rule`."""

    entity_id: int
    instruction_type: str
    condition: str
    house_class: str
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class ScreeningPolicy:
    """A row of `screening_policy`."""

    entity_id: int
    instruction_type: str
    asset_id: int
    amount_from: int
    valid_from: date
    valid_until: date | None = None
    risk_classes: Sequence[str] = ()
    countries: Sequence[str] = ()
    channels: Sequence[str] = ()
    deadline_hours: int | None = None
    told: str = "compliance"


@dataclass(frozen=True, slots=True)
class TradePolicy:
    """A row of `trade_policy`."""

    entity_id: int
    policy: str
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A row of the ledger's `journal`."""

    shard: int
    seq: int
    kind: str
    about_seq: int | None = None
    recorded_at: datetime | None = None
    epoch: int = 0
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    instruction_id: UUID | None = None
    instruction_type: str | None = None
    owner: str | None = None
    reason: str | None = None
    booking_date: date | None = None
    value_date: date | None = None
    detail: Mapping[str, Any] | None = None
    content: bytes | None = None
    seen: Mapping[str, Any] | None = None
    copies: tuple[int, ...] = ()
    traceparent: str | None = None

    @property
    def place(self) -> Place | None:
        """Where the record it came from stands."""
        if self.topic is None or self.partition is None or self.offset is None:
            return None
        return (self.topic, self.partition, self.offset)


@dataclass(frozen=True, slots=True)
class MovementRow:
    """A row of the ledger's `movement`."""

    shard: int
    seq: int
    leg: int
    kind: str
    debit_account: int
    credit_account: int
    asset_id: int
    amount: int
    debit_balance_after: int
    credit_balance_after: int


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """A row of the ledger's `balance`."""

    shard: int
    account_id: int
    debits_posted: int
    credits_posted: int
    debits_pending: int
    credits_pending: int


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A row of `instruction_key`."""

    shard: int
    instruction_id: UUID
    seq: int


@dataclass(frozen=True, slots=True)
class PendingRow:
    """A row of `pending`."""

    shard: int
    seq: int
    instruction_id: UUID
    resolved_seq: int | None
    screening: bool = True
    cleared_seq: int | None = None
    settled_minor: int = 0


@dataclass(frozen=True, slots=True)
class ScheduledRow:
    """A row of `scheduled`."""

    shard: int
    seq: int
    entity_id: int
    execute_on: date
    ended_seq: int | None


@dataclass(frozen=True, slots=True)
class FreezeRow:
    """A row of `freeze`."""

    account_id: int
    freeze_id: str
    direction: str
    authority: str
    seq: int
    lifted_seq: int | None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class ClosingRow:
    """A row of `account_closing`."""

    account_id: int
    seq: int
    closed_seq: int | None
    reopened_seq: int | None


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A row of `account_limit`."""

    account_id: int
    seq: int
    limit_minor: int | None
    cap_minor: int | None
    valid_from: date
    valid_until: date | None
    authority: str


@dataclass(frozen=True, slots=True)
class ReversedRow:
    """A row of `reversed`: a movement that was undone or of which a part came back, and by which event."""

    original_shard: int
    original_seq: int
    leg: int
    part: int
    amount: int
    left_minor: int
    shard: int
    seq: int


@dataclass(frozen=True, slots=True)
class BusinessDayRow:
    """A row of `business_day`."""

    shard: int
    entity_id: int
    booking_date: date
    seq: int


@dataclass(frozen=True, slots=True)
class DayBalanceRow:
    """A row of `day_balance`."""

    shard: int
    account_id: int
    value_date: date
    posted_on: date
    debits: int
    credits: int


@dataclass(frozen=True, slots=True)
class DayOpeningRow:
    """A row of `day_opening`."""

    shard: int
    account_id: int
    seq: int
    debits: int
    credits: int


@dataclass(frozen=True, slots=True)
class AccrualRow:
    """A row of `accrual`."""

    shard: int
    account: str
    series: str
    asset: str
    direction: str
    posted_minor: int
    seq: int


@dataclass(frozen=True, slots=True)
class CarriedRow:
    """A row of `carried_over`."""

    shard: int
    account_id: int
    booking_date: date
    seq: int


@dataclass(frozen=True, slots=True)
class RiskRow:
    """A row of `risk_class`: a customer's class from an event on."""

    shard: int
    owner: str
    seq: int
    risk_class: str


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """A row of `period`."""

    shard: int
    entity_id: int
    first_day: date
    last_day: date
    state: str
    seq: int
