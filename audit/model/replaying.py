"""Every record of every shard again, in the order of the journals."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from audit.evidence import DECISIONS, INSTRUCTIONS, TRANSACTIONS_ACTS, Evidence, Record
from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.decisions import decide
from audit.model.effects import BY_ITSELF
from audit.model.effects.reserves import give_back
from audit.model.ladder import PLACE_REASONS, execute, judge
from audit.model.predictions import Prediction
from audit.model.state import Posted, ShardState
from audit.places import Numbered, Place
from audit.sealed import has_erased
from audit.wire import is_act

EXECUTING = frozenset({"TransactionPosted", "TransactionPending", "InstructionRejected"})
"""What may come of something scheduled when its day has come."""


@dataclass(slots=True)
class Replay:
    """What the model makes of everything."""

    predictions: dict[Numbered, Prediction] = field(default_factory=dict)
    shards: dict[int, ShardState] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    not_remembered: frozenset[str] = PLACE_REASONS


def replay(evidence: Evidence) -> Replay:
    """Handle every record again, in the order of the journal of each shard."""
    return _Replaying(evidence).run()


class _Replaying:
    """Shard after shard; where one decided by what another had posted, that one is read on so far."""

    def __init__(self, evidence: Evidence) -> None:
        self.books = Books(evidence)
        self.books.posted_in = self.posted_in
        self.result = Replay()
        self.records = {
            record.place: record
            for topic in (INSTRUCTIONS, DECISIONS, TRANSACTIONS_ACTS)
            for record in evidence.topics.get(topic, ())
        }
        self.rows: dict[int, deque[JournalRow]] = {}
        for row in sorted(evidence.ledger.journal, key=lambda each: (each.shard, each.seq)):
            self.rows.setdefault(row.shard, deque()).append(row)
        self.result.shards = {shard: self.books.new_shard(shard) for shard in self.rows}
        self.busy: set[int] = set()
        """Shards in the middle of a record."""

    def run(self) -> Replay:
        """Handle all rows of all shards."""
        for shard, rows in self.rows.items():
            while rows:
                self.step(shard)
            for seq, pending in self.result.shards[shard].pendings.items():
                for each in pending.following:
                    self.result.problems.append(f"shard {shard}: nothing says {each.cause} of seq {seq}")
        return self.result

    def step(self, shard: int) -> None:
        """Handle a shard's next row."""
        row = self.rows[shard].popleft()
        self.busy.add(shard)
        said = _one(self.books, self.result.shards[shard], row, self.records, self.result.problems)
        self.busy.discard(shard)
        if said is not None:
            self.result.predictions[row.shard, row.seq] = said

    def posted_in(self, shard: int, instruction_id: UUID) -> Posted | None:
        """What a shard posts for an instruction: it was there when another shard saw it."""
        if shard not in self.rows:
            return None
        posted = self.result.shards[shard].posted
        while instruction_id not in posted and self.rows[shard] and shard not in self.busy:
            self.step(shard)
        return posted.get(instruction_id)


def _erase(state: ShardState, owner: str) -> None:
    """From now on nobody can tell what was personal in what an owner has asked for."""
    for instruction_id, known in state.known.items():
        if known.content.get("owner") == owner:
            state.known[instruction_id] = replace(known, erased=True)


def _one(
    books: Books, state: ShardState, row: JournalRow, records: Mapping[Place, Record], problems: list[str]
) -> Prediction | None:
    """What must have come of the record of one journal row."""
    if row.kind in {"OwnerParked", "RecordDiscarded", "ActDone"}:
        # Our own defects, and people: nothing a model could foresee. Their counting is check 5's.
        if has_erased(row.detail or {}):
            _erase(state, row.owner or "")
        return Prediction(
            row.kind,
            row.reason,
            about_seq=row.about_seq,
            booking_date=row.booking_date,
            value_date=row.value_date,
        )
    if row.place is None and row.kind == "TransactionVoided":
        return give_back(books, state, row)
    if row.place is None and row.kind in EXECUTING:
        said = execute(books, state, row)
        if said is None:
            problems.append(f"shard {row.shard} seq {row.seq}: {row.kind}, but nothing was due")
        return said
    if row.place is None and row.kind in BY_ITSELF:
        said = BY_ITSELF[row.kind](books, state, row)
        if said is None:
            problems.append(f"shard {row.shard} seq {row.seq}: {row.kind}, but nothing was due")
        return said
    record = records.get(row.place) if row.place is not None else None
    if record is None:
        problems.append(f"shard {row.shard} seq {row.seq}: {row.kind} without a delivered record")
        return None
    if record.topic == TRANSACTIONS_ACTS:
        return None if is_act(record.value) else Prediction("RecordUnreadable")
    if record.topic == DECISIONS:
        return decide(books, state, row, record)
    return judge(books, state, row, record)
