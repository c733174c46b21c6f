"""Finds where in each shard's journal a moment is: the last events of an instant, the first of a day."""

from collections.abc import Mapping
from datetime import date, datetime

from asyncpg import Connection


class PositionUnknownError(ValueError):
    """The position to go on after is none."""


async def vector_now(connection: Connection) -> dict[int, int]:
    """Return the number of the last event of each shard."""
    rows = await connection.fetch("SELECT shard, last_seq FROM transactions.shard ORDER BY shard")
    return {row["shard"]: row["last_seq"] for row in rows}


async def vector_at(
    connection: Connection, instant: datetime, last: Mapping[int, int] | None = None
) -> dict[int, int]:
    """Return the number of the last event of each shard that was recorded by an instant, 0 if none was.

    `recorded_at` never falls as `seq` rises, so this halves the numbers of all shards at once: about 25
    look-ups by primary key for ten million events. `last` is where to look, instead of the whole journal.
    """
    high = dict(await vector_now(connection) if last is None else last)
    low = dict.fromkeys(high, 0)
    while True:
        open_ = [shard for shard in high if low[shard] < high[shard]]
        if not open_:
            return low
        middle = {shard: (low[shard] + high[shard] + 1) // 2 for shard in open_}
        rows = await connection.fetch(
            """
            SELECT shard, recorded_at > $3 AS is_later
            FROM transactions.journal_row
            JOIN unnest($1::int[], $2::bigint[]) AS asked (shard, seq) USING (shard, seq)
            """,
            list(middle),
            list(middle.values()),
            instant,
        )
        later = {row["shard"] for row in rows if row["is_later"]}
        for shard, seq in middle.items():
            if shard in later:
                high[shard] = seq - 1
            else:
                low[shard] = seq


async def days_begun_after(
    connection: Connection, booking_date: date, last: Mapping[int, int], entity_id: int | None = None
) -> dict[int, int]:
    """Return, for each shard, the number up to which no event is booked after that day.

    Of one entity, or of any. The booking date of an event is never after the business day that was open.
    """
    rows = await connection.fetch(
        """
        SELECT asked.shard,
               min(CASE WHEN entity.first_booking_date > $1 THEN 0 ELSE begun.seq - 1 END) AS seq
        FROM unnest($2::int[]) AS asked (shard)
        CROSS JOIN transactions.entity
        LEFT JOIN LATERAL (
            SELECT min(business_day.seq) AS seq
            FROM transactions.business_day
            WHERE business_day.shard = asked.shard AND business_day.entity_id = entity.entity_id
              AND business_day.booking_date > $1
        ) AS begun ON true
        WHERE $3::int IS NULL OR entity.entity_id = $3
        GROUP BY asked.shard
        """,
        booking_date,
        list(last),
        entity_id,
    )
    begun = {row["shard"]: row["seq"] for row in rows}
    return {shard: seq if begun.get(shard) is None else min(seq, begun[shard]) for shard, seq in last.items()}
