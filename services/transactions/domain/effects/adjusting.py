"""The firm's own books are put right: movements that two people answer for."""

from dataclasses import replace
from typing import Final

from services.transactions.domain.cases import Case
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Refusal
from services.transactions.domain.effects.authority import two_people
from services.transactions.domain.effects.movements import MOVEMENTS
from services.transactions.domain.effects.periods import refuse_booking_date


def _form(case: Case) -> Refusal | None:
    return MOVEMENTS.form(case) or two_people(case.record.message, needed=True)


def _status(case: Case) -> Refusal | None:
    day = case.record.message.booking_date
    stopped = MOVEMENTS.status(case)
    if stopped is not None or day is None:
        return stopped
    return refuse_booking_date(case.context.changes, case.moves[0][0].entity_id, day)


def _accept(case: Case, decision: Decision) -> None:
    message = case.record.message
    MOVEMENTS.accept(case, decision)
    if message.booking_date is not None:
        decision.booking_date = message.booking_date
        decision.value_date = message.value_date or message.booking_date


ADJUST: Final = replace(MOVEMENTS, form=_form, status=_status, accept=_accept, dates=("booking_date",))
