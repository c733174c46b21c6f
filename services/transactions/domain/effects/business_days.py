"""An entity's books move on to another business day."""

from typing import Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain.cases import Case, entity_of_house
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.openings import open_day


def _references(case: Case) -> Refusal | None:
    return entity_of_house(case, "business days are the house's")


def _state(case: Case) -> Refusal | None:
    if case.record.message.booking_date > case.day:
        return None
    return Refusal("business_day_not_later", "booking_date", f"the open day is {case.day}")


def _accept(case: Case, decision: Decision) -> None:
    message = case.record.message
    changes = case.context.changes
    entity_id = case.context.chart.entities[message.entity].entity_id
    open_day(changes, entity_id, message.booking_date, case.seq)
    case.context.terms.clear()
    decision.kind = kinds.DAY_OPENED
    decision.booking_date = message.booking_date
    decision.detail = {"entity": message.entity, "previous": case.day.isoformat()}


OPEN_BUSINESS_DAY: Final = Effect(
    references=_references, state=_state, accept=_accept, dates=("booking_date",)
)
