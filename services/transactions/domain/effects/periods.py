"""A period of an entity's books is closed, and what may still be booked into it.

A booking date is the open business day, and a period is closed behind that day alone: so all that a closed
period could still take is what names a booking date itself.
"""

from datetime import date, timedelta
from typing import Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain.cases import Case, entity_of_house
from services.transactions.domain.changes import Changes
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.open_pendings import OpenPending
from services.transactions.domain.periods import Period, PeriodClosing


def _form(case: Case) -> Refusal | None:
    message = case.record.message
    if message.last_day < message.first_day:
        return Refusal("period_empty", "last_day", "it would hold no day at all")
    return None


def _references(case: Case) -> Refusal | None:
    return entity_of_house(case, "periods are the house's")


def _state(case: Case) -> Refusal | None:
    message = case.record.message
    changes = case.context.changes
    entity = case.context.chart.entities[message.entity]
    if message.last_day >= case.day:
        return Refusal("period_not_over", "last_day", f"the open day is {case.day}")
    periods = changes.periods_of(entity.entity_id)
    until = periods.closed_until if message.state == "closed" else periods.closed_in_any_way()
    if until is not None and message.last_day <= until:
        return Refusal("period_already_closed", "last_day", f"closed up to {until}")
    if not periods.may_follow(_period(case), message.state, entity.first_booking_date):
        return Refusal("period_not_next", "first_day", _next_words(case))
    return None


def _next_words(case: Case) -> str:
    message = case.record.message
    entity = case.context.chart.entities[message.entity]
    periods = case.context.changes.periods_of(entity.entity_id)
    if message.state == "closed" and periods.soft_closed:
        return "the next one is from {} to {}".format(*periods.soft_closed[0])
    last_day = periods.closed_in_any_way()
    if last_day is None:
        return f"the first one begins on {entity.first_booking_date} or earlier"
    return f"the next one begins on {last_day + timedelta(days=1)}"


def _period(case: Case) -> Period:
    message = case.record.message
    return Period(message.first_day, message.last_day)


def _accept(case: Case, decision: Decision) -> None:
    message = case.record.message
    entity_id = case.context.chart.entities[message.entity].entity_id
    case.context.changes.close_period(PeriodClosing(entity_id, _period(case), message.state, case.seq))
    decision.kind = kinds.PERIOD_CLOSED
    decision.detail = {
        "entity": message.entity,
        "first_day": message.first_day.isoformat(),
        "last_day": message.last_day.isoformat(),
        "state": message.state,
    }


def refuse_booking_date(changes: Changes, entity_id: int, day: date) -> Refusal | None:
    """Refuse a booking date that was named, unless it is the open day or in a soft-closed period."""
    open_day = changes.day_of(entity_id)
    periods = changes.periods_of(entity_id)
    if day == open_day or periods.is_soft_closed(day):
        return None
    if periods.is_closed(day):
        return Refusal("period_closed", "booking_date", f"closed up to {periods.closed_until}")
    return Refusal("booking_date_not_open", "booking_date", f"the open day is {open_day}")


def booking_date_of(changes: Changes, pending: OpenPending) -> tuple[date, Refusal | None]:
    """Return the day on which what ends a pending transaction is booked, and why it may not be posted.

    What named a day of its own keeps it while that takes adjustments; after that it can only be given back.
    """
    entity_id = pending.legs[0].debit.entity_id
    if pending.booking_date is None:
        return changes.day_of(entity_id), None
    refusal = refuse_booking_date(changes, entity_id, pending.booking_date)
    if refusal is None:
        return pending.booking_date, None
    return changes.day_of(entity_id), refusal


CLOSE_PERIOD: Final = Effect(
    form=_form, references=_references, state=_state, accept=_accept, dates=("first_day", "last_day")
)
