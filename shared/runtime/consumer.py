"""Holds the shards of one process, and lets what it polls take effect on them, once.

`Worker` keeps what is assigned, claimed and under way. `process(records)` takes what one poll returned and
comes back when its effect is committed, or when its records are dropped to be read again; it never raises.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition

from shared.runtime import database
from shared.runtime import shard as fencing
from shared.runtime.arranging import arrange
from shared.runtime.claiming import claim_until_held
from shared.runtime.diagnosis import words_of
from shared.runtime.failpoints import failpoint
from shared.runtime.housekeeping import keep_house_until_stopped, remember_published
from shared.runtime.mending import MENDING_ACTS
from shared.runtime.publisher import Publisher
from shared.runtime.settings import KafkaSettings, ServiceSettings
from shared.runtime.shard import Shard
from shared.runtime.taking import take
from shared.runtime.telemetry import Telemetry
from shared.runtime.work import Service

REVOKE_SECONDS_MAX: Final = 10.0


class Worker:
    """The shards one process holds, and what is done to them; one batch at a time."""

    def __init__(
        self, service: Service, settings: ServiceSettings, kafka: KafkaSettings, telemetry: Telemetry
    ) -> None:
        self.service = service
        self.settings = settings
        self.kafka = kafka
        self.telemetry = telemetry
        self.publisher = Publisher(service.name, kafka, telemetry)
        self.held: dict[int, Shard] = {}
        self.assigned: frozenset[TopicPartition] = frozenset()
        self.inputs = {each.topic.name: each for each in service.inputs}
        self.acts_alone = frozenset((*MENDING_ACTS, *service.own_acts))
        """Classes of acts that are each carried out alone and in their place."""
        service.configure(settings, kafka)
        self.when_claimed: Callable[[], None] = lambda: None
        self.get_consumer: Callable[[], AIOKafkaConsumer | None] = lambda: None
        self.reach_ahead: Callable[[], Awaitable[None]] = _reach_nowhere
        """Takes records for the next poll while a commit is waited for."""
        self.connection: Any = None
        self.lock = asyncio.Lock()
        self.generation = 0
        self.tasks: set[asyncio.Task[Any]] = set()
        self.gaps: dict[tuple[str, int], tuple[int, int]] = {}
        self.chain_gaps: dict[tuple[int, str, int], float] = {}
        self.parkings: deque[float] = deque()
        self.progress: dict[TopicPartition, tuple[int, float]] = {}
        self.down_since: float | None = None
        self.stopping = False
        self.ticked = 0.0
        self.remembered = 0.0
        self.mirrored: dict[TopicPartition, int] = {}
        self.warned: dict[str, str] = {}
        self.reread: set[int] = set()
        """Shards halted or lost in this batch: what is left of their records will be read again."""
        self.clock_checked = 0.0
        self.beat = time.monotonic()
        self.listener = _Listener(self)

    # ------------------------------------------------------------------ life

    async def start(self) -> None:
        """Connect to the database and begin to publish; shards come with the assignment."""
        self.connection = await self.connect()
        await self.service.start(self.connection)
        await self.publisher.start()
        self.spawn(keep_house_until_stopped(self), "housekeeping")

    def bind(self, consumer: Callable[[], AIOKafkaConsumer | None]) -> None:
        """Say how to get at the consumer whose partitions are assigned to us."""
        self.get_consumer = consumer

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        return self.get_consumer()

    async def stop(self) -> None:
        """Finish the batch in flight, publish what is committed, give the shards up."""
        self.stopping = True
        self.generation += 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REVOKE_SECONDS_MAX), self.lock:
                await self.publisher.stop(drain_seconds=5.0)
                await self._give_up_all()
        for task in self.tasks:
            task.cancel()
        with contextlib.suppress(Exception):
            await self.service.stop()
        if self.connection is not None:
            with contextlib.suppress(Exception):
                await self.connection.close(timeout=2)

    # ------------------------------------------------------------------ assignment and claims

    def on_assigned(self, places: Iterable[TopicPartition]) -> None:
        """Pause at once; claim in a task of its own, since no heartbeat is sent while a callback runs."""
        self.generation += 1
        self.forget(list(self.held))
        self.assigned = frozenset(places)
        consumer = self.consumer
        if consumer is None:
            return
        for place in self.assigned:
            consumer.pause(place)
            consumer.seek(place, 0)  # any valid position: nothing is fetched while paused
        self.telemetry.info("assigned", partitions=len(self.assigned), shards=self.complete_shards())
        self.spawn(claim_until_held(self, self.generation), "claim")

    async def on_revoked(self) -> None:
        """Let the batch in flight finish within a bound, then forget every shard."""
        self.generation += 1
        self.assigned = frozenset()
        if self.held:
            self.telemetry.warn("revoked", shards=sorted(self.held))
        try:  # a claim in flight sees the new generation at its next step and lets go
            async with asyncio.timeout(REVOKE_SECONDS_MAX), self.lock:
                await self._give_up_all()
        except TimeoutError:
            self.telemetry.warn("revoked_in_flight")  # the fence stops whoever is late
            self.forget(list(self.held))

    async def _give_up_all(self) -> None:
        shards = list(self.held.values())
        with contextlib.suppress(Exception):
            await remember_published(self, shards)
            await fencing.release(self.connection, shards)
        self.forget([shard.shard for shard in shards])

    def forget(self, numbers: Iterable[int]) -> None:
        """Drop all memory of shards: given up, lost, or in doubt."""
        for number in numbers:
            self.held.pop(number, None)
            self.publisher.forget(number)
            self.service.forget(number)

    def complete_shards(self) -> list[int]:
        """The shards of which all inputs are assigned here: they are ours to claim."""
        counts: dict[int, int] = {}
        for place in self.assigned:
            counts[place.partition] = counts.get(place.partition, 0) + 1
        return sorted(number for number, count in counts.items() if count == len(self.inputs))

    def read_on(self, shard: Shard) -> None:
        """Seek every input to its stored position; read all of them, or only acts when halted."""
        consumer = self.consumer
        if consumer is None:
            return
        for place in self.assigned:
            if place.partition != shard.shard:
                continue
            consumer.seek(place, shard.position(place.topic).next_offset)
            self.gaps.pop((place.topic, place.partition), None)
            self.progress[place] = (shard.position(place.topic).next_offset, time.monotonic())
            if not shard.takes(self.inputs[place.topic].topic.kind):
                consumer.pause(place)
            else:
                consumer.resume(place)

    async def halt(self, number: int, reason: str) -> None:
        """Let a shard stand still, but for acts, until somebody has looked."""
        shard = self.held.get(number)
        if shard is None:
            return
        self.telemetry.error("shard_halted", shard=number, reason=reason)
        self.reread.add(number)
        self.service.forget(number)
        await self.service.load(self.connection, number)
        await fencing.set_halted(self.connection, shard, reason)
        self.read_on(shard)

    def drop(self, numbers: Iterable[int], delay: float = 0.0) -> None:
        """Forget shards and claim them afresh: their records will be read again."""
        consumer = self.consumer
        self.reread.update(numbers)
        self.forget(numbers)
        if consumer is not None:
            assigned = consumer.assignment()
            for place in self.assigned:
                if place.partition in numbers and place in assigned:
                    consumer.pause(place)
        if not self.stopping:
            self.spawn(claim_until_held(self, self.generation, delay), "claim")

    # ------------------------------------------------------------------ a batch

    async def process(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """Let what one poll returned take effect, once. Never raises but for cancellation."""
        failpoint("after_poll")
        self.beat = time.monotonic()
        await self.publisher.room()
        async with self.lock:
            try:
                self.reread.clear()
                items = arrange(self, records)
                failpoint("after_decode")
                await take(self, items)
            except Exception as error:  # noqa: BLE001 - the world is down, or we are at fault: read again
                await self.everything_again(error)
        self.beat = time.monotonic()

    async def everything_again(self, error: Exception) -> None:
        """Drop all memory: what is committed is in the tables, the rest will be read again."""
        world = database.is_world_down(error)
        if world:
            self.down_since = self.down_since or time.monotonic()
        self.telemetry.error(
            "batch_dropped", error=type(error).__name__, detail=words_of(error), world_down=world
        )
        with contextlib.suppress(Exception):
            self.connection.terminate()
        self.drop(list(self.held), delay=0.1)

    # ------------------------------------------------------------------ connections and tasks

    async def connect(self) -> Any:
        """Open the writer's connection, as the service's own login."""
        password = self.settings.database_password
        return await database.connect(
            self.settings.database_dsn.get_secret_value(),
            password=password.get_secret_value() if password else None,
            application=f"backoffice-{self.service.name}-{self.settings.instance}",
        )

    async def reconnect_if_closed(self) -> None:
        """Connect again where the connection is gone, and load what all shards share."""
        if self.connection is None or self.connection.is_closed():
            self.connection = await self.connect()
            await self.service.start(self.connection)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def _reach_nowhere() -> None:
    """Take nothing: so it is without a consumer's loop."""


class _Listener(ConsumerRebalanceListener):
    """Hands the consumer's rebalances on."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, revoked: Iterable[TopicPartition]
    ) -> None:
        del revoked
        await self._worker.on_revoked()

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, assigned: Iterable[TopicPartition]
    ) -> None:
        self._worker.on_assigned(assigned)
