"""Reads what was posted under ids that instructions name, and keeps what of it was undone."""

from collections.abc import Mapping, Sequence

from asyncpg import Connection

from services.transactions.domain.chart import Chart
from services.transactions.domain.state import Original, Undone
from services.transactions.store.arrays import array_of
from services.transactions.store.journal import legs_at


async def originals(
    connection: Connection, chart: Chart, asked: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], Original]:
    """Return what has come of instructions, by shard and id: their posting, else their first outcome."""
    rows = await connection.fetch(
        """
        SELECT first.shard, first.instruction_id, first.instruction_type,
               coalesce(posted.seq, first.seq) AS seq,
               posted.seq IS NOT NULL OR first.kind = 'TransactionPosted' AS is_posted
        FROM unnest($1::text::int[], $2::text::uuid[]) AS asked (shard, instruction_id)
        JOIN instruction_key AS key
          ON key.instruction_id = asked.instruction_id AND key.shard = asked.shard
        JOIN journal AS first ON first.shard = key.shard AND first.seq = key.seq
        LEFT JOIN journal AS posted
          ON posted.shard = first.shard AND posted.about_seq = first.seq AND posted.about_seq IS NOT NULL
         AND posted.kind = 'TransactionPosted' AND first.kind = 'TransactionPending'
        """,
        array_of([shard for shard, _ in asked]),
        array_of([instruction_id for _, instruction_id in asked]),
    )
    legs = await legs_at(connection, chart, [(row["shard"], row["seq"]) for row in rows if row["is_posted"]])
    return {
        (row["shard"], str(row["instruction_id"])): Original(
            row["shard"], row["seq"], row["instruction_type"], legs.get((row["shard"], row["seq"]), ())
        )
        for row in rows
    }


async def undone(connection: Connection, among: Sequence[Original]) -> set[Undone]:
    """Return those movements of these transactions that were reversed."""
    rows = await connection.fetch(
        """
        SELECT reversed.original_shard, reversed.original_seq, reversed.leg
        FROM unnest($1::text::int[], $2::text::bigint[]) AS asked (shard, seq)
        JOIN reversed ON reversed.original_shard = asked.shard AND reversed.original_seq = asked.seq
        """,
        array_of([each.shard for each in among]),
        array_of([each.seq for each in among]),
    )
    return {Undone(*row) for row in rows}


async def save_undone(connection: Connection, shard: int, undone: Mapping[Undone, int]) -> None:
    """Insert movements that this shard has reversed, each with the seq that did it."""
    if undone:
        await connection.execute(
            """
            INSERT INTO reversed (shard, original_shard, original_seq, leg, seq)
            SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::int[], $5::bigint[])
            """,
            shard,
            [each.shard for each in undone],
            [each.seq for each in undone],
            [each.leg for each in undone],
            list(undone.values()),
        )
