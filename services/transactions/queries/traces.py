"""Traces an instruction through the ledger: its first outcome, and all that named it."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from asyncpg import Connection


async def transaction_trace(connection: Connection, instruction_id: UUID) -> list[dict[str, Any]]:
    """Return each event of the ledger about an instruction, with its time and the record it came from.

    What has undone it is there too, what it has undone, and what cancelled it before its day, each with its
    own `instruction_id`. An id used in several shards (a broadcast, or by different owners) is traced in
    each. Empty if nobody ever named it.
    """
    rows = await connection.fetch(
        """
        WITH first AS (
            SELECT shard, seq FROM transactions.instruction_key WHERE instruction_id = $1
        ), own AS (
            SELECT journal.*
            FROM first
            JOIN transactions.journal USING (shard, seq)
            UNION ALL
            SELECT journal.*
            FROM first
            JOIN transactions.journal ON journal.shard = first.shard AND journal.about_seq = first.seq
            WHERE journal.about_seq IS NOT NULL
            UNION ALL
            SELECT journal.*
            FROM first
            JOIN transactions.scheduled USING (shard, seq)
            JOIN transactions.journal
              ON journal.shard = scheduled.shard AND journal.about_seq = scheduled.ended_seq
            WHERE journal.about_seq IS NOT NULL
            UNION ALL
            SELECT journal.*
            FROM first
            JOIN transactions.scheduled USING (shard, seq)
            JOIN transactions.journal
              ON journal.shard = scheduled.shard AND journal.seq = scheduled.ended_seq
            WHERE journal.about_seq IS NULL
            UNION ALL
            SELECT journal.*
            FROM transactions.journal
            WHERE journal.instruction_id = $1 AND journal.about_seq IS NULL
              AND (
                kind IN ('OwnerParked', 'RecordDiscarded', 'DecisionWithoutEffect', 'DryRunJudged')
                OR reason IN ('wrong_key', 'wrong_partition')
              )
        ), tied AS (
            SELECT reversed.shard, reversed.seq
            FROM own
            JOIN transactions.reversed
              ON reversed.original_shard = own.shard AND reversed.original_seq = own.seq
            UNION
            SELECT (used ->> 'shard')::int, (used ->> 'seq')::bigint
            FROM own
            CROSS JOIN LATERAL coalesce(own.detail -> 'reverses', own.detail -> 'uses') AS used
            WHERE used IS NOT NULL
        )
        SELECT every.shard, every.seq, every.about_seq, every.recorded_at, every.kind::text,
               every.topic::text, every.partition, every."offset", every.instruction_id,
               every.instruction_type, every.owner, every.booking_date, every.reason, every.detail
        FROM (
            SELECT * FROM own
            UNION ALL
            SELECT journal.* FROM tied JOIN transactions.journal USING (shard, seq)
        ) AS every
        """,
        instruction_id,
    )
    ordered = sorted(rows, key=lambda row: (row["recorded_at"], row["shard"], row["seq"]))
    return [
        {
            "service": "transactions",
            "event": row["kind"],
            "shard": row["shard"],
            "seq": row["seq"],
            "first_seq": row["about_seq"],
            "instruction_id": None if row["instruction_id"] is None else str(row["instruction_id"]),
            "recorded_at": _instant(row["recorded_at"]),
            "topic": row["topic"],
            "partition": row["partition"],
            "offset": row["offset"],
            "type": row["instruction_type"],
            "owner": row["owner"],
            "booking_date": None if row["booking_date"] is None else row["booking_date"].isoformat(),
            "reason": row["reason"],
            "detail": None if row["detail"] is None else json.loads(row["detail"]),
        }
        for row in ordered
    ]


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
