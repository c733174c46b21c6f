"""Lets a polled batch take effect once: decode, fence, handle, commit, publish, mirror; and claims shards.

`Worker` holds the shards of one process. `process(records)` takes what one poll returned and comes
back when its effect is committed, or when its records are dropped to be read again; it never raises.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition

from shared.messages.acts import ActBase
from shared.runtime import database
from shared.runtime import shard as fencing
from shared.runtime.batch import decode
from shared.runtime.diagnosis import where_of, words_of
from shared.runtime.effect import take_effect
from shared.runtime.errors import ShardHalted, ShardLost
from shared.runtime.failpoints import failpoint, planted
from shared.runtime.housekeeping import check_clock, keep_house_until_stopped, remember_published
from shared.runtime.lost import Lost
from shared.runtime.mending import MENDING_ACTS, perform
from shared.runtime.publisher import Publisher
from shared.runtime.settings import KafkaSettings, ServiceSettings
from shared.runtime.shard import Shard
from shared.runtime.telemetry import Telemetry
from shared.runtime.verification import verify_log
from shared.runtime.work import Received, Service, Unreadable

BACK_OFF_SECONDS: Final = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)
REVOKE_SECONDS_MAX: Final = 10.0
_LANE: Final = attrgetter("topic", "partition")
_PLACE_IN_BATCH: Final = itemgetter(0, 1)
ATTEMPT_RECORDS: Final = (256, 16, 1)
"""How many records a careful shard takes at once, at the first, second and third attempt; then it parks."""
REBUILD_EVENTS: Final = 2000


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
        self._forget(list(self.held))
        self.assigned = frozenset(places)
        consumer = self.consumer
        if consumer is None:
            return
        for place in self.assigned:
            consumer.pause(place)
            consumer.seek(place, 0)  # any valid position: nothing is fetched while paused
        self.telemetry.info("assigned", partitions=len(self.assigned), shards=self.complete_shards())
        self.spawn(self._claim_until_held(self.generation), "claim")

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
            self._forget(list(self.held))

    async def _give_up_all(self) -> None:
        shards = list(self.held.values())
        with contextlib.suppress(Exception):
            await remember_published(self, shards)
            await fencing.release(self.connection, shards)
        self._forget([shard.shard for shard in shards])

    def _forget(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.held.pop(number, None)
            self.publisher.forget(number)
            self.service.forget(number)

    def complete_shards(self) -> list[int]:
        counts: dict[int, int] = {}
        for place in self.assigned:
            counts[place.partition] = counts.get(place.partition, 0) + 1
        return sorted(number for number, count in counts.items() if count == len(self.inputs))

    async def _claim_until_held(self, generation: int, delay: float = 0.0) -> None:
        """Claim what is assigned and not held, with back-off, until done or overtaken."""
        attempt = 0
        await asyncio.sleep(delay)
        while generation == self.generation and not self.stopping:
            try:
                async with self.lock:
                    missing = [n for n in self.complete_shards() if n not in self.held]
                    if generation != self.generation or not missing:
                        return
                    await self._reconnect_if_closed()
                    try:
                        await self._claim(missing, generation)
                    except BaseException:
                        self._forget(missing)
                        raise
                self.down_since = None
                return
            except Exception as error:  # noqa: BLE001 - claimed again until it works or is overtaken
                self.telemetry.warn("claim_failed", error=type(error).__name__, detail=words_of(error))
                if database.is_world_down(error):
                    self.down_since = self.down_since or time.monotonic()
                await asyncio.sleep(BACK_OFF_SECONDS[min(attempt, len(BACK_OFF_SECONDS) - 1)])
                attempt += 1

    def _refuse_if_overtaken(self, generation: int) -> None:
        """Let go of a claim whose shards have been assigned anew meanwhile."""
        if generation != self.generation:
            raise ShardLost("the shards were assigned anew while they were claimed")

    async def _claim(self, numbers: list[int], generation: int) -> None:
        consumer = self.consumer
        if consumer is None:
            return
        started = time.monotonic()
        await check_clock(self)
        shards = await fencing.claim(self.connection, numbers, self.settings.instance)
        failpoint("after_claim")
        reasons = await verify_log(self.kafka, self.service, shards)
        for shard in shards:
            reason = reasons.get(shard.shard)
            if reason is not None:
                # A successor's events look like lost ones to whoever claimed before it; the epoch tells.
                await fencing.set_halted(self.connection, shard, reason)
                self.telemetry.error("shard_halted", shard=shard.shard, reason=reason)
            elif shard.is_lost:  # what was lost has been restored
                await fencing.set_halted(self.connection, shard, None)
        for shard in shards:
            self._refuse_if_overtaken(generation)
            self.publisher.begin(shard.shard, shard.published_seq, shard.acknowledged)
            if not shard.is_lost:
                await self._republish(shard)
        failpoint("after_republish")
        for shard in shards:
            await self.service.load(self.connection, shard.shard)
        self._refuse_if_overtaken(generation)
        for shard in shards:
            self.held[shard.shard] = shard
            self.read_on(shard)
        self.when_claimed()
        self.telemetry.info(
            "claimed",
            shards=numbers,
            epochs=[shard.epoch for shard in shards],
            careful=[shard.shard for shard in shards if shard.careful],
            seconds=round(time.monotonic() - started, 3),
        )

    async def _republish(self, shard: Shard) -> None:
        """Send again every copy of every event that may not have been acknowledged."""
        seq = shard.published_seq
        while seq < shard.last_seq:
            events = await self.service.events_after(self.connection, shard.shard, seq, REBUILD_EVENTS)
            if not events:
                raise ShardHalted(f"the journal lacks event {seq + 1} of shard {shard.shard}")
            await self.service.add_ahead(self.connection, events)
            self.publisher.enqueue(events)
            await self.publisher.drained()
            seq = events[-1].seq

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
        self._forget(numbers)
        if consumer is not None:
            assigned = consumer.assignment()
            for place in self.assigned:
                if place.partition in numbers and place in assigned:
                    consumer.pause(place)
        if not self.stopping:
            self.spawn(self._claim_until_held(self.generation, delay), "claim")

    # ------------------------------------------------------------------ a batch

    async def process(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """Let what one poll returned take effect, once. Never raises but for cancellation."""
        failpoint("after_poll")
        self.beat = time.monotonic()
        await self.publisher.room()
        async with self.lock:
            try:
                self.reread.clear()
                items = self._arrange(records)
                failpoint("after_decode")
                await self._take(items)
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

    def _arrange(self, records: Sequence[ConsumerRecord[Any, Any]]) -> list[Received]:
        """Keep the records of shards held that were not taken before; decode; order within a shard."""
        started = time.perf_counter()
        lanes: list[tuple[int, int, list[Received]]] = []
        expected: dict[tuple[str, int], int] = {}
        refetch: set[tuple[str, int]] = set()
        swallow = planted("swallowed_decode_error")
        for lane, group in groupby(records, _LANE):
            topic, partition = lane
            shard = self.held.get(partition)
            source = self.inputs.get(topic)
            if shard is None or source is None or not shard.takes(source.topic.kind) or lane in refetch:
                continue
            wanted = expected.get(lane)
            if wanted is None:
                wanted = shard.position(topic).next_offset
            items: list[Received] = []
            for record in group:
                offset = record.offset
                if offset != wanted:
                    if offset < wanted:
                        continue
                    if self.gaps.get(lane) != (wanted, offset):
                        # Aborted transactions leave gaps; a poll from before a claim looks the same. Read
                        # again: a gap that stays is one of Kafka's own.
                        self.gaps[lane] = (wanted, offset)
                        refetch.add(lane)
                        self._seek(lane, wanted)
                        break
                wanted = offset + 1
                item = Received(
                    partition,
                    topic,
                    partition,
                    offset,
                    record.timestamp,
                    record.key,
                    None,
                    record.value,
                    record.headers,
                    source,
                )
                decode(item)
                items.append(item)
            expected[lane] = wanted
            lanes.append((partition, source.rank, items))
        lanes.sort(key=_PLACE_IN_BATCH)
        arranged = [item for _, _, items in lanes for item in items]
        if swallow:
            arranged = [item for item in arranged if not isinstance(item.message, Unreadable)]
        self.telemetry.add_step("decode", time.perf_counter() - started)
        return arranged

    def _seek(self, lane: tuple[str, int], offset: int) -> None:
        if self.consumer is not None:
            with contextlib.suppress(Exception):
                self.consumer.seek(TopicPartition(*lane), offset)

    async def _take(self, items: list[Received]) -> None:
        """Let records take effect: all at once, but for acts that are carried out alone, each in its place.

        What stands before such an act in its shard is committed first: its position must not move past
        a record that has had no effect yet.
        """
        waiting: list[Received] = []
        if not any(item.message.__class__ in self.acts_alone for item in items):
            await self._take_readable(items)
            return
        for item in items:
            if item.message.__class__ in self.acts_alone:
                if not planted("act_before_its_turn"):
                    await self._take_readable([each for each in waiting if each.shard == item.shard])
                    waiting = [each for each in waiting if each.shard != item.shard]
                if self._still_wanted([item]):
                    await self._mend(item)
            else:
                waiting.append(item)
        await self._take_readable(waiting)

    async def _mend(self, item: Received) -> None:
        """Carry out a mending act; one that cannot be is refused, and one that kills the process is found."""
        careful, attempt = self.held[item.shard].careful, 0
        if careful and await self._count_attempt(item) > len(ATTEMPT_RECORDS):
            await self._give_way(item, RuntimeError("the process died handling it"), "ProcessDied")
        else:
            while True:
                try:
                    await perform(self, item)
                    break
                except Exception as error:
                    if isinstance(error, ShardLost) or database.is_world_down(error):
                        raise
                    if not database.is_retryable(error):
                        await self._give_way(item, error)
                        break
                    await asyncio.sleep(BACK_OFF_SECONDS[min(attempt, len(BACK_OFF_SECONDS) - 1)])
                    attempt += 1
        if careful:
            await self._forget_attempt(item)

    async def _take_readable(self, items: list[Received]) -> None:
        """Take the records of careful shards in pieces, and all others at once."""
        rest: list[Received] = []
        careful: dict[int, list[Received]] = {}
        cautious = {number for number, shard in self.held.items() if shard.careful}
        for item in self._still_wanted(items):
            if item.shard in cautious:
                careful.setdefault(item.shard, []).append(item)
            else:
                rest.append(item)
        for number, pieces in careful.items():
            await self._take_carefully(pieces)
            if number in self.held:
                self.held[number].careful = False
        await self._take_together(self._still_wanted(rest))

    async def _take_together(self, items: list[Received]) -> None:
        """Commit the records in one transaction; on a defect in halves, first half first, to the record."""
        attempt = 0
        while items:
            try:
                await self.transact(items)
                return
            except ShardLost:
                items = [item for item in items if item.shard in self.held]
            except ShardHalted as halted:
                if len({item.shard for item in items}) == 1:
                    await self.halt(items[0].shard, str(halted))
                    return
                await self._take_by_shard(items)
                return
            except Exception as error:
                if database.is_world_down(error):
                    raise
                if database.is_retryable(error):
                    await asyncio.sleep(BACK_OFF_SECONDS[min(attempt, len(BACK_OFF_SECONDS) - 1)])
                    attempt += 1
                    continue
                if len(items) == 1:
                    await self._give_way(items[0], error)
                    return
                self.telemetry.warn(
                    "batch_bisected", records=len(items), error=type(error).__name__, where=where_of(error)
                )
                middle = len(items) // 2
                await self._take_together(items[:middle])
                await self._take_together(self._still_wanted(items[middle:]))
                return

    async def _take_by_shard(self, items: list[Received]) -> None:
        for number in sorted({item.shard for item in items}):
            await self._take_together(self._still_wanted([i for i in items if i.shard == number]))

    def _still_wanted(self, items: list[Received]) -> list[Received]:
        """Leave out records of shards lost or halted meanwhile: they will be read again."""
        wholly = {
            number for number in self.held if number not in self.reread and not self.held[number].halted
        }
        return [item for item in items if item.shard in wholly or self._is_wanted(item)]

    def _is_wanted(self, item: Received) -> bool:
        shard = self.held.get(item.shard)
        return item.shard not in self.reread and shard is not None and shard.takes(item.source.topic.kind)

    async def _take_carefully(self, items: list[Received]) -> None:
        """Count each attempt before making it, and take less at a time the more often one has ended in death.

        So a record that kills the process is found by its count after a few lives, and one that only
        happened to be there costs a few transactions more.
        """
        size = ATTEMPT_RECORDS[0]
        while items:
            first = items[0]
            count = await self._count_attempt(first)
            size = min(size, ATTEMPT_RECORDS[min(count, len(ATTEMPT_RECORDS)) - 1])
            piece, items = items[:size], items[size:]
            if count > len(ATTEMPT_RECORDS):
                await self._give_way(first, RuntimeError("the process died handling it"), "ProcessDied")
            else:
                await self._take_together(piece)
            await self._forget_attempt(first)
            items = self._still_wanted(items)

    async def _count_attempt(self, item: Received) -> int:
        return await self.connection.fetchval(
            'INSERT INTO attempt (topic, partition, "offset", shard, count) VALUES ($1, $2, $3, $2, 1)'
            ' ON CONFLICT (topic, partition, "offset") DO UPDATE SET count = attempt.count + 1'
            " RETURNING count",
            item.topic,
            item.shard,
            item.offset,
        )

    async def _forget_attempt(self, item: Received) -> None:
        await self.connection.execute(
            'DELETE FROM attempt WHERE topic = $1 AND partition = $2 AND "offset" = $3',
            item.topic,
            item.shard,
            item.offset,
        )

    async def _refuse_act(self, item: Received, detail: str) -> bool:
        """Answer an act whose handling fails, so that those behind it, which may mend the shard, go on."""
        try:
            await self.transact([item], done=(item, False, detail, {}))
        except ShardLost:
            return True
        except Exception as error:
            if database.is_world_down(error):
                raise
            return False
        return True

    async def _give_way(self, item: Received, error: Exception, name: str | None = None) -> None:
        """Handling this one record fails: park its owner, or halt the shard."""
        name = name or type(error).__name__
        self.telemetry.error(
            "record_failed",
            topic=item.topic,
            shard=item.shard,
            offset=item.offset,
            error=name,
            where=where_of(error),
        )
        if isinstance(item.message, ActBase) and await self._refuse_act(item, f"failed: {name}"):
            return
        owner = self.service.owner_of(item.message) if self.service.parks else None
        place = f"{item.topic}/{item.shard}/{item.offset}"
        if owner is None or item.source.topic.kind == "acts":
            await self.halt(item.shard, f"handling {place} failed: {name} {where_of(error)}")
            return
        now = time.monotonic()
        self.parkings.append(now)
        while now - self.parkings[0] > 60:
            self.parkings.popleft()
        if len(self.parkings) > self.settings.parkings_per_minute_max:
            await self.halt(item.shard, f"too many records fail, the last at {place}: {name}")
            return
        item.failed = f"{name} {where_of(error)}"
        try:
            await self.transact([item])
        except ShardLost:
            return
        except Exception as again:
            if database.is_world_down(again):
                raise
            await self.halt(item.shard, f"parking {place} failed: {type(again).__name__} {where_of(again)}")

    async def transact(
        self,
        items: list[Received],
        *,
        done: tuple[Received, bool, str, dict[str, Any]] | None = None,
        resumes: bool = False,
        passes: Lost | None = None,
        carries_out: Received | None = None,
    ) -> None:
        """Let records take effect in one transaction; see `shared.runtime.effect`."""
        await take_effect(self, items, done=done, resumes=resumes, passes=passes, carries_out=carries_out)

    # ------------------------------------------------------------------ connections and tasks

    async def connect(self) -> Any:
        """Open the writer's connection, as the service's own login."""
        password = self.settings.database_password
        return await database.connect(
            self.settings.database_dsn.get_secret_value(),
            password=password.get_secret_value() if password else None,
            application=f"backoffice-{self.service.name}-{self.settings.instance}",
        )

    async def _reconnect_if_closed(self) -> None:
        if self.connection is None or self.connection.is_closed():
            self.connection = await self.connect()
            await self.service.start(self.connection)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


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
