"""Reads a compacted topic as a table: the last value of each key, as of now when asked for as of now.

No consumer group and no positions: a partition is read from its start when it is first asked for, and on
from there later. Between topics nothing is ordered, so whoever finds in an event something that it does not
know of yet catches up first: what the topic does not say then was erased.
"""

import asyncio
import contextlib
from collections.abc import Collection
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.messages.topics import Topic
from shared.runtime.settings import KafkaSettings

CATCH_UP_SECONDS_MAX: Final = 60.0


class CompactedTopic:
    """What a topic says of each key."""

    def __init__(self, topic: Topic, settings: KafkaSettings) -> None:
        self._topic = topic
        self._settings = settings
        self._consumer: AIOKafkaConsumer | None = None
        self._next: dict[int, int] = {}
        self._values: dict[int, dict[bytes, bytes]] = {}

    def value(self, partition: int, key: bytes) -> bytes | None:
        """Return the last value of a key, as far as its partition was read."""
        return self._values.get(partition, {}).get(key)

    @property
    def partitions(self) -> Collection[int]:
        """Those that were asked for so far."""
        return self._next.keys()

    async def catch_up(self, partitions: Collection[int]) -> None:
        """Read these partitions up to where they end now; raises `ConnectionError` or `TimeoutError`."""
        if not partitions:
            return
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS_MAX):
                await self._catch_up(partitions)
        except KafkaError as error:
            await self.close()
            raise ConnectionError(f"{self._topic.name} cannot be read") from error
        except BaseException:
            await self.close()
            raise

    async def _catch_up(self, partitions: Collection[int]) -> None:
        consumer = self._consumer
        if consumer is None:
            consumer = AIOKafkaConsumer(
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=20,
                **self._settings.client_options(),
            )
            self._consumer = consumer
            await consumer.start()
        places = [TopicPartition(self._topic.name, partition) for partition in partitions]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        waiting: set[TopicPartition] = set()
        for place in places:
            begin = self._next.setdefault(place.partition, 0)
            if begin < ends[place]:
                consumer.seek(place, begin)
                waiting.add(place)
            else:
                consumer.pause(place)
        while waiting:
            polled = await consumer.getmany(*waiting, timeout_ms=50)
            for place, records in polled.items():
                self._take(place.partition, records)
            for place in list(waiting):
                self._next[place.partition] = position = await consumer.position(place)
                if position >= ends[place]:
                    waiting.discard(place)
                    consumer.pause(place)

    def _take(self, partition: int, records: Collection[Any]) -> None:
        values = self._values.setdefault(partition, {})
        for record in records:
            if record.value is None:
                values.pop(record.key, None)
            else:
                values[record.key] = record.value

    async def close(self) -> None:
        """Let go of the connection; what was read stays."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(KafkaError):
                await consumer.stop()
