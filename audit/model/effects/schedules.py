"""Requests for a later business day: kept until it, executed on it, or cancelled before."""

from datetime import date
from typing import Final
from uuid import UUID

from audit.ledger_rows import JournalRow
from audit.model.predictions import Prediction, rejected
from audit.model.state import Scheduled, ShardState
from audit.wire import Asked

YEARS: Final = 3
"""How far ahead a day may be, up to the same day of the month."""


def day_named(asked: Asked) -> date | None:
    """The business day on which it is to be carried out, if not at once."""
    text = asked.content.get("execute_on")
    return date.fromisoformat(text) if text else None


def is_due_again(state: ShardState, row: JournalRow, asked: Asked) -> bool:
    """Whether it has waited, and is looked at again because its day has come."""
    waiting = state.scheduled.get(row.about_seq or 0)
    return row.place is None and waiting is not None and waiting.asked is asked


def keep(state: ShardState, row: JournalRow, asked: Asked, entity: str) -> Prediction | None:
    """Keep what names a later day; none for what is to be judged now."""
    execute_on, today = day_named(asked), state.today[entity]
    if execute_on is None or execute_on <= today:
        return None
    years, dates = execute_on.year - today.year, [(day.month, day.day) for day in (execute_on, today)]
    if years > YEARS or (years == YEARS and dates[0] > dates[1]):
        return rejected("execution_too_far", "execute_on")
    state.scheduled[row.seq] = Scheduled(asked, entity, execute_on)
    return Prediction("TransactionScheduled", booking_date=today, execute_on=execute_on)


def day_is_past(state: ShardState, row: JournalRow, asked: Asked, today: date) -> bool:
    """Whether it names a day that is over; what has waited for its day may be late."""
    execute_on = day_named(asked)
    return execute_on is not None and execute_on < today and not is_due_again(state, row, asked)


def named(state: ShardState, asked: Asked) -> tuple[int, Scheduled] | None:
    """What was ever scheduled under the id that an instruction names."""
    wanted = UUID(asked.content["pending_id"])
    found = ((seq, each) for seq, each in state.scheduled.items() if each.asked.instruction_id == wanted)
    return next(found, None)


def cancel(state: ShardState, row: JournalRow, asked: Asked, found: tuple[int, Scheduled]) -> Prediction:
    """Give up what waits, if its day is still to come."""
    seq, waiting = found
    today = state.today[waiting.entity]
    if asked.type != "void_pending" or waiting.execute_on <= today:
        return rejected("not_executed", "pending_id")
    waiting.ended_seq = row.seq
    return Prediction("TransactionCancelled", booking_date=today, resolves=seq)
