"""One instruction on its way up the ladder, and what its rungs ask of it in common."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from services.transactions.domain.changes import Changes
from services.transactions.domain.chart import Account, Chart
from services.transactions.domain.claims import Claim
from services.transactions.domain.decisions import Decision, Leg, Terms
from services.transactions.domain.effects import Refusal
from services.transactions.domain.open_pendings import EndedTrade, OpenPending
from services.transactions.domain.originals import MovementId, Original
from services.transactions.domain.outside import First, Outside, Wanted
from services.transactions.domain.planning import Against, End, TransactionType
from services.transactions.domain.records import Record
from services.transactions.domain.screening import Screened
from services.transactions.domain.state import Waiting
from services.transactions.domain.stops import (
    CLOSED,
    CREDIT_FROZEN,
    DEBIT_FROZEN,
    DIRECTION_NAMES,
    FROZEN,
    SHUT,
)
from services.transactions.domain.trials import on_trial
from services.transactions.domain.value_dates import Past
from shared.messages.envelope import HOUSE


class Context:
    """What all cases of a batch share."""

    __slots__ = (
        "changes",
        "chart",
        "decided",
        "needs",
        "needs_past",
        "outside",
        "partitions",
        "terms",
        "types",
        "wanted",
    )

    def __init__(
        self,
        *,
        chart: Chart,
        types: Mapping[str, TransactionType],
        partitions: int,
        changes: Changes,
        outside: Outside,
        decided: Sequence[Decision] = (),
    ) -> None:
        self.chart = chart
        self.types = types
        self.partitions = partitions
        self.changes = changes
        self.outside = outside
        self.decided = decided
        """What was decided in the batch so far, by consecutive numbers."""
        self.terms: dict[tuple[Any, ...], Terms] = {}
        """What plain instructions of one kind have in common, while the business day lasts."""
        self.wanted = Wanted()
        """What plain instructions need and nobody had loaded."""
        self.needs: set[int] = set()
        """Accounts whose foreign credits a decision asked for and nobody had loaded."""
        self.needs_past: dict[int, date] = {}
        """Accounts of which a decision asked what was posted since a day, and nobody had loaded that."""

    def on_trial(self) -> "Context":
        """Return a context in which a decision changes nothing here; what it lacks is lacking here."""
        trial = Context(
            chart=self.chart,
            types=self.types,
            partitions=self.partitions,
            changes=on_trial(self.changes),
            outside=self.outside,
            decided=self.decided,
        )
        trial.wanted, trial.needs, trial.needs_past = self.wanted, self.needs, self.needs_past
        return trial


class Case:
    """One instruction on its way up the ladder; what a rung finds out is there for the next ones."""

    __slots__ = (
        "account",
        "amounts",
        "at_once",
        "booked",
        "cap",
        "context",
        "day",
        "entity_id",
        "first",
        "is_member",
        "legs",
        "limit",
        "limit_passed",
        "members",
        "moves",
        "named",
        "named_first",
        "opened",
        "original",
        "pending",
        "record",
        "redirected",
        "routed",
        "screened",
        "seen",
        "seq",
        "trade",
        "undoes",
        "waited",
        "waiting",
    )

    amounts: list[int]
    """Form: minor units, by movement."""
    moves: list[tuple[Account, Account]]
    """References: debit and credit account, by movement."""
    at_once: tuple[Account, Account] | None
    """References: where a trade is booked at once, what the house is owed and what it owes; else none."""
    account: Account | None
    """References: the account an instruction without movements is about, or would open."""
    limit: int | None
    cap: int | None
    day: date
    """References: the entity's open business day."""
    opened: Account | None
    """References: an account within a custody account that there is not yet, should it be accepted."""
    legs: list[Leg]
    """Limits: what was posted or reserved."""
    named: OpenPending | None
    """Form: the pending transaction it names, if that is still open."""
    named_first: dict[str, Any] | None
    """Form: what that one asked for, open or resolved; none where there has been none of this id."""
    waiting: Waiting | None
    """Form: what it names, where that still waits for its day."""
    original: Original
    """References: the posted transaction it names."""
    trade: EndedTrade | None
    """References: the trade of which the original is a part, ended or not; none where it is none."""
    undoes: list[MovementId]
    """References: its movements that are undone, in the order of `moves`."""
    entity_id: int | None
    """References: whose books a fact belongs to, where no account that it names says so."""
    first: Decision | Claim | First | None
    """Identity: the first outcome of the same id."""
    members: list["Case"]
    """Form: of a group, a case for each of its instructions."""

    def __init__(self, record: Any, context: Context, seq: int) -> None:
        self.record: Record = record
        self.context = context
        self.seq = seq
        self.first = None
        self.waited: Waiting | None = None
        """What waited for its day, where that has come."""
        self.account = None
        self.opened = None
        self.entity_id = None
        self.is_member = False
        """Whether it is one of a group, which opens no accounts."""
        self.pending = False
        self.screened: Screened | None = None
        """Why it waits for compliance before it is posted, where it does."""
        self.redirected = False
        """Whether a fact goes to suspense because what it names cannot take it."""
        self.booked: date | None = None
        """The day on which a fact is booked instead of the one that it names."""
        self.routed: str | None = None
        self.limit_passed = False
        self.seen: dict[str, Any] | None = None

    def has_seen(self, what: str, value: Any) -> None:
        """Remember what was taken from outside the shard, so that the decision can be repeated."""
        if self.seen is None:
            self.seen = {}
        if isinstance(value, dict):
            self.seen.setdefault(what, {}).update(value)
        elif value not in self.seen.setdefault(what, []):
            self.seen[what].append(value)


def absent(case: Case, code: str, field: str) -> Refusal:
    """Refuse for an account that does not exist, and remember that it was not seen."""
    case.has_seen("absent", code)
    return Refusal("account_unknown", field, "there is no account of this code")


def class_not_allowed(field: str) -> Refusal:
    """Refuse an account of a class that the type does not take."""
    return Refusal("account_class_not_allowed", field, "this type does not take accounts of this class")


def own_account(case: Case) -> Refusal | None:
    """Find the customer's account that an instruction of its owner's is about."""
    message = case.record.message
    changes = case.context.changes
    account = changes.find_account(message.account)
    if account is None:
        return absent(case, message.account, "account")
    if account.owner != case.record.owner:
        return Refusal("wrong_owner", "owner", "the owner named is not the account's")
    if not account.is_customer:
        return class_not_allowed("account")
    case.account = account
    case.day = changes.day_of(account.entity_id)
    return None


def entity_of_house(case: Case, whose: str) -> Refusal | None:
    """Find the entity whose books a record of the house's is about, and its open day."""
    message = case.record.message
    entity = case.context.chart.entities.get(message.entity)
    if entity is None:
        return Refusal("entity_unknown", "entity", "the entity is not known here")
    if message.owner != HOUSE:
        return Refusal("wrong_owner", "owner", whose)
    case.day = case.context.changes.day_of(entity.entity_id)
    return None


def account_named(message: Any) -> tuple[str, ...]:
    """Return the one account that an instruction names."""
    return (message.account,)


def asset_not_used() -> Refusal:
    """Refuse an asset in which the entity keeps no accounts."""
    return Refusal("asset_not_used", "asset", "the entity keeps no accounts in this asset")


def house_end(case: Case, against: End, entity_id: int, asset_id: int) -> Account | None:
    """Return the house's account that the posting rules put where a movement names none."""
    assert isinstance(against, Against)
    return case.context.chart.counterpart(
        entity_id, case.record.type or "", against.condition, asset_id, case.day
    )


class Stop(NamedTuple):
    """An end of a movement that takes nothing now."""

    leg: int
    """Of which movement."""
    side: int
    """What was asked of it: `DEBIT_FROZEN` or `CREDIT_FROZEN`."""
    reason: str
    seen: dict[str, Any] | None
    """What a decision that stands on it must keep, since it is another shard's account."""


def stopped(reason: str, field: str) -> Refusal:
    """Refuse for what stops an account: it is shut, or a freeze stands in the direction asked for."""
    if reason == "account_closed":
        return Refusal(reason, field, "the account is closed or closing")
    return Refusal(reason, field, "the account is frozen in this direction")


def is_shut(changes: Changes, account: Account) -> bool:
    """Say whether an account at home here is closing or closed, by itself or with what it is within."""
    if changes.closing_of(account.account_id) is not None:
        return True
    return account.container_id is not None and changes.closing_of(account.container_id) is not None


def stopped_end(case: Case) -> Stop | None:
    """Return the first end of the case's movements that something stops."""
    context = case.context
    if not (context.changes.stopped or context.changes.state.stopped or context.outside.stopped):
        return None
    stop = first_stopped(context, case.moves)
    if stop is not None and stop.seen is not None:
        for what, value in stop.seen.items():
            case.has_seen(what, value)
    return stop


def first_stopped(context: Context, moves: list[tuple[Account, Account]]) -> Stop | None:
    """Return the first end that is shut; where none is, the first that a freeze stops."""
    ends = [
        (index, account, side, _mask(context, account))
        for index, (debit, credit) in enumerate(moves)
        for account, side in ((debit, DEBIT_FROZEN), (credit, CREDIT_FROZEN))
    ]
    home = context.changes.state.shard
    for index, account, side, mask in ends:
        if mask & SHUT:
            seen: dict[str, Any] = {"closed": {account.code: "closed" if mask & CLOSED else "closing"}}
            return Stop(index, side, "account_closed", None if account.shard == home else seen)
    for index, account, side, mask in ends:
        if mask & side:
            seen = {"frozen": {account.code: DIRECTION_NAMES[mask & FROZEN]}}
            return Stop(index, side, "account_frozen", None if account.shard == home else seen)
    return None


def _mask(context: Context, account: Account) -> int:
    changes = context.changes
    if not account.is_customer:
        return 0
    if account.shard != changes.state.shard:
        shut = context.outside.stopped
        mask = shut.get(account.account_id, 0)
        return mask if account.container_id is None else mask | shut.get(account.container_id, 0)
    mask = _mask_here(changes, account.account_id)
    return mask if account.container_id is None else mask | _mask_here(changes, account.container_id)


def _mask_here(changes: Changes, account_id: int) -> int:
    mask = changes.stopped.get(account_id)
    return changes.state.stopped.get(account_id, 0) if mask is None else mask


def stand_in_for(
    context: Context, moves: list[tuple[Account, Account]], house_class: str, refusal: Refusal
) -> Refusal | None:
    """Put the house's account of a class where a customer's is stopped; what is there already stays."""
    house = context.chart.house
    for index, (debit, credit) in enumerate(moves):
        customer = debit if debit.is_customer else credit
        if not customer.is_customer:
            continue
        instead = house.get((customer.entity_id, house_class, customer.asset_id))
        if instead is None:
            return asset_not_used()
        if instead in (debit, credit):
            return refusal
        moves[index] = (instead, credit) if debit.is_customer else (debit, instead)
    return None


def credits_elsewhere(context: Context, account_id: int) -> int:
    """Return what other shards have credited to an account at home here.

    Where nobody has loaded it, it is noted as needed: then this fold is in vain.
    """
    found = context.outside.credits.get(account_id)
    if found is None:
        context.needs.add(account_id)
        return 0
    return found


def past_of(context: Context, account_id: int, since: date) -> Past | None:
    """Return what was posted on an account at home here since a day gone by.

    Where nobody has loaded it, it is noted as needed: then this fold is in vain.
    """
    found = context.outside.past.get(account_id)
    if found is not None and found.since <= since:
        return found
    context.needs_past[account_id] = min(since, context.needs_past.get(account_id, since))
    return None


def ahead_elsewhere(context: Context, account_id: int, since: date) -> dict[date, int]:
    """Return what of the credits of other shards, which have been loaded, has its value after a day."""
    found = context.outside.ahead.get(account_id, {})
    return {day: net for day, net in found.items() if day > since and net}
