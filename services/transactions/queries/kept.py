"""Exports every table of the schema, row by row, as it is kept: what `ledger import` takes in again."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from asyncpg import Connection

NOT_THE_LEDGERS: Final = ("migration", "topology", "journal_part")
"""Tables that say how the database was made."""

Copy = Callable[[str, str], Awaitable[dict[str, Any]]]
"""Writes what a query gives into the file of this name, and returns what the manifest says of it."""


async def export_kept(connection: Connection, copy: Copy) -> dict[str, Any]:
    """Write one file for each table, and return what is to be known to take them in.

    Runs in the export's snapshot. Rows come in the order in which they stand, which is the one they were
    written in.
    """
    tables = await connection.fetch(
        """
        SELECT relname::text AS name, format('transactions.%I', relname) AS quoted
        FROM pg_class
        WHERE relnamespace = 'transactions'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
          AND relname <> ALL ($1::text[])
        ORDER BY relname
        """,
        list(NOT_THE_LEDGERS),
    )
    files = [
        await copy(f"kept.{table['name']}", f"SELECT row_to_json(line) FROM {table['quoted']} AS line")  # noqa: S608
        for table in tables
    ]
    migrations = await connection.fetch("SELECT name, sha256 FROM transactions.migration ORDER BY name")
    return {
        "files": files,
        "kept": [table["name"] for table in tables],
        "migrations": {row["name"]: row["sha256"] for row in migrations},
    }
