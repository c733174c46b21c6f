"""Speaks to Kafka for those who are not services: the command, tests and benchmarks.

Sends records and tells where they stand, performs acts and awaits their answers, follows topics,
creates topics by their policy and checks them.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final, Self, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError

from shared.messages.acts.base import ActBase
from shared.messages.journal import ActDone
from shared.messages.partitioner import partition_of
from shared.messages.topics import DELETE_RETENTION_MS, TOPICS, Topic
from shared.runtime.errors import ConfigurationError
from shared.runtime.settings import KafkaSettings

Record = tuple[bytes | None, bytes, int | None]
"""Key, value, and an explicit partition, or None for the key's own."""

BATCH_BYTES: Final = 512 * 1024
ACT_DONE: Final = "ActDone"
ANSWER_SECONDS_MAX: Final = 8.0
"""How long brokers may take to say where a topic ends: another may have to take a partition over first."""

SEEN_SECONDS_MAX: Final = 10.0
SEE_EVERY_SECONDS: Final = 0.05


class NotReachedError(ConnectionError):
    """Kafka does not answer at the configured address."""


class Client:
    """A connection to Kafka; an async context manager."""

    def __init__(self, settings: KafkaSettings, partitions: int) -> None:
        self._settings = settings
        self._partitions = partitions
        self._producer: AIOKafkaProducer | None = None
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            enable_auto_commit=False, auto_offset_reset="earliest", **self._settings.client_options()
        )
        try:
            await asyncio.wait_for(self._consumer.start(), 15)
        except (KafkaConnectionError, OSError, TimeoutError) as error:
            with contextlib.suppress(Exception):
                await self._consumer.stop()
            raise NotReachedError(f"Kafka does not answer at {self._settings.bootstrap}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._producer is not None:
            await self._producer.stop()
        if self._consumer is not None:
            await self._consumer.stop()

    async def send(self, topic: Topic, records: Sequence[Record]) -> list[tuple[int, int]]:
        """Publish records and return (partition, offset) of each, in the order given."""
        producer = await self._open_producer()
        places: list[tuple[int, int]] = [(-1, -1)] * len(records)
        lanes: dict[int, list[int]] = {}
        for index, (key, _, partition) in enumerate(records):
            lane = partition if partition is not None else partition_of(key or b"", self._partitions)
            lanes.setdefault(lane, []).append(index)

        async def send_lane(partition: int, indexes: list[int]) -> None:
            position = 0
            while position < len(indexes):
                batch = producer.create_batch()
                start = position
                while position < len(indexes):
                    key, value, _ = records[indexes[position]]
                    if batch.append(key=key, value=value, timestamp=None) is None:
                        break
                    position += 1
                if position == start:  # larger than a batch: let the producer and the broker judge it
                    key, value, _ = records[indexes[position]]
                    sent = await producer.send_and_wait(topic.name, value, key=key, partition=partition)
                    places[indexes[position]] = (partition, sent.offset)
                    position += 1
                    continue
                batch.close()
                acknowledged = await producer.send_batch(batch, topic.name, partition=partition)
                metadata = await acknowledged
                for step, index in enumerate(indexes[start:position]):
                    places[index] = (partition, metadata.offset + step)

        await asyncio.gather(*(send_lane(partition, indexes) for partition, indexes in lanes.items()))
        return places

    async def perform(
        self, topic: Topic, act: ActBase, partition: int, answers: Topic, timeout: float = 30.0
    ) -> ActDone:
        """Publish an act to the shard it concerns and wait for its answer; raises `TimeoutError`."""
        offsets = await self.end_offsets(answers)
        value = act.model_dump_json(exclude_none=True, by_alias=True).encode()
        owner = getattr(act, "owner", "house")
        await self.send(topic, [(str(owner).encode(), value, partition)])
        wanted = str(act.act_id).encode()
        async with asyncio.timeout(timeout):
            async for records in self.follow(answers, offsets):
                for record in records:
                    if wanted in (record.value or b"") and header(record, "ce_type") == ACT_DONE:
                        return ActDone.model_validate_json(record.value or b"")
        raise TimeoutError

    async def end_offsets(self, topic: Topic) -> dict[int, int]:
        """Where each partition of a topic ends now."""
        assert self._consumer is not None
        places = [TopicPartition(topic.name, number) for number in range(self._partitions)]
        return {place.partition: end for place, end in (await self._consumer.end_offsets(places)).items()}

    async def reach(self, topic: Topic) -> dict[int, int]:
        """Where each partition of a topic ends now; raises `NotReachedError` where nobody answers."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return await self.end_offsets(topic)
        except (KafkaError, OSError, TimeoutError) as error:
            raise NotReachedError(f"Kafka does not answer any more at {self._settings.bootstrap}") from error

    async def follow(
        self,
        topic: Topic | Sequence[Topic],
        from_offsets: Mapping[Any, int] | None = None,
        *,
        silent_seconds_max: float | None = None,
    ) -> AsyncIterator[list[ConsumerRecord[Any, Any]]]:
        """Yield a topic's records from `from_offsets` (partition, or (topic name, partition) to offset;
        the start where absent) on, as they come; an empty list when none came for a while.

        A consumer waits for brokers for ever. With `silent_seconds_max` they are asked whether they are still
        there when nothing came for so long; raises `NotReachedError` where nobody answers.
        """
        topics = [topic] if isinstance(topic, Topic) else list(topic)
        offsets = from_offsets or {}
        consumer = AIOKafkaConsumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=2 * 1024 * 1024,
            fetch_max_wait_ms=100,
            **self._settings.client_options(),
        )
        await consumer.start()
        try:
            places = [TopicPartition(each.name, n) for each in topics for n in range(self._partitions)]
            consumer.assign(places)
            for place in places:
                start = offsets.get((place.topic, place.partition), offsets.get(place.partition, 0))
                consumer.seek(place, start)
            heard = time.monotonic()
            while True:
                polled = await consumer.getmany(timeout_ms=200, max_records=5000)
                if polled:
                    heard = time.monotonic()
                elif silent_seconds_max is not None and time.monotonic() - heard > silent_seconds_max:
                    await self.reach(topics[0])
                    heard = time.monotonic()
                yield [record for records in polled.values() for record in records]
        finally:
            await consumer.stop()

    async def _open_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                enable_idempotence=True,
                acks="all",
                compression_type="snappy",
                max_batch_size=BATCH_BYTES,
                max_request_size=4 * 1024 * 1024,
                **self._settings.client_options(),
            )
            await self._producer.start()
        return self._producer


def header(record: ConsumerRecord[Any, Any], name: str) -> str | None:
    """A header's value, or None."""
    for key, value in record.headers:
        if key == name:
            return value.decode(errors="replace")
    return None


async def create_topics(
    settings: KafkaSettings, partitions: int, topics: Sequence[Topic] = TOPICS
) -> list[str]:
    """Create the topics that are missing, by their policies, and return their names."""
    async with _admin(settings) as admin:
        existing = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.name not in existing]
        for topic in missing:
            new = NewTopic(
                topic.name,
                num_partitions=partitions,
                replication_factor=settings.replication_factor,
                topic_configs=_policy(topic, settings),
            )
            with contextlib.suppress(TopicAlreadyExistsError):
                response = await admin.create_topics([new])
                for name, code, *rest in cast(Any, response).topic_errors:
                    if code not in (0, TopicAlreadyExistsError.errno):
                        raise ConfigurationError(f"the topic {name} cannot be created: {rest or code}")
        await _see(admin, {topic.name for topic in missing})
    return [topic.name for topic in missing]


async def _see(admin: AIOKafkaAdminClient, names: Collection[str]) -> None:
    """Wait until the broker tells of new topics: it learns of them a moment after they are made."""
    for _ in range(int(SEEN_SECONDS_MAX / SEE_EVERY_SECONDS)):
        if set(names) <= set(await admin.list_topics()):
            return
        await asyncio.sleep(SEE_EVERY_SECONDS)
    raise ConfigurationError(
        f"the topics {', '.join(sorted(names))} were created and are not seen; try again"
    )


async def check_topics(settings: KafkaSettings, partitions: int, topics: Sequence[Topic]) -> None:
    """Raise `ConfigurationError` unless these topics are as their policies say."""
    by_name = {topic.name: topic for topic in topics}
    async with _admin(settings) as admin:
        existing = set(await admin.list_topics())
        for topic in topics:
            if topic.name not in existing:
                raise ConfigurationError(f"the topic {topic.name} does not exist; run `backoffice migrate`")
        for described in await admin.describe_topics([topic.name for topic in topics]):
            found = len(described["partitions"])
            if found != partitions:
                raise ConfigurationError(
                    f"the topic {described['topic']} has {found} partitions and there are {partitions}"
                    " shards; set BACKOFFICE_PARTITIONS to what the topics were made with"
                )
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
        responses = await admin.describe_configs(resources)
        for response in responses:
            for _, _, _, name, entries in cast(Any, response).resources:
                _check_policy(by_name[name], {entry[0]: entry[1] for entry in entries}, settings)


@contextlib.asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**settings.client_options())
    try:
        await asyncio.wait_for(admin.start(), 15)
    except (KafkaConnectionError, OSError, TimeoutError) as error:
        with contextlib.suppress(Exception):
            await admin.close()
        raise NotReachedError(f"Kafka does not answer at {settings.bootstrap}") from error
    try:
        yield admin
    finally:
        with contextlib.suppress(KafkaError):
            await admin.close()


def _policy(topic: Topic, settings: KafkaSettings) -> dict[str, str]:
    kept = (
        {
            "cleanup.policy": "compact",
            # A segment that is written to is not compacted, and nothing older than this stays in one.
            "segment.ms": str(topic.retention_ms // 2),
            "max.compaction.lag.ms": str(topic.retention_ms // 2),
            "delete.retention.ms": str(DELETE_RETENTION_MS),
        }
        if topic.is_compacted
        else {"cleanup.policy": "delete", "retention.ms": str(topic.retention_ms), "retention.bytes": "-1"}
    )
    return {
        **kept,
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(topic.max_message_bytes),
        "min.insync.replicas": str(settings.min_insync_replicas),
    }


def _check_policy(topic: Topic, found: Mapping[str, str], settings: KafkaSettings) -> None:
    for key, wanted in _policy(topic, settings).items():
        if key in found and found[key] != wanted:
            raise ConfigurationError(
                f"the topic {topic.name} has {key}={found[key]} where {wanted} is needed; change it with"
                f" kafka-configs --alter --entity-type topics --entity-name {topic.name}"
                f" --add-config {key}={wanted}"
            )
