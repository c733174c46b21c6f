"""The journal of services that keep their events whole: append with the batch, read back to publish again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.runtime.work import Outgoing


async def append(connection: Any, events: "Sequence[Outgoing]") -> None:
    """Store events, in the batch's transaction."""
    await connection.copy_records_to_table(
        "outbox",
        records=[
            (
                event.shard,
                event.seq,
                event.recorded_at,
                event.epoch,
                event.topic,
                event.type,
                event.key,
                event.body,
                event.prev,
                event.correlation_id,
                event.traceparent,
            )
            for event in events
        ],
        columns=(
            "shard",
            "seq",
            "recorded_at",
            "epoch",
            "topic",
            "type",
            "key",
            "body",
            "prev",
            "correlation_id",
            "traceparent",
        ),
    )


async def events_after(connection: Any, shard: int, seq: int, limit: int) -> "list[Outgoing]":
    """Read a shard's events after `seq`, at most `limit`, as they were first published."""
    from shared.runtime.work import Outgoing

    rows = await connection.fetch(
        "SELECT shard, seq, recorded_at, epoch, topic, type, key, body, prev, correlation_id, traceparent"
        " FROM outbox WHERE shard = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        shard,
        seq,
        limit,
    )
    return [Outgoing(**dict(row)) for row in rows]
