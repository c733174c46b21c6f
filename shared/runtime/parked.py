"""Keeps records that wait for an operator, in order by owner, and takes them up again."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.runtime.work import Discarded, Parked, Received, ShardWork


async def keep(
    connection: Any, items: Sequence[tuple[Received, Parked]], works: Mapping[int, ShardWork]
) -> None:
    """Store parked records as they came, in the batch's transaction."""
    if not items:
        return
    await connection.executemany(
        'INSERT INTO parked (topic, partition, "offset", shard, owner, timestamp_ms, key, value, headers,'
        " error, behind, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        [
            (
                item.topic,
                item.shard,
                item.offset,
                item.shard,
                entry.owner,
                item.timestamp_ms,
                item.key,
                item.value,
                _headers_text(item.headers),
                entry.error,
                entry.behind,
                works[item.shard].recorded_at,
            )
            for item, entry in items
        ],
    )


async def resolve(connection: Any, items: Sequence[Received], works: Mapping[int, ShardWork]) -> None:
    """Mark records as no longer waiting: replayed, or discarded."""
    for item in items:
        await connection.execute(
            "UPDATE parked SET resolved_at = $2, resolution = $3 WHERE parked_id = $1",
            item.parked_id,
            works[item.shard].recorded_at,
            "discarded" if isinstance(item.message, Discarded) else "replayed",
        )


async def waiting(connection: Any, shard: int, owner: str, limit: int) -> Sequence[Any]:
    """Read an owner's waiting records, oldest first."""
    return await connection.fetch(
        'SELECT parked_id, topic, partition, "offset", shard, owner, timestamp_ms, key, value, headers'
        " FROM parked WHERE shard = $1 AND owner = $2 AND resolved_at IS NULL ORDER BY parked_id LIMIT $3",
        shard,
        owner,
        limit,
    )


async def waiting_at(connection: Any, shard: int, topic: str, partition: int, offset: int) -> Any:
    """Read one waiting record by its place, or None."""
    return await connection.fetchrow(
        'SELECT parked_id, topic, partition, "offset", shard, owner, timestamp_ms, key, value, headers'
        ' FROM parked WHERE shard = $1 AND topic = $2 AND partition = $3 AND "offset" = $4'
        " AND resolved_at IS NULL",
        shard,
        topic,
        partition,
        offset,
    )


async def count_waiting(connection: Any, shard: int, owner: str) -> int:
    """Count an owner's waiting records."""
    return await connection.fetchval(
        "SELECT count(*) FROM parked WHERE shard = $1 AND owner = $2 AND resolved_at IS NULL", shard, owner
    )


def headers_of(row: Any) -> list[tuple[str, bytes]]:
    """Read a kept record's headers back."""
    kept = json.loads(row["headers"]) if row["headers"] else []
    return [(name, base64.b64decode(value)) for name, value in kept]


def _headers_text(headers: Sequence[tuple[str, bytes]]) -> str:
    return json.dumps([[name, base64.b64encode(value or b"").decode()] for name, value in headers])
