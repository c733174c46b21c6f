"""Honest books in memory: what tables and topics say when nothing went wrong, to plant differences into."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from audit.amounts import spell_amount
from audit.casework import CaseData
from audit.checks.events import rebuilt
from audit.checks.reports import days_at
from audit.checks.running import INPUTS
from audit.checks.trials import OUTCOMES
from audit.evidence import (
    DECISIONS,
    INSTRUCTIONS,
    JOURNAL,
    SERVICES,
    TOPICS,
    AccountDay,
    Chart,
    Evidence,
    Grant,
    Ledger,
    Record,
    ScreeningData,
    ServiceState,
)
from audit.examination import Examination
from audit.ledger_rows import (
    Account,
    AccountClass,
    AccrualRow,
    Asset,
    BalanceRow,
    BusinessDayRow,
    CarriedRow,
    ClosingRow,
    DayBalanceRow,
    DayOpeningRow,
    Entity,
    FreezeRow,
    JournalRow,
    KeyRow,
    LimitRow,
    MovementRow,
    PendingRow,
    PeriodRow,
    PostingRule,
    ReversedRow,
    RiskRow,
    ScheduledRow,
    ScreeningPolicy,
)
from audit.model import Prediction, Replay, replay
from audit.places import partition_of
from audit.runtime_rows import DeadLetterRow, MarkRow, OutboxRow, PositionRow, SentRow, ShardRow
from audit.screening_rows import Activation, ListedEntry, ListedName, RuleParameter

PARTITIONS = 4
NOWHERE = ""
"""The topic of what no record asked for."""
START = datetime(2026, 1, 2, 9, tzinfo=UTC)
FIRST_DAY = date(2026, 1, 1)
ASSETS = (
    Asset(978, "EUR", "currency", 2),
    Asset(840, "USD", "currency", 2),
    Asset(392, "JPY", "currency", 0),
    Asset(1001, "SAP", "security", 0),
    Asset(999, "XXX", "none", 0),
)
HOUSE_CLASSES = (
    "nostro",
    "vault",
    "clearing",
    "position",
    "suspense",
    "blocked_funds",
    "fee_income",
    "interest_income",
    "interest_expense",
)


SAFEKEEPING = ("depository", "suspense", "blocked_funds")


def owner_in(shard: int, number: int = 0) -> str:
    """A customer whose home is that shard."""
    found = (f"C{n}" for n in range(10_000) if partition_of(f"C{n}".encode(), PARTITIONS) == shard)
    for _ in range(number):
        next(found)
    return next(found)


ALICE, BOB = owner_in(0), owner_in(1)
"""Two customers at home in shards 0 and 1."""


def instruction(kind: str, owner: str, number: int, **fields: Any) -> bytes:
    """Spell an instruction; its id is the number."""
    body = {"type": kind, "instruction_id": str(UUID(int=number)), "owner": owner, **fields}
    return json.dumps(body).encode()


@dataclass(slots=True)
class Upstream:
    """Collects records in the order in which the ledger takes them."""

    offsets: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    records: list[Record] = field(default_factory=list)
    seen: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Index of a record → what its decision saw of other shards."""
    due: dict[int, int] = field(default_factory=dict)
    """Index of what no record asked for → the seq that it is about."""

    def send(
        self,
        kind: str,
        owner: str,
        number: int,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        seen: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Send one instruction."""
        self.raw(
            instruction(kind, owner, number, **fields),
            key=key or owner.encode(),
            partition=partition,
            seen=seen,
        )

    def raw(
        self,
        value: bytes | None,
        *,
        key: bytes | None,
        partition: int | None = None,
        topic: str = INSTRUCTIONS,
        headers: tuple[tuple[str, bytes], ...] = (),
        seen: dict[str, Any] | None = None,
    ) -> None:
        """Send any bytes."""
        lane = partition if partition is not None else partition_of(key or b"", PARTITIONS)
        offset = self.offsets[topic, lane]
        self.offsets[topic, lane] += 1
        if seen is not None:
            self.seen[len(self.records)] = seen
        self.records.append(Record(topic, lane, offset, 0, key, value, headers))

    def open_day(self, number: int, day: str) -> None:
        """Open a business day in every shard."""
        for partition in range(PARTITIONS):
            self.send(
                "open_business_day", "house", number, partition=partition, entity="BANK", booking_date=day
            )

    def give_back(self, shard: int, seq: int, number: int) -> None:
        """Let the ledger give back by itself what the instruction of this number reserved as that event."""
        named = str(UUID(int=number)).encode()
        value = next(each.value for each in self.records if named in (each.value or b""))
        self.due[len(self.records)] = seq
        self.records.append(Record(NOWHERE, shard, 0, 0, None, value, ()))

    def decide(
        self, shard: int, seq: int, number: int, verdict: str, owner: str, hash_of: bytes, first: int
    ) -> None:
        """Send compliance's decision about a pending instruction of this shard."""
        body = {
            "type": "DecisionMade",
            "shard": shard,
            "seq": seq,
            "recorded_at": START.isoformat(),
            "instruction_id": str(UUID(int=number)),
            "content_hash": hashlib.blake2b(hash_of, digest_size=16).hexdigest(),
            "owner": owner,
            "first": {"shard": shard, "seq": first},
            "decision": verdict,
        }
        headers = tuple(
            (name, str(value).encode())
            for name, value in {
                "shard": shard,
                "seq": seq,
                "prev": 0,
                "epoch": 1,
                "ce_type": "DecisionMade",
                "copy": "primary",
            }.items()
        )
        self.raw(
            json.dumps(body).encode(), key=owner.encode(), partition=shard, topic=DECISIONS, headers=headers
        )


def chart() -> Chart:
    """One entity, its posting rules, and screening of withdrawals from 1,000.00 EUR."""
    rules = [
        ("deposit", "", "nostro"),
        ("deposit", "cash", "vault"),
        ("withdrawal", "", "nostro"),
        ("withdrawal", "cash", "vault"),
        ("reserve", "", "clearing"),
        ("exchange", "", "position"),
        ("custody_transfer", "depository", "depository"),
        ("trade", "depository", "depository"),
        ("trade", "cash", "nostro"),
        ("trade", "commission", "fee_income"),
        ("fee", "", "fee_income"),
        *(
            (charged, kind, "fee_income")
            for charged in ("withdrawal", "transfer", "exchange", "reserve")
            for kind in ("fee", "commission", "tax")
        ),
        ("interest", "credit", "interest_expense"),
        ("interest", "debit", "interest_income"),
    ]
    return Chart(
        assets=list(ASSETS),
        entities=[Entity(1, "BANK", FIRST_DAY)],
        classes=[AccountClass("depository", "locations")],
        posting_rules=[PostingRule(1, *rule, valid_from=FIRST_DAY) for rule in rules],
        policies=[ScreeningPolicy(1, "withdrawal", 978, 100_000, FIRST_DAY)],
    )


def house_accounts() -> list[Account]:
    """The firm's own accounts."""
    home = partition_of(b"house", PARTITIONS)
    return [
        Account(
            home * 2**40 + 2**39 + number,
            f"BANK-{asset.code}-{name}",
            1,
            "house",
            home,
            asset.asset_id,
            name,
            None,
            0,
        )
        for number, (asset, name) in enumerate(
            (asset, name)
            for asset in ASSETS
            for name in (
                HOUSE_CLASSES if asset.code in {"EUR", "JPY"} else SAFEKEEPING if asset.code == "SAP" else ()
            )
        )
    ]


def predict(upstream: Upstream) -> tuple[Evidence, Replay]:
    """Run the model alone over what upstream sent."""
    evidence = Evidence(partitions=PARTITIONS, chart=chart())
    evidence.ledger.accounts = house_accounts()
    for topic in TOPICS:
        evidence.topics[topic] = [record for record in upstream.records if record.topic == topic]
    evidence.ledger.journal = _rows(upstream)
    first = replay(evidence)
    evidence.ledger.accounts += _opened(first)
    return evidence, replay(evidence)


def books(upstream: Upstream) -> Evidence:
    """Everything as it is when all went well."""
    evidence, said = predict(upstream)
    ledger = evidence.ledger
    ids = {account.code: account.account_id for account in ledger.accounts}
    assets = {asset.code: asset.asset_id for asset in ASSETS}
    written = Ledger(accounts=ledger.accounts)
    chains: dict[tuple[int, int], int] = defaultdict(int)
    for row, record in zip(ledger.journal, upstream.records, strict=True):
        prediction = said.predictions[row.shard, row.seq]
        for number, leg in enumerate(prediction.movements):
            written.movements.append(
                MovementRow(
                    row.shard, row.seq, number, leg.kind, ids[leg.debit], ids[leg.credit], assets[leg.asset],
                    leg.amount, leg.debit_after, leg.credit_after,
                )
            )  # fmt: skip
        resolved = prediction.about_seq if record.topic == DECISIONS else None
        pending = next(
            (one for one in written.journal if (one.shard, one.seq) == (row.shard, resolved)), None
        )
        written.journal.append(_written(row, record, prediction, ledger.accounts, chains))
        if pending is not None and prediction.kind in {"TransactionPosted", "TransactionVoided"}:
            members = {name: each for name, each in (pending.detail or {}).items() if name == "members"}
            detail = {**(written.journal[-1].detail or {}), **members} or None
            written.journal[-1] = replace(
                written.journal[-1], instruction_type=pending.instruction_type, detail=detail
            )
    for state in said.shards.values():
        written.balances += [
            BalanceRow(state.shard, ids[code], *counters) for code, counters in state.balances.items()
        ]
        written.keys += [
            KeyRow(state.shard, instruction_id, known.seq) for instruction_id, known in state.known.items()
        ]
        written.pendings += [
            PendingRow(
                state.shard,
                seq,
                each.instruction_id,
                each.resolved_seq,
                each.screening,
                each.cleared_seq,
                each.settled,
            )
            for seq, each in state.pendings.items()
        ]
        written.scheduled += [
            ScheduledRow(state.shard, seq, 1, each.execute_on, each.ended_seq)
            for seq, each in state.scheduled.items()
        ]
        written.freezes += [
            FreezeRow(
                ids[each.account],
                each.freeze_id,
                each.direction,
                "court",
                each.seq,
                each.lifted_seq,
                each.amount,
            )
            for each in state.freezes.values()
        ]
        written.closings += [
            ClosingRow(ids[each.account], each.seq, each.closed_seq, each.reopened_seq)
            for each in state.closings
        ]
        written.limits += [
            LimitRow(
                ids[each.account],
                each.seq,
                each.minor,
                each.cap,
                each.valid_from,
                each.valid_until,
                each.authority,
            )
            for each in state.limits
        ]
        written.reversed += [
            ReversedRow(*place, number, use.amount, use.left, state.shard, use.seq)
            for place, uses in state.used.items()
            for number, use in enumerate(uses, start=1)
        ]
        written.days += [BusinessDayRow(state.shard, 1, day, seq) for (_, day), seq in state.days.items()]
        written.day_balances += [
            DayBalanceRow(state.shard, ids[code], value_date, booking_date, *sums)
            for (code, value_date, booking_date), sums in state.valued.items()
            if not code.startswith("BANK")
        ]
        written.day_openings += [
            DayOpeningRow(state.shard, ids[code], seq, *held) for seq, code, *held in state.day_openings()
        ]
        written.accruals += [
            AccrualRow(state.shard, *series, *posted) for series, posted in state.accruals.items()
        ]
        written.risks += [RiskRow(state.shard, owner, seq, given) for owner, given, seq in state.risks]
        written.carried += [
            CarriedRow(state.shard, ids[code], day, seq) for seq, (code, day) in state.carried_over.items()
        ]
        written.periods += [
            PeriodRow(state.shard, 1, each.first_day, each.last_day, each.state, each.seq)
            for each in state.periods
        ]
    evidence.ledger = written
    _publish(evidence, chains)
    _states(evidence, chains)
    return evidence


def _rows(upstream: Upstream) -> list[JournalRow]:
    last: dict[int, int] = defaultdict(int)
    rows: list[JournalRow] = []
    for index, record in enumerate(upstream.records):
        last[record.partition] += 1
        rows.append(
            JournalRow(
                record.partition,
                last[record.partition],
                "TransactionVoided" if index in upstream.due else "to be said",
                recorded_at=START + timedelta(seconds=index),
                epoch=1,
                about_seq=upstream.due.get(index),
                topic=None if index in upstream.due else record.topic,
                partition=None if index in upstream.due else record.partition,
                offset=None if index in upstream.due else record.offset,
                content=record.value if record.topic == INSTRUCTIONS else None,
                seen=upstream.seen.get(index),
            )
        )
    return rows


def _opened(said: Replay) -> list[Account]:
    assets = {asset.code: asset.asset_id for asset in ASSETS}
    return [
        Account(
            state.shard * 2**40 + number + 1, each.code, 1, each.owner, state.shard, assets[each.asset],
            each.account_class, each.limit_minor, each.opened_seq,
            each.container,
        )
        for state in said.shards.values()
        for number, each in enumerate(state.opened.values())
    ]  # fmt: skip


def _written(
    row: JournalRow,
    record: Record,
    said: Any,
    accounts: Sequence[Account],
    chains: dict[tuple[int, int], int],
) -> JournalRow:
    asked: dict[str, Any] = {}
    if said.kind != "RecordUnreadable":
        asked = json.loads(record.value or b"{}")
    owner = asked.get("owner")
    if owner is not None and partition_of(owner.encode(), PARTITIONS) != row.shard:
        owner = "house"
    detail: dict[str, Any] = {}
    if said.fields:
        detail["field"] = said.fields[0]
    if said.routed:
        detail["routed"] = said.routed
    if said.limit_passed:
        detail["limit_passed"] = True
    if said.kind == "TransactionPending" and not said.screening:
        detail["screening"] = False
    if said.screened_by:
        detail["screened_by"] = said.screened_by[0]
    detail |= said.detail
    if said.resolves is not None:
        detail["resolves"] = {"shard": row.shard, "seq": said.resolves}
    if said.settled is not None:
        detail["settled"] = said.settled
    if said.freed is not None:
        detail["freed"] = said.freed
    if said.kind == "BusinessDayOpened":
        detail["entity"] = asked["entity"]
    if said.kind == "PeriodClosed":
        detail |= {"state": "closed"} | {
            name: asked[name] for name in ("entity", "first_day", "last_day", "state") if name in asked
        }
    if said.reverses is not None:
        detail["reverses"] = dict(zip(("shard", "seq"), said.reverses, strict=True))
    if said.uses is not None:
        detail["uses"] = dict(zip(("shard", "seq", "leg"), said.uses, strict=True))
    if said.reopens:
        detail["reopens"] = True
    if said.opened is not None:
        detail["opened"] = said.opened
    if said.member is not None:
        detail["member"] = said.member
    if said.members is not None:
        names = ("instruction_id", "type", "movements", "routed")
        named = [dict(zip(names, each, strict=True)) for each in said.members]
        detail["members"] = [{name: each[name] for name in each if each[name] is not None} for each in named]
    if said.valid_from is not None:
        detail["valid_from"] = said.valid_from.isoformat()
    homes = {account.code: account for account in accounts}
    content = json.dumps({name: each for name, each in asked.items() if name != "dry_run"}).encode()
    if said.tried is not None:
        detail = _tried(said.tried, homes)
    copies: list[int] = []
    chains[row.shard, row.shard] = row.seq
    for leg in said.movements:
        credited = homes[leg.credit]
        if credited.owner != "house" and credited.shard != row.shard and credited.shard not in copies[::2]:
            copies += [credited.shard, chains[row.shard, credited.shard]]
            chains[row.shard, credited.shard] = row.seq
    follows = said.about_seq is not None and (said.tried or said).kind != "InstructionRejected"
    return JournalRow(
        row.shard,
        row.seq,
        said.kind,
        about_seq=said.about_seq,
        recorded_at=row.recorded_at,
        epoch=1,
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
        instruction_id=UUID(asked["instruction_id"]) if asked else None,
        instruction_type=asked.get("type") if record.topic in (INSTRUCTIONS, NOWHERE) else None,
        owner=owner,
        reason=said.reason,
        booking_date=said.booking_date,
        value_date=said.value_date,
        detail=detail or None,
        content=None if follows or not asked else content,
        seen=row.seen,
        copies=tuple(copies),
    )


def _tried(said: Prediction, homes: Mapping[str, Account]) -> dict[str, Any]:
    """What a dry run says of what would have come of it."""
    would_be: dict[str, Any] = {"type": said.kind}
    if said.reason is not None:
        would_be["reason"] = said.reason
    if said.fields:
        would_be["field"] = said.fields[0]
    if said.routed is not None:
        would_be["routed"] = said.routed
    assets = {each.code: each for each in ASSETS}
    if said.movements:
        would_be |= {"booking_date": str(said.booking_date), "value_date": str(said.value_date)}
        would_be["movements"] = [
            {
                "kind": leg.kind,
                "debit": {"account": homes[leg.debit].code},
                "credit": {"account": homes[leg.credit].code},
                "amount": spell_amount(leg.amount, assets[leg.asset].scale),
                "asset": leg.asset,
            }
            for leg in said.movements
        ]
    balances = [
        {"debit": spell_amount(leg.debit_after, 2), "credit": spell_amount(leg.credit_after, 2)}
        for leg in said.movements
    ]
    return {"outcome": OUTCOMES[said.kind], "would_be": would_be, "balances_after": balances}


def _publish(evidence: Evidence, chains: Iterable[tuple[int, int]]) -> None:
    """Put every event on the journal's topic, primaries and secondaries."""
    examination = Examination(evidence)
    lanes: dict[int, list[Record]] = defaultdict(list)
    for row in sorted(evidence.ledger.journal, key=lambda each: each.recorded_at or START):
        body = json.dumps(rebuilt(examination, row)).encode()
        copies = {row.shard: row.seq - 1, **dict(zip(row.copies[::2], row.copies[1::2], strict=True))}
        for partition, prev in copies.items():
            owners = {
                examination.accounts[leg.credit_account].owner
                for leg in examination.legs.get((row.shard, row.seq), ())
            }
            home = [each for each in sorted(owners) if partition_of(each.encode(), PARTITIONS) == partition]
            key = (row.owner or "house") if partition == row.shard else home[0]
            headers = {
                "shard": str(row.shard),
                "seq": str(row.seq),
                "ce_id": f"transactions-{row.shard}-{row.seq}",
                "ce_type": row.kind,
                "epoch": "1",
                "prev": str(prev),
                "copy": "primary" if partition == row.shard else "secondary",
            }
            if row.instruction_id is not None:
                headers["correlation_id"] = str(row.instruction_id)
            spelled = tuple((name, value.encode()) for name, value in headers.items())
            lane = lanes[partition]
            lane.append(Record(JOURNAL, partition, len(lane), 0, key.encode(), body, spelled))
    evidence.topics[JOURNAL] = [record for lane in lanes.values() for record in lane]


def _states(evidence: Evidence, chains: dict[tuple[int, int], int]) -> None:
    last = dict.fromkeys(range(PARTITIONS), 0)
    for row in evidence.ledger.journal:
        last[row.shard] = max(last[row.shard], row.seq)
    ends: dict[tuple[str, int], int] = defaultdict(int)
    for records in evidence.topics.values():
        for record in records:
            place = (record.topic, record.partition)
            ends[place] = max(ends[place], record.offset + 1)
    for name in SERVICES:
        state = evidence.services[name] = ServiceState()
        numbers = last if name == "transactions" else dict.fromkeys(last, 0)
        state.shards = [ShardRow(shard, 1, seq, seq) for shard, seq in numbers.items()]
        state.positions = [
            PositionRow(topic, partition, end)
            for (topic, partition), end in ends.items()
            if topic in INPUTS[name]
        ]
    evidence.services["transactions"].sent = [
        SentRow(shard, JOURNAL, partition, seq, seq) for (shard, partition), seq in chains.items()
    ]
    unreadable = {row.place for row in evidence.ledger.journal if row.kind == "RecordUnreadable"}
    evidence.services["transactions"].dead_letters = [
        DeadLetterRow(record.topic, record.partition, record.offset, record.value, "unreadable")
        for record in evidence.topics[INSTRUCTIONS]
        if record.place in unreadable
    ]
    _compliance(evidence)
    evidence.services["reporting"].marks = [
        MarkRow(JOURNAL, shard, shard, seq) for shard, seq in last.items()
    ]
    examination = Examination(evidence)
    evidence.account_days = [
        AccountDay(shard, examination.accounts[account].code, day, *sums)
        for (shard, account, day), sums in days_at(examination, last).items()
    ]
    evidence.report_runs = []
    evidence.grants = grants()


def _compliance(evidence: Evidence) -> None:
    """Compliance's outbox holds the decisions that stand on its topic."""
    state = evidence.services["compliance"]
    for record in evidence.topics[DECISIONS]:
        headers = dict(record.headers)
        shard, seq = int(headers["shard"]), int(headers["seq"])
        state.outbox.append(
            OutboxRow(shard, seq, 1, DECISIONS, "DecisionMade", record.key or b"", record.value or b"", 0)
        )
        state.sent.append(SentRow(shard, DECISIONS, record.partition, seq, seq))
        state.shards = [
            ShardRow(each.shard, 1, seq, seq) if each.shard == shard else each for each in state.shards
        ]
    evidence.cases = CaseData()
    evidence.screening = ScreeningData(
        parameters=[
            RuleParameter("CTR-1", 1, "*", {"over": "10000"}, FIRST_DAY, None),
            RuleParameter(
                "STR-1",
                1,
                "*",
                {
                    "band_from": "8000",
                    "band_below": "10000",
                    "over": "10000",
                    "count": 3,
                    "hours": 24,
                    "weeks": 3,
                    "hold_hours": 24,
                },
                FIRST_DAY,
                None,
            ),
            RuleParameter(
                "SAN-1", 1, "*", {"hold_hours": 24, "alert_at": "0.70", "hold_at": "0.85"}, FIRST_DAY, None
            ),
        ],
        names=[
            ListedName("OFAC", "1", "E1", "person", "Evil, Doctor"),
            ListedName("OFAC", "1", "E1", "person", "The Doc", is_weak=True),
        ],
        entries=[
            ListedEntry(
                "OFAC", "1", "E1", "person", ("1962-09-08",), ("FR",), ("passport:X12345", "bic:EVILFRPP")
            )
        ],
        activations=[Activation(shard, 0, "OFAC", "1") for shard in range(PARTITIONS)],
    )


def grants() -> list[Grant]:
    """Rights as they should be, on two tables of each service."""
    found: list[Grant] = []
    for schema in SERVICES:
        for table in ("outbox", "position", "shard"):
            for role in (*(f"{name}_service" for name in SERVICES), "backoffice_readonly"):
                for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"):
                    own = role == f"{schema}_service"
                    held = (own or role == "backoffice_readonly") and privilege == "SELECT"
                    held = held or (own and privilege == "INSERT")
                    held = held or (own and privilege == "UPDATE" and table != "outbox")
                    found.append(Grant(role, schema, table, privilege, held))
    return found
