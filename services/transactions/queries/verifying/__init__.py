"""Derives the books anew from journal and movements, and names the first thing that differs.

Shares no code with what posts: its own arithmetic and its own spelling over what the tables say. Everything
is read in one snapshot up to the vector of `last_seq`, so it can run beside the service. What is kept in
memory grows with accounts, pending transactions and freezes, not with events; but where the topic is compared
too, a digest of each of its events is kept.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from asyncpg import Connection

from services.transactions.queries.parts import detached_until, need_from
from services.transactions.queries.verifying.attached import CHECKS_ATTACHED, compare_attached
from services.transactions.queries.verifying.books import CHECKS, RUNS_FROM, Books, Findings
from services.transactions.queries.verifying.effects import EFFECTS
from services.transactions.queries.verifying.effects.movements import compare_sides
from services.transactions.queries.verifying.effects.opening import read_chart
from services.transactions.queries.verifying.effects.passing_over import read_passed_over
from services.transactions.queries.verifying.moment import one_moment
from services.transactions.queries.verifying.processes import Task, divided, started
from services.transactions.queries.verifying.published import PublishedEvent, compare_published
from services.transactions.queries.verifying.result import Check, Difference, VerifyResult
from services.transactions.queries.verifying.seals import Anchor

__all__ = [
    "CHECKS",
    "CHECKS_ATTACHED",
    "Anchor",
    "Check",
    "Difference",
    "PublishedEvent",
    "VerifyResult",
    "compare_published",
    "verify",
]

Comparison = Callable[[Connection, dict[int, int]], Awaitable[tuple[Check, Difference | None]]]
"""Compares something with the journal up to a vector; see `compare_published`."""


async def verify(
    dsn: str,
    progress: Callable[[int], None] | None = None,
    published: Comparison | None = None,
    *,
    seals: bool = True,
    anchors: Sequence[Anchor] = (),
    processes: int = 1,
    quick: bool = True,
    runs_from: int = RUNS_FROM,
    attached: bool = False,
) -> VerifyResult:
    """Check the whole ledger and return what was found.

    `progress` is told the number of journal rows read so far. `published` compares the topic with the
    journal up to the vector it is given (see `compare_published`); without it that is not checked. With
    `seals`, every event is hashed anew and compared with chains, seals and `anchors`: what differs is named
    by the last event of the seal, or by the event that an anchor is of. An anchor beyond the vector says that
    the journal's end was removed. Shards are walked by so many `processes`. Plain
    transactions are walked in columns where at least `runs_from` follow each other; without `quick` they are
    walked row by row as all others are, which finds the same.

    Raises `ConnectionError` where the database ends a connection, and `PartsDetachedError` where not all of
    the journal is there; unless with `attached` only what can be seen of what is there is wanted
    (`CHECKS_ATTACHED` and seals; `published` is then not compared).
    """
    began = asyncio.get_running_loop().time()
    read = 0

    def count(rows: int) -> None:
        nonlocal read
        read += rows
        if progress is not None:
            progress(read)

    # Those beside are started first: they load while this one does, and reads the chart.
    async with started(processes - 1) as walkers, one_moment(dsn) as connection:
        # Columns need numpy, for which nothing else that asks the ledger should wait.
        from services.transactions.queries.verifying.first_outcomes import compare_keys
        from services.transactions.queries.verifying.walker import walk_all

        vector: dict[int, int] = {
            row["shard"]: row["last_seq"]
            for row in await connection.fetch("SELECT shard, last_seq FROM transactions.shard")
        }
        after = await detached_until(connection) if attached else 0
        if not attached:
            await need_from(connection, 1)
        books = Books()
        await read_chart(connection, books)
        tasks = [
            Task(part, tuple(anchors) if seals else None, runs_from if quick else None, after)
            for part in divided(vector, processes)
        ]
        told = await walk_all(connection, dsn, walkers, books, tasks, count)
        found = sorted((each for part, _ in told for each in part), key=lambda each: each.shard.number)
        for each in found:
            books.take(each)
        await compare_keys(connection, books, same=all(same for _, same in told), after=after)
        if after:
            await compare_attached(connection, books)
        else:
            for effect in EFFECTS:
                await effect.compare(connection, books)
        assets = await compare_sides(connection, books)
        passed_over = await read_passed_over(connection)
        checks = [each for each in books.checks.values() if not after or each.name in CHECKS_ATTACHED]
        first = books.first
        if seals:
            checks.append(_sealed(found))
            first = first or checks[-1].first
        if published is not None and not after:
            check, difference = await published(connection, vector)
            checks.append(check)
            first = first or difference
    return VerifyResult(
        ok=all(each.ok for each in checks),
        instructions=books.instructions,
        movements=books.movements,
        assets=assets,
        from_seq=after + 1,
        as_of={str(shard): seq for shard, seq in sorted(vector.items())},
        passed_over=passed_over,
        checks=checks,
        first_difference=first,
        seconds=asyncio.get_running_loop().time() - began,
    )


def _sealed(found: Sequence[Findings]) -> Check:
    differences = [each.seals for each in found if each.seals is not None]
    first = differences[0] if differences else None
    return Check("seals", ok=first is None, checked=sum(each.sealed for each in found), first=first)
