"""Records that were deleted before they were taken: found, named, and passed over when two people say so.

Retention was shorter than an outage, or somebody has cut a topic. Nobody knows here what they asked for, so
the shard stands still until it is known where they were, and that they are sent again or given up.
"""

from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.messages.acts import PassOverLost
from shared.runtime.shard import Shard


class Lost(NamedTuple):
    """Offsets of one input that are gone and were not taken, half-open."""

    topic: str
    partition: int
    from_offset: int
    until_offset: int

    @property
    def halt(self) -> str:
        """Why the shard stands still."""
        return (
            f"{self.topic}/{self.partition} begins at {self.until_offset} and we have read only up to"
            f" {self.from_offset}: records were deleted before they were taken"
        )

    def has_halted(self, reason: str | None) -> bool:
        """Say whether it was for these that a shard stands still; more of them may be gone since."""
        return reason is not None and reason.startswith(f"{self.topic}/{self.partition} begins at ")


async def lost_of(consumer: AIOKafkaConsumer, shard: Shard, topic: str) -> Lost | None:
    """Return what of an input is gone before it was taken; nothing of one that was never read is missed."""
    position = shard.positions.get(topic)
    if position is None or position.last_offset is None:
        return None
    place = TopicPartition(topic, shard.shard)
    start = (await consumer.beginning_offsets([place]))[place]
    if position.next_offset >= start:
        return None
    return Lost(topic, shard.shard, position.next_offset, start)


async def pass_over(connection: Any, lost: Lost, act: PassOverLost, recorded_at: Any) -> None:
    """Read on behind what is lost, and keep for ever what that was and who answers for it.

    Within a transaction that has fenced the shard. The record last taken stays the one remembered.
    """
    await connection.execute(
        "UPDATE position SET next_offset = $3 WHERE topic = $1 AND partition = $2",
        lost.topic,
        lost.partition,
        lost.until_offset,
    )
    await connection.execute(
        "INSERT INTO passed_over (topic, partition, from_offset, until_offset, shard, act_id, actor,"
        " approved_by, reason, recorded_at) VALUES ($1, $2, $3, $4, $2, $5, $6, $7, $8, $9)",
        *lost,
        act.act_id,
        act.actor,
        act.approved_by,
        act.reason,
        recorded_at,
    )
