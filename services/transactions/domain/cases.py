"""One instruction on its way up the ladder, and what its rungs ask of it in common."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.transactions.domain.chart import Account, Chart
from services.transactions.domain.decisions import Decision, Leg, Terms
from services.transactions.domain.effects import Refusal
from services.transactions.domain.planning import Planned, TransactionType
from services.transactions.domain.records import Record
from services.transactions.domain.state import (
    CREDIT_FROZEN,
    DEBIT_FROZEN,
    DIRECTION_NAMES,
    Changes,
    First,
    OpenPending,
    Outside,
    Wanted,
)
from services.transactions.domain.trials import on_trial


class Context:
    """What all cases of a batch share."""

    __slots__ = ("changes", "chart", "needs", "outside", "partitions", "terms", "types", "wanted")

    def __init__(
        self,
        *,
        chart: Chart,
        types: Mapping[str, TransactionType],
        partitions: int,
        changes: Changes,
        outside: Outside,
    ) -> None:
        self.chart = chart
        self.types = types
        self.partitions = partitions
        self.changes = changes
        self.outside = outside
        self.terms: dict[tuple[Any, ...], Terms] = {}
        """What plain instructions of one kind have in common, while the business day lasts."""
        self.wanted = Wanted()
        """What plain instructions need and nobody had loaded."""
        self.needs: set[int] = set()
        """Accounts whose foreign credits a decision asked for and nobody had loaded."""

    def on_trial(self) -> "Context":
        """Return a context in which a decision changes nothing here; what it lacks is lacking here."""
        trial = Context(
            chart=self.chart,
            types=self.types,
            partitions=self.partitions,
            changes=on_trial(self.changes),
            outside=self.outside,
        )
        trial.wanted, trial.needs = self.wanted, self.needs
        return trial


class Case:
    """One instruction on its way up the ladder; what a rung finds out is there for the next ones."""

    __slots__ = (
        "account",
        "amounts",
        "context",
        "day",
        "first",
        "legs",
        "limit",
        "limit_passed",
        "moves",
        "named",
        "named_first",
        "pending",
        "record",
        "redirected",
        "routed",
        "screening",
        "seen",
        "seq",
    )

    amounts: list[int]
    """Form: minor units, by movement."""
    moves: list[tuple[Account, Account]]
    """References: debit and credit account, by movement."""
    account: Account | None
    """References: the account an instruction without movements is about, or would open."""
    limit: int | None
    day: date
    """References: the entity's open business day."""
    legs: list[Leg]
    """Limits: what was posted or reserved."""
    named: OpenPending | None
    """Form: the pending transaction it names, if that is still open."""
    named_first: dict[str, Any] | None
    """Form: what that one asked for, open or resolved; none where there has been none of this id."""
    first: Decision | First | None
    """Identity: the first outcome of the same id."""

    def __init__(self, record: Record, context: Context, seq: int) -> None:
        self.record = record
        self.context = context
        self.seq = seq
        self.first = None
        self.account = None
        self.pending = False
        self.screening = False
        """Whether it waits for compliance before it is posted."""
        self.redirected = False
        """Whether a fact goes to suspense because what it names cannot take it."""
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


def account_named(message: Any) -> tuple[str, ...]:
    """Return the one account that an instruction names."""
    return (message.account,)


def asset_not_used() -> Refusal:
    """Refuse an asset in which the entity keeps no accounts."""
    return Refusal("asset_not_used", "asset", "the entity keeps no accounts in this asset")


def house_end(case: Case, planned: Planned, entity_id: int, asset_id: int) -> Account | None:
    """Return the house's account that the posting rules put against a movement's other end."""
    against = planned.debit if type(planned.debit) is not str else planned.credit
    assert not isinstance(against, str)
    return case.context.chart.counterpart(
        entity_id, case.record.type or "", against.condition, asset_id, case.day
    )


def account_frozen(field: str) -> Refusal:
    """Refuse for a freeze that stands in the direction asked for."""
    return Refusal("account_frozen", field, "the account is frozen in this direction")


def frozen_end(case: Case) -> tuple[int, int] | None:
    """Return the first end of the case's movements that a freeze stops: movement, and direction asked for."""
    context = case.context
    if not (context.changes.frozen or context.changes.state.frozen or context.outside.frozen):
        return None
    stopped = first_frozen(context, case.moves)
    if stopped is None:
        return None
    index, account, side, mask = stopped
    if account.shard != context.changes.state.shard:
        case.has_seen("frozen", {account.code: DIRECTION_NAMES[mask]})
    return index, side


def first_frozen(
    context: Context, moves: list[tuple[Account, Account]]
) -> tuple[int, Account, int, int] | None:
    """Return the first end that a freeze stops: movement, account, direction asked for, directions frozen."""
    for index, (debit, credit) in enumerate(moves):
        for account, side in ((debit, DEBIT_FROZEN), (credit, CREDIT_FROZEN)):
            mask = _mask(context, account)
            if mask & side:
                return index, account, side, mask
    return None


def _mask(context: Context, account: Account) -> int:
    changes = context.changes
    if not account.is_customer:
        return 0
    if account.shard != changes.state.shard:
        return context.outside.frozen.get(account.account_id, 0)
    mask = changes.frozen.get(account.account_id)
    return changes.state.frozen.get(account.account_id, 0) if mask is None else mask
