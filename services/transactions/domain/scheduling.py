"""Requests for a later business day: put off until it, and given up before it.

What executes them on their day is a duty: `services.transactions.domain.duties.execution`.
"""

from datetime import date
from typing import Any, Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain.cases import Case
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Refusal
from services.transactions.domain.planning import TransactionType
from services.transactions.domain.state import Waiting

YEARS_AHEAD_MAX: Final = 3
"""An order for a day further on is a mistake in the year, or a standing order that upstream should keep."""


def may_name_a_day(kind: TransactionType, message: Any) -> Refusal | None:
    """Form: a fact has happened, and what changes accounts or names others is done when it comes."""
    if message.execute_on is None or kind.schedulable:
        return None
    return Refusal("not_schedulable", "execute_on", f"a {kind.code} is not carried out on a later day")


def waits(case: Case) -> bool:
    """Say whether its day is a later one, once references have found whose days count."""
    execute_on = case.record.message.execute_on
    return execute_on is not None and execute_on > case.day


def is_in_reach(case: Case) -> Refusal | None:
    """State: its day is the open one or one of the years to come. On its day, that may have gone by."""
    execute_on = case.record.message.execute_on
    if execute_on is None or case.waited is not None:
        return None
    if execute_on < case.day:
        return Refusal("execution_past", "execute_on", f"the open day is {case.day}")
    last = _in_years(case.day, YEARS_AHEAD_MAX)
    if execute_on > last:
        return Refusal("execution_too_far", "execute_on", f"the last day is {last}")
    return None


def _in_years(day: date, years: int) -> date:
    """Return the same day of a later year; of 29 February the 28th, where that year has no other."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def put_off(case: Case, decision: Decision) -> None:
    """Keep a request until its day."""
    entity = case.moves[0][0]
    execute_on = case.record.message.execute_on
    decision.kind = kinds.SCHEDULED
    decision.detail = {"entity": entity.entity, "execute_on": execute_on.isoformat()}
    waiting = Waiting(
        case.seq, decision.instruction_id or "", case.record.owner or "", entity.entity_id, execute_on
    )
    case.context.changes.put_off_until(waiting)


def cancel(case: Case, waiting: Waiting, decision: Decision) -> None:
    """Give up what waits for its day."""
    changes = case.context.changes
    entity = case.context.chart.entities_by_id[waiting.entity_id]
    decision.kind = kinds.CANCELLED
    decision.detail = {
        "entity": entity.code,
        "resolves": {"shard": changes.state.shard, "seq": waiting.seq},
    }
    changes.end_waiting(waiting, decision.seq)
