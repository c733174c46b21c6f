"""Check 8: what the topics say is what the tables say, each event once after skipping repeated copies."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from audit.amounts import spell_amount
from audit.checks.removals import emptied
from audit.evidence import ALERTS, DECISIONS, JOURNAL, PUBLISHED, Record, ServiceState
from audit.examination import Examination
from audit.ledger_rows import Account, JournalRow, MovementRow
from audit.places import Numbered, partition_of
from audit.result import Result, Tally
from audit.runtime_rows import OutboxRow

MOVING: Final = frozenset(
    {
        "TransactionPosted",
        "TransactionPending",
        "TransactionVoided",
        "CreditSwept",
        "ObligationBooked",
        "PendingReopened",
    }
)

DATED: Final = frozenset(
    {"BusinessDayOpened", "PeriodClosed", "AccountClosed", "TransactionScheduled", "TransactionCancelled"}
)
"""Events that name a booking date and move nothing."""

POINTING: Final = frozenset(
    {
        "DuplicateReceived",
        "DecisionWithoutEffect",
        "PendingCleared",
        "DryRunJudged",
        "CreditSwept",
        "ObligationBooked",
        "PendingReopened",
        "AccountClosed",
    }
)
"""Events that name a first outcome and do not repeat what was asked."""

WRITERS: Final = {
    JOURNAL: "transactions",
    DECISIONS: "compliance",
    ALERTS: "compliance",
    PUBLISHED: "reporting",
}

Event = Mapping[str, Any]


def events_equal_outcomes(examination: Examination) -> Result:
    """8: every outcome is on the topic, as its rows say, with its chain complete and its copies alike."""
    tally = Tally(8, "events = outcomes, bytes equal")
    for topic, service in WRITERS.items():
        records = examination.evidence.topics.get(topic)
        if records is None:
            tally.differs(f"{topic}: not read")
            continue
        state = examination.service(service)
        firsts = _first_copies(tally, topic, records)
        _chains(tally, topic, records, state)
        if topic == JOURNAL:
            _journal(tally, examination, firsts, state)
        else:
            _outbox(tally, topic, firsts, state, emptied(examination) if service == "compliance" else ())
    return tally.result()


def rebuilt(examination: Examination, row: JournalRow) -> dict[str, Any]:
    """What a row's event must say, from columns, movements and accounts; without what is null."""
    event: dict[str, Any] = {
        **(row.detail or {}),
        "type": row.kind,
        "shard": row.shard,
        "seq": row.seq,
        "recorded_at": _instant(row.recorded_at),
    }
    if row.place is not None:
        event["source"] = dict(zip(("topic", "partition", "offset"), row.place, strict=True))
    if row.instruction_id is not None:
        event["instruction_id"] = str(row.instruction_id)
    if row.instruction_type is not None:
        event["instruction_type"] = row.instruction_type
    if row.owner is not None:
        event["owner"] = row.owner
    if row.about_seq is not None and "executes" not in event:
        event["first"] = {"shard": row.shard, "seq": row.about_seq}
    content = _content(examination, row)
    if content is not None:
        event["instruction"] = json.loads(content)
        event["content_hash"] = hashlib.blake2b(content, digest_size=16).hexdigest()
    if row.kind in DATED:
        event["booking_date"] = row.booking_date.isoformat() if row.booking_date else None
    named = _account_named(row, content)
    if named is not None:
        account = examination.account_by_code.get(named)
        if account is not None:
            asset = examination.assets[account.asset_id]
            event |= {"account": _posting(examination, account), "asset": asset.code, "scale": asset.scale}
    if row.kind in MOVING:
        event["booking_date"] = row.booking_date.isoformat() if row.booking_date else None
        event["value_date"] = row.value_date.isoformat() if row.value_date else None
        event["movements"] = [
            _movement(examination, leg) for leg in examination.legs.get((row.shard, row.seq), ())
        ]
        members = enumerate((row.detail or {}).get("members", ()))
        whose = [number for number, member in members for _ in range(member["movements"])]
        for movement, number in zip(event["movements"], whose, strict=bool(whose)):
            movement["member"] = number
    if row.reason is not None:
        event["reason"] = row.reason
    return event


def canonical(value: Any) -> Any:
    """A JSON value without nulls, defaults and the spelling of times, so that equals compare equal."""
    if isinstance(value, dict):
        return {key: canonical(each) for key, each in sorted(value.items()) if each is not None}
    if isinstance(value, list):
        return [canonical(each) for each in value]
    return value


def fingerprint(value: Any) -> str:
    """SHA-256 over the canonical spelling."""
    spelled = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(spelled.encode()).hexdigest()


def _account_named(row: JournalRow, content: bytes | None) -> str | None:
    """The account that an event without movements is about, if it is about one."""
    if row.kind == "AccountClosed":
        return (row.detail or {}).get("account")
    return json.loads(content).get("account") if row.kind == "InstructionApplied" and content else None


def _content(examination: Examination, row: JournalRow) -> bytes | None:
    """The instruction an event is about: the row's own, or that of the first outcome it follows up."""
    if row.content is not None or row.about_seq is None or row.kind in POINTING:
        return row.content
    about = examination.row_of.get((row.shard, row.about_seq))
    return about.content if about else None


def _movement(examination: Examination, leg: MovementRow) -> dict[str, Any]:
    asset = examination.assets[leg.asset_id]
    return {
        "leg": leg.leg,
        "kind": leg.kind,
        "amount": spell_amount(leg.amount, asset.scale),
        "asset": asset.code,
        "scale": asset.scale,
        "debit": _posting(examination, examination.accounts[leg.debit_account]),
        "credit": _posting(examination, examination.accounts[leg.credit_account]),
    }


def _posting(examination: Examination, account: Account) -> dict[str, Any]:
    return {
        "account": account.code,
        "owner": account.owner,
        "entity": examination.entities[account.entity_id],
        "class": account.account_class,
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _first_copies(tally: Tally, topic: str, records: Sequence[Record]) -> dict[tuple[Numbered, int], Record]:
    """The first copy of each event in each partition; any later one must be the same record again."""
    firsts: dict[tuple[Numbered, int], Record] = {}
    for record in records:
        headers = dict(record.headers)
        try:
            number = (int(headers["shard"]), int(headers["seq"]))
        except (KeyError, ValueError):
            tally.differs(f"{topic} {record.partition}:{record.offset}: no shard and seq headers")
            continue
        first = firsts.setdefault((number, record.partition), record)
        same = (first.key, first.value, first.headers) == (record.key, record.value, record.headers)
        where = f"{topic} {record.partition}:{record.offset}"
        tally.expect(same, f"{where}: event {number} again, but not the same bytes as {first.offset}")
        copy = b"primary" if number[0] == record.partition else b"secondary"
        tally.same(copy, headers.get("copy"), f"{where}: copy")
    bodies: dict[Numbered, bytes | None] = {}
    for (number, partition), record in firsts.items():
        same = bodies.setdefault(number, record.value) == record.value
        tally.expect(same, f"{topic}: event {number} has another body in partition {partition}")
    return firsts


def _chains(tally: Tally, topic: str, records: Sequence[Record], state: ServiceState) -> None:
    """Walk each chain as a consumer does: skip what was had, take what follows, pass over what is ahead."""
    mark: dict[tuple[int, int], int] = defaultdict(int)
    for record in records:
        headers = dict(record.headers)
        try:
            source, seq, prev = (int(headers[name]) for name in ("shard", "seq", "prev"))
        except (KeyError, ValueError):
            continue
        chain = (source, record.partition)
        if seq > mark[chain] and prev == mark[chain]:
            mark[chain] = seq
    heads = {(each.shard, each.partition): each for each in state.sent if each.topic == topic}
    published = {each.shard: each.published_seq for each in state.shards}
    for chain in sorted(set(heads) | set(mark)):
        head = heads.get(chain)
        where = f"{topic}: chain of shard {chain[0]} to partition {chain[1]}"
        if head is None:
            tally.differs(f"{where} is not known to its writer")
        elif head.last_seq <= published.get(chain[0], 0):
            tally.same(head.last_seq, mark[chain], f"{where} ends at")
        else:
            low, high = head.published_seq, head.last_seq
            tally.expect(low <= mark[chain] <= high, f"{where} ends at {mark[chain]}, not {low} to {high}")


def _outbox(
    tally: Tally,
    topic: str,
    firsts: Mapping[tuple[Numbered, int], Record],
    state: ServiceState,
    emptied_since: Collection[Numbered],
) -> None:
    """Each event is kept as it was published; of one without its words check 18 looks at what stays."""
    rows = {(row.shard, row.seq): row for row in state.outbox if row.topic == topic}
    published = {each.shard: each.published_seq for each in state.shards}
    for (number, partition), record in firsts.items():
        row = rows.get(number)
        if row is None:
            tally.differs(f"{topic} {partition}:{record.offset}: event {number} is not in the outbox")
        else:
            sent, read = _as_sent(row), _as_read(record)
            if number in emptied_since:
                sent, read = (sent[0], *sent[2:]), (read[0], *read[2:])
            tally.same(sent, read, f"{topic}: event {number}")
    for number, row in rows.items():
        if row.seq <= published.get(row.shard, 0):
            tally.expect((number, row.shard) in firsts, f"{topic}: event {number} was never published")


def _as_sent(row: OutboxRow) -> tuple[bytes | None, ...]:
    return row.key, row.body, b"%d" % row.prev, b"%d" % row.epoch, row.type.encode()


def _as_read(record: Record) -> tuple[bytes | None, ...]:
    headers = dict(record.headers)
    return record.key, record.value, headers.get("prev"), headers.get("epoch"), headers.get("ce_type")


def _journal(
    tally: Tally,
    examination: Examination,
    firsts: Mapping[tuple[Numbered, int], Record],
    state: ServiceState,
) -> None:
    published = {each.shard: each.published_seq for each in state.shards}
    last = {each.shard: each.last_seq for each in state.shards}
    lanes: dict[Numbered, set[int]] = defaultdict(set)
    for number, partition in firsts:
        lanes[number].add(partition)
        if number not in examination.row_of and number[1] <= last.get(number[0], 0):
            tally.differs(f"{JOURNAL}: event {number} has no row")
        elif number[1] > last.get(number[0], 0):
            tally.differs(f"{JOURNAL}: event {number} is beyond the shard's last seq")
    heads: dict[tuple[int, int], int] = defaultdict(int)
    for row in examination.rows:
        number = (row.shard, row.seq)
        copies = _copies(row)
        for partition, prev in ((row.shard, row.seq - 1), *copies.items()):
            tally.same(heads[row.shard, partition], prev, f"event {number}: prev to partition {partition}")
            heads[row.shard, partition] = row.seq
        tally.same(
            _credited_lanes(examination, row), set(copies), f"event {number}: partitions of its copies"
        )
        if row.seq > published.get(row.shard, 0):
            continue
        tally.same({row.shard, *copies}, lanes.get(number, set()), f"event {number}: partitions it is in")
        for partition in sorted(lanes.get(number, ())):
            _event(tally, examination, row, firsts[number, partition])


def _event(tally: Tally, examination: Examination, row: JournalRow, record: Record) -> None:
    where = f"event {(row.shard, row.seq)} in partition {record.partition}"
    try:
        found: Any = json.loads(record.value or b"")
    except ValueError:
        tally.differs(f"{where}: its body is not JSON")
        return
    expected = rebuilt(examination, row)
    if fingerprint(expected) != fingerprint(found):
        for name in sorted(set(canonical(expected)) | set(canonical(found))):
            tally.same(canonical(expected).get(name), canonical(found).get(name), f"{where}, {name}")
    tally.counted += 1
    prev = _copies(row).get(record.partition, row.seq - 1)
    headers = dict(record.headers)
    for name, value in (
        ("ce_type", row.kind),
        ("ce_id", f"transactions-{row.shard}-{row.seq}"),
        ("prev", str(prev)),
        ("epoch", str(row.epoch)),
        ("correlation_id", _correlation(row)),
        ("traceparent", row.traceparent),
    ):
        found_value = headers.get(name)
        tally.same(value, None if found_value is None else found_value.decode(), f"{where}, header {name}")
    partitions = examination.evidence.partitions
    if record.key not in {None, b"house"} and partitions:
        tally.same(
            record.partition, partition_of(record.key or b"", partitions), f"{where}: partition of its key"
        )


def _correlation(row: JournalRow) -> str | None:
    """By what an upstream or an operator finds the answer."""
    if row.kind == "ActDone":
        return (row.detail or {}).get("act_id")
    return str(row.instruction_id) if row.instruction_id else None


def _copies(row: JournalRow) -> dict[int, int]:
    """Secondaries: partition to the seq sent there before."""
    pairs: Iterable[tuple[int, int]] = zip(row.copies[::2], row.copies[1::2], strict=True)
    return dict(pairs)


def _credited_lanes(examination: Examination, row: JournalRow) -> set[int]:
    """Where other owners live whom an event credits; the firm's own accounts ask for no copy."""
    partitions = examination.evidence.partitions
    owners = {
        examination.accounts[leg.credit_account].owner
        for leg in examination.legs.get((row.shard, row.seq), ())
        if leg.credit_account in examination.accounts
    }
    lanes = {partition_of(owner.encode(), partitions) for owner in owners - {"house"} if partitions}
    return lanes - {row.shard}
