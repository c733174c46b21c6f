"""Says what is due in a shard by itself, a bounded piece at a time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from services.transactions.domain.duties import Duty, Task
from services.transactions.domain.duties.closing import CLOSING
from services.transactions.domain.duties.execution import EXECUTION
from services.transactions.domain.duties.expiry import EXPIRY
from services.transactions.domain.duties.fails import FAILS
from services.transactions.domain.state import ShardState

DUTIES: Final[tuple[Duty, ...]] = (EXPIRY, FAILS, EXECUTION, CLOSING)
"""In the order in which their tasks are performed."""

TASKS_MAX: Final = 500
"""Of one duty, in one shard at one time: what is left is done the next time."""


def tasks_due(
    state: ShardState, recorded_at: datetime, parked: Collection[str], duties: Sequence[Duty] = DUTIES
) -> list[Task]:
    """Return the next tasks of each duty, without those of owners whose records are parked."""
    due: list[Task] = []
    for duty in duties:
        free = (task for task in duty.find(state, recorded_at) if task.owner not in parked)
        due += islice(free, TASKS_MAX)
    return due
