"""What is scheduled is judged when its day has come, as if it came then."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.transactions.domain.cases import Context
from services.transactions.domain.decisions import Decision
from services.transactions.domain.duties import Duty, Task
from services.transactions.domain.ledger import execute
from services.transactions.domain.planning import TransactionType
from services.transactions.domain.records import Record
from services.transactions.domain.state import ShardState


def _due(state: ShardState, recorded_at: datetime) -> Iterator[Task]:
    """Find those whose day has come: by that day, then as they came."""
    del recorded_at
    latest = max(state.days.values(), default=None)
    for execute_on in sorted(state.schedule):
        if latest is None or execute_on > latest:
            return
        for instruction_id in state.schedule[execute_on]:
            waiting = state.scheduled[instruction_id]
            if waiting.is_due(state.days[waiting.entity_id]):
                yield Task(_execute, waiting.owner, waiting=waiting)


def with_contents(
    tasks: Iterable[Task], contents: Mapping[int, bytes], types: Mapping[str, TransactionType]
) -> list[Task]:
    """Return the tasks, those about what was scheduled with what that asks: `contents`, by seq."""
    return [task if task.waiting is None else _read(task, contents, types) for task in tasks]


def _read(task: Task, contents: Mapping[int, bytes], types: Mapping[str, TransactionType]) -> Task:
    assert task.waiting is not None
    record = Record.of_content(contents[task.waiting.seq], types)
    return replace(task, record=record, accounts=record.accounts)


def _execute(context: Context, task: Task, seq: int) -> Decision | None:
    assert task.waiting is not None
    assert task.record is not None
    waiting = context.changes.find_scheduled(task.waiting.instruction_id)
    if waiting is None or not waiting.is_due(context.changes.day_of(waiting.entity_id)):
        return None
    return execute(waiting, task.record, context, seq)


EXECUTION: Final = Duty(_due)
