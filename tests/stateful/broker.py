"""Topics in memory: what the workers read, what they publish, and a broker that falls silent when told to."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any, Final

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError
from aiokafka.record import MemoryRecords

from audit.evidence import Record

WHEN_MS: Final = 1_772_000_000_000
"""Every record's time: none of the ledger's decisions may depend on it."""

Lane = tuple[str, int]
Headers = tuple[tuple[str, bytes], ...]


class Broker:
    """Partitions as lists, and the producers' requests, which it may leave unanswered."""

    def __init__(self) -> None:
        self.lanes: defaultdict[Lane, list[Record]] = defaultdict(list)
        self.batches_left: int | None = None
        """After so many more batches it takes none; none for always."""
        self.refuses = False
        """Whether it then says so, once, and takes all from there on; otherwise it says nothing any more."""
        self.silent = asyncio.Event()

    def append(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers
    ) -> None:
        """Take one record."""
        lane = self.lanes[topic, partition]
        lane.append(Record(topic, partition, len(lane), WHEN_MS, key, value, headers))

    def topic(self, name: str) -> list[Record]:
        """All its records, by partition and offset."""
        found = [record for (topic, _), lane in self.lanes.items() if topic == name for record in lane]
        return sorted(found, key=lambda record: (record.partition, record.offset))

    def take(self, batch: Any, topic: str, partition: int) -> asyncio.Future[Any]:
        """Take a producer's batch and acknowledge it, unless it is time to fall silent or to refuse."""

        def append() -> None:
            """Take its records."""
            records = MemoryRecords(batch.build())
            while (spelt := records.next_batch()) is not None:
                for each in spelt:
                    headers = tuple((name, value or b"") for name, value in each.headers)
                    self.append(topic, partition, each.key, each.value or b"", headers)

        return self.take_by(append, topic, partition)

    def take_by(self, append: Callable[[], None], topic: str, partition: int) -> asyncio.Future[Any]:
        """Take what is appended so and acknowledge it, unless it is time to fall silent or to refuse."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.batches_left == 0:
            if self.refuses:
                self.batches_left = None
                answer.set_exception(KafkaConnectionError("refused, as the script says"))
            else:
                self.silent.set()
            return answer
        if self.batches_left is not None:
            self.batches_left -= 1
        first = len(self.lanes[topic, partition])
        append()
        answer.set_result(_Acknowledged(first))
        return answer

    def speak(self) -> None:
        """Answer again."""
        self.batches_left, self.refuses = None, False
        self.silent.clear()


class _Acknowledged:
    """What a producer is told of a batch."""

    def __init__(self, offset: int) -> None:
        self.offset = offset


class MemoryProducer:
    """Stands for aiokafka's producer; `broker` is set by the machine that runs it."""

    broker: Broker

    def __init__(self, **_: Any) -> None:
        """Take aiokafka's options, which say nothing here."""

    async def start(self) -> None:
        """Be ready at once."""

    async def stop(self) -> None:
        """Have nothing to wait for."""

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """Hand a batch to the broker; what it answers comes later."""
        return self.broker.take(batch, topic, partition)

    async def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes,
        partition: int,
        headers: Collection[tuple[str, bytes]],
    ) -> asyncio.Future[Any]:
        """Hand one record to the broker."""
        return self.broker.take_by(
            lambda: self.broker.append(topic, partition, key, value, tuple(headers)), topic, partition
        )


class MemoryConsumer:
    """Stands for aiokafka's consumer: positions that the worker seeks, and polls that move them on."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.positions: dict[TopicPartition, int] = {}
        self.paused: set[TopicPartition] = set()

    def assignment(self) -> set[TopicPartition]:
        """What it was assigned."""
        return set(self.positions)

    def pause(self, *places: TopicPartition) -> None:
        """Hand out nothing of these partitions."""
        self.paused.update(places)

    def resume(self, *places: TopicPartition) -> None:
        """Hand these out again."""
        self.paused.difference_update(places)

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Read on there."""
        self.positions[place] = offset

    def poll(self, shards: Collection[int], most: int, again: int = 0) -> list[ConsumerRecord[Any, Any]]:
        """At most so many records of each of the shards' lanes, behind the last `again` that were had."""
        found: list[ConsumerRecord[Any, Any]] = []
        for place, position in self.positions.items():
            if place in self.paused or place.partition not in shards:
                continue
            lane = self.broker.lanes[place.topic, place.partition]
            fetched = lane[max(0, position - again) : position + most]
            self.positions[place] = min(len(lane), position + most)
            found += [
                ConsumerRecord(
                    each.topic, each.partition, each.offset, each.timestamp_ms, 1, each.key, each.value,
                    None, len(each.key or b""), len(each.value or b""), each.headers,
                )
                for each in fetched
            ]  # fmt: skip
        return found
