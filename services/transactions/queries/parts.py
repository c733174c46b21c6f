"""Says which parts the journal has, and how far those that are detached reach."""

from collections.abc import Mapping
from typing import Any

from asyncpg import Connection


class PartsDetachedError(Exception):
    """What is asked needs events that are detached."""

    def __init__(self, last_seq: int) -> None:
        super().__init__(f"events up to {last_seq} of each shard are detached")


async def parts(connection: Connection) -> list[dict[str, Any]]:
    """Return each part in the order of its numbers, with what keeps it from being detached, if anything does.

    Its bytes are those of its tables with their indexes.
    """
    rows = await connection.fetch(
        """
        SELECT part.part, part.first_seq, part.last_seq,
               attached.bytes IS NOT NULL AS attached, coalesce(attached.bytes, 0) AS bytes,
               (SELECT min(last_seq) FROM transactions.shard) AS reached,
               (SELECT min(published_seq) FROM transactions.shard) AS published,
               (SELECT count(*)
                FROM (SELECT shard, seq, resolved_seq FROM transactions.pending
                      UNION ALL
                      SELECT shard, seq, ended_seq FROM transactions.scheduled) AS waiting
                JOIN transactions.shard ON shard.shard = waiting.shard
                WHERE waiting.seq BETWEEN part.first_seq AND part.last_seq
                  AND coalesce(waiting.resolved_seq > shard.published_seq, true)) AS pending
        FROM transactions.journal_part AS part
        LEFT JOIN LATERAL (
            SELECT sum(pg_total_relation_size(inhrelid))::bigint AS bytes
            FROM pg_inherits
            WHERE inhrelid IN (to_regclass('transactions.journal_row_' || part.part),
                               to_regclass('transactions.movement_of_several_' || part.part))
        ) AS attached ON true
        ORDER BY part.part
        """
    )
    found: list[dict[str, Any]] = []
    for row in rows:
        before = not found or not found[-1]["attached"]
        found.append(
            {
                "part": row["part"],
                "first_seq": row["first_seq"],
                "last_seq": row["last_seq"],
                "attached": row["attached"],
                "bytes": row["bytes"],
                "kept_by": _kept_by(row, before=before) if row["attached"] else None,
            }
        )
    return found


def _kept_by(row: Mapping[str, Any], *, before: bool) -> str | None:
    """Say why a part must stay; none where it may be detached."""
    if row["reached"] <= row["last_seq"]:
        return "a shard still writes to it, or has not reached it"
    if row["published"] < row["last_seq"]:
        return "not all of its events are published"
    if row["pending"]:
        return f"{row['pending']} of its transactions are pending or scheduled"
    return None if before else "the part before it is attached"


async def detached_until(connection: Connection) -> int:
    """Return the number up to which events are detached; 0 where none is."""
    found: int | None = await connection.fetchval(
        """
        SELECT max(last_seq)
        FROM transactions.journal_part
        WHERE NOT EXISTS (
            SELECT FROM pg_inherits WHERE inhrelid = to_regclass('transactions.journal_row_' || part))
        """
    )
    return found or 0


async def need_from(connection: Connection, seq: int) -> None:
    """Raise `PartsDetachedError` unless all events from this number on are there."""
    last_seq = await detached_until(connection)
    if last_seq and seq <= last_seq:
        raise PartsDetachedError(last_seq)
