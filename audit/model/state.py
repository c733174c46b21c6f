"""What the model remembers: accounts, ids, what waits, freezes, and one shard's books."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from audit.amounts import LARGEST
from audit.ledger_rows import JournalRow
from audit.model.predictions import Leg, Prediction
from audit.wire import Asked

NO_CURRENCY: Final = "XXX"
"""ISO 4217: what accounts are said to hold that hold nothing themselves."""


MEMBER: Final = "member"
"""Stands for the type of what a group has posted for one of its members, which nobody undoes by itself."""


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account as it was opened."""

    code: str
    entity: str
    owner: str
    asset: str
    account_class: str
    limit_minor: int | None
    shard: int
    opened_seq: int
    container: str | None = None

    @property
    def is_box(self) -> bool:
        """Whether it is a custody account for any security, which holds none itself."""
        return self.asset == NO_CURRENCY


@dataclass(frozen=True, slots=True)
class KnownId:
    """The first outcome of an id, and what was asked."""

    seq: int
    content: Mapping[str, Any]
    kind: str
    reason: str | None
    erased: bool = False
    """Whether its owner was erased since: what was personal in it counts no more."""


@dataclass(slots=True)
class Pending:
    """A transaction that waits for a decision."""

    instruction_id: UUID
    asked: Asked
    content_hash: str
    legs: list[Leg]
    """With what is still reserved."""
    resolved_seq: int | None = None
    screening: bool = True
    cleared_seq: int | None = None
    settled: int = 0
    whole: tuple[int, ...] = ()
    """The amounts of all its movements as they were reserved."""
    owed: list[Leg] = field(default_factory=list)
    """Of a trade: what was booked at once, of what is owed for it and what the firm earns by it."""
    failed: str | None = None
    """The account of fails to which its side with the market has moved."""
    failed_from: str | None = None
    """The account from which it has."""
    parts: list[tuple[UUID, int]] = field(default_factory=list)
    """Of a trade: what settled parts of it and is not undone, with the quantity of each, as they came."""
    cancelled: bool = False
    """Whether what was left of it was given back."""
    following: list[Prediction] = field(default_factory=list)
    """Events about it that must come next, without a record of their own."""

    def stands(self, today: date) -> bool:
        """Whether it can still be posted, given back or decided on: not after the last day it stands on."""
        last_day = self.asked.content.get("expires_on")
        return self.resolved_seq is None and (last_day is None or date.fromisoformat(last_day) >= today)


@dataclass(slots=True)
class Scheduled:
    """A request that waits for its day, or has waited."""

    asked: Asked
    entity: str
    execute_on: date
    ended_seq: int | None = None
    """What executed or cancelled it."""


@dataclass(slots=True)
class Freeze:
    """A freeze, while it stands and after."""

    account: str
    freeze_id: str
    direction: str
    seq: int
    amount: int | None = None
    """What must stay available of it; none where the direction is stopped."""
    lifted_seq: int | None = None


@dataclass(slots=True)
class Closing:
    """Once that an account was closed, by the events that began, ended and undid it."""

    account: str
    seq: int
    closed_seq: int | None = None
    reopened_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that was set on an account, with the booking dates on which it holds."""

    account: str
    seq: int
    minor: int | None
    cap: int | None
    valid_from: date
    valid_until: date | None
    authority: str


@dataclass(frozen=True, slots=True)
class PeriodStep:
    """A period of an entity's books that was closed, softly or for good."""

    entity: str
    first_day: date
    last_day: date
    state: str
    seq: int


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted for an instruction."""

    seq: int
    type: str
    legs: list[Leg]
    owner: str
    reopens: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """So much of a movement was undone or came back, and what was left of it then."""

    amount: int
    left: int
    seq: int


@dataclass(frozen=True, slots=True)
class DayBooks:
    """What all accounts held when a business day was opened."""

    entity: str
    day: date
    seq: int
    held: dict[str, tuple[int, int]]
    """Account code → debits and credits posted."""


def _sides(leg: Leg, code: str) -> tuple[int, int]:
    """What of a movement is a debit, and what a credit, of an account."""
    return (leg.amount, 0) if leg.debit == code else (0, leg.amount)


@dataclass(slots=True)
class ShardState:
    """One shard's books as the model keeps them."""

    shard: int
    balances: dict[str, list[int]] = field(default_factory=dict)
    """Account code → debits posted, credits posted, debits pending, credits pending."""
    known: dict[UUID, KnownId] = field(default_factory=dict)
    pendings: dict[int, Pending] = field(default_factory=dict)
    scheduled: dict[int, Scheduled] = field(default_factory=dict)
    freezes: dict[tuple[str, str], Freeze] = field(default_factory=dict)
    closings: list[Closing] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    """In the order in which they were set."""
    posted: dict[UUID, Posted] = field(default_factory=dict)
    made: dict[int, Posted] = field(default_factory=dict)
    """Whatever moved money, by seq."""
    used: dict[tuple[int, int, int], list[Use]] = field(default_factory=dict)
    """Shard, seq and place of a movement → what was made of it since."""
    days: dict[tuple[str, date], int] = field(default_factory=dict)
    opened: dict[str, KnownAccount] = field(default_factory=dict)
    today: dict[str, date] = field(default_factory=dict)
    """Entity → the open business day."""
    valued: dict[tuple[str, date, date], list[int]] = field(default_factory=dict)
    """Account, value date and the other day that was open → debits and credits that were posted so."""
    day_books: list[DayBooks] = field(default_factory=list)
    """For each business day that was opened, of whichever entity."""
    in_hand: list[Leg] = field(default_factory=list)
    """What the record in hand has posted by now."""
    accruals: dict[tuple[str, str, str, str], tuple[int, int]] = field(default_factory=dict)
    """Account as it was named and series → what was posted of it, and the seq that did it last."""
    carried: dict[str, date] = field(default_factory=dict)
    """The last day for which an account's balance was carried over."""
    carried_over: dict[int, tuple[str, date]] = field(default_factory=dict)
    """By seq: the account and that day."""
    risks: list[tuple[str, str, int]] = field(default_factory=list)
    """Customers rated, in the order in which that was taken: owner, class, seq."""
    periods: list[PeriodStep] = field(default_factory=list)
    """In the order in which they were closed."""

    def on_trial(self) -> "ShardState":
        """The same books, to be written into and thrown away."""
        copied: ShardState = _copied(self)
        return copied

    def balance(self, code: str) -> list[int]:
        """The four counters of this shard's row of an account."""
        return self.balances.setdefault(code, [0, 0, 0, 0])

    def post(self, leg: Leg) -> None:
        """Move the money of one movement, and note what its two rows hold then."""
        self.balance(leg.debit)[0] += leg.amount
        self.balance(leg.credit)[1] += leg.amount
        self.note_after(leg)
        self.in_hand.append(leg)

    def reserve(self, leg: Leg) -> None:
        """Set one movement aside, and note what its two rows hold."""
        self.balance(leg.debit)[2] += leg.amount
        self.balance(leg.credit)[3] += leg.amount
        self.note_after(leg)

    def would_fit(self, legs: Sequence[Leg]) -> bool:
        """Whether no counter grows too large if these were posted."""
        fits = True
        for leg in legs:
            debit, credit = self.balance(leg.debit), self.balance(leg.credit)
            debit[0] += leg.amount
            credit[1] += leg.amount
            fits = fits and debit[0] + debit[2] <= LARGEST and credit[1] + credit[3] <= LARGEST
        for leg in legs:
            self.balance(leg.debit)[0] -= leg.amount
            self.balance(leg.credit)[1] -= leg.amount
        return fits

    def free(self, leg: Leg, amount: int) -> None:
        """Take an amount of a movement off what is set aside."""
        self.balance(leg.debit)[2] -= amount
        self.balance(leg.credit)[3] -= amount

    def note_after(self, leg: Leg) -> None:
        """Write the posted balances of its two rows onto a movement."""
        leg.debit_after = self.balance(leg.debit)[1] - self.balance(leg.debit)[0]
        leg.credit_after = self.balance(leg.credit)[1] - self.balance(leg.credit)[0]

    def left_of(self, place: tuple[int, int, int], whole: int) -> int:
        """What may still be made of a movement of this amount."""
        return self.used[place][-1].left if place in self.used else whole

    def use(self, place: tuple[int, int, int], whole: int, amount: int, seq: int) -> None:
        """Use up so much of a movement."""
        left = self.left_of(place, whole) - amount
        self.used.setdefault(place, []).append(Use(amount, left, seq))

    def unuse(self, place: tuple[int, int, int]) -> None:
        """Take back the last use of a movement."""
        self.used[place].pop()
        if not self.used[place]:
            del self.used[place]

    def note_values(self, said: Prediction, today: date) -> None:
        """Remember what was posted with its value on another day than the open one."""
        assert said.value_date is not None
        if said.value_date != today:
            for leg in said.movements:
                key = said.value_date, today
                self.valued.setdefault((leg.debit, *key), [0, 0])[0] += leg.amount
                self.valued.setdefault((leg.credit, *key), [0, 0])[1] += leg.amount

    def begin_day(self, entity: str, day: date, seq: int) -> None:
        """Write down what all accounts hold as an entity's business day is opened."""
        held = {code: (row[0], row[1]) for code, row in self.balances.items()}
        self.day_books.append(DayBooks(entity, day, seq, held))

    def day_openings(self) -> Iterator[tuple[int, str, int, int]]:
        """By event that opened a day: accounts that have changed before the next one, and what they held."""
        now = {code: (row[0], row[1]) for code, row in self.balances.items()}
        for number, begun in enumerate(self.day_books, start=1):
            end = self.day_books[number].held if number < len(self.day_books) else now
            for code, held in end.items():
                before = begun.held.get(code, (0, 0))
                if held != before:
                    yield begun.seq, code, *before

    def still_to_come(
        self, code: str, since: date, seen: Mapping[date, int], entity: str, first: date
    ) -> int:
        """The most that is posted on an account and does not count yet, on any day from one on.

        Of other shards' credits: as the decision saw them. `first` is the first day of the entity's books.
        """
        nets = dict(seen)
        today = self.today[entity]
        shifts = [(*key[1:], *sums) for key, sums in self.valued.items() if key[0] == code]
        if since < today:
            own = [leg for leg in self.in_hand if code in (leg.debit, leg.credit)]
            shifts += [(since, today, *_sides(leg, code)) for leg in own]
            days = [(first, (0, 0))]
            days += [
                (each.day, each.held.get(code, (0, 0))) for each in self.day_books if each.entity == entity
            ]
            now = self.balance(code)
            ends = [*(held for _, held in days[1:]), (now[0], now[1])]
            for (day, before), after in zip(days, ends, strict=True):
                nets[day] = nets.get(day, 0) + (after[1] - before[1]) - (after[0] - before[0])
        for day, posted_on, debits, credits in shifts:  # noqa: A001 - the ledger's word
            nets[day] = nets.get(day, 0) + credits - debits
            if since < today:
                nets[posted_on] = nets.get(posted_on, 0) + debits - credits
        to_come = [sum(net for later, net in nets.items() if later >= day) for day in nets if day > since]
        return max(0, *to_come) if to_come else 0

    def ever_pending(self, instruction_id: UUID) -> tuple[int, Pending] | None:
        """What was ever pending under an id, with the seq it was reserved at."""
        return next(
            ((seq, each) for seq, each in self.pendings.items() if each.instruction_id == instruction_id),
            None,
        )

    def risk_of(self, owner: str) -> str:
        """A customer's risk class: the last one they were given, medium before the first."""
        return next((given for each, given, _ in reversed(self.risks) if each == owner), "medium")

    def shut(self, code: str) -> Closing | None:
        """How an account at home here is closing or closed, by itself or with what it is within, if it is."""
        boxed, _, _ = code.rpartition("#")
        return next(
            (each for each in self.closings if each.account in {code, boxed} and each.reopened_seq is None),
            None,
        )

    def stopped(self, row: JournalRow, ends: Sequence[tuple[str, str]]) -> str | None:
        """Why none of these accounts may be moved in its direction: one is shut, else one is frozen.

        Of another shard's account: as the decision saw it.
        """
        seen = (row.seen or {}).get("closed") or {}
        if any(code in seen or self.shut(code) is not None for code, _ in ends):
            return "account_closed"
        return "account_frozen" if any(self.is_frozen(row, *end) for end in ends) else None

    def is_frozen(self, row: JournalRow, code: str, direction: str) -> bool:
        """Whether a freeze stands on an account for the direction money would go.

        Of another shard's account: as the decision saw it.
        """
        seen = (row.seen or {}).get("frozen") or {}
        if code in seen:
            return seen[code] in {direction, "both"}
        boxed, _, _ = code.rpartition("#")
        return any(
            freeze.account in {code, boxed}
            and freeze.lifted_seq is None
            and freeze.amount is None
            and freeze.direction in {direction, "both"}
            for freeze in self.freezes.values()
        )


def _copied(value: Any) -> Any:
    """A value with copies of all in it that can change."""
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, list | set):
        return type(value)(_copied(each) for each in value)
    params: Any = getattr(value, "__dataclass_params__", None)
    if params is None or params.frozen:
        return value
    return replace(value, **{each.name: _copied(getattr(value, each.name)) for each in fields(value)})
