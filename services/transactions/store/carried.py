"""Reads and writes which accounts had a balance carried over, and for which day."""

from collections.abc import Iterable
from datetime import date

from asyncpg import Connection


async def carried_at(connection: Connection, shard: int) -> dict[int, date]:
    """Return the accounts whose balance was carried over, with the last day for which one was."""
    rows = await connection.fetch(
        "SELECT account_id, max(booking_date) AS day FROM carried_over WHERE shard = $1 GROUP BY account_id",
        shard,
    )
    return {row["account_id"]: row["day"] for row in rows}


async def carry_over(connection: Connection, shard: int, carried: Iterable[tuple[int, date, int]]) -> None:
    """Insert balances carried over: account, booking date, seq."""
    rows = list(carried)
    if rows:
        await connection.execute(
            """
            INSERT INTO carried_over (shard, account_id, booking_date, seq)
            SELECT $1, * FROM unnest($2::bigint[], $3::date[], $4::bigint[])
            """,
            shard,
            *map(list, zip(*rows, strict=True)),
        )
