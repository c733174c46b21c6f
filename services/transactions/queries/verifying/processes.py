"""Walks shards in several processes, all of which look at the same snapshot."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final

import asyncpg
from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Findings
from services.transactions.queries.verifying.derivation import derive
from services.transactions.queries.verifying.effects.opening import read_chart
from services.transactions.queries.verifying.first_outcomes import same_ids
from services.transactions.queries.verifying.plain import Ends
from services.transactions.queries.verifying.seals import Anchor

LOOK_SECONDS: Final = 0.5
_progress: list[Any] = []
"""In a process that walks: the counter of rows that all of them share."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one process walks."""

    shards: tuple[tuple[int, int], ...]
    """Each with its last seq."""
    anchors: tuple[Anchor, ...] | None
    runs_from: int | None
    after: int = 0
    """Events up to this number are away."""


Told = tuple[list[Findings], bool]
"""What was found by shard, and whether the ids that are taken in these shards are those of their events."""


async def walk_here(
    connection: Connection, chart: Books, task: Task, progress: Callable[[int], None] | None
) -> Told:
    """Walk a task's shards on a connection that looks at the snapshot."""
    ends = Ends(chart)
    found = [
        await derive(
            connection,
            chart,
            ends,
            shard,
            last_seq,
            after=task.after,
            anchors=task.anchors,
            progress=progress,
            runs_from=task.runs_from,
        )
        for shard, last_seq in task.shards
    ]
    windows = {each.shard.number: each.ids for each in found if each.ids is not None}
    return found, len(windows) == len(found) and await same_ids(connection, windows, task.after)


async def walk_all(
    connection: Connection,
    dsn: str,
    chart: Books,
    tasks: Sequence[Task],
    progress: Callable[[int], None] | None,
) -> list[Told]:
    """Walk the first task here, on a connection that looks at the snapshot, and the others beside."""
    if len(tasks) == 1:
        return [await walk_here(connection, chart, tasks[0], progress)]
    snapshot: Any = await connection.fetchval("SELECT pg_export_snapshot()")
    # Those beside take half a second to start, in which this one walks already.
    beside = asyncio.ensure_future(_walk_beside(dsn, snapshot, tasks[1:], progress))
    await asyncio.sleep(0)
    return [await walk_here(connection, chart, tasks[0], progress), *await beside]


async def _walk_beside(
    dsn: str, snapshot: str, tasks: Sequence[Task], progress: Callable[[int], None] | None
) -> list[Told]:
    """Walk each task in a process of its own, in the snapshot exported under this name."""
    context = get_context("spawn")
    counter = context.Value("Q", 0)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(len(tasks), mp_context=context, initializer=_share, initargs=(counter,)) as pool:
        walks = asyncio.gather(
            *(loop.run_in_executor(pool, _walk_in_process, dsn, snapshot, task) for task in tasks)
        )
        told = 0
        while True:
            done, _ = await asyncio.wait([walks], timeout=LOOK_SECONDS)
            if progress is not None:
                progress(counter.value - told)
                told = counter.value
            if done:
                return await walks


def divided(vector: dict[int, int], processes: int) -> list[tuple[tuple[int, int], ...]]:
    """Divide shards among processes, the longest first to whoever has the least."""
    parts: list[list[tuple[int, int]]] = [[] for _ in range(max(1, min(processes, len(vector))))]
    for shard, last_seq in sorted(vector.items(), key=lambda each: -each[1]):
        min(parts, key=lambda part: sum(rows for _, rows in part)).append((shard, last_seq))
    return [tuple(sorted(part)) for part in parts]


def _share(counter: Any) -> None:
    _progress.append(counter)


def _walk_in_process(dsn: str, snapshot: str, task: Task) -> Told:
    return asyncio.run(_walk_in_snapshot(dsn, snapshot, task))


async def _walk_in_snapshot(dsn: str, snapshot: str, task: Task) -> Told:
    counter = _progress[-1]

    def progress(rows: int) -> None:
        with counter.get_lock():
            counter.value += rows

    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            # The name is PostgreSQL's own (`pg_export_snapshot`); the statement takes no parameters.
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            chart = Books()
            await read_chart(connection, chart)
            return await walk_here(connection, chart, task, progress)
    finally:
        await connection.close()
