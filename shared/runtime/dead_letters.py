"""Keeps records nobody can read: their bytes, place, time and what was wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.runtime.work import Received, ShardWork


async def keep(connection: Any, items: Sequence[Received], works: Mapping[int, ShardWork]) -> None:
    """Store unreadable records as they came, in the batch's transaction."""
    if not items:
        return
    await connection.copy_records_to_table(
        "dead_letter",
        records=[
            (
                item.topic,
                item.shard,
                item.offset,
                item.shard,
                item.timestamp_ms,
                item.key,
                item.value,
                item.message.error,
                works[item.shard].recorded_at,
            )
            for item in items
        ],
        columns=(
            "topic",
            "partition",
            "offset",
            "shard",
            "timestamp_ms",
            "key",
            "value",
            "error",
            "recorded_at",
        ),
    )
