"""What is still reserved when it has expired is given back."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain.cases import Context
from services.transactions.domain.decisions import Decision
from services.transactions.domain.duties import Duty, Task
from services.transactions.domain.effects.pendings import settle
from services.transactions.domain.state import ShardState


def _expired(state: ShardState, recorded_at: datetime) -> Iterator[Task]:
    """Find those that stand no longer: by their last day, then as they came."""
    del recorded_at
    latest = max(state.days.values(), default=None)
    for last_day in sorted(state.expiries):
        if latest is None or last_day >= latest:
            return
        for instruction_id in state.expiries[last_day]:
            pending = state.pendings[instruction_id]
            if pending.has_expired(state.days[pending.legs[0].debit.entity_id]):
                yield Task(_give_back, pending.owner, pending_id=instruction_id)


def _give_back(context: Context, task: Task, seq: int) -> Decision | None:
    """Void what is left of it; freezes stop nothing, for nothing is taken from anybody."""
    changes = context.changes
    pending = changes.find_reserved(task.pending_id or "")
    if pending is None or not changes.has_expired(pending):
        return None
    day = changes.day_of(pending.legs[0].debit.entity_id)
    decision = Decision(
        seq,
        kinds.VOIDED,
        None,
        None,
        None,
        pending.instruction_id,
        pending.instruction_type,
        pending.owner,
        about_seq=pending.seq,
        booking_date=day,
        value_date=pending.value_date or day,
        reason="expired",
        content=pending.content,
        content_hash=pending.content_hash,
        legs=[settle(changes, leg, posted=False) for leg in pending.legs],
    )
    changes.end_pending(pending, seq)
    return decision


EXPIRY: Final = Duty(_expired)
