"""Makes the parts of the journal ahead of its end; see `docs/decisions/0038-parts-of-the-journal.md`."""

from asyncpg import Connection


async def reach(connection: Connection) -> int:
    """Return the last number for which there is a part; 0 where there is none."""
    found: int | None = await connection.fetchval("SELECT max(last_seq) FROM journal_part")
    return found or 0


async def make(connection: Connection, beyond: int) -> None:
    """Make parts until they reach beyond a number, if they do not."""
    await connection.execute("SELECT make_parts($1)", beyond)
