"""Reads and writes what waits for its day."""

from collections.abc import Iterable, Sequence

from asyncpg import Connection

from services.transactions.domain.state import Waiting
from services.transactions.store.arrays import array_of


async def waiting_at(connection: Connection, shard: int) -> dict[str, Waiting]:
    """Return what waits for its day in this shard, by instruction id."""
    rows = await connection.fetch(
        """
        SELECT scheduled.seq, journal.instruction_id, journal.owner, scheduled.entity_id, scheduled.execute_on
        FROM scheduled
        CROSS JOIN LATERAL (
            SELECT * FROM journal WHERE shard = scheduled.shard AND seq = scheduled.seq OFFSET 0
        ) AS journal
        WHERE scheduled.shard = $1 AND scheduled.ended_seq IS NULL
        ORDER BY scheduled.seq
        """,
        shard,
    )
    return {
        str(row["instruction_id"]): Waiting(
            row["seq"], str(row["instruction_id"]), row["owner"], row["entity_id"], row["execute_on"]
        )
        for row in rows
    }


async def contents_of(
    connection: Connection, numbers: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    """Return what these first outcomes keep of what was asked, by shard and seq."""
    rows = await connection.fetch(
        """
        SELECT journal.shard, journal.seq, journal.content
        FROM unnest($1::text::int[], $2::text::bigint[]) AS asked (shard, seq)
        JOIN journal ON journal.shard = asked.shard AND journal.seq = asked.seq
        """,
        array_of([shard for shard, _ in numbers]),
        array_of([seq for _, seq in numbers]),
    )
    return {(row["shard"], row["seq"]): row["content"] for row in rows}


async def save_waiting(connection: Connection, shard: int, put_off: Iterable[Waiting]) -> None:
    """Insert requests that wait from now on."""
    rows = list(put_off)
    if rows:
        await connection.execute(
            """
            INSERT INTO scheduled (shard, seq, entity_id, execute_on)
            SELECT $1, * FROM unnest($2::bigint[], $3::int[], $4::date[])
            """,
            shard,
            [each.seq for each in rows],
            [each.entity_id for each in rows],
            [each.execute_on for each in rows],
        )


async def end_waiting(connection: Connection, shard: int, waited: Iterable[tuple[int, int]]) -> None:
    """Mark requests as executed or cancelled: (seq of what was scheduled, seq that ended it)."""
    rows = list(waited)
    if rows:
        await connection.execute(
            """
            UPDATE scheduled
            SET ended_seq = asked.ended_seq
            FROM unnest($2::bigint[], $3::bigint[]) AS asked (seq, ended_seq)
            WHERE scheduled.shard = $1 AND scheduled.seq = asked.seq
            """,
            shard,
            *map(list, zip(*rows, strict=True)),
        )
