"""Closing the periods of an entity's books, and the days that are still taken."""

from datetime import date, timedelta
from typing import Final

from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.predictions import Prediction, rejected
from audit.model.state import PeriodStep, ShardState
from audit.wire import HOUSE, Asked

NAMING_ITS_DAY: Final = frozenset({"adjustment", "opening_balance"})
"""Types of which an instruction may say on which day it is booked."""


def holds_a_day(asked: Asked) -> Prediction | None:
    """Form: a period has a day at least."""
    if asked.content["last_day"] < asked.content["first_day"]:
        return rejected("period_empty", "last_day")
    return None


def close_period(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """The next period, once it is over: softly first, or at once."""
    entity, becomes = asked.content["entity"], asked.content.get("state", "closed")
    if entity not in books.first_days:
        return rejected("entity_unknown", "entity")
    if asked.owner != HOUSE:
        return rejected("wrong_owner", "owner")
    first, last = (date.fromisoformat(asked.content[name]) for name in ("first_day", "last_day"))
    if last >= state.today[entity]:
        return rejected("period_not_over", "last_day")
    steps = [each for each in state.periods if each.entity == entity]
    done = [each for each in steps if each.state == "closed"]
    if any(last <= each.last_day for each in (done if becomes == "closed" else steps)):
        return rejected("period_already_closed", "last_day")
    soft = [each for each in steps if all(each.last_day > other.last_day for other in done)]
    if becomes == "closed" and soft:
        is_next = (first, last) == (soft[0].first_day, soft[0].last_day)
    elif steps:
        is_next = first - timedelta(days=1) == max(each.last_day for each in steps)
    else:
        is_next = first <= books.first_days[entity]
    if not is_next:
        return rejected("period_not_next", "first_day")
    state.periods.append(PeriodStep(entity, first, last, becomes, row.seq))
    return Prediction("PeriodClosed", booking_date=state.today[entity])


def not_taken(state: ShardState, entity: str, day: date, asked: Asked) -> Prediction | None:
    """Why nothing that names this booking date is booked on it, if so."""
    steps = [each for each in state.periods if each.entity == entity]
    if day == state.today[entity]:
        return None
    if any(day <= each.last_day for each in steps if each.state == "closed"):
        return rejected("period_closed", "booking_date")
    is_soft = any(each.first_day <= day <= each.last_day for each in steps)
    if asked.type == "opening_balance" and is_soft:
        return rejected("period_closed", "booking_date")
    if is_soft or (asked.type == "opening_balance" and day < state.today[entity]):
        return None
    return rejected("booking_date_not_open", "booking_date")


def day_named(asked: Asked) -> date | None:
    """The booking date that an instruction names for itself."""
    named = asked.content.get("booking_date") if asked.type in NAMING_ITS_DAY else None
    return date.fromisoformat(named) if named else None
