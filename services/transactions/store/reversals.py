"""Reads what was posted under ids that instructions name, and keeps what of it was undone or came back."""

from collections.abc import Mapping, Sequence
from typing import Any

from asyncpg import Connection

from services.transactions.domain.chart import Chart
from services.transactions.domain.decisions import Leg
from services.transactions.domain.open_pendings import Part
from services.transactions.domain.originals import MovementId, Original, Used
from services.transactions.store.arrays import array_of
from services.transactions.store.journal import legs_at
from shared.money import parse_amount


async def originals(
    connection: Connection, chart: Chart, asked: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], Original]:
    """Return what has come of instructions, by shard and id: their posting, else their first outcome."""
    rows = await connection.fetch(
        """
        SELECT first.shard, key.instruction_id, first.instruction_type, first.owner,
               coalesce(posted.seq, first.seq) AS seq,
               posted.seq IS NOT NULL OR first.kind = 'TransactionPosted' AS is_posted,
               first.instruction_id <> key.instruction_id AS is_member,
               first.detail ->> 'settled' AS settled, trade.seq AS trade_seq, trade.instruction_id AS trade_id
        FROM unnest($1::text::int[], $2::text::uuid[]) AS asked (shard, instruction_id)
        JOIN instruction_key AS key
          ON key.instruction_id = asked.instruction_id AND key.shard = asked.shard
        JOIN journal AS first ON first.shard = key.shard AND first.seq = key.seq
        LEFT JOIN scheduled ON scheduled.shard = first.shard AND scheduled.seq = first.seq
        LEFT JOIN pending AS trade
          ON trade.shard = first.shard AND trade.seq = (first.detail -> 'resolves' ->> 'seq')::bigint
         AND first.detail -> 'settled' IS NOT NULL
        LEFT JOIN journal AS posted
          ON posted.shard = first.shard AND posted.kind = 'TransactionPosted'
         AND posted.about_seq IS NOT NULL AND first.kind IN ('TransactionPending', 'TransactionScheduled')
         AND posted.about_seq IN (first.seq, scheduled.ended_seq)
        """,
        array_of([shard for shard, _ in asked]),
        array_of([instruction_id for _, instruction_id in asked]),
    )
    legs = await legs_at(connection, chart, [(row["shard"], row["seq"]) for row in rows if row["is_posted"]])
    found: dict[tuple[int, str], Original] = {}
    for row in rows:
        moved = legs.get((row["shard"], row["seq"]), ())
        found[row["shard"], str(row["instruction_id"])] = Original(
            row["shard"],
            row["seq"],
            row["instruction_type"],
            row["owner"],
            moved,
            is_member=row["is_member"],
            part=_part(row, moved),
        )
    return found


def _part(row: Mapping[str, Any], legs: Sequence[Leg]) -> Part | None:
    """Return which part of a trade it is, if it is one."""
    if row["trade_seq"] is None:
        return None
    settled = parse_amount(row["settled"], legs[0].debit.scale)
    return Part(str(row["trade_id"]), row["trade_seq"], settled)


async def posted_at(
    connection: Connection, chart: Chart, numbers: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Original]:
    """Return what was posted under these numbers: shard, seq."""
    rows = await connection.fetch(
        """
        SELECT journal.shard, journal.seq, journal.instruction_type, journal.owner,
               coalesce(journal.detail->>'reopens' = 'true', false) AS reopens
        FROM unnest($1::text::int[], $2::text::bigint[]) AS asked (shard, seq)
        JOIN journal ON journal.shard = asked.shard AND journal.seq = asked.seq
        WHERE journal.kind IN ('TransactionPosted', 'CreditSwept')
        """,
        array_of([shard for shard, _ in numbers]),
        array_of([seq for _, seq in numbers]),
    )
    legs = await legs_at(connection, chart, [(row["shard"], row["seq"]) for row in rows])
    return {
        (row["shard"], row["seq"]): Original(
            row["shard"],
            row["seq"],
            row["instruction_type"],
            row["owner"],
            legs.get((row["shard"], row["seq"]), ()),
            row["reopens"],
        )
        for row in rows
    }


async def uses(connection: Connection, among: Sequence[Original]) -> dict[MovementId, Used]:
    """Return what is left of those movements of these transactions that were used."""
    rows = await connection.fetch(
        """
        SELECT reversed.original_shard, reversed.original_seq, reversed.leg, max(reversed.part) AS parts,
               min(reversed.left_minor) AS left_minor
        FROM unnest($1::text::int[], $2::text::bigint[]) AS asked (shard, seq)
        JOIN reversed ON reversed.original_shard = asked.shard AND reversed.original_seq = asked.seq
        GROUP BY 1, 2, 3
        """,
        array_of([each.shard for each in among]),
        array_of([each.seq for each in among]),
    )
    return {MovementId(*row[:3]): Used(row["parts"], row["left_minor"]) for row in rows}


async def save_uses(
    connection: Connection, used: Mapping[int, Sequence[tuple[MovementId, Used, int, int]]]
) -> None:
    """Insert uses of movements by shards: of what, how it was left, minor units, the seq that did it."""
    rows = [
        (shard, *movement, after.parts, amount, after.left, seq)
        for shard, of_shard in used.items()
        for movement, after, amount, seq in of_shard
    ]
    if rows:
        await connection.execute(
            """
            INSERT INTO reversed (shard, original_shard, original_seq, leg, part, amount, left_minor, seq)
            SELECT *
            FROM unnest($1::int[], $2::int[], $3::bigint[], $4::int[], $5::int[], $6::bigint[], $7::bigint[],
                        $8::bigint[])
            """,
            *map(list, zip(*rows, strict=True)),
        )
