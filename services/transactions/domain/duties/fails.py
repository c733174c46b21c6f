"""What is owed for trades that were not settled on their day moves to the house's accounts of fails."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.transactions.domain.cases import Context
from services.transactions.domain.decisions import Decision
from services.transactions.domain.duties import Duty, Task
from services.transactions.domain.effects.obligations import book, failing_now, overflow, with_fails
from services.transactions.domain.state import ShardState


def _overdue(state: ShardState, recorded_at: datetime) -> Iterator[Task]:
    """Find those whose day has passed: by that day, then as they came."""
    del recorded_at
    latest = max(state.days.values(), default=None)
    for settles_on in sorted(state.settling):
        if latest is None or settles_on >= latest:
            return
        for instruction_id in state.settling[settles_on]:
            pending = state.pendings[instruction_id]
            if pending.is_overdue(state.days[pending.legs[0].debit.entity_id]):
                yield Task(_fail, pending.owner, pending_id=instruction_id)


def _fail(context: Context, task: Task, seq: int) -> Decision | None:
    changes = context.changes
    pending = changes.find_pending(task.pending_id or "")
    if pending is None:
        return None
    day = changes.day_of(pending.legs[0].debit.entity_id)
    booking = failing_now(context.chart, pending, day)
    if booking is None or overflow(changes, [booking], "") is not None:
        return None
    decision = book(changes, pending, booking, day, seq)
    changes.pendings[pending.instruction_id] = replace(
        pending, obligation=with_fails(pending.obligation, decision)
    )
    return decision


FAILS: Final = Duty(_overdue)
