"""Follows a compacted topic as a table: the last value of each key, as of now when asked for as of now.

No consumer group and no positions: a partition is read from its start when it is first asked for, and from
then on as records come, so that what was published a moment ago is mostly there without asking. Between
topics nothing is ordered: whoever finds in an event something that it does not know of yet catches up first;
what the topic does not say then was erased.

Where a partition ends is asked for by a connection of its own: a broker answers the requests of one
connection in turn, and behind a fetch that waits for records an answer takes up to half a second.
"""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.messages.topics import Topic
from shared.runtime.settings import KafkaSettings

CATCH_UP_SECONDS_MAX: Final = 60.0
POLL_MS: Final = 500
LOOK_SECONDS: Final = 0.02
"""How often somebody who waits looks by himself; each record that comes wakes him, too."""


class CompactedTopic:
    """What a topic says of each key."""

    def __init__(self, topic: Topic, settings: KafkaSettings) -> None:
        self._topic = topic
        self._settings = settings
        self._consumer: AIOKafkaConsumer | None = None
        self._asking: AIOKafkaConsumer | None = None
        """Asks where partitions end, and reads nothing."""
        self._following: asyncio.Task[None] | None = None
        self._assigning = asyncio.Lock()
        self._came = asyncio.Event()
        self._next: dict[int, int] = {}
        self._values: dict[int, dict[bytes, bytes]] = {}
        self.erasures = 0
        """How many keys were seen to be erased; whoever keeps what he made of a value looks at this."""

    def value(self, partition: int, key: bytes) -> bytes | None:
        """Return the last value of a key, as far as its partition was read."""
        return self._values.get(partition, {}).get(key)

    async def keep_following(self) -> None:
        """See to it that what comes is read; raises `ConnectionError` or `TimeoutError`."""
        if self._next and (self._following is None or self._following.done()):
            await self.catch_up(self._next)

    async def catch_up(self, partitions: Collection[int]) -> None:
        """Read these partitions up to where they end now; raises `ConnectionError` or `TimeoutError`."""
        if not partitions:
            return
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS_MAX):
                consumer, asking, following = await self._follow(partitions)
                places = [TopicPartition(self._topic.name, partition) for partition in partitions]
                ends = await asking.end_offsets(places)
                while await self._is_behind(consumer, ends):
                    if following.done():
                        following.result()
                    self._came.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._came.wait(), LOOK_SECONDS)
        except KafkaError as error:
            await self.close()
            raise ConnectionError(f"{self._topic.name} cannot be read") from error
        except TimeoutError:
            await self.close()
            raise

    async def _follow(
        self, partitions: Collection[int]
    ) -> tuple[AIOKafkaConsumer, AIOKafkaConsumer, asyncio.Task[None]]:
        """Have these among those that are followed, each from where it was read up to."""
        async with self._assigning:
            if self._following is not None and self._following.done():
                await self._let_go()
            consumer = self._consumer = self._consumer or await self._connect()
            asking = self._asking = self._asking or await self._connect()
            for partition in partitions:
                self._next.setdefault(partition, 0)
            followed = {TopicPartition(self._topic.name, partition) for partition in self._next}
            if consumer.assignment() != followed:
                consumer.assign(followed)
                for place in followed:
                    consumer.seek(place, self._next[place.partition])
            if self._following is None:
                self._following = asyncio.create_task(self._take_what_comes(consumer))
            return consumer, asking, self._following

    async def _connect(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            enable_auto_commit=False, auto_offset_reset="earliest", **self._settings.client_options()
        )
        try:
            await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        return consumer

    async def _take_what_comes(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            polled = await consumer.getmany(timeout_ms=POLL_MS)
            for place, records in polled.items():
                self._take(place.partition, records)
            if polled:
                self._came.set()

    def _take(self, partition: int, records: Collection[Any]) -> None:
        """Take what is new: when partitions are assigned anew, what was on its way comes twice."""
        values = self._values.setdefault(partition, {})
        for record in records:
            if record.offset < self._next[partition]:
                continue
            self._next[partition] = record.offset + 1
            if record.value is not None:
                values[record.key] = record.value
            elif values.pop(record.key, None) is not None:
                self.erasures += 1

    async def _is_behind(self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
        """By the consumer's position: what ends a transaction is passed over without a record."""
        return any([await consumer.position(place) < end for place, end in ends.items()])

    async def close(self) -> None:
        """Let go of the connection; what was read stays."""
        async with self._assigning:
            await self._let_go()

    async def _let_go(self) -> None:
        following, self._following = self._following, None
        consumers = [each for each in (self._consumer, self._asking) if each is not None]
        self._consumer = self._asking = None
        if following is not None:
            following.cancel()
            with contextlib.suppress(KafkaError, asyncio.CancelledError):
                await following
        for consumer in consumers:
            with contextlib.suppress(KafkaError):
                await consumer.stop()
