"""Walks shards: here, or as the process that `processes` starts beside another."""

import asyncio
import pickle
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books
from services.transactions.queries.verifying.derivation import derive
from services.transactions.queries.verifying.effects.opening import read_chart
from services.transactions.queries.verifying.first_outcomes import same_ids
from services.transactions.queries.verifying.moment import one_moment
from services.transactions.queries.verifying.plain import Ends
from services.transactions.queries.verifying.processes import Order, Task, Told, told_as, walk_beside

KEPT_BYTES: Final = 24 << 20
"""More than any block of rows and its columns; up to 32 MB are followed (mallopt(3), M_MMAP_THRESHOLD)."""


async def walk_all(
    connection: Connection,
    dsn: str,
    walkers: Sequence[Process],
    chart: Books,
    tasks: Sequence[Task],
    progress: Callable[[int], None] | None,
) -> list[Told]:
    """Walk the first task here, on a connection that looks at the snapshot, and the others beside."""
    if len(tasks) == 1:
        return [await walk_here(connection, chart, tasks[0], progress)]
    snapshot: Any = await connection.fetchval("SELECT pg_export_snapshot()")
    beside = [
        walk_beside(walker, Order(dsn, snapshot, task), progress)
        for walker, task in zip(walkers, tasks[1:], strict=False)
    ]
    walks = [
        asyncio.ensure_future(each) for each in (*beside, walk_here(connection, chart, tasks[0], progress))
    ]
    try:
        *others, own = await asyncio.gather(*walks)
    finally:
        # Where one has failed, none of the others may go on with the connection, or be waited for.
        for each in walks:
            each.cancel()
        await asyncio.gather(*walks, return_exceptions=True)
    return [own, *others]


async def walk_here(
    connection: Connection, chart: Books, task: Task, progress: Callable[[int], None] | None
) -> Told:
    """Walk a task's shards on a connection that looks at the snapshot."""
    _keep_what_is_freed()
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


def _keep_what_is_freed() -> None:
    """Have the C library keep the memory of a block for the next one.

    Otherwise it gives each back to the system, and every 4 KB of the next cost a page fault, a tenth of all
    time. Of glibc the largest block that was freed says how much is kept; elsewhere nothing comes of this.
    """
    freed = bytes(KEPT_BYTES)
    del freed


async def _walk_in_snapshot(order: Order) -> Told:
    async with one_moment(order.dsn) as connection:
        # The name is PostgreSQL's own (`pg_export_snapshot`); the statement takes no parameters.
        await connection.execute(f"SET TRANSACTION SNAPSHOT '{order.snapshot}'")
        chart = Books()
        await read_chart(connection, chart)
        return await walk_here(connection, chart, order.task, _tell)


def _tell(found: object) -> None:
    sys.stdout.buffer.write(told_as(found))
    sys.stdout.buffer.flush()


def as_it_travels(problem: Exception) -> Exception:
    """Return what was raised, or what says it where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(problem))  # noqa: S301
    except Exception:  # noqa: BLE001  # whatever an error's own pickling raises
        return RuntimeError(f"{type(problem).__name__}: {problem}")
    return problem


def main() -> None:
    """Wait for the order, walk, and tell what was found; nothing if whoever was to give it is gone."""
    spelt = sys.stdin.buffer.read()
    if not spelt:
        return
    order: Order = pickle.loads(spelt)  # noqa: S301  # by a pipe from the process that started this one
    try:
        _tell(asyncio.run(_walk_in_snapshot(order)))
    except Exception as problem:  # noqa: BLE001  # it is raised where the order came from
        _tell(as_it_travels(problem))


if __name__ == "__main__":
    # Ctrl-C goes to all processes of a terminal, and the one that gave the order says so; where that one is
    # gone, nobody is told.
    with suppress(KeyboardInterrupt, BrokenPipeError):
        main()
