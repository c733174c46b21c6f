"""What may be asked of the runtime's own tables, in the schema of the service that is on the search path.

Read-only, for the command and for checks; the statements are the same in every service's schema.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ShardState:
    """Who works a shard, and how far it has come."""

    shard: int
    owner: str | None
    """The process that works it; None after it was given back."""
    epoch: int
    last_seq: int
    published_seq: int
    last_progress_at: datetime | None
    halted: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in a service beside its lag."""

    unpublished: int
    parked: int
    dead_letters: int


@dataclass(frozen=True, slots=True)
class ParkedOwner:
    """An owner whose records wait: the first, why, and how many are behind it."""

    owner: str
    shard: int
    topic: str
    partition: int
    offset: int
    error: str
    since: datetime
    waiting: int


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """One record that waits, or waited."""

    topic: str
    partition: int
    offset: int
    shard: int
    owner: str
    timestamp_ms: int
    key: bytes | None
    value: bytes
    error: str
    behind: bool
    recorded_at: datetime
    resolved_at: datetime | None
    resolution: str | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record nobody could read, as it came."""

    topic: str
    partition: int
    offset: int
    shard: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    error: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Records that were deleted before they were taken, and who had the shard go on without them."""

    topic: str
    partition: int
    from_offset: int
    until_offset: int
    """Half-open: the first one that is not lost."""
    actor: str
    approved_by: str
    reason: str
    act_id: UUID
    recorded_at: datetime


async def passed_over(connection: Any) -> list[PassedOver]:
    """Return what was ever passed over, oldest first."""
    rows = await connection.fetch(
        """
        SELECT topic, partition, from_offset, until_offset, actor, approved_by, reason, act_id, recorded_at
        FROM passed_over
        ORDER BY recorded_at, topic, partition
        """
    )
    return [PassedOver(**dict(row)) for row in rows]


async def shards(connection: Any) -> list[ShardState]:
    """Return every shard that was ever claimed."""
    rows = await connection.fetch(
        """
        SELECT shard, CASE WHEN released THEN NULL ELSE owner END AS owner, epoch, last_seq, published_seq,
               last_progress_at, halted
        FROM shard
        ORDER BY shard
        """
    )
    return [ShardState(**dict(row)) for row in rows]


async def positions(connection: Any) -> dict[tuple[str, int], int]:
    """Return the next offset to read, by topic and partition."""
    rows = await connection.fetch("SELECT topic, partition, next_offset FROM position")
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def backlog(connection: Any) -> Backlog:
    """Count events not yet published, records parked and dead letters."""
    row = await connection.fetchrow(
        """
        SELECT (SELECT coalesce(sum(last_seq - published_seq), 0)::bigint FROM shard) AS unpublished,
               (SELECT count(*) FROM parked WHERE resolved_at IS NULL) AS parked,
               (SELECT count(*) FROM dead_letter) AS dead_letters
        """
    )
    return Backlog(**dict(row))


async def parked_owners(connection: Any) -> list[ParkedOwner]:
    """Return the owners whose records wait, longest waiting first."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (shard, owner)
               owner, shard, topic, partition, "offset", error, recorded_at AS since,
               count(*) OVER (PARTITION BY shard, owner) AS waiting
        FROM parked
        WHERE resolved_at IS NULL
        ORDER BY shard, owner, parked_id
        """
    )
    return sorted((ParkedOwner(**dict(row)) for row in rows), key=lambda each: each.since)


async def parked_records(connection: Any, owner: str, *, limit: int) -> list[ParkedRecord]:
    """Return an owner's waiting records in the order in which they will be handled again."""
    rows = await connection.fetch(
        """
        SELECT topic, partition, "offset", shard, owner, timestamp_ms, key, value, error, behind,
               recorded_at, resolved_at, resolution
        FROM parked
        WHERE owner = $1 AND resolved_at IS NULL
        ORDER BY parked_id
        LIMIT $2
        """,
        owner,
        limit,
    )
    return [ParkedRecord(**dict(row)) for row in rows]


async def dead_letters(connection: Any, *, limit: int) -> list[DeadLetter]:
    """Return the latest records nobody could read, newest first."""
    rows = await connection.fetch(
        """
        SELECT topic, partition, "offset", shard, timestamp_ms, key, value, error, recorded_at
        FROM dead_letter
        ORDER BY recorded_at DESC, topic, partition, "offset" DESC
        LIMIT $1
        """,
        limit,
    )
    return [DeadLetter(**dict(row)) for row in rows]


async def dead_letter(connection: Any, topic: str, partition: int, offset: int) -> DeadLetter | None:
    """Return the unreadable record at a place, if there is one."""
    row = await connection.fetchrow(
        """
        SELECT topic, partition, "offset", shard, timestamp_ms, key, value, error, recorded_at
        FROM dead_letter
        WHERE topic = $1 AND partition = $2 AND "offset" = $3
        """,
        topic,
        partition,
        offset,
    )
    return DeadLetter(**dict(row)) if row is not None else None
