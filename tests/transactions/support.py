"""What the tests stand on: instructions in a word, tables of outcomes, and two ways to run batches."""

import json
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import asyncpg

from services.transactions.app import TransactionsService
from services.transactions.domain.chart import (
    ACCOUNTS_PER_SHARD,
    HOUSE_ACCOUNTS_FROM,
    Account,
    AccountClass,
    Chart,
    ChartAsset,
    Dated,
    Entity,
    ScreeningPolicy,
    make_account,
)
from services.transactions.domain.claims import Claim
from services.transactions.domain.decisions import POSTED, SWEPT, Decision
from services.transactions.domain.decoding import MalformedInstruction, decode_instruction
from services.transactions.domain.due import tasks_due
from services.transactions.domain.duties.execution import with_contents
from services.transactions.domain.entries import Entry
from services.transactions.domain.events import event_bytes, spell_time
from services.transactions.domain.instruments import Instrument
from services.transactions.domain.ledger import Folded, fold
from services.transactions.domain.open_pendings import EndedTrade, Part
from services.transactions.domain.originals import MovementId, Original, Used, original_of
from services.transactions.domain.outside import First, Outside
from services.transactions.domain.plain import PlainInstruction, read_plain
from services.transactions.domain.planning import TransactionType
from services.transactions.domain.records import Record
from services.transactions.domain.state import ShardState
from services.transactions.domain.value_dates import Past, Shift, nets_of
from services.transactions.handlers.memory import TYPES
from shared.messages.compliance import CustomerRated, DecisionMade
from shared.messages.envelope import HOUSE, Number
from shared.messages.journal import JOURNAL_EVENT, OUTCOMES
from shared.messages.partitioner import shard_of
from shared.messages.topics import DECISIONS, INSTRUCTIONS
from shared.runtime.errors import UnreadableRecord
from shared.runtime.work import Outgoing, Received, ShardWork, UnitOfWork, Unreadable
from tests.support.keys import with_master_key

PARTITIONS: Final = 4
ISIN: Final = "US0378331005"
DAY_ONE: Final = date(2026, 1, 1)
START: Final = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def table(text: str) -> list[dict[str, str]]:
    """Read a table: a line of names, then a line per row; `#` opens a comment, `-` is an empty cell."""
    lines = [line.split("#")[0].split() for line in text.splitlines()]
    names, *rows = [line for line in lines if line]
    return [dict(zip(names, ["" if cell == "-" else cell for cell in row], strict=True)) for row in rows]


def named_id(name: str) -> str:
    """An instruction id that is always the same for the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def instruction(type: str, **fields: Any) -> dict[str, Any]:  # noqa: A002
    """An instruction with a fresh id; fields given as None are left out."""
    message: dict[str, Any] = {"type": type, "instruction_id": str(uuid.uuid4()), **fields}
    return {name: value for name, value in message.items() if value is not None}


def opening(owner: str, account: str | None = None, **fields: Any) -> dict[str, Any]:
    """Open an account of the owner's name in EUR at the bank."""
    given = {"entity": "BANK", "asset": "EUR", **fields}
    return instruction("open_account", owner=owner, account=account or owner, **given)


def deposit(owner: str, amount: str, account: str | None = None, **fields: Any) -> dict[str, Any]:
    """Pay something in."""
    given = {"asset": "EUR", **fields}
    return instruction("deposit", owner=owner, account=account or owner, amount=amount, **given)


def transfer(debit: str, credit: str, amount: str, **fields: Any) -> dict[str, Any]:
    """Move something between two accounts, of owners of the same names."""
    given = {"owner": debit, "debit_account": debit, "credit_account": credit, "asset": "EUR", **fields}
    return instruction("transfer", **given, amount=amount)


def exchange(owner: str, gives: str, takes: str, rate: str, **fields: Any) -> dict[str, Any]:
    """Exchange an amount of the owner's EUR account for one of its USD account."""
    given = {"debit_account": owner, "credit_account": f"{owner}/USD", **fields}
    sides = {"debit_asset": "EUR", "credit_asset": "USD", "debit_amount": gives, "credit_amount": takes}
    return instruction("exchange", **{"owner": owner, **sides, "rate": rate, **given})


def custody(owner: str, account: str | None = None, **fields: Any) -> dict[str, Any]:
    """Open a custody account for any security at the bank."""
    given = {"entity": "BANK", "class": "custody", **fields}
    return instruction("open_account", owner=owner, account=account or f"{owner}/custody", **given)


def custody_transfer(owner: str, direction: str, quantity: str, **fields: Any) -> dict[str, Any]:
    """Securities come into the owner's custody account, or leave it."""
    given = {"account": f"{owner}/custody", "asset": ISIN, **fields}
    return instruction("custody_transfer", owner=owner, direction=direction, quantity=quantity, **given)


def trade(owner: str, side: str, quantity: str, amount: str, **fields: Any) -> dict[str, Any]:
    """Buy or sell for the owner's custody and cash accounts."""
    given = {"custody_account": f"{owner}/custody", "cash_account": owner, "asset": ISIN, **fields}
    money = {"settlement_amount": amount, "settlement_asset": "EUR"}
    return instruction("trade", **{"owner": owner, "side": side, "quantity": quantity, **money, **given})


def withdrawal(owner: str, amount: str, account: str | None = None, **fields: Any) -> dict[str, Any]:
    """Pay something out."""
    given = {"asset": "EUR", **fields}
    return instruction("withdrawal", owner=owner, account=account or owner, amount=amount, **given)


def limiting(owner: str, limit: str | None, account: str | None = None, **fields: Any) -> dict[str, Any]:
    """Give the account of the owner's name another limit."""
    given = {"authority": "credit committee", **fields}
    return instruction("change_limit", owner=owner, account=account or owner, **given) | {"limit": limit}


def closing(owner: str, account: str | None = None, **fields: Any) -> dict[str, Any]:
    """Close the account of the owner's name."""
    given = {"authority": "the customer", **fields}
    return instruction("close_account", owner=owner, account=account or owner, **given)


def reopening(owner: str, account: str | None = None, **fields: Any) -> dict[str, Any]:
    """Open the account of the owner's name again."""
    given = {"reason": "a mistake", "entered_by": "op:jane", "approved_by": "op:ravi", **fields}
    return instruction("reopen_account", owner=owner, account=account or owner, **given)


def reversal(of: dict[str, Any], owner: str | None = None, **fields: Any) -> dict[str, Any]:
    """Undo an instruction, as its own owner if no other is named."""
    named = None if owner in (None, of["owner"]) else of["owner"]
    given = {"original_id": of["instruction_id"], "original_owner": named, **fields}
    return instruction("reversal", owner=owner or of["owner"], **given)


def returning(of: dict[str, Any], amount: str, owner: str | None = None, **fields: Any) -> dict[str, Any]:
    """So much of a payment comes back."""
    given = {"original_id": of["instruction_id"], "asset": "EUR", **fields}
    return instruction("return", owner=owner or of["owner"], amount=amount, **given)


def number_of(event: dict[str, Any], leg: int = 0) -> str:
    """The number of a movement that an event made."""
    return f"{event['shard']}-{event['seq']}-{leg}"


def allocating(event: dict[str, Any], amount: str, account: str, **fields: Any) -> dict[str, Any]:
    """Put so much of the item that an event made on an account, by its home."""
    given = {"owner": event["owner"], "item": number_of(event), "asset": "EUR", **fields}
    return instruction("allocate", amount=amount, account=account, **given)


def writing_off(event: dict[str, Any], amount: str, **fields: Any) -> dict[str, Any]:
    """Give up looking for whose this much of the item is that an event made."""
    people = {"reason": "small", "entered_by": "op:jane", "approved_by": "op:joe"}
    given = {"owner": event["owner"], "item": number_of(event), "asset": "EUR", **people, **fields}
    return instruction("write_off", amount=amount, **given)


def received(
    message: dict[str, Any] | bytes,
    *,
    offset: int = 0,
    key: str | None = None,
    partition: int | None = None,
    traceparent: str | None = None,
) -> Received:
    """The record as delivered, decoded as the runtime does."""
    value = message if isinstance(message, bytes) else json.dumps(message).encode()
    owner = message.get("owner", HOUSE) if isinstance(message, dict) else HOUSE
    named = owner if isinstance(owner, str) else HOUSE
    home = shard_of(named, PARTITIONS)
    shard = home if partition is None else partition
    decoded: Any
    try:
        decoded = decode_instruction(TYPES, value)
    except UnreadableRecord as error:
        decoded = Unreadable(error.error, len(value), "00" * 32)
    return Received(
        shard=shard,
        topic=INSTRUCTIONS.name,
        partition=shard,
        offset=offset,
        timestamp_ms=0,
        key=(named if key is None else key).encode(),
        message=decoded,
        value=value,
        headers=[("traceparent", traceparent.encode())] if traceparent is not None else [],
    )


def answer(event: dict[str, Any], decision: str, *, offset: int = 0, **changed: Any) -> Received:
    """Compliance's decision on a pending event."""
    given: dict[str, Any] = {
        "shard": event["shard"],
        "seq": 1,
        "recorded_at": START,
        "instruction_id": uuid.UUID(event["instruction_id"]),
        "content_hash": event["content_hash"],
        "owner": event["owner"],
        "first": Number(shard=event["shard"], seq=event["seq"]),
        "decision": decision,
        **changed,
    }
    return Received(
        shard=event["shard"],
        topic=DECISIONS.name,
        partition=event["shard"],
        offset=offset,
        timestamp_ms=0,
        key=given["owner"].encode(),
        message=DecisionMade(**given),
    )


def rating(owner: str, risk_class: str, *, offset: int = 0, shard: int | None = None) -> Received:
    """Compliance's rating of a customer, delivered to their home unless another shard is named."""
    home = shard_of(owner, PARTITIONS) if shard is None else shard
    message = CustomerRated.model_validate(
        {
            "shard": home,
            "seq": 1,
            "recorded_at": START,
            "owner": owner,
            "version": 1,
            "risk_class": risk_class,
            "previous": "medium",
        }
    )
    return Received(
        shard=home,
        topic=DECISIONS.name,
        partition=home,
        offset=offset,
        timestamp_ms=0,
        key=owner.encode(),
        message=message,
    )


def outcome(event: dict[str, Any]) -> str:
    """What a record came to, in a word: the reason where there is one."""
    return event.get("reason") or OUTCOMES.get(event["type"]) or event["type"]


def owner_in(shard: int, stem: str = "owner") -> str:
    """An owner whose home is this shard."""
    return next(f"{stem}{n}" for n in range(1000) if shard_of(f"{stem}{n}", PARTITIONS) == shard)


def make_chart() -> Chart:
    """A small chart: BANK with EUR and USD, BROKER with EUR; the house at home in its shard."""
    chart = Chart()
    for asset in (
        ChartAsset(978, "EUR", "currency", 2),
        ChartAsset(840, "USD", "currency", 2),
        ChartAsset(392, "JPY", "currency", 0),
        ChartAsset(100001, "US0378331005", "security", 0),
        ChartAsset(100009, "US912810TM09", "security", 2),
    ):
        chart.add_asset(asset)
    for number, isin, scale, until in (
        (100001, "US0378331005", 0, None),
        (100009, "US912810TM09", 2, date(2026, 1, 1)),
    ):
        chart.instruments[number] = Instrument(number, isin, scale, "USD", isin, date(1900, 1, 1), until)
    chart.add_entity(Entity(1, "BANK", DAY_ONE))
    chart.add_entity(Entity(2, "BROKER", DAY_ONE))
    for name in ("cash", "loan", "custody"):
        chart.classes[name] = AccountClass(name, is_customer=True, is_memorandum=name == "custody")
    number = 0
    home = shard_of(HOUSE, PARTITIONS)
    classes = (
        "nostro",
        "vault",
        "clearing",
        "position",
        "depository",
        "custodian",
        "suspense",
        "blocked_funds",
        "return",
        "trade_receivable",
        "trade_payable",
        "fail_to_deliver",
        "fail_to_receive",
        "migration",
        "fee_income",
        "tax_payable",
        "sundry_income",
        "interest_income",
        "interest_expense",
    )
    for entity, assets in (("BANK", ("EUR", "USD", ISIN)), ("BROKER", ("EUR",))):
        for asset in assets:
            for name in classes:
                if name in ("depository", "custodian") and asset != ISIN:
                    continue
                number += 1
                chart.add_house_account(
                    make_account(
                        account_id=home * ACCOUNTS_PER_SHARD + HOUSE_ACCOUNTS_FROM + number,
                        code=f"{entity}/{name}/{asset}",
                        owner=HOUSE,
                        shard=home,
                        entity=chart.entities[entity],
                        asset=chart.assets[asset],
                        account_class=name,
                        limit=None,
                    )
                )
    since = date(1900, 1, 1)
    for entity_id in (1, 2):
        for kind, condition, name in (
            ("opening_balance", "", "migration"),
            ("deposit", "", "nostro"),
            ("deposit", "cash", "vault"),
            ("withdrawal", "", "nostro"),
            ("withdrawal", "cash", "vault"),
            ("return", "", "nostro"),
            ("write_off", "", "sundry_income"),
            ("reserve", "", "clearing"),
            ("exchange", "", "position"),
            ("custody_transfer", "depository", "depository"),
            ("custody_transfer", "custodian", "custodian"),
            ("trade", "depository", "depository"),
            ("trade", "cash", "nostro"),
            ("trade", "commission", "fee_income"),
            ("trade", "receivable", "trade_receivable"),
            ("trade", "payable", "trade_payable"),
            ("trade", "fail_to_deliver", "fail_to_deliver"),
            ("trade", "fail_to_receive", "fail_to_receive"),
            ("fee", "", "fee_income"),
            *(
                (charged, kind, "tax_payable" if kind == "tax" else "fee_income")
                for charged in ("withdrawal", "transfer", "exchange", "reserve")
                for kind in ("fee", "commission", "tax")
            ),
            ("accrual", "credit", "interest_expense"),
            ("accrual", "debit", "interest_income"),
            ("interest", "credit", "interest_expense"),
            ("interest", "debit", "interest_income"),
        ):
            chart.rules[entity_id, kind, condition] = [Dated(name, since, None)]
    chart.policies[1, "withdrawal", 978] = [Dated(ScreeningPolicy(100_000), since, None)]
    return chart


@dataclass
class PureLedger:
    """The fold with tables made of dictionaries: no database, and the same loads as the handler's."""

    chart: Chart = field(default_factory=make_chart)
    types: dict[str, TransactionType] = field(default_factory=lambda: dict(TYPES))
    accounts: dict[str, Account] = field(default_factory=dict)
    states: dict[int, ShardState] = field(default_factory=dict)
    firsts: dict[tuple[int, str], First] = field(default_factory=dict)
    last_seq: dict[int, int] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    decisions: dict[int, list[Decision]] = field(default_factory=dict)
    originals: dict[tuple[int, str], Original] = field(default_factory=dict)
    posted: dict[tuple[int, int], Original] = field(default_factory=dict)
    uses: dict[MovementId, Used] = field(default_factory=dict)
    ended: dict[str, EndedTrade] = field(default_factory=dict)
    valued: dict[tuple[int, int, Shift], tuple[int, int]] = field(default_factory=dict)
    """(shard, account, value date and other day of posting) → debits and credits."""
    days_opened: list[tuple[int, int, date, int]] = field(default_factory=list)
    """Shard, entity, business day, seq."""
    day_openings: dict[tuple[int, int, int], tuple[int, int]] = field(default_factory=dict)
    """(shard, account, seq that opened a day) → debits and credits."""
    taken: dict[int, list[Received | None]] = field(default_factory=dict)
    """By shard, the records that came to its decisions; none where one was due by itself."""
    foreign_stopped: dict[int, int] | None = None
    """Given instead of looked up, where a test fixes what is seen."""
    foreign_credits: dict[int, int] | None = None
    quick: bool = True
    """Whether plain instructions are judged in one go where they can be."""

    def __post_init__(self) -> None:
        self.accounts.update(self.chart.accounts)
        for shard in range(PARTITIONS):
            self.states[shard] = ShardState(
                shard=shard,
                accounts=self.accounts,
                balances={each.account_id: [0, 0, 0, 0] for each in self.chart.accounts.values()},
                days={each.entity_id: each.first_booking_date for each in self.chart.entities.values()},
            )
            self.last_seq[shard] = 0
            self.decisions[shard] = []
            self.taken[shard] = []

    def run(self, records: Sequence[Received]) -> list[dict[str, Any]]:
        """Decide one batch of one shard and return its events."""
        if not records:
            return []
        (shard,) = {each.shard for each in records}
        events = self._take(shard, [self._entry(each) for each in records])
        each = iter(records)
        self.taken[shard] += [next(each) if "source" in event else None for event in events]
        return events

    def tick(self, shard: int, parked: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Do in one shard what is due by itself, a bounded piece of it, and return its events."""
        contents = {each.seq: each.content or b"" for each in self.decisions[shard]}
        tasks = tasks_due(self.states[shard], START, parked)
        events = self._take(shard, list(with_contents(tasks, contents, self.types)))
        self.taken[shard] += [None] * len(events)
        return events

    def _take(self, shard: int, batch: list[Entry]) -> list[dict[str, Any]]:
        """Decide a batch of one shard's entries and take over what it changes."""
        state = self.states[shard]
        for account in self.accounts.values():
            state.balances.setdefault(account.account_id, [0, 0, 0, 0])
        outside = Outside(
            firsts={each: first for (home, each), first in self.firsts.items() if home == shard},
            stopped=self._foreign_stopped(shard) if self.foreign_stopped is None else self.foreign_stopped,
            originals=dict(self.originals),
            items={seq: each for (home, seq), each in self.posted.items() if home == shard},
            within=self._within(),
            uses=dict(self.uses),
            ended={each: trade for each, trade in self.ended.items() if each not in state.pendings},
        )
        while True:
            folded = self._fold(state, batch, outside)
            if folded.wanted:
                # Every account there is has been met.
                outside.absent |= folded.wanted.codes
                continue
            if not folded.needs and not folded.needs_past:
                break
            for account_id in {*folded.needs, *folded.needs_past}:
                outside.credits[account_id] = self._foreign_credits(account_id, shard)
                outside.ahead[account_id] = self._foreign_ahead(account_id, shard)
                outside.reserved[account_id] = sum(
                    other.balances.get(account_id, [0, 0, 0, 0])[3]
                    for home, other in self.states.items()
                    if home != shard
                )
            for account_id, since in folded.needs_past.items():
                outside.past[account_id] = self._past(account_id, shard, since)
        folded.changes.lay_on(state)
        self.last_seq[shard] += len(folded.decisions)
        for instruction_id, first in folded.changes.firsts.items():
            assert first.content_hash is not None
            is_member = isinstance(first, Claim)
            self.firsts[shard, instruction_id] = First(
                first.seq, first.content_hash, first.kind, first.reason, first.content, is_member
            )
            if is_member:
                self.originals[shard, instruction_id] = Original(
                    shard, first.seq, "group", "", (), is_member=True
                )
        for each in folded.decisions:
            if each.kind in (POSTED, SWEPT):
                self.posted[shard, each.seq] = original_of(shard, each)
            if each.uses_up_id or (each.kind == POSTED and each.about_seq is not None):
                self._keep_original(shard, each, folded.changes.parts.get(each.seq))
        self.ended.update(folded.changes.ended)
        self.uses.update(folded.changes.uses)
        for (account_id, shift), sums in folded.changes.valued.items():
            before = self.valued.get((shard, account_id, shift), (0, 0))
            self.valued[shard, account_id, shift] = (before[0] + sums[0], before[1] + sums[1])
        self.days_opened += [(shard, *each) for each in folded.changes.days_opened]
        for each in folded.changes.day_openings:
            assert (shard, each.account_id, each.seq) not in self.day_openings
            self.day_openings[shard, each.account_id, each.seq] = (each.debits, each.credits)
        self.decisions[shard] += folded.decisions
        bodies = [event_bytes(each, shard, spell_time(START)) for each in folded.decisions]
        for body in bodies:
            JOURNAL_EVENT.validate_json(body)
        events = [json.loads(body) for body in bodies]
        self.events += events
        return events

    def _keep_original(self, shard: int, decision: Decision, part: Part | None) -> None:
        assert decision.instruction_id is not None
        self.originals[shard, decision.instruction_id] = original_of(shard, decision)._replace(part=part)

    def _entry(self, record: Received) -> Entry:
        """A record as the fold takes it, by this ledger's own types."""
        message = record.message
        if self.quick and isinstance(message, PlainInstruction):
            plain = read_plain(message.value, self.types)
            if plain is not None:
                return replace(record, message=plain)
        return Record(record, self.types)

    def send(self, *messages: dict[str, Any] | bytes | Received) -> list[dict[str, Any]]:
        """Decide records one by one, each at its own home, and return their events."""
        events: list[dict[str, Any]] = []
        for message in messages:
            record = message if isinstance(message, Received) else received(message)
            record.offset = len(self.events)
            events += self.run([record])
        return events

    def balance(self, code: str) -> int:
        """Posted credits less posted debits of an account, over all shards, in minor units."""
        account_id = self.accounts[code].account_id
        rows = [state.balances.get(account_id, [0, 0, 0, 0]) for state in self.states.values()]
        return sum(row[1] - row[0] for row in rows)

    def _fold(self, state: ShardState, batch: Sequence[Entry], outside: Outside) -> Folded:
        return fold(
            state,
            batch,
            chart=self.chart,
            types=self.types,
            partitions=PARTITIONS,
            outside=outside,
            last_seq=self.last_seq[state.shard],
        )

    def _within(self) -> dict[str, tuple[Account, ...]]:
        """The accounts within each custody account."""
        found: dict[str, tuple[Account, ...]] = {}
        for each in self.accounts.values():
            if each.container_id is not None and each.container is not None:
                found[each.container] = (*found.get(each.container, ()), each)
        return found

    def _foreign_stopped(self, shard: int) -> dict[int, int]:
        return {
            account_id: mask
            for home, state in self.states.items()
            if home != shard
            for account_id, mask in state.stopped.items()
        }

    def _foreign_ahead(self, account_id: int, shard: int) -> dict[date, int]:
        nets: dict[date, int] = {}
        for (home, credited, shift), (_, minor) in self.valued.items():
            if home != shard and credited == account_id and shift.value_date > shift.posted_on:
                nets[shift.value_date] = nets.get(shift.value_date, 0) + minor
        return nets

    def _past(self, account_id: int, home: int, since: date) -> Past:
        """What was posted on an account since a day, by the days that each shard has opened."""
        entity_id = next(each.entity_id for each in self.accounts.values() if each.account_id == account_id)
        first = next(each for each in self.chart.entities.values() if each.entity_id == entity_id)
        elsewhere: dict[date, int] = {}
        mine: tuple[dict[date, int], dict[Shift, int]] = ({}, {})
        for shard, state in self.states.items():
            favour = (lambda row: row[1] - row[0]) if shard == home else (lambda row: row[1])
            row = state.balances.get(account_id, [0, 0, 0, 0])
            days = {first.first_booking_date: 0}
            for opened_in, of, day, seq in self.days_opened:
                if (opened_in, of) == (shard, entity_id):
                    later = [
                        (at, held)
                        for (where, whose, at), held in self.day_openings.items()
                        if (where, whose) == (shard, account_id) and at >= seq
                    ]
                    days[day] = favour(min(later)[1] if later else row)
            openings = {day: held for day, held in days.items() if day > since}
            shifts = {
                shift: favour(sums)
                for (where, whose, shift), sums in self.valued.items()
                if (where, whose) == (shard, account_id)
            }
            if shard == home:
                mine = (openings, shifts)
                continue
            for day, net in nets_of(openings, favour(row), shifts).items():
                elsewhere[day] = elsewhere.get(day, 0) + net
        return Past(since, *mine, elsewhere)

    def _foreign_credits(self, account_id: int, shard: int) -> int:
        if self.foreign_credits is not None:
            return self.foreign_credits.get(account_id, 0)
        return sum(
            state.balances.get(account_id, [0, 0, 0, 0])[1]
            for home, state in self.states.items()
            if home != shard
        )


@dataclass
class StoredLedger:
    """The service on a real database, with a unit of work as the runtime makes it."""

    connection: asyncpg.Connection
    service: TransactionsService
    outgoing: list[Outgoing] = field(default_factory=list)
    now: datetime = START
    offset: int = 0
    epoch: int = 1

    @classmethod
    async def started(cls, connection: asyncpg.Connection) -> "StoredLedger":
        """Start a service and have it load every shard."""
        service = TransactionsService()
        with_master_key(service)
        await service.start(connection)
        ledger = cls(connection, service)
        for shard in range(PARTITIONS):
            await service.load(connection, shard)
        return ledger

    async def forget(self) -> None:
        """Drop all memory and read it again."""
        for shard in range(PARTITIONS):
            self.service.forget(shard)
            await self.service.load(self.connection, shard)

    @asynccontextmanager
    async def work(self, shards: Iterable[int], parked: Sequence[str] = ()) -> AsyncIterator[UnitOfWork]:
        """A unit of work in a transaction of its own, adopted if it commits."""
        self.now += timedelta(milliseconds=1)
        rows = await self.connection.fetch("SELECT shard, last_seq FROM shard")
        last = {row["shard"]: row["last_seq"] for row in rows}
        sent = await self.connection.fetch("SELECT shard, topic, partition, last_seq FROM sent")
        parts = {
            shard: ShardWork(
                shard=shard,
                epoch=self.epoch,
                last_seq=last[shard],
                recorded_at=self.now,
                heads={
                    (row["topic"], row["partition"]): row["last_seq"] for row in sent if row["shard"] == shard
                },
                parked=parked,
            )
            for shard in shards
        }
        async with self.connection.transaction():
            work = UnitOfWork(connection=self.connection, shards=parts, partitions=PARTITIONS)
            yield work
            for shard, part in parts.items():
                await self.connection.execute(
                    "UPDATE shard SET last_seq = $2, last_recorded_at = $3 WHERE shard = $1",
                    shard,
                    part.last_seq,
                    part.recorded_at,
                )
                for (topic, partition), head in part.heads.items():
                    await self.connection.execute(
                        "INSERT INTO sent (shard, topic, partition, last_seq) VALUES ($1, $2, $3, $4)"
                        " ON CONFLICT (shard, topic, partition) DO UPDATE SET last_seq = EXCLUDED.last_seq",
                        shard,
                        topic,
                        partition,
                        head,
                    )
        self.service.adopt(work)
        self.outgoing += work.outgoing

    async def tick(self, parked: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Let every shard do what is due by itself and return the events."""
        async with self.work(range(PARTITIONS), parked) as work:
            await self.service.tick(work)
        for each in work.outgoing:
            JOURNAL_EVENT.validate_json(each.body)
        return [json.loads(each.body) for each in work.outgoing]

    async def run(self, records: Sequence[Received]) -> list[dict[str, Any]]:
        """Handle one batch over any shards and return its events."""
        async with self.work({each.shard for each in records}) as work:
            await self.service.handle(work, sorted(records, key=lambda each: each.shard))
        for each in work.outgoing:
            JOURNAL_EVENT.validate_json(each.body)
        return [json.loads(each.body) for each in work.outgoing]

    async def send(self, *messages: dict[str, Any] | bytes | Received) -> list[dict[str, Any]]:
        """Handle records as one batch."""
        records: list[Received] = []
        for message in messages:
            record = message if isinstance(message, Received) else received(message)
            self.offset += 1
            record.offset = self.offset
            records.append(record)
        return await self.run(records)


def is_malformed(record: Received) -> bool:
    """Whether a record could be answered but not obeyed."""
    return isinstance(record.message, MalformedInstruction)
