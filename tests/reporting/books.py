"""A small stand-in for the ledger: numbers events and delivers their copies, as the contract says."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from shared.messages.envelope import HOUSE, Event, Number
from shared.messages.journal import (
    AccountClosed,
    BusinessDayOpened,
    CreditSwept,
    DryRunJudged,
    DuplicateReceived,
    InstructionApplied,
    InstructionRejected,
    Movement,
    MovementNumber,
    ObligationBooked,
    PeriodClosed,
    Posting,
    RecordUnreadable,
    TransactionPending,
    TransactionPosted,
    TransactionScheduled,
    TransactionVoided,
)
from shared.messages.partitioner import shard_of

PARTITIONS = 4
MONDAY = date(2026, 3, 2)
TUESDAY = date(2026, 3, 3)
LATER = date(2026, 3, 20)
ENTITY = "BANK"
SAP = "DE0007164600"
BOND = "US912810TM09"
OWN_CLASSES = ("depository", "custodian", "suspense", "return", "blocked_funds")
SCALES = {"EUR": 2, "JPY": 0, SAP: 0, BOND: 2}
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
IDS = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


@dataclass(frozen=True)
class Delivery:
    """One copy of an event on one partition."""

    topic: str
    partition: int
    primary: bool
    event: Event

    @property
    def value(self) -> bytes:
        """Return the record's bytes."""
        return self.event.model_dump_json(by_alias=True, exclude_none=True).encode()


def home(owner: str) -> int:
    """Return an owner's shard."""
    return shard_of(owner, PARTITIONS)


def posting(account: str) -> Posting:
    """Make an account's end: `ann/EUR` is a customer's, `house/…` the firm's; `#` is of securities."""
    owner, name = account.split("/")[:2]
    account_class = "custody" if "#" in name else "cash"
    if owner == HOUSE:
        named = name.split("-")[0]
        account_class = named if named in OWN_CLASSES else "nostro"
    return Posting.model_validate(
        {"account": account, "owner": owner, "entity": ENTITY, "class": account_class}
    )


def movement(debit: str, credit: str, minor: int, asset: str = "EUR", leg: int = 0) -> Movement:
    """Make a movement of whole minor units."""
    scale = SCALES[asset]
    text = f"{minor // 10**scale}.{minor % 10**scale:0{scale}}" if scale else str(minor)
    return Movement(
        leg=leg,
        kind="principal",
        amount=text,
        asset=asset,
        scale=scale,
        debit=posting(debit),
        credit=posting(credit),
    )


@dataclass
class Ledger:
    """Numbers the events of each shard and remembers who gets a copy of each."""

    days: dict[int, date] = field(default_factory=dict)
    seqs: dict[int, int] = field(default_factory=dict)
    delivered: list[Delivery] = field(default_factory=list)

    def post(self, *movements: Movement, owner: str, **also: Any) -> TransactionPosted:
        """Post a transaction."""
        return self._transaction(TransactionPosted, movements, owner, also)

    def reserve(self, *movements: Movement, owner: str, **also: Any) -> TransactionPending:
        """Reserve a transaction until a decision."""
        return self._transaction(TransactionPending, movements, owner, also)

    def schedule(self, owner: str, execute_on: date, **also: Any) -> TransactionScheduled:
        """Put a request off until a day."""
        shard = home(owner)
        days: dict[str, Any] = {"booking_date": self.days.get(shard, MONDAY), "execute_on": execute_on}
        values: dict[str, Any] = {"instruction_type": "transfer", "entity": ENTITY, **days, **also}
        return self._tell(TransactionScheduled(**self._head(shard), owner=owner, **values))

    def settle(self, pending: TransactionPending, **also: Any) -> TransactionPosted:
        """Post what was pending."""
        owner = pending.owner or ""
        return self.post(*pending.movements, owner=owner, first=_number(pending), **_asked(pending), **also)

    def void(self, pending: TransactionPending, reason: str = "screening_refused") -> TransactionVoided:
        """Let what was pending come to nothing."""
        also = {"first": _number(pending), "reason": reason, **_asked(pending)}
        return self._transaction(TransactionVoided, pending.movements, pending.owner or "", also)

    def sweep(self, closing: InstructionApplied, minor: int) -> CreditSwept:
        """Take off an account that is closing what has still arrived."""
        moved = movement(closing.account.account, "house/suspense-EUR", minor)
        also = {"first": _number(closing), "instruction_type": closing.instruction_type}
        return self._transaction(CreditSwept, [moved], closing.account.owner, also)

    def book(self, trade: TransactionPending, minor: int) -> ObligationBooked:
        """Book what is owed for a trade."""
        moved = movement("house/trade_receivable-EUR", "house/trade_payable-EUR", minor)
        also = {"first": _number(trade), "cause": "traded", **_asked(trade)}
        return self._transaction(ObligationBooked, [moved], trade.owner or "", also)

    def shut(self, closing: InstructionApplied) -> AccountClosed:
        """Close an account that was closing."""
        shard = closing.shard
        return self._tell(
            AccountClosed(
                **self._head(shard),
                owner=closing.owner,
                instruction_type=closing.instruction_type,
                first=_number(closing),
                booking_date=self.days.get(shard, MONDAY),
                account=closing.account,
                asset=closing.asset,
                scale=closing.scale,
            )
        )

    def reject(self, owner: str, reason: str, **also: Any) -> InstructionRejected:
        """Reject an instruction."""
        shard = home(owner)
        return self._tell(
            InstructionRejected(**self._head(shard), owner=owner, reason=reason, detail="no", **also)
        )

    def open_account(self, account: str, **also: Any) -> InstructionApplied:
        """Open an account."""
        return self.apply(account, "open_account", **also)

    def apply(self, account: str, instruction_type: str, **also: Any) -> InstructionApplied:
        """Do something to an account that moves no money."""
        owner, asset = account.split("/")[:2]
        return self._tell(
            InstructionApplied(
                **self._head(home(owner)),
                owner=owner,
                instruction_type=instruction_type,
                account=posting(account),
                asset=asset,
                scale=SCALES[asset],
                **also,
            )
        )

    def repeat(self, of: TransactionPosted) -> DuplicateReceived:
        """Receive an instruction again."""
        return self._tell(
            DuplicateReceived(
                **self._head(of.shard),
                owner=of.owner,
                instruction_type=of.instruction_type,
                first=_number(of),
                first_outcome="posted",
            )
        )

    def try_out(self, *movements: Movement, owner: str) -> DryRunJudged:
        """Say what would come of a transaction."""
        shard = home(owner)
        day = self.days.get(shard, MONDAY).isoformat()
        legs = [each.model_dump(mode="json", by_alias=True) for each in movements]
        would_be = {"type": "TransactionPosted", "booking_date": day, "value_date": day, "movements": legs}
        return self._tell(DryRunJudged(**self._head(shard), owner=owner, outcome="posted", would_be=would_be))

    def misread(self, shard: int) -> RecordUnreadable:
        """Receive something nobody can read."""
        return self._tell(RecordUnreadable(**self._head(shard), error="not_json", size=3, sha256="00" * 32))

    def open_day(self, day: date, shards: Iterable[int] = range(PARTITIONS)) -> None:
        """Move the books on, in these shards."""
        for shard in shards:
            previous = self.days.get(shard)
            self.days[shard] = day
            self._tell(
                BusinessDayOpened(
                    **self._head(shard),
                    owner=HOUSE,
                    instruction_type="open_business_day",
                    entity=ENTITY,
                    booking_date=day,
                    previous=previous,
                )
            )

    def close_period(
        self, first_day: date, last_day: date, state: str, shards: Iterable[int] = range(PARTITIONS)
    ) -> None:
        """Close a period, in these shards."""
        for shard in shards:
            self._tell(
                PeriodClosed(
                    **self._head(shard),
                    owner=HOUSE,
                    instruction_type="close_period",
                    entity=ENTITY,
                    booking_date=self.days.get(shard, MONDAY),
                    first_day=first_day,
                    last_day=last_day,
                    state=state,  # pyright: ignore[reportArgumentType]
                )
            )

    def _transaction(self, kind: Any, movements: Sequence[Movement], owner: str, also: dict[str, Any]) -> Any:
        shard = home(owner)
        day = self.days.get(shard, MONDAY)
        values = {"instruction_type": "transfer", "booking_date": day, "value_date": day, **also}
        return self._tell(kind(**self._head(shard), owner=owner, movements=tuple(movements), **values))

    def _head(self, shard: int) -> dict[str, Any]:
        seq = self.seqs[shard] = self.seqs.get(shard, 0) + 1
        at = START + timedelta(seconds=seq, microseconds=shard)
        return {
            "shard": shard,
            "seq": seq,
            "recorded_at": at,
            "instruction_id": uuid5(IDS, f"{shard}-{seq}"),
        }

    def _tell(self, event: Any) -> Any:
        others: set[int] = set()
        for each in getattr(event, "movements", ()):
            others |= {home(end.owner) for end in (each.debit, each.credit) if end.owner != HOUSE}
        topic = "transactions.journal.v1"
        self.delivered.append(Delivery(topic, event.shard, True, event))
        self.delivered += [Delivery(topic, each, False, event) for each in sorted(others - {event.shard})]
        return event


def asked(channel: str | None = None, reference: str | None = None) -> dict[str, Any]:
    """Make what an event repeats of the instruction."""
    content: dict[str, Any] = {"type": "transfer"}
    if channel is not None:
        content["channel"] = {"channel": channel}
    if reference is not None:
        content["business_reference"] = reference
    return {"instruction": json.loads(json.dumps(content))}


def with_a_closed_period() -> Ledger:
    """The same two days, and by what they were adjusted on the third before they were closed."""
    books = two_days()
    earlier = {"instruction_type": "adjustment", "booking_date": MONDAY}
    books.open_day(TUESDAY + timedelta(days=1))
    books.post(movement("ann/EUR", "ben/EUR", 1), owner="ann")
    books.close_period(MONDAY, TUESDAY, "soft_closed")
    books.post(movement("house/nostro-EUR", "house/suspense-EUR", 250), owner=HOUSE, **earlier)
    books.close_period(MONDAY, TUESDAY, "closed")
    return books


def with_securities() -> Ledger:
    """The same two days, and what came into safekeeping, went on to others, and waits."""
    books = two_days()
    kept = {"instruction_type": "custody_transfer", **asked("file")}

    def receive(location: str, to: str, minor: int, asset: str) -> None:
        """Securities came in."""
        owner = to.split("/")[0]
        books.post(movement(f"house/{location}-{asset}", to, minor, asset), owner=owner, **kept)

    receive("depository", f"ann/custody#{SAP}", 25, SAP)
    receive("custodian", f"ann/custody#{SAP}", 5, SAP)
    receive("custodian", f"ben/custody#{BOND}", 1_000_00, BOND)
    receive("depository", f"house/suspense-{SAP}", 3, SAP)
    books.post(movement(f"ann/custody#{SAP}", f"ben/custody#{SAP}", 10, SAP), owner="ann")
    books.post(movement(f"ann/custody#{SAP}", f"house/depository-{SAP}", 1, SAP), owner="ann", **kept)
    books.reserve(movement(f"ben/custody#{BOND}", f"house/custodian-{BOND}", 250_00, BOND), owner="ben")
    return books


def with_items() -> Ledger:
    """Three days on which the house keeps things for somebody, and they are used up in every way there is."""
    books = Ledger()
    books.open_day(MONDAY)

    def arrive(minor: int, owner: str = "ann", to: str = "suspense", asset: str = "EUR") -> TransactionPosted:
        """Something comes that nobody's account can take."""
        moved = movement(f"house/nostro-{asset}", f"house/{to}-{asset}", minor, asset)
        return books.post(moved, owner=owner, instruction_type="deposit", routed="account_unknown")

    def use(item: TransactionPosted, minor: int, to: str, **also: Any) -> TransactionPosted:
        """Some of it goes somewhere."""
        kept = item.movements[0].credit.account
        asset = item.movements[0].asset
        uses = MovementNumber(shard=item.shard, seq=item.seq, leg=0)
        given: dict[str, Any] = {"instruction_type": "allocate", "uses": uses, **also}
        return books.post(movement(kept, to, minor, asset), owner=item.owner or "", **given)

    def undo(posted: TransactionPosted, owner: str, **also: Any) -> TransactionPosted:
        """It is undone by its mirror."""
        (moved,) = posted.movements
        mirror = moved.model_copy(update={"debit": moved.credit, "credit": moved.debit})
        given: dict[str, Any] = {"instruction_type": "reversal", "reverses": _number(posted), **also}
        return books.post(mirror, owner=owner, **given)

    old, yen = arrive(10_000), arrive(700, "dee", asset="JPY")
    wrong = use(old, 2_500, "ben/EUR")
    shut = use(old, 1_000, "house/return-EUR", routed="account_closed")
    undo(arrive(4_000, "ben"), "ben")
    fee = {"instruction_type": "fee", "routed": "account_unknown"}
    _, paid = (
        books.post(movement("house/suspense-EUR", "house/fees-EUR", 300), owner="ann", **fee)
        for _ in range(2)
    )
    undo(paid, "ann")
    books.open_day(TUESDAY)
    arrive(5_000)
    books.open_day(LATER)
    undo(wrong, "ben", reopens=True)
    use(shut, 400, "ben/EUR")
    use(yen, 700, "house/income-JPY", instruction_type="write_off")
    arrive(1, to="blocked_funds")
    back = {"instruction_type": "return", "uses": MovementNumber(shard=home("ann"), seq=1, leg=0)}
    books.post(
        movement("house/nostro-EUR", "house/return-EUR", 60), owner="ann", routed="account_closed", **back
    )
    return books


def _number(event: Event) -> Number:
    return Number(shard=event.shard, seq=event.seq)


def _asked(event: TransactionPending) -> dict[str, Any]:
    return {"instruction": event.instruction, "instruction_type": event.instruction_type}


def two_days() -> Ledger:
    """Two days of four customers, with every kind of fate: what the golden files show."""
    books = Ledger()
    books.open_day(MONDAY)
    for owner in ("ann", "ben", "cyd", "dee"):
        books.open_account(f"{owner}/EUR", **asked("branch"))
    deposited = books.post(
        movement("house/nostro-EUR", "ann/EUR", 100_000),
        owner="ann",
        **{"instruction_type": "deposit", **asked("api", "salary march")},
    )
    books.post(
        movement("house/nostro-EUR", "ben/EUR", 50_000),
        owner="ben",
        instruction_type="deposit",
        **asked("api"),
    )
    books.post(movement("ann/EUR", "ben/EUR", 1_234), owner="ann", **asked("online", "rent, march"))
    books.post(movement("ann/EUR", "cyd/EUR", 4_000), owner="ann", **asked("mobile"))
    books.repeat(deposited)
    books.reject("ben", "insufficient_funds", instruction_type="transfer", **asked("online"))
    books.misread(home("ann"))
    books.post(movement("dee/JPY", "house/fees-JPY", 300, "JPY"), owner="dee", instruction_type="fee")
    kept = {"instruction_type": "withdrawal", **asked("atm")}
    held = books.reserve(movement("ann/EUR", "house/payments-EUR", 20_000), owner="ann", **kept)
    lost = books.reserve(movement("ben/EUR", "house/payments-EUR", 7_000), owner="ben", **kept)
    books.reserve(movement("cyd/EUR", "house/payments-EUR", 1_500), owner="cyd", **kept)
    books.void(lost)
    books.open_day(TUESDAY)
    books.settle(held)
    books.post(movement("ben/EUR", "ann/EUR", 99), owner="ben", value_date=MONDAY, **asked("online"))
    books.reject("cyd", "account_unknown", instruction_type="transfer")
    return books
