"""Reads and writes which periods are closed in a shard."""

from collections.abc import Iterable

from asyncpg import Connection

from services.transactions.domain.periods import ALL_OPEN, Period, PeriodClosing, Periods


async def periods_at(connection: Connection, shard: int) -> dict[int, Periods]:
    """Return what of each entity's books is closed in this shard."""
    rows = await connection.fetch(
        "SELECT entity_id, first_day, last_day, state FROM period WHERE shard = $1 ORDER BY seq", shard
    )
    found: dict[int, Periods] = {}
    for row in rows:
        before = found.get(row["entity_id"], ALL_OPEN)
        found[row["entity_id"]] = before.after(Period(row["first_day"], row["last_day"]), row["state"])
    return found


async def close_periods(connection: Connection, shard: int, closed: Iterable[PeriodClosing]) -> None:
    """Insert steps of periods in this shard."""
    rows = [(entity_id, *period, state, seq) for entity_id, period, state, seq in closed]
    if rows:
        await connection.execute(
            """
            INSERT INTO period (shard, entity_id, first_day, last_day, state, seq)
            SELECT $1, * FROM unnest($2::int[], $3::date[], $4::date[], $5::text[], $6::bigint[])
            """,
            shard,
            *map(list, zip(*rows, strict=True)),
        )
