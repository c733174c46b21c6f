"""The books as they are derived, shard by shard, and the list of what must hold in them."""

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from services.transactions.queries.verifying.result import Check, Difference

CHECKS: Final = (
    "sequence",
    "first_outcomes",
    "content",
    "movements",
    "after_balances",
    "booking_dates",
    "periods",
    "freezes",
    "closings",
    "limits",
    "value_dates",
    "accruals",
    "foreign_credits",
    "pendings",
    "screening",
    "obligations",
    "scheduled",
    "reversals",
    "balances",
    "debits_equal_credits",
    "stock_record",
    "accounts",
    "passed_over",
)
AMOUNT_MAX: Final = 2**63 - 1
RUNS_FROM: Final = 4
"""Fewer plain rows than these between others are walked sooner row by row than in columns."""
PREFETCH: Final = 5_000
"""Rows that a cursor fetches at once."""


@dataclass(slots=True)
class Account:
    code: str
    home: int
    asset_id: int
    entity_id: int
    limit: int | None
    is_customer: bool
    opened_seq: int
    scale: int
    owner: str
    entity: str
    account_class: str
    asset: str
    grouped: str | None = None
    """The code of the account that it was opened within, as its row says."""
    container: int | None = None
    """The custody account within which it is."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that was set, in the order of the journal."""

    seq: int
    minor: int | None
    cap: int | None
    valid_from: date
    valid_until: date | None
    authority: str

    def holds(self, day: date) -> bool:
        """Say whether it is in force on the day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


@dataclass(frozen=True, slots=True)
class Freeze:
    """A freeze that was placed: of a direction, or of an amount of debits."""

    direction: str
    amount: int | None
    seq: int
    lifted_seq: int | None = None


Moved = tuple[str, int, int, int]
"""A movement: kind, debit account, credit account, amount."""


@dataclass(frozen=True, slots=True)
class TradePolicy:
    """When what is owed for a trade comes into an entity's books."""

    entity_id: int
    policy: str
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class Policy:
    """What is screened before it is posted."""

    amount_from: int
    risk_classes: tuple[str, ...]
    countries: tuple[str, ...]
    channels: tuple[str, ...]
    deadline_hours: int | None
    told: str
    valid_from: date
    valid_until: date | None

    @property
    def conditions(self) -> tuple[tuple[str, ...], ...]:
        """What the customer's class, the bank's country and the channel must be among."""
        return self.risk_classes, self.countries, self.channels


@dataclass(slots=True)
class Owed:
    """What is in the house's books for a trade, or will be if it fails, and what must still be said of it.

    An account that the chart names is 0 until an event has.
    """

    entity_id: int
    buys: bool
    due_on: date | None
    market: int
    """The market's side of it in all, minor units."""
    to_us: int = 0
    """By trade date: the accounts of what is owed to the house, of what it owes, and of what it earns."""
    by_us: int = 0
    income: int = 0
    other: int = 0
    """Where the market's side comes from when it fails, and goes back to."""
    fails: int = 0
    """Where the market's side has been since the day on which it was to be settled has passed."""
    told: list[tuple[str, list[Moved]]] = field(default_factory=list)
    """Events that must follow: cause and movements."""


@dataclass(slots=True)
class Open:
    """A pending transaction met in the journal."""

    legs: list[tuple[int, int, int]]
    """Debit account, credit account, and what is still reserved."""
    instruction_id: Any
    screening: bool
    """Whether it had to be cleared before it could be posted."""
    expires_on: date | None = None
    """The last business day of its entity on which it stands."""
    owner: str | None = None
    whole: tuple[tuple[int, int, int], ...] = ()
    """As it was reserved."""
    cleared: int | None = None
    settled: int = 0
    parts: list[int] = field(default_factory=list[int])
    """Of a trade: the parts of it that are settled and not undone, by their seq, as they came."""
    cancelled: bool = False
    """Whether what was left of it was given back."""
    resolved: int | None = None
    due_on: date | None = None
    """Of a trade: its contractual day."""
    owed: Owed | None = None

    @property
    def waits(self) -> bool:
        """Whether only a decision can end it."""
        return self.screening and self.cleared is None

    @property
    def row(self) -> tuple[bool, int | None, int, int | None]:
        """What its moving row must say."""
        return self.screening, self.cleared, self.settled, self.resolved


@dataclass(slots=True)
class Waiting:
    """A request met in the journal that waits for its day."""

    instruction_id: Any
    owner: str | None
    entity_id: int
    execute_on: date
    ended: int | None = None
    """The event that executed or cancelled it."""

    @property
    def row(self) -> tuple[int, date, int | None]:
        """What its moving row must say."""
        return self.entity_id, self.execute_on, self.ended


@dataclass(frozen=True, slots=True)
class Use:
    """An event met in the journal that undoes another, or uses up a part of it, and what it moved."""

    seq: int
    instruction_type: str
    owner: str
    original: tuple[int, int]
    """Shard and seq of the posting."""
    leg: int | None
    """The movement of it that is used up; none where all of its home are undone."""
    legs: list[Moved]
    routed: bool
    """Whether it went to an account of the house's instead of the customer's."""
    reopens: bool
    """Whether it says that what it moves back is an item again."""


@dataclass(slots=True)
class Closing:
    """Once that an account was closed: the events that began it, closed it, opened it again."""

    seq: int
    closed_seq: int | None = None
    reopened_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """Records that were deleted before they were taken, half-open, and the two who had the shard go on."""

    topic: str
    partition: int
    from_offset: int
    until_offset: int
    actor: str
    approved_by: str


@dataclass(frozen=True, slots=True)
class PeriodStep:
    """A period met in the journal: from and to when, and what it became."""

    first_day: date
    last_day: date
    state: str
    seq: int


class Openings:
    """The rows of `day_opening` of one shard, in the order of the events that opened the days."""

    def __init__(self) -> None:
        """Begin with none."""
        self.seqs, self.ids, self.debits, self.credits = (array("q") for _ in range(4))

    def add(self, seq: int, account_id: int, debits: int, credits: int) -> None:  # noqa: A002 - the ledger's word
        """Add the next row."""
        for column, value in zip(
            (self.seqs, self.ids, self.debits, self.credits), (seq, account_id, debits, credits), strict=True
        ):
            column.append(value)

    def of(self, seq: int) -> dict[int, tuple[int, int]]:
        """Return by account what was held when this event had opened a day."""
        rows = range(bisect_left(self.seqs, seq), bisect_right(self.seqs, seq))
        return {self.ids[each]: (self.debits[each], self.credits[each]) for each in rows}

    def held_from(self, account_id: int, seq: int) -> tuple[int, int] | None:
        """Return what an account held when this event had opened a day; none if it has not changed since."""
        for each in range(bisect_left(self.seqs, seq), len(self.seqs)):
            if self.ids[each] == account_id:
                return self.debits[each], self.credits[each]
        return None


@dataclass(slots=True)
class Shard:
    """What is derived for one shard."""

    number: int
    days: dict[int, date]
    """Each entity's open business day."""
    first_days: dict[int, date] = field(default_factory=dict)
    """The first one of each."""
    days_opened: dict[tuple[int, int, date], int] = field(default_factory=dict)
    periods: dict[int, list[PeriodStep]] = field(default_factory=dict)
    """By entity, in the order of the journal."""
    rows: dict[int, list[int]] = field(default_factory=dict)
    pending: dict[int, Open] = field(default_factory=dict)
    parts: dict[int, int] = field(default_factory=dict)
    """By the seq of a settled part of a trade: that of the trade."""
    scheduled: dict[int, Waiting] = field(default_factory=dict)
    expiring: dict[int, dict[int, Open]] = field(default_factory=dict)
    """By debited account and seq: those that expire and are not resolved."""
    arriving: dict[int, dict[int, Open]] = field(default_factory=dict)
    """By credited account and seq: trades that may be pending."""
    freezes: dict[tuple[int, str], Freeze] = field(default_factory=dict)
    """By account and freeze."""
    standing: dict[int, dict[str, Freeze]] = field(default_factory=dict)
    """Those not lifted, by account."""
    closings: dict[int, list[Closing]] = field(default_factory=dict)
    """By account, in the order in which they began."""
    limits: dict[int, list[Limit]] = field(default_factory=dict)
    opened: dict[str, tuple[int, str | None, str | None]] = field(default_factory=dict)
    """The seq that opened an account, the limit it asked for, and the account it is within."""
    uses: list[Use] = field(default_factory=list)
    valued: dict[int, dict[tuple[date, date], list[int]]] = field(default_factory=dict)
    """By customer's account: debits and credits by the value date and the other day on which they were
    posted."""
    openings: Openings | None = None
    """What accounts held when days were opened, as it is stored; not looked at where it was not read."""
    day_seq: int = 0
    """The event that opened the last business day of any entity."""
    touched: set[int] = field(default_factory=set)
    """Accounts that have changed since."""
    accruals: dict[tuple[str, str, str, str], tuple[int, int]] = field(default_factory=dict)
    """By account as it was named, series, asset and direction: what was posted of it, and the last seq."""
    carried: dict[int, date] = field(default_factory=dict)
    """The last day for which an account's balance was carried over."""
    carried_over: dict[int, tuple[int, date]] = field(default_factory=dict)
    """By seq: the account and that day."""
    seen_by_value: dict[tuple[int, date], int] = field(default_factory=dict)
    """The largest foreign credits a decision saw that count on a day, by account and that day."""
    groups: dict[int, Any] = field(default_factory=dict[int, Any])
    """What pending groups say of their members, by seq."""
    seen: dict[int, int] = field(default_factory=dict)
    """The largest foreign credits a decision saw, by account."""
    risk_classes: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """By customer: the events that rated them, and their class from each on."""
    passed_over: dict[str, tuple[int, Lost]] = field(default_factory=dict)
    """By act: the event that answered it, and what it passed over."""
    watched: set[int] = field(default_factory=set)
    """Accounts whose movements are never walked in columns: whatever an effect lays on an account beside
    its counters and the limit it was opened with puts it here."""


class Books:
    """The derivation, and what it found."""

    def __init__(self) -> None:
        self.checks = {name: Check(name) for name in CHECKS}
        self.first: Difference | None = None
        self.instructions = 0
        self.movements = 0
        self.accounts: dict[int, Account] = {}
        self.ids: dict[str, int] = {}
        self.entities: dict[str, int] = {}
        self.scales: dict[str, int] = {}
        """Decimals by asset."""
        self.classes: dict[str, tuple[date, date | None]] = {}
        """From when on and until when accounts of each class are opened."""
        self.within: dict[int, list[int]] = {}
        """The accounts within each custody account."""
        self.trade_policies: list[TradePolicy] = []
        self.policies: dict[tuple[int, str, int], list[Policy]] = {}
        """By entity, instruction type and asset."""
        self.shards: dict[int, Shard] = {}

    def beside(self) -> "Books":
        """Return books with the same accounts, in which nothing has been found yet."""
        books = Books()
        books.accounts, books.ids, books.entities = self.accounts, self.ids, self.entities
        books.scales = self.scales
        books.within, books.trade_policies = self.within, self.trade_policies
        books.classes, books.policies = self.classes, self.policies
        return books

    def take(self, findings: "Findings") -> None:
        """Add what was found in a shard, after what was found in those before it."""
        for check in findings.checks:
            each = self.checks[check.name]
            each.checked += check.checked
            each.ok &= check.ok
            each.first = each.first or check.first
        self.first = self.first or findings.first
        self.instructions += findings.instructions
        self.movements += findings.movements
        self.shards[findings.shard.number] = findings.shard

    def see_many(self, check: str, count: int) -> None:
        """Count what was looked at elsewhere and held."""
        self.checks[check].checked += count

    def see(
        self,
        check: str,
        holds: bool,
        *,
        expected: object = "",
        found: object = "",
        shard: int | None = None,
        seq: int | None = None,
        leg: int | None = None,
    ) -> bool:
        each = self.checks[check]
        each.checked += 1
        if not holds:
            each.ok = False
            difference = Difference(check, shard, seq, leg, str(expected), str(found))
            each.first = each.first or difference
            self.first = self.first or difference
        return holds


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in one shard, as one process tells it to another."""

    shard: Shard
    checks: list[Check]
    first: Difference | None
    instructions: int
    movements: int
    plain: int
    """How many events were walked in columns."""
    seals: Difference | None
    sealed: int
    """How many events were hashed before anything differed."""
    ids: dict[int, tuple[int, bytes]] | None
    """The windows of its first outcomes (`first_outcomes.Ids`); none where the ids must be joined."""


def minor_of(text: str | None, scale: int) -> int | None:
    """Read what an instruction that was taken calls a limit; none is none at all."""
    if text is None:
        return None
    whole, _, fraction = text.partition(".")
    return int(whole) * 10**scale + int(fraction.ljust(scale, "0") or "0")


def decimal_of(minor: int, scale: int) -> str:
    """Spell minor units as a decimal."""
    if scale == 0:
        return str(minor)
    whole, fraction = divmod(abs(minor), 10**scale)
    return f"{'-' if minor < 0 else ''}{whole}.{fraction:0{scale}}"
