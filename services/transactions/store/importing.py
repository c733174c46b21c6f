"""Takes a whole ledger in: every row of every table as an export holds it, where nothing has happened yet.

Run as the owner of the schema, whose name is the search path, while no service works it. Nothing is worked
until `release`: the shards are halted in the transaction that fills them.
"""

from collections.abc import Callable, Iterator, Mapping
from graphlib import TopologicalSorter
from io import BytesIO
from itertools import islice
from typing import Any, Final

from asyncpg import Connection

from services.transactions.store import parts

NOT_THE_LEDGERS: Final = ("migration", "topology", "journal_part")
"""Tables that say how the database was made; they are not filled."""
NOT_VERIFIED: Final = "import: not verified yet"
LINES: Final = 20_000
"""So many are taken in at a time."""


class ImportRefusedError(ValueError):
    """The export cannot be taken in here; nothing was changed."""


async def import_rows(
    connection: Connection,
    manifest: Mapping[str, Any],
    lines: Callable[[str], Iterator[bytes]],
    *,
    new_topics: bool,
    progress: Callable[[str, int], None],
) -> dict[int, str | None]:
    """Fill all tables from an export that was checked, and return why each shard was halted before.

    `lines` gives those of the file of a name.

    With `new_topics` what refers to places on Kafka's topics is let go: reading begins at their starts, and
    every event is to be published again. Raises `ImportRefusedError`.
    """
    async with connection.transaction():
        await connection.execute("LOCK TABLE shard IN ACCESS EXCLUSIVE MODE")
        await _refuse(connection, manifest)
        tables = await _tables(connection)
        if set(tables) != set(manifest["kept"]):
            raise ImportRefusedError("the export does not hold the tables that this schema has")
        await connection.execute(f"TRUNCATE {', '.join(tables.values())}")
        await parts.make(connection, max(manifest["vector"].values(), default=0))
        await connection.execute("CREATE TEMPORARY TABLE import_line (line json) ON COMMIT DROP")
        for name, quoted in tables.items():
            await _fill(connection, lines(f"kept.{name}"), name, quoted, progress)
        await _count_on(connection)
        if new_topics:
            await _let_go(connection)
        halted = await connection.fetch("SELECT shard, halted FROM shard")
        await connection.execute(
            "UPDATE shard SET halted = $1, owner = NULL, session = NULL, released = true", NOT_VERIFIED
        )
    await connection.execute("ANALYZE")
    return {row["shard"]: row["halted"] for row in halted}


async def release(connection: Connection, halted: Mapping[int, str | None]) -> None:
    """Let the shards be worked that were before."""
    await connection.execute(
        """
        UPDATE shard SET halted = before.halted
        FROM unnest($1::int[], $2::text[]) AS before (shard, halted)
        WHERE shard.shard = before.shard
        """,
        list(halted),
        list(halted.values()),
    )


async def empty(connection: Connection, partitions: int) -> None:
    """Take everything out again; the chart is to be loaded anew."""
    async with connection.transaction():
        await connection.execute(f"TRUNCATE {', '.join((await _tables(connection)).values())}")
        await connection.execute(
            "INSERT INTO shard (shard) SELECT generate_series(0, $1::int - 1)", partitions
        )


async def _refuse(connection: Connection, manifest: Mapping[str, Any]) -> None:
    worked = await connection.fetchval("SELECT count(*) FROM shard WHERE NOT released")
    if worked:
        raise ImportRefusedError(f"a service works {worked} shards here, or was ended while it did")
    if await connection.fetchval("SELECT EXISTS (SELECT FROM journal_row) OR max(last_seq) > 0 FROM shard"):
        raise ImportRefusedError("this ledger is not empty")
    migrations = dict(await connection.fetch("SELECT name, sha256 FROM migration"))
    if migrations != manifest["migrations"]:
        raise ImportRefusedError("the export was made by another version of this program")
    partitions = await connection.fetchval("SELECT partitions FROM topology")
    if partitions != len(manifest["vector"]):
        raise ImportRefusedError(f"the export has {len(manifest['vector'])} shards, this schema {partitions}")


async def _tables(connection: Connection) -> dict[str, str]:
    """Return all tables, quoted, each behind those it refers to."""
    rows = await connection.fetch(
        """
        SELECT relname::text AS name, format('%I', relname) AS quoted, ARRAY(
            SELECT target.relname::text
            FROM pg_constraint
            JOIN pg_class AS target ON target.oid = confrelid
            WHERE conrelid = pg_class.oid AND contype = 'f' AND confrelid <> conrelid
        ) AS refers_to
        FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
          AND relname <> ALL ($1::text[])
        ORDER BY relname
        """,
        list(NOT_THE_LEDGERS),
    )
    quoted = {row["name"]: row["quoted"] for row in rows}
    order = TopologicalSorter({row["name"]: row["refers_to"] for row in rows}).static_order()
    return {name: quoted[name] for name in order}


async def _fill(
    connection: Connection,
    lines: Iterator[bytes],
    name: str,
    quoted: str,
    progress: Callable[[str, int], None],
) -> None:
    done = 0
    while chunk := list(islice(lines, LINES)):
        await connection.copy_to_table(
            "import_line", source=BytesIO(b"".join(chunk)), columns=["line"],
            format="csv", delimiter="\x02", quote="\x01", encoding="utf-8",
        )  # fmt: skip
        await connection.execute(
            f"""
            INSERT INTO {quoted} OVERRIDING SYSTEM VALUE
            SELECT kept.* FROM import_line CROSS JOIN json_populate_record(NULL::{quoted}, line) AS kept
            """  # noqa: S608
        )
        await connection.execute("TRUNCATE import_line")
        done += len(chunk)
        progress(name, done)


async def _count_on(connection: Connection) -> None:
    """Let numbers that the database gives go on behind those that are there."""
    for row in await connection.fetch(
        """
        SELECT format('%I', table_name) AS quoted, format('%I', column_name) AS number,
               pg_get_serial_sequence(format('%I', table_name), column_name) AS sequence
        FROM information_schema.columns
        WHERE table_schema = current_schema() AND is_identity = 'YES'
        """
    ):
        last = await connection.fetchval(f"SELECT max({row['number']}) FROM {row['quoted']}")  # noqa: S608
        if last is not None:
            await connection.execute("SELECT setval($1::text::regclass, $2)", row["sequence"], last)


async def _let_go(connection: Connection) -> None:
    """Forget places on topics that are not there any more."""
    if await connection.fetchval("SELECT EXISTS (SELECT FROM parked WHERE resolved_at IS NULL)"):
        raise ImportRefusedError("records are parked: replay or discard them before the export")
    await connection.execute("TRUNCATE position, attempt, source_mark")
    await connection.execute("UPDATE shard SET published_seq = 0")
    await connection.execute("UPDATE sent SET published_seq = 0, published_offset = -1")
    # Their places may be taken again by records of the new topics.
    await connection.execute('UPDATE dead_letter SET "offset" = -1 - "offset"')
    await connection.execute('UPDATE parked SET "offset" = -1 - "offset"')
