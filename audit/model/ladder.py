"""The ladder: place, identity and form; what follows is the instruction's own effect."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from audit.evidence import Record
from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects import EFFECTS
from audit.model.form import form
from audit.model.predictions import Prediction, rejected
from audit.model.state import MEMBER, KnownId, Posted, ShardState
from audit.places import partition_of
from audit.sealed import public
from audit.wire import BROADCAST, HOUSE, Asked, Unreadable, read_instruction

GROUP: Final = "group"
PLACE_REASONS: Final = frozenset({"wrong_key", "wrong_partition"})
"""Rejections of rung 1: they do not use up the id."""


def judge(books: Books, state: ShardState, row: JournalRow, record: Record) -> Prediction:
    """The ladder: the first rung that fails names the reason. A dry run goes up it and leaves nothing."""
    asked = read_instruction(record.value)
    if isinstance(asked, Unreadable):
        return Prediction("RecordUnreadable")
    if not asked.dry_run:
        return _climb(books, state, row, record, asked)
    tried = _climb(books, state.on_trial(), row, record, asked)
    return Prediction(
        "DryRunJudged", tried.reason, about_seq=tried.about_seq, content=tried.content, tried=tried
    )


def _climb(books: Books, state: ShardState, row: JournalRow, record: Record, asked: Asked) -> Prediction:
    if asked.type in BROADCAST:
        if record.key != HOUSE.encode():
            return rejected("wrong_key")
    elif record.key != asked.owner.encode():
        return rejected("wrong_key")
    elif record.partition != partition_of(asked.owner.encode(), books.partitions):
        return rejected("wrong_partition")
    known = state.known.get(asked.instruction_id)
    if known is not None:
        kept = public if known.erased else dict
        differs = _first_difference(kept(known.content), kept(asked.content))
        if differs:
            said = rejected("id_reused", *differs)
            said.about_seq = known.seq
            return said
        return Prediction("DuplicateReceived", about_seq=known.seq)
    used = _member_used(state, asked)
    if used is not None:
        return used
    return _outcome(books, state, row, asked)


def execute(books: Books, state: ShardState, row: JournalRow) -> Prediction | None:
    """What comes of something scheduled whose day has come; none where nothing was due."""
    waiting = state.scheduled.get(row.about_seq or 0)
    if waiting is None or waiting.ended_seq is not None:
        return None
    if waiting.execute_on > state.today[waiting.entity]:
        return None
    known = state.known[waiting.asked.instruction_id]
    said = _outcome(books, state, row, waiting.asked)
    state.known[waiting.asked.instruction_id] = known
    waiting.ended_seq = row.seq
    said.about_seq = said.executes = row.about_seq
    if said.kind == "TransactionPosted":
        said.content = None
    return said


def _outcome(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    effect = EFFECTS[asked.type]
    wrong = form(books, state, row, asked, effect)
    said = wrong or effect.outcome(books, state, row, asked)
    if not asked.wrong and said.reason != "too_large":
        said.content = asked.content
    if said.kind == "TransactionPosted":
        state.note_values(said, books.day_of(state, said.movements[0].debit))
        posted = Posted(row.seq, asked.type, said.movements, asked.owner, said.reopens)
        state.posted[asked.instruction_id] = state.made[row.seq] = posted
    state.known[asked.instruction_id] = KnownId(row.seq, asked.content, said.kind, said.reason)
    if asked.type == GROUP and wrong is None:
        said.takes_members = True
        for member in asked.content["members"]:
            state.known[UUID(member["instruction_id"])] = KnownId(row.seq, member, said.kind, said.reason)
            state.posted[UUID(member["instruction_id"])] = Posted(row.seq, MEMBER, [], asked.owner)
    return said


def _member_used(state: ShardState, asked: Asked) -> Prediction | None:
    """Rung 2 of a group's members: none of their ids has come before."""
    if asked.type != GROUP or asked.wrong:
        return None
    for number, member in enumerate(asked.content["members"]):
        known = state.known.get(UUID(member["instruction_id"]))
        if known is not None:
            said = rejected("member_id_used", "members")
            said.about_seq, said.member = known.seq, number
            return said
    return None


def _first_difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[str, ...]:
    """Fields in which two contents differ; empty for the same content."""
    return tuple(
        name
        for name in sorted(set(first) | set(second))
        if first.get(name, _MISSING) != second.get(name, _MISSING)
    )


_MISSING: Final = object()
