"""Reads every record of every topic, from offset 0 to the end as it stands at the start."""

from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from audit.evidence import TOPICS, Record

POLL_MS: Final = 500
RECORDS_MAX: Final = 5000


async def read_topics(bootstrap: str, topics: Sequence[str] = TOPICS) -> tuple[int, dict[str, list[Record]]]:
    """Return the number of partitions and each topic's records in partition and offset order.

    Records of aborted transactions are left out, as consumers leave them out.
    """
    places = await _places(bootstrap, topics)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 * 1024 * 1024,
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: dict[str, list[Record]] = {topic: [] for topic in topics}
        await consumer.seek_to_beginning(*places)
        waiting = {place for place in places if ends[place] > 0}
        while waiting:
            polled = await consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_MAX)
            for place, records in polled.items():
                found[place.topic] += [
                    Record(
                        each.topic,
                        each.partition,
                        each.offset,
                        each.timestamp,
                        each.key,
                        each.value,
                        tuple((name, value or b"") for name, value in each.headers),
                    )
                    for each in records
                    if each.offset < ends[place]
                ]
            for place in list(waiting):
                if await consumer.position(place) >= ends[place]:
                    waiting.discard(place)
                    consumer.pause(place)
    finally:
        await consumer.stop()
    for records in found.values():
        records.sort(key=lambda record: (record.partition, record.offset))
    return max((place.partition for place in places), default=-1) + 1, found


async def _places(bootstrap: str, topics: Sequence[str]) -> list[TopicPartition]:
    """Every partition of the topics, as the broker says."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in topic["partitions"]
    ]
