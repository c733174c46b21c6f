"""Folds events into what they add to reporting's tables; pure, and the same however a stream is cut.

Which copy counts where: transactions, accounts and fates are counted on the *primary* copy, under the
shard that wrote the event, so that no two writers of ours touch one row. A *secondary* copy only adds its
partition's owners to `owner_day`: a leg is counted there in its owner's home partition and nowhere else.
The house has no owner view; its figures are those of its accounts.

Which day an event counts on: its booking date. An event that books nothing (a rejection) counts on the
business day its shard stood at: the booking date of the last event of that shard that had one, or the
recorded day (UTC) while there has been none. Compliance's events count on the alert's business date where
it has one, else on the recorded day, because their order among the ledger's events is not fixed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, TypeVar, cast, get_args

from services.reporting.domain.events import (
    ASIDE,
    MONEY,
    AppliedView,
    EventView,
    JournalView,
    MovementView,
    PostingView,
    TransactionView,
)
from services.reporting.domain.items import ITEM_CLASSES, Item, ItemUse, fold_items
from shared.messages.blocks import Channel
from shared.messages.compliance import (
    AlertEvent,
    AlertRaised,
    DecisionEvent,
    DecisionMade,
    Finding,
    HoldOverdue,
    HoldPlaced,
)
from shared.messages.envelope import HOUSE
from shared.messages.journal import OUTCOMES
from shared.messages.kinds import MOVED
from shared.messages.topics import ALERTS, DECISIONS, JOURNAL
from shared.money import parse_amount

AccountKey = tuple[int, str]
"""Shard, account."""
AccountAttributes = tuple[str, str, str, str, int]
"""Owner, entity, class, asset, scale."""
AccountDayKey = tuple[str, date, int]
"""Account, booking date, shard."""
OwnerDayKey = tuple[str, str, date, int]
"""Owner, asset, booking date, home shard."""
ActivityKey = tuple[int, date, str, str, str, str, str, str, bool]
"""Shard, day, entity, instruction type, asset, channel, outcome, reason, later."""
TakenKey = tuple[str, int, date, str]
"""Topic, shard, day, kind."""
ComplianceDayKey = tuple[int, date, str, str, str]
"""Shard, day, event, outcome, rule."""
Entry = tuple[int, int, datetime, int, date, date, int, str, str, str, str]
"""seq, amount, recorded_at, shard, booking date, value date, leg, debit account, credit account,
instruction type, reference."""
PeriodStep = tuple[int, date, date, int, str, str]
"""Shard, first and last day, seq, entity, what the period became."""

Key = TypeVar("Key")

CHANNELS: Final = frozenset(
    name for part in get_args(Channel.model_fields["channel"].annotation) for name in get_args(part)
)
OTHER_CHANNEL: Final = "other"
LATER: Final = frozenset(
    {
        "TransactionVoided",
        "RecordDiscarded",
        "CreditSwept",
        "ObligationBooked",
        "PendingReopened",
        "AccountClosed",
    }
)
"""Kinds that always follow up an earlier fate of a record."""
BY_ITSELF: Final = frozenset({"CreditSwept", "ObligationBooked"})
"""Kinds that move money and settle nothing that was reserved."""
RESERVING: Final = frozenset({"TransactionPending", "PendingReopened"})
"""Kinds that set aside what they move."""
NAMES_ITS_DAY: Final = frozenset({"adjustment", "opening_balance"})
"""Types of which an instruction may say on which day it is booked."""
REASON_LENGTH_MAX: Final = 64


@dataclass(slots=True)
class AccountDay:
    """What a day adds to one account's row of one shard, in minor units."""

    asset: str
    has_items: bool = False
    """Whether it is an account of the house's whose every credit is an item."""
    debits: int = 0
    credits: int = 0
    entries: int = 0
    debits_pending: int = 0
    """Reserved less settled and freed: the sum over all days up to one is what was pending at its end."""
    credits_pending: int = 0


@dataclass(slots=True)
class OwnerDay:
    """What a day adds to one owner in one asset, over all its accounts, in minor units."""

    debits: int = 0
    credits: int = 0
    entries: int = 0


@dataclass(slots=True)
class Activity:
    """How many events, and the minor units of their movements."""

    scale: int = 0
    count: int = 0
    amount: int = 0


@dataclass(slots=True)
class Increments:
    """What a batch adds to each aggregate."""

    accounts: dict[AccountKey, AccountAttributes] = field(default_factory=dict[AccountKey, AccountAttributes])
    account_days: dict[AccountDayKey, AccountDay] = field(default_factory=dict[AccountDayKey, AccountDay])
    owner_days: dict[OwnerDayKey, OwnerDay] = field(default_factory=dict[OwnerDayKey, OwnerDay])
    activity: dict[ActivityKey, Activity] = field(default_factory=dict[ActivityKey, Activity])
    compliance_days: dict[ComplianceDayKey, int] = field(default_factory=dict[ComplianceDayKey, int])
    taken: dict[TakenKey, int] = field(default_factory=dict[TakenKey, int])
    entries: list[Entry] = field(default_factory=list[Entry])
    items: list[Item] = field(default_factory=list[Item])
    item_uses: list[ItemUse] = field(default_factory=list[ItemUse])
    periods: list[PeriodStep] = field(default_factory=list[PeriodStep])
    """Periods that were closed, softly or for good."""
    business_days: dict[int, date] = field(default_factory=dict[int, date])
    """The business day each shard stands at, where the batch moved it."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """An event of the ledger as it came: on which partition, and as which copy."""

    partition: int
    primary: bool
    event: JournalView


def fold_journal(
    into: Increments,
    delivered: Iterable[Delivered],
    business_days: Mapping[int, date],
    home_of: Callable[[str], int],
) -> None:
    """Add the ledger's events to `into`.

    `business_days` says where each shard stood before; `home_of` an owner's shard. Raises `KeyError` or
    `AmountError` for an event that is not as the contract says.
    """
    for each in delivered:
        event = each.event
        if each.primary:
            shard, kind = event["shard"], event["type"]
            day = event.get("booking_date")
            if day is None:
                day = into.business_days.get(shard) or business_days.get(shard)
                day = day or _day_of(event["recorded_at"])
            elif event.get("instruction_type") in NAMES_ITS_DAY:
                pass  # It may be booked into an earlier period, and says nothing of where the shard stands.
            elif into.business_days.get(shard) != day:
                into.business_days[shard] = day
            _count(into.taken, (JOURNAL.name, shard, day, kind))
            if kind in MONEY:
                _fold_transaction(into, cast("TransactionView", event), each.partition, home_of)
            elif kind not in ASIDE:
                _fold_fate(into, event, day)
                if kind == "PeriodClosed":
                    into.periods.append(_period(event))
        elif event["type"] in MOVED:
            _fold_owners(into, cast("TransactionView", event), each.partition, home_of)


def fold_decisions(into: Increments, decisions: Iterable[DecisionEvent]) -> None:
    """Add compliance's decisions to `into`; that customers were rated is only counted."""
    for decision in decisions:
        day = _day_of(decision.recorded_at)
        _count(into.taken, (DECISIONS.name, decision.shard, day, decision.type))
        if isinstance(decision, DecisionMade):
            _fold_rules(into, decision.shard, day, "decision", decision.decision, decision.findings)


def fold_alerts(into: Increments, alerts: Iterable[AlertEvent]) -> None:
    """Add compliance's alerts and holds to `into`."""
    for alert in alerts:
        day = _day_of(alert.recorded_at)
        match alert:
            case AlertRaised():
                day = alert.business_date or day
                _fold_rules(into, alert.shard, day, "alert", "", alert.findings)
            case HoldPlaced():
                _fold_rules(into, alert.shard, day, "hold", "", alert.findings)
            case HoldOverdue():
                _fold_rules(into, alert.shard, day, "overdue", "", ())
            case _:
                pass
        _count(into.taken, (ALERTS.name, alert.shard, day, alert.type))


def _fold_transaction(
    into: Increments, event: TransactionView, partition: int, home_of: Callable[[str], int]
) -> None:
    shard, kind, day = event["shard"], event["type"], event["booking_date"]
    posted = kind in MOVED
    # What resolves a reserve is an instruction's own first outcome, and frees what was reserved all the same.
    resolves = event.get("resolves") is not None
    later = not resolves and (kind in LATER or (posted and event.get("first") is not None))
    settles = kind not in BY_ITSELF and (later or resolves)
    reserved = 1 if kind in RESERVING else -1 if settles else 0
    freed = event.get("freed")
    instruction_type = event.get("instruction_type") or ""
    channel, outcome, reason = _channel(event), OUTCOMES[kind], _reason(event)
    count = 1
    for movement in event["movements"]:
        amount = parse_amount(movement["amount"], movement["scale"])
        debit_day = _account_day(into, shard, day, movement["debit"], movement)
        credit_day = _account_day(into, shard, day, movement["credit"], movement)
        if posted:
            debit_day.debits += amount
            debit_day.entries += 1
            credit_day.credits += amount
            credit_day.entries += 1
            into.entries.append(_entry(event, movement, amount))
            if debit_day.has_items or credit_day.has_items:
                fold_items(into.items, into.item_uses, event, movement, amount)
            _own(into, movement, amount, day, partition, home_of)
        if reserved:
            given_back = parse_amount(freed, movement["scale"]) if freed else 0
            debit_day.debits_pending += reserved * (amount + given_back)
            credit_day.credits_pending += reserved * (amount + given_back)
        entity, asset = movement["debit"]["entity"], movement["asset"]
        key = (shard, day, entity, instruction_type, asset, channel, outcome, reason, later)
        activity = into.activity.get(key)
        if activity is None:
            activity = into.activity[key] = Activity(movement["scale"])
        activity.count += count
        activity.amount += amount
        # A transaction is one, whatever its number of movements: it counts at its first one's asset.
        count = 0


def _account_day(
    into: Increments, shard: int, day: date, posting: PostingView, movement: MovementView
) -> AccountDay:
    account = posting["account"]
    account_day = into.account_days.get((account, day, shard))
    if account_day is None:
        has_items = posting["class"] in ITEM_CLASSES
        account_day = into.account_days[account, day, shard] = AccountDay(movement["asset"], has_items)
        _know(into, shard, posting, movement["asset"], movement["scale"])
    return account_day


def _know(into: Increments, shard: int, posting: PostingView, asset: str, scale: int) -> None:
    into.accounts[shard, posting["account"]] = (
        posting["owner"],
        posting["entity"],
        posting["class"],
        asset,
        scale,
    )


def _entry(event: TransactionView, movement: MovementView, amount: int) -> Entry:
    instruction = event.get("instruction")
    return (
        event["seq"],
        amount,
        event["recorded_at"],
        event["shard"],
        event["booking_date"],
        event["value_date"],
        movement["leg"],
        movement["debit"]["account"],
        movement["credit"]["account"],
        event.get("instruction_type") or "",
        (instruction.get("business_reference") or "") if instruction else "",
    )


def _fold_owners(
    into: Increments, event: TransactionView, partition: int, home_of: Callable[[str], int]
) -> None:
    for movement in event["movements"]:
        amount = parse_amount(movement["amount"], movement["scale"])
        _own(into, movement, amount, event["booking_date"], partition, home_of)


def _own(
    into: Increments,
    movement: MovementView,
    amount: int,
    day: date,
    partition: int,
    home_of: Callable[[str], int],
) -> None:
    """Add a movement's two legs to those of its owners who live in this partition."""
    debtor, creditor = movement["debit"]["owner"], movement["credit"]["owner"]
    if debtor != HOUSE and home_of(debtor) == partition:
        owner_day = _owner_day(into, (debtor, movement["asset"], day, partition))
        owner_day.entries += 1
        owner_day.debits += amount
    if creditor != HOUSE and home_of(creditor) == partition:
        owner_day = _owner_day(into, (creditor, movement["asset"], day, partition))
        owner_day.entries += 1
        owner_day.credits += amount


def _owner_day(into: Increments, key: OwnerDayKey) -> OwnerDay:
    owner_day = into.owner_days.get(key)
    if owner_day is None:
        owner_day = into.owner_days[key] = OwnerDay()
    return owner_day


def _fold_fate(into: Increments, event: JournalView, day: date) -> None:
    shard, kind = event["shard"], event["type"]
    entity, asset, scale = event.get("entity", ""), "", 0
    if kind in ("InstructionApplied", "AccountClosed"):
        applied = cast("AppliedView", event)
        account, asset, scale = applied["account"], applied["asset"], applied["scale"]
        entity = account["entity"]
        _know(into, shard, account, asset, scale)
    instruction_type = event.get("instruction_type") or ""
    key = (
        shard,
        day,
        entity,
        instruction_type,
        asset,
        _channel(event),
        OUTCOMES[kind],
        _reason(event),
        kind in LATER,
    )
    activity = into.activity.get(key)
    if activity is None:
        activity = into.activity[key] = Activity(scale)
    activity.count += 1


def _period(event: JournalView) -> PeriodStep:
    """Where a shard closed a period; raises `KeyError` for an event that is not as the contract says."""
    return (
        event["shard"],
        event["first_day"],  # pyright: ignore[reportTypedDictNotRequiredAccess]
        event["last_day"],  # pyright: ignore[reportTypedDictNotRequiredAccess]
        event["seq"],
        event.get("entity", ""),
        event["state"],  # pyright: ignore[reportTypedDictNotRequiredAccess]
    )


def _fold_rules(
    into: Increments, shard: int, day: date, event: str, outcome: str, findings: Iterable[Finding]
) -> None:
    """Count the event once, under no rule, and once more under each rule that was found."""
    _count(into.compliance_days, (shard, day, event, outcome, ""))
    for rule in sorted({finding.rule for finding in findings}):
        _count(into.compliance_days, (shard, day, event, outcome, rule))


def _count(counts: dict[Key, int], key: Key) -> None:
    counts[key] = counts.get(key, 0) + 1


def _channel(event: EventView) -> str:
    instruction = event.get("instruction")
    block = instruction.get("channel") if instruction else None
    channel = block.get("channel") if block else None
    if channel is None:
        return ""
    return channel if channel in CHANNELS else OTHER_CHANNEL


def _reason(event: EventView) -> str:
    return (event.get("reason") or event.get("error") or "")[:REASON_LENGTH_MAX]


def _day_of(instant: datetime) -> date:
    return instant.astimezone(UTC).date()
