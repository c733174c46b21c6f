"""Measures how far each service is behind: positions in the database against the ends of the log."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, Literal

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from backoffice.cli import sessions
from backoffice.cli.connection import Connection
from backoffice.cli.errors import UNREACHABLE, CommandError
from shared.messages.topics import TOPICS, Topic
from shared.runtime import clock, queries
from shared.runtime.queries import Backlog, ShardState
from shared.runtime.settings import KafkaSettings

State = Literal["ok", "warn", "unowned", "stall", "stop", "rewind", "halted"]
"""Of one service at one partition, mildest first."""

WINDOW_SECONDS: Final = 10.0
"""How long without progress is a stop; and over how long looks are kept while watching."""
STALL_SECONDS: Final = 5.0
WARN_SECONDS: Final = 2.0
"""A lag younger than this is not worth a warning, even while it grows."""
LOOK_AGAIN_SECONDS: Final = 1.0
FETCH_SECONDS: Final = 5.0
FETCH_BYTES: Final = 128 * 1024
KAFKA_SECONDS: Final = 10.0
NOTHING_THERE: Final = -1
"""Stands for the timestamp of a record that is not there: only transaction markers follow."""


@dataclass(frozen=True, slots=True)
class Place:
    """What one service reads at one partition of one topic."""

    service: str
    topic: str
    partition: int

    @property
    def kafka(self) -> TopicPartition:
        """The same for aiokafka."""
        return TopicPartition(self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one look saw at one place."""

    at_ms: int
    stored: int | None
    end: int
    lag: int
    seconds: float
    estimated: bool
    kafka_offset: int | None
    owner: str | None
    halted: str | None
    last_progress_at: datetime | None


@dataclass(frozen=True, slots=True)
class Look:
    """All places at one moment, with each one's state, and what waits beside."""

    samples: dict[Place, Sample]
    states: dict[Place, State]
    backlogs: dict[str, Backlog]

    @property
    def lag_seconds(self) -> float:
        """The age of the oldest record that waits anywhere."""
        return max((sample.seconds for sample in self.samples.values()), default=0.0)

    @property
    def lag(self) -> int:
        """How many records wait, in all."""
        return sum(sample.lag for sample in self.samples.values())

    def of_service(self, service: str) -> tuple[int, float]:
        """Return a service's records waiting and the age of the oldest."""
        samples = [sample for place, sample in self.samples.items() if place.service == service]
        return sum(each.lag for each in samples), max((each.seconds for each in samples), default=0.0)

    def records(self) -> list[dict[str, Any]]:
        """Return what `--json` prints: one record for each place, then the totals."""
        return [*(self._record(place) for place in self.samples), self.totals()]

    def totals(self) -> dict[str, Any]:
        """Return the line of totals."""
        per_service = {service: self.of_service(service) for service in sessions.SERVICES}
        return {
            "total": True,
            "services": {
                service: {"lag": records, "lag_seconds": round(seconds, 3)}
                for service, (records, seconds) in per_service.items()
            },
            "unpublished": sum(each.unpublished for each in self.backlogs.values()),
            "parked": sum(each.parked for each in self.backlogs.values()),
            "dead_letters": sum(each.dead_letters for each in self.backlogs.values()),
        }

    def _record(self, place: Place) -> dict[str, Any]:
        sample = self.samples[place]
        return {
            "service": place.service,
            "topic": place.topic,
            "partition": place.partition,
            "stored_offset": sample.stored,
            "end_offset": sample.end,
            "lag": sample.lag,
            "lag_seconds": round(sample.seconds, 3),
            "estimated": sample.estimated,
            "kafka_offset": sample.kafka_offset,
            "owner": sample.owner,
            "last_progress_at": sample.last_progress_at,
            "state": self.states[place],
        }


def judge(history: Sequence[Sample]) -> State:
    """Name a partition's state by Burrow's rules, from the looks at it, oldest first.

    Source: LinkedIn Burrow, "Consumer Lag Evaluation Rules"; a shard that is halted or that nobody
    works is told apart from one that merely stands still.
    """
    first, last = history[0], history[-1]
    if last.halted is not None:
        return "halted"
    if last.owner is None:
        return "unowned"
    stored = [sample.stored or 0 for sample in history]
    if any(later < earlier for earlier, later in pairwise(stored)):
        return "rewind"
    if any(sample.lag == 0 for sample in history):
        return "ok"
    if stored[-1] > stored[0]:
        never_falls = all(b.lag >= a.lag for a, b in pairwise(history))
        return "warn" if never_falls and last.seconds >= WARN_SECONDS else "ok"
    if last.last_progress_at != first.last_progress_at:
        return "stall" if last.seconds >= STALL_SECONDS else "ok"
    still = (
        WINDOW_SECONDS
        if last.last_progress_at is None
        else last.at_ms / 1000 - last.last_progress_at.timestamp()
    )
    return "stop" if still >= WINDOW_SECONDS and last.seconds >= WINDOW_SECONDS else "ok"


@dataclass(slots=True)
class Lagmeter:
    """Looks at positions in the database and at the log's ends in Kafka, again and again."""

    database: Any
    consumer: AIOKafkaConsumer
    admin: AIOKafkaAdminClient
    settings: KafkaSettings
    partitions: int
    _history: dict[Place, deque[Sample]] = field(default_factory=dict)
    _stamps: dict[tuple[TopicPartition, int], int] = field(default_factory=dict)
    """Timestamps of first unprocessed records; a record's never changes."""

    async def look(self) -> Look:
        """Look once. The stored offset is read before the end, so that lag is never negative."""
        stored: dict[Place, int | None] = {}
        shards: dict[tuple[str, int], ShardState] = {}
        backlogs: dict[str, Backlog] = {}
        for service in sessions.SERVICES:
            await sessions.enter_schema(self.database, service)
            positions = await queries.positions(self.database)
            for topic in topics_of(service):
                for partition in range(self.partitions):
                    stored[Place(service, topic.name, partition)] = positions.get((topic.name, partition))
            shards |= {(service, each.shard): each for each in await queries.shards(self.database)}
            backlogs[service] = await queries.backlog(self.database)
        starts, ends = await self._log_bounds({place.kafka for place in stored})
        wanted = {
            place: max(offset or 0, starts[place.kafka])
            for place, offset in stored.items()
            if max(offset or 0, starts[place.kafka]) < ends[place.kafka]
        }
        stamps = await self._timestamps(wanted, ends)
        committed = await self._committed()
        now_ms = clock.now_ms()
        samples: dict[Place, Sample] = {}
        for place, offset in stored.items():
            shard = shards.get((place.service, place.partition))
            stamp = stamps.get(place)
            waits = place in wanted and stamp is not NOTHING_THERE
            since_ms = _since_ms(stamp, shard, now_ms)
            samples[place] = Sample(
                at_ms=now_ms,
                stored=offset,
                end=ends[place.kafka],
                lag=ends[place.kafka] - wanted[place] if waits else 0,
                seconds=max(0.0, (now_ms - since_ms) / 1000) if waits else 0.0,
                estimated=waits and (stamp is None or (offset or 0) < starts[place.kafka]),
                kafka_offset=committed.get((place.service, place.kafka)),
                owner=shard.owner if shard else None,
                halted=shard.halted if shard else None,
                last_progress_at=shard.last_progress_at if shard else None,
            )
        return Look(samples, self._judge_all(samples), backlogs)

    def _judge_all(self, samples: dict[Place, Sample]) -> dict[Place, State]:
        states: dict[Place, State] = {}
        for place, sample in samples.items():
            history = self._history.setdefault(place, deque())
            history.append(sample)
            while len(history) > 2 and sample.at_ms - history[0].at_ms > WINDOW_SECONDS * 1000:
                history.popleft()
            states[place] = judge(history)
        return states

    async def _log_bounds(
        self, places: Iterable[TopicPartition]
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        wanted = list(places)
        try:
            async with asyncio.timeout(KAFKA_SECONDS):
                return (
                    await self.consumer.beginning_offsets(wanted),
                    await self.consumer.end_offsets(wanted),
                )
        except (TimeoutError, KafkaError) as problem:
            raise CommandError(
                "kafka_unreachable",
                "Kafka did not say where its topics end.",
                "Type `backoffice status` to see whether it runs; `backoffice migrate` makes missing topics.",
                UNREACHABLE,
            ) from problem

    async def _timestamps(
        self, wanted: dict[Place, int], ends: dict[TopicPartition, int]
    ) -> dict[Place, int | None]:
        """Return the timestamp of the first record at or after each offset, or `NOTHING_THERE`."""
        found: dict[Place, int | None] = {}
        open_: dict[Place, int] = {}
        for place, offset in wanted.items():
            known = self._stamps.get((place.kafka, offset))
            found[place] = known
            if known is None:
                open_[place] = offset
        while open_:
            # Two services may stand at different offsets of one partition: one offset a round.
            round_ = {place.kafka: offset for place, offset in open_.items()}
            fetched = await self._fetch_first(round_, ends)
            for place, offset in list(open_.items()):
                if round_[place.kafka] == offset:
                    found[place] = fetched.get(place.kafka)
                    del open_[place]
        self._stamps = {
            (place.kafka, offset): stamp
            for place, offset in wanted.items()
            if (stamp := found[place]) is not None and stamp is not NOTHING_THERE
        }
        return found

    async def _fetch_first(
        self, offsets: dict[TopicPartition, int], ends: dict[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Fetch one record at each offset; what is missing afterwards could not be had in time."""
        found: dict[TopicPartition, int] = {}
        remaining = set(offsets)
        self.consumer.assign(list(offsets))
        for place, offset in offsets.items():
            self.consumer.seek(place, offset)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FETCH_SECONDS):
                while remaining:
                    polled = await self.consumer.getmany(*remaining, timeout_ms=200)
                    for place, records in polled.items():
                        if records:
                            found[place] = records[0].timestamp
                            remaining.discard(place)
                    for place in list(remaining):
                        # Transaction markers take offsets but are no records: past them is the end.
                        if await self.consumer.position(place) >= ends[place]:
                            found[place] = NOTHING_THERE
                            remaining.discard(place)
        return found

    async def _committed(self) -> dict[tuple[str, TopicPartition], int]:
        """Return what the services have mirrored to Kafka, for comparison only."""
        found: dict[tuple[str, TopicPartition], int] = {}
        for service in sessions.SERVICES:
            with contextlib.suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(KAFKA_SECONDS):
                    group = await self.admin.list_consumer_group_offsets(self.settings.group_of(service))
                for place, mark in group.items():
                    if mark.offset >= 0:
                        found[service, place] = mark.offset
        return found


def topics_of(service: str) -> list[Topic]:
    """Return the topics a service reads."""
    return [topic for topic in TOPICS if service in topic.consumers and not topic.is_compacted]


def _since_ms(stamp: int | None, shard: ShardState | None, now_ms: int) -> int:
    """Return since when the first record waits; from the shard's last progress where it could not be read."""
    if stamp is not None:
        return stamp
    if shard is not None and shard.last_progress_at is not None:
        return int(shard.last_progress_at.timestamp() * 1000)
    return now_ms


@asynccontextmanager
async def open_lagmeter(connection: Connection) -> AsyncGenerator[Lagmeter, None]:
    """Open what a lagmeter looks through."""
    settings = sessions.kafka_settings(connection)
    options = settings.client_options()
    consumer = AIOKafkaConsumer(
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=50,
        **options,
    )
    admin = AIOKafkaAdminClient(**options)
    async with sessions.open_database(connection) as database:
        try:
            async with asyncio.timeout(KAFKA_SECONDS):
                await consumer.start()
                await admin.start()
            yield Lagmeter(database, consumer, admin, settings, connection.partitions)
        finally:
            with contextlib.suppress(KafkaError, OSError):
                await consumer.stop()
            with contextlib.suppress(KafkaError, OSError):
                await admin.close()


async def look_twice(connection: Connection) -> Look:
    """Look, and look again a second later where something waits: whether it moves takes two looks."""
    async with open_lagmeter(connection) as meter:
        look = await meter.look()
        if look.lag:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            look = await meter.look()
        return look
