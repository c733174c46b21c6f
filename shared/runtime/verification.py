"""Checks, when a shard is claimed, that Kafka still holds what the tables remember.

Two things can have happened while nobody looked: the input topic is another one (deleted and made
anew, or cut), or the database lost its tail (a standby promoted too early). Either way going on would
skip or repeat effects, so the shard halts and a person decides.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.runtime.lost import Lost
from shared.runtime.settings import KafkaSettings
from shared.runtime.shard import LOST, Shard, record_hash
from shared.runtime.work import Service

READ_SECONDS_MAX: Final = 10.0


async def verify_log(kafka: KafkaSettings, service: Service, shards: Sequence[Shard]) -> dict[int, str]:
    """Name the shards that must halt, with the reason; a reason that starts `lost:` bars publishing."""
    if not service.outputs and not any(shard.positions for shard in shards):
        return {}  # nothing is remembered yet
    consumer = AIOKafkaConsumer(
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
        max_partition_fetch_bytes=1024 * 1024,
        **kafka.client_options(),
    )
    await consumer.start()
    try:
        reasons = await _inputs(consumer, shards)
        reasons.update(await _outputs(consumer, service, shards))
        return reasons
    finally:
        await consumer.stop()


async def _inputs(consumer: AIOKafkaConsumer, shards: Sequence[Shard]) -> dict[int, str]:
    """The record before each position must be the one remembered."""
    remembered = {
        TopicPartition(topic, shard.shard): position
        for shard in shards
        for topic, position in shard.positions.items()
        if position.last_offset is not None
    }
    if not remembered:
        return {}
    starts = await consumer.beginning_offsets(list(remembered))
    ends = await consumer.end_offsets(list(remembered))
    reasons: dict[int, str] = {}
    wanted: dict[TopicPartition, int] = {}
    for place, position in remembered.items():
        if ends[place] < position.next_offset:
            reasons[place.partition] = (
                f"{place.topic}/{place.partition} ends at {ends[place]} and we have read up to"
                f" {position.next_offset}: it is not the same topic, or has lost records"
            )
        elif position.next_offset < starts[place]:
            lost = Lost(place.topic, place.partition, position.next_offset, starts[place])
            reasons[place.partition] = lost.halt
        elif position.last_offset is not None and position.last_offset >= starts[place]:
            wanted[place] = position.last_offset
    for place, record in (await _records_at(consumer, wanted)).items():
        position = remembered[place]
        if record is not None and record_hash(record.key, record.value) != position.last_hash:
            reasons[place.partition] = (
                f"{place.topic}/{place.partition}/{record.offset} is not the record we took:"
                " the topic was made anew"
            )
    return reasons


async def _records_at(
    consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]
) -> dict[TopicPartition, ConsumerRecord[Any, Any] | None]:
    found: dict[TopicPartition, ConsumerRecord[Any, Any] | None] = {}
    if not offsets:
        return found
    consumer.assign(list(offsets))
    for place, offset in offsets.items():
        consumer.seek(place, offset)
    async with asyncio.timeout(READ_SECONDS_MAX):
        while len(found) < len(offsets):
            missing = [place for place in offsets if place not in found]
            for place, records in (await consumer.getmany(*missing, timeout_ms=200)).items():
                if records and place not in found:
                    found[place] = records[0] if records[0].offset == offsets[place] else None
                    consumer.pause(place)
    return found


async def _outputs(consumer: AIOKafkaConsumer, service: Service, shards: Sequence[Shard]) -> dict[int, str]:
    """Nothing of ours may stand in Kafka that the tables do not know."""
    by_number = {shard.shard: shard for shard in shards}
    from_offset: dict[TopicPartition, int] = {}
    for shard in shards:
        for topic in service.outputs:
            _, offset = shard.acknowledged.get((topic.name, shard.shard), (0, -1))
            from_offset[TopicPartition(topic.name, shard.shard)] = offset + 1
    if not from_offset:
        return {}
    ends = await consumer.end_offsets(list(from_offset))
    starts = await consumer.beginning_offsets(list(from_offset))
    begin = {place: max(offset, starts[place]) for place, offset in from_offset.items()}
    unread = {place for place, offset in begin.items() if offset < ends[place]}
    reasons: dict[int, str] = {}
    if not unread:
        return reasons
    consumer.assign(list(unread))
    for place in unread:
        consumer.seek(place, begin[place])
    while unread:
        polled = await consumer.getmany(timeout_ms=200, max_records=5000)
        for place, records in polled.items():
            for record in records:
                source, seq = _number(record, service.name)
                shard = by_number.get(source)
                if shard is not None and seq > shard.last_seq:
                    reasons[source] = (
                        f"{LOST} {place.topic}/{place.partition} holds our event {seq} of shard {source} and"
                        f" the journal ends at {shard.last_seq}: the database has lost committed data;"
                        " restore its tail, do not resume"
                    )
        for place in list(unread):
            if await consumer.position(place) >= ends[place]:
                unread.discard(place)
    return reasons


def _number(record: ConsumerRecord[Any, Any], service: str) -> tuple[int, int]:
    """(shard, seq) of one of our own events, or (-1, -1)."""
    headers = dict(record.headers)
    identity = headers.get("ce_id", b"").decode("ascii", "replace")
    name, _, rest = identity.partition("-")
    shard, _, seq = rest.partition("-")
    if name != service or not shard.isdigit() or not seq.isdigit():
        return -1, -1
    return int(shard), int(seq)
