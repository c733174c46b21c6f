"""Checks 5 and 7: each delivered record has exactly one fate, each owner's take effect in order."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from audit.evidence import (
    COMPLIANCE_ACTS,
    DECISIONS,
    INSTRUCTIONS,
    REPORTING_ACTS,
    TRANSACTIONS_ACTS,
    Evidence,
    Record,
    ServiceState,
)
from audit.examination import Examination
from audit.ledger_rows import JournalRow
from audit.places import Place
from audit.result import Result, Tally
from audit.runtime_rows import DeadLetterRow

PARKED: Final = "OwnerParked"
DISCARDED: Final = "RecordDiscarded"
UNREADABLE: Final = "RecordUnreadable"

LEDGER_INPUTS: Final = (INSTRUCTIONS, DECISIONS, TRANSACTIONS_ACTS)
ORDERED: Final = frozenset({INSTRUCTIONS, DECISIONS})
"""What waits when its owner is parked."""
PLACE: Final = ("topic", "partition", "offset")


def every_record_has_one_fate(examination: Examination) -> Result:
    """5: nothing delivered was lost, nothing had two fates, nothing was made up; the counts add up."""
    tally = Tally(5, "one fate for every delivered record")
    evidence = examination.evidence
    rows_at: dict[Place, list[JournalRow]] = defaultdict(list)
    for row in examination.rows:
        place = row.place
        if place is not None:
            rows_at[place].append(row)
    ledger = examination.service("transactions")
    for topic in LEDGER_INPUTS:
        delivered = {record.place for record in evidence.topics.get(topic, ())}
        for place, rows in rows_at.items():
            if place[0] == topic and place not in delivered:
                tally.differs(f"{_at(place)}: seq {rows[0].seq} is about a record nobody delivered")
    _instructions(tally, _taken(evidence, ledger, INSTRUCTIONS), rows_at, ledger)
    _decisions(tally, _taken(evidence, ledger, DECISIONS), rows_at, ledger)
    acts = _taken(evidence, ledger, TRANSACTIONS_ACTS)
    _acts(tally, acts, rows_at, ledger)
    _discards(tally, acts, examination.rows)
    _passed_over(tally, ledger, examination.rows)
    for service, topic in (("compliance", COMPLIANCE_ACTS), ("reporting", REPORTING_ACTS)):
        state = examination.service(service)
        _outbox_acts(tally, _taken(evidence, state, topic), state)
    _commands(tally, examination)
    return tally.result()


def order_within_owners_is_kept(examination: Examination) -> Result:
    """7: an owner's records are taken in the order they stand, and nothing overtakes one that waits.

    While records of an owner are parked, later ones wait behind them. What waits takes effect oldest first;
    only what an operator discards leaves the queue out of its turn.
    """
    tally = Tally(7, "order per owner kept")
    last: dict[tuple[str, int, str], tuple[int, int]] = {}
    queues: dict[tuple[int, str], list[Place]] = defaultdict(list)
    for row in examination.rows:
        place = row.place
        if place is None or row.topic not in ORDERED or row.owner is None:
            continue
        queue = queues[row.shard, row.owner]
        if row.kind == DISCARDED:
            if place in queue:
                queue.remove(place)
            continue
        if place in queue:
            waits = f"{_at(queue[0])} of the same owner waits"
            tally.expect(place == queue[0], f"{_at(place)}: replayed as seq {row.seq}, while {waits}")
            queue.remove(place)
            continue
        if row.kind == PARKED:
            queue.append(place)
        elif queue:
            tally.differs(
                f"{_at(place)}: took effect as seq {row.seq}, while {_at(queue[0])} of its owner waits"
            )
        lane = (place[0], place[1], row.owner)
        before = last.get(lane)
        tally.expect(
            before is None or before[0] < place[2],
            f"{_at(place)}: owner's seq {row.seq} came after seq {before[1] if before else 0}"
            f" of offset {before[0] if before else 0}",
        )
        last[lane] = (place[2], row.seq)
    return tally.result()


def _taken(evidence: Evidence, state: ServiceState, topic: str) -> Sequence[Record]:
    """The records a service says it has gone past."""
    position = {(each.topic, each.partition): each.next_offset for each in state.positions}
    return [
        record
        for record in evidence.topics.get(topic, ())
        if record.offset < position.get((topic, record.partition), 0)
    ]


def _instructions(
    tally: Tally, taken: Sequence[Record], rows_at: Mapping[Place, list[JournalRow]], ledger: ServiceState
) -> None:
    dead = {letter.place: letter for letter in ledger.dead_letters}
    parked = {each.place: each.resolution for each in ledger.parked}
    for record in taken:
        rows = rows_at.get(record.place, [])
        fates = [row.kind for row in rows if row.kind != PARKED]
        where = _at(record.place)
        tally.counted += 1
        if not rows:
            tally.differs(f"{where}: no fate")
        elif len(fates) > 1:
            tally.differs(f"{where}: {len(fates)} fates: {', '.join(fates)}")
        elif not fates:
            waits = record.place in parked and parked[record.place] is None
            if not waits:
                tally.differs(f"{where}: parked, but it does not wait")
        elif len(rows) > 1 and rows[-1].kind == PARKED:
            tally.differs(f"{where}: parked after it had its fate")
        elif len(rows) > 1:
            wanted = "discarded" if fates == [DISCARDED] else "replayed"
            if parked.get(record.place) != wanted:
                tally.differs(f"{where}: {wanted}, but the parked row says {parked.get(record.place)}")
        elif record.place in parked:
            tally.differs(f"{where}: parked without an event")
        _dead_letter(tally, record, dead, unreadable=fates == [UNREADABLE])


def _dead_letter(
    tally: Tally, record: Record, dead: Mapping[Place, DeadLetterRow], *, unreadable: bool
) -> None:
    letter = dead.get(record.place)
    if unreadable != (letter is not None):
        tally.differs(f"{_at(record.place)}: dead letter {'missing' if letter is None else 'not called for'}")
    elif letter is not None and (letter.value or b"") != (record.value or b""):
        tally.differs(f"{_at(record.place)}: the dead letter has other bytes")


def _decisions(
    tally: Tally, taken: Sequence[Record], rows_at: Mapping[Place, list[JournalRow]], ledger: ServiceState
) -> None:
    """A decision may have been sent again; one of its copies has the fate, the others are skipped."""
    dead = {letter.place: letter for letter in ledger.dead_letters}
    copies: dict[tuple[int, bytes, bytes], list[Record]] = defaultdict(list)
    for record in taken:
        headers = dict(record.headers)
        if "seq" in headers and "shard" in headers:
            copies[record.partition, headers["shard"], headers["seq"]].append(record)
            continue
        tally.expect(record.place in dead, f"{_at(record.place)}: no fate")
    for group in copies.values():
        rows = [row for record in group for row in rows_at.get(record.place, ())]
        fates = [row for row in rows if row.kind != PARKED]
        waiting = [row for row in rows if row.kind == PARKED]
        where = _at(group[0].place)
        tally.expect(len(fates) == 1 or bool(waiting and not fates), f"{where}: {len(fates)} fates")


def _acts(
    tally: Tally, taken: Sequence[Record], rows_at: Mapping[Place, list[JournalRow]], ledger: ServiceState
) -> None:
    dead = {letter.place: letter for letter in ledger.dead_letters}
    answered: dict[tuple[int, str], int] = defaultdict(int)
    copies: dict[tuple[int, str], int] = defaultdict(int)
    for record in taken:
        rows = [row for row in rows_at.get(record.place, ()) if row.kind in {"ActDone", UNREADABLE}]
        act_id = _act_id(record)
        unreadable = [row.kind for row in rows] == [UNREADABLE]
        _dead_letter(tally, record, dead, unreadable=unreadable)
        tally.expect(len(rows) == 1, f"{_at(record.place)}: {len(rows)} fates")
        if act_id is None:
            tally.expect(unreadable, f"{_at(record.place)}: not an act, and not unreadable")
        else:
            answered[record.partition, act_id] += len(rows)
            copies[record.partition, act_id] += 1
    _answers(tally, copies, answered)


def _discards(tally: Tally, taken: Sequence[Record], journal: Sequence[JournalRow]) -> None:
    """What is given up was asked for by an act on that very record, once, and the act is answered as done."""
    asked = {
        (record.partition, _act_id(record)): json.loads(record.value or b"")
        for record in taken
        if _act_id(record)
    }
    given_up: dict[tuple[int, str], int] = defaultdict(int)
    done: dict[tuple[int, str], int] = defaultdict(int)
    discards: set[tuple[int, str]] = set()
    for row in journal:
        detail = row.detail or {}
        act = (row.shard, _folded(detail.get("act_id")))
        if row.kind == DISCARDED and row.place is not None:
            given_up[act] += 1
            wanted = asked.get(act, {})
            named = (wanted.get("type"), wanted.get("owner"), *(wanted.get(name) for name in PLACE))
            found = ("discard_parked", row.owner, *row.place)
            tally.same(found, named, f"{_at(row.place)}: given up by act {act[1]}, which names")
        elif row.kind == "ActDone":
            done[act] += bool(detail.get("done"))
            if detail.get("act") == "discard_parked":
                discards.add(act)
    for act, count in sorted(done.items()):
        tally.expect(count <= 1, f"shard {act[0]}: act {act[1]} was done {count} times")
    for act in sorted(discards | set(given_up)):
        tally.same(
            given_up[act], done[act], f"shard {act[0]}: act {act[1]}: records given up and answers done"
        )


def _passed_over(tally: Tally, ledger: ServiceState, journal: Sequence[JournalRow]) -> None:
    """What was passed over was told by the answer to its act, and by then none of it had been taken."""
    told: dict[str, tuple[int, tuple[object, ...]]] = {}
    for row in journal:
        detail = row.detail or {}
        if detail.get("act") == "pass_over_lost" and detail.get("done"):
            names = ("topic", "partition", "from_offset", "until_offset", "approved_by")
            found = (detail["actor"], *(detail["result"][name] for name in names))
            told[_folded(detail["act_id"])] = (row.seq, found)
    for each in ledger.passed_over:
        where = f"{each.topic} {each.partition}:{each.from_offset} passed over"
        seq, said = told.pop(_folded(each.act_id), (0, ()))
        lane, lost = (each.topic, each.partition), (each.from_offset, each.until_offset)
        tally.same(said, (each.actor, *lane, *lost, each.approved_by), where)
        tally.expect(each.actor != each.approved_by, f"{where} by one person")
        taken = [
            row.place
            for row in journal
            if row.place is not None and row.place[:2] == lane and row.place[2] in range(*lost)
            if row.shard == each.partition and row.seq < seq
        ]
        tally.expect(not taken, f"{where}, and {taken[:1]} was taken")
    for act in told:
        tally.differs(f"act {act} has passed records over, and nothing is kept of it")


def _outbox_acts(tally: Tally, taken: Sequence[Record], state: ServiceState) -> None:
    """Acts on the other services are answered by events of their outbox that name the record."""
    dead = {letter.place for letter in state.dead_letters}
    answers: dict[tuple[int, str], int] = defaultdict(int)
    for row in state.outbox:
        if row.type == "ActDone":
            answers[row.shard, _folded(json.loads(row.body).get("act_id"))] += 1
    copies: dict[tuple[int, str], int] = defaultdict(int)
    for record in taken:
        act_id = _act_id(record)
        if act_id is None or record.place in dead:
            tally.expect(record.place in dead, f"{_at(record.place)}: no fate")
        else:
            copies[record.partition, act_id] += 1
    _answers(tally, copies, answers)


def _answers(
    tally: Tally, copies: Mapping[tuple[int, str], int], answers: Mapping[tuple[int, str], int]
) -> None:
    """An act sent twice is done once; each delivery may be answered, at least one must be."""
    for act, sent in sorted(copies.items()):
        count = answers.get(act, 0)
        tally.expect(1 <= count <= sent, f"shard {act[0]}: act {act[1]} sent {sent}, answered {count} times")


def _act_id(record: Record) -> str | None:
    """An act's id, in one spelling; None where the record cannot be one."""
    try:
        value: Any = json.loads(record.value or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("act_id"), str):
        return None
    return _folded(value["act_id"])


def _folded(spelling: object) -> str:
    return str(spelling).lower().replace("-", "").removeprefix("urn:uuid:").strip("{}")


def _commands(tally: Tally, examination: Examination) -> None:
    """What the generator sent stands in the topic as it was sent."""
    for command in examination.evidence.commands or ():
        if command.offset is None:
            continue
        place = (command.topic, command.partition, command.offset)
        record = examination.records.get(place)
        if record is None:
            tally.differs(f"{_at(place)}: sent, but not in the topic")
            continue
        same = (record.key, record.value or b"") == (command.key, command.value or b"")
        tally.expect(same, f"{_at(place)}: the topic has another record than was sent")


def _at(place: Place) -> str:
    return f"{place[0]} {place[1]}:{place[2]}"
