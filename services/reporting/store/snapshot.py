"""One consistent view of the aggregates of all shards, with the vector it is true at.

Other processes add to their shards' rows all the time, and a batch's own transaction is READ COMMITTED: each
of its statements would see another state. So a report reads on a second connection, in one REPEATABLE READ
READ ONLY transaction: its queries, the vector and what it is held against see exactly the same commits. It
does not see the batch that carries the act, which is not committed; the vector says so.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from importlib import resources
from typing import Any, Final

from asyncpg import Connection

from services.reporting.domain.report import Answer
from shared.messages.topics import JOURNAL

Connect = Callable[[], Awaitable[Any]]
"""Opens a connection as the service's own login."""
OpenSnapshot = Callable[[], AbstractAsyncContextManager["Snapshot"]]

_NAMED: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class Snapshot:
    """The committed state of one moment, for as long as it is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def vector(self) -> dict[int, int]:
        """Read how far each shard of the ledger has been taken: its last `seq` on its own partition."""
        rows = await self._connection.fetch(
            """
            SELECT source_shard, last_seq
            FROM source_mark
            WHERE topic = $1 AND partition = source_shard AND last_seq > 0
            ORDER BY source_shard
            """,
            JOURNAL.name,
        )
        return {row["source_shard"]: row["last_seq"] for row in rows}

    async def taken(self) -> dict[int, int]:
        """Count the events of the ledger taken from each shard, of all kinds and days."""
        rows = await self._connection.fetch(
            "SELECT shard, sum(count)::bigint AS count FROM taken WHERE topic = $1 GROUP BY shard",
            JOURNAL.name,
        )
        return {row["shard"]: row["count"] for row in rows}

    async def ask(self, report: str, arguments: Sequence[Any]) -> dict[str, Answer]:
        """Run the queries of a report's `.sql` file and return what each gave, by its name."""
        return {
            name: await self._connection.fetch(query, *arguments)
            for name, query in queries_of(report).items()
        }


@asynccontextmanager
async def open_snapshot(connect: Connect) -> AsyncIterator[Snapshot]:
    """Open a connection and hold one snapshot on it."""
    connection = await connect()
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            # Room for one group an account; with less PostgreSQL walks the index, at a page a row.
            await connection.execute("SET LOCAL work_mem = '64MB'")
            yield Snapshot(connection)
    finally:
        await connection.close()


@cache
def queries_of(report: str) -> Mapping[str, str]:
    """Read the named queries of a report, from the `.sql` file beside it."""
    text = resources.files("services.reporting.reports").joinpath(f"{report}.sql").read_text(encoding="utf-8")
    _, *parts = _NAMED.split(text)
    return {name: query.strip() for name, query in zip(parts[::2], parts[1::2], strict=True)}
