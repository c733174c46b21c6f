"""What time asks of a worker: deadlines, marks of progress, and whether it is well, behind or stuck."""

import asyncio
import contextlib
import os
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.runtime import clock, database, outbox
from shared.runtime import shard as fencing
from shared.runtime.batch import Batch
from shared.runtime.diagnosis import where_of, words_of
from shared.runtime.effect import adopt, roll_back, works_of
from shared.runtime.errors import ShardHalted, ShardLost
from shared.runtime.failpoints import failpoint
from shared.runtime.shard import Shard
from shared.runtime.work import UnitOfWork

if TYPE_CHECKING:
    from shared.runtime.consumer import Worker

HOUSE_SECONDS: Final = 1.0
CLOCK_SECONDS_MAX: Final = 5.0
CLOCK_EVERY_SECONDS: Final = 30.0
EXIT_FOR_RESTART: Final = 70


def failing_checks(worker: "Worker") -> dict[str, str]:
    """What keeps the process from being ready, by check; empty when it is."""
    failing: dict[str, str] = {}
    if worker.connection is None or worker.connection.is_closed() or worker.down_since is not None:
        failing["database"] = "PostgreSQL does not answer"
    if worker.publisher.failing_since is not None:
        failing["broker"] = "Kafka does not acknowledge events"
    if not worker.assigned:
        failing["assigned"] = "no partition is assigned yet"
    waiting = [number for number in worker.complete_shards() if number not in worker.held]
    if waiting:
        failing["claimed"] = f"shards not claimed yet: {waiting}"
    halted = [number for number, shard in worker.held.items() if shard.halted]
    if halted:
        failing["halted"] = f"shards halted: {halted}"
    seconds = lag_seconds(worker)
    if seconds > worker.settings.lag_seconds_max:
        failing["lag"] = f"behind by {seconds:.0f} seconds"
    return failing


def is_alive(worker: "Worker") -> bool:
    """Whether the process makes progress, or is idle; a restart is of use where it is not."""
    return time.monotonic() - worker.beat < 60


def lag_seconds(worker: "Worker") -> float:
    """How old the oldest record known to wait is, at the most, from what was last taken."""
    oldest = 0.0
    for place, records in lag(worker).items():
        shard = worker.held.get(place.partition)
        if records > 0 and shard is not None:
            stamp = shard.position(place.topic).last_timestamp
            moved = worker.progress.get(place, (0, time.monotonic()))[1]
            still = time.monotonic() - moved
            age = (clock.now_ms() - stamp) / 1000 if stamp else still
            oldest = max(oldest, min(age, still + 1.0) if records < 2 else age)
    return oldest


def lag(worker: "Worker") -> dict[TopicPartition, int]:
    """Records not yet taken, by partition held, as far as the consumer knows."""
    found: dict[TopicPartition, int] = {}
    if worker.consumer is None:
        return found
    for place in worker.assigned:
        shard = worker.held.get(place.partition)
        if shard is None:
            continue
        with contextlib.suppress(Exception):
            end = worker.consumer.highwater(place)
            if end is not None and end >= 0:
                found[place] = max(0, end - shard.position(place.topic).next_offset)
    return found


async def keep_house_until_stopped(worker: "Worker") -> None:
    """Do once a second, or whenever a tick is due, what time asks for; errors are logged and tried again."""
    while not worker.stopping:
        every = worker.service.tick_every
        await asyncio.sleep(HOUSE_SECONDS if every is None else min(HOUSE_SECONDS, every.total_seconds()))
        try:
            await _keep_house(worker)
        except Exception as error:  # noqa: BLE001 - tried again when it is due again
            worker.telemetry.warn("housekeeping_failed", error=type(error).__name__, detail=words_of(error))
            if database.is_world_down(error):
                async with worker.lock:
                    await worker.everything_again(error)
        if not worker.lock.locked():
            worker.beat = time.monotonic()


async def _keep_house(worker: "Worker") -> None:
    now = time.monotonic()
    if worker.down_since is not None and now - worker.down_since > worker.settings.world_down_seconds_max:
        _exit(worker, "world_down")
    if (
        worker.publisher.failing_since is not None
        and now - worker.publisher.failing_since > worker.settings.world_down_seconds_max
    ):
        _exit(worker, "broker_down")
    _watch_for_stalls(worker, now)
    _gauges(worker)
    _warnings(worker)
    async with worker.lock:
        if not worker.held or worker.connection.is_closed():
            return
        for (number, topic, _), since in list(worker.chain_gaps.items()):
            if now - since > worker.settings.chain_gap_seconds_max and number in worker.held:
                await worker.halt(number, f"a chain on {topic} has a hole and does not go on")
                worker.chain_gaps.clear()
        if now - worker.remembered >= HOUSE_SECONDS / 2:  # ticks may come more often than that is of use
            worker.remembered = now
            await remember_published(worker, list(worker.held.values()))
            _mirror(worker)
        every = worker.service.tick_every
        if every is not None and now - worker.ticked >= every.total_seconds():
            worker.ticked = now
            await _tick(worker)
        if now - worker.clock_checked >= CLOCK_EVERY_SECONDS:
            worker.clock_checked = now
            await _stand_still_on_a_wrong_clock(worker)
    await _check_partitions(worker)


def _mirror(worker: "Worker") -> None:
    """Commit offsets to Kafka without waiting, for lag tools; the truth is in the tables."""
    consumer = worker.consumer
    if consumer is None:
        return
    offsets = {
        place: worker.held[place.partition].position(place.topic).next_offset
        for place in worker.assigned
        if place.partition in worker.held
    }
    if offsets and offsets != worker.mirrored:
        worker.spawn(_mirror_now(worker, consumer, offsets), "mirror")


async def _mirror_now(
    worker: "Worker", consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]
) -> None:
    with contextlib.suppress(Exception):
        await consumer.commit(offsets)
        worker.mirrored = offsets
        failpoint("after_mirror")


async def _stand_still_on_a_wrong_clock(worker: "Worker") -> None:
    """Give the shards up: a claim checks the clock first, and so waits until it is set right."""
    try:
        await check_clock(worker)
    except ShardHalted as wrong:
        worker.telemetry.error("clock_off", detail=str(wrong))
        worker.drop(list(worker.held), delay=worker.settings.heartbeat_interval_ms / 1000)


async def remember_published(worker: "Worker", shards: Collection[Shard]) -> None:
    """Store how far these shards' events are acknowledged, of those where that has moved on."""
    progress = {
        shard.shard: worker.publisher.progress[shard.shard]
        for shard in shards
        if shard.shard in worker.publisher.progress
    }
    moved = [
        shard
        for shard in shards
        if shard.shard in progress
        and (
            progress[shard.shard].published_seq > shard.published_seq
            or progress[shard.shard].heads != shard.acknowledged
        )
    ]
    if not moved:
        return
    published = {shard.shard: progress[shard.shard].published_seq for shard in moved}
    heads = {shard.shard: dict(progress[shard.shard].heads) for shard in moved}
    ours = await fencing.remember_published(worker.connection, moved, published, heads)
    for shard in moved:
        if shard.shard in ours:
            shard.published_seq = max(shard.published_seq, published[shard.shard])
            shard.acknowledged = heads[shard.shard]


async def _tick(worker: "Worker") -> None:
    """A batch without records: deadlines and the like. Where it fails, each shard's by itself."""
    held = [shard for shard in worker.held.values() if not shard.halted]
    try:
        await _tick_together(worker, held)
    except Exception as error:
        if isinstance(error, ShardLost) or database.is_world_down(error):
            raise
        for shard in held:
            await _tick_alone(worker, shard)


async def _tick_alone(worker: "Worker", shard: Shard) -> None:
    """A defect in what is due in one shard stops neither its records nor the other shards."""
    try:
        await _tick_together(worker, [shard])
    except Exception as error:
        if isinstance(error, ShardLost) or database.is_world_down(error):
            raise
        worker.telemetry.error(
            "tick_failed", shard=shard.shard, error=type(error).__name__, where=where_of(error)
        )


async def _tick_together(worker: "Worker", held: Sequence[Shard]) -> None:
    works = works_of(held)
    work = UnitOfWork(worker.connection, works, worker.settings.partitions)
    published = {n: p.published_seq for n, p in worker.publisher.progress.items()}
    transaction = worker.connection.transaction()
    await transaction.start()
    try:
        if len(await fencing.fence(worker.connection, held, works, published, [])) != len(held):
            raise ShardLost("a shard was taken over")
        await worker.service.tick(work)
        if work.stored:
            await outbox.append(worker.connection, [each.outgoing for each in work.stored])
            work.outgoing = [each.outgoing for each in work.stored]
        await fencing.finish(worker.connection, held, works, {})
    except BaseException as error:
        await roll_back(worker, transaction)
        if isinstance(error, ShardLost):
            worker.drop([shard.shard for shard in held], delay=worker.settings.heartbeat_interval_ms / 1000)
        raise
    await asyncio.shield(transaction.commit())
    adopt(worker, work, held, [], Batch(worker.service, worker.held, works))


def _watch_for_stalls(worker: "Worker", now: float) -> None:
    for place, records in lag(worker).items():
        shard = worker.held.get(place.partition)
        if shard is None or not shard.takes(worker.inputs[place.topic].topic.kind):
            continue
        _, moved = worker.progress.get(place, (0, now))
        if records <= 0:
            worker.progress[place] = (shard.position(place.topic).next_offset, now)
        elif now - moved > worker.settings.stall_seconds_max and not worker.lock.locked():
            _exit(worker, "stalled", topic=place.topic, partition=place.partition, lag=records)


def _warnings(worker: "Worker") -> None:
    """Log and count each warning when it appears or changes, and keep a gauge of it."""
    found = dict(worker.service.warnings())
    for name in found.keys() | worker.warned.keys():
        worker.telemetry.gauge(f"warning_{name}", 1 if name in found else 0)
        if name in found and found[name] != worker.warned.get(name):
            worker.telemetry.warn(name, detail=found[name])
    worker.warned = found


def _gauges(worker: "Worker") -> None:
    worker.telemetry.gauge("unpublished", worker.publisher.unpublished)
    worker.telemetry.gauge("shards", len(worker.held))
    worker.telemetry.gauge("halted", sum(1 for shard in worker.held.values() if shard.halted))
    worker.telemetry.gauge("parked_owners", sum(len(shard.parked) for shard in worker.held.values()))
    worker.telemetry.gauge("lag_seconds", lag_seconds(worker))
    for place, records in lag(worker).items():
        worker.telemetry.lag(place.topic, place.partition, records)


async def _check_partitions(worker: "Worker") -> None:
    """A topic that grows while we run would misplace owners: stand still and say so."""
    if worker.consumer is None:
        return
    for name in worker.inputs:
        found = worker.consumer.partitions_for_topic(name)
        if found and len(found) != worker.settings.partitions:
            async with worker.lock:
                for number, shard in list(worker.held.items()):
                    if not shard.halted:
                        await worker.halt(number, f"the topic {name} now has {len(found)} partitions")


async def check_clock(worker: "Worker") -> None:
    """Raise `ShardHalted` when this machine's clock is far off the database's."""
    theirs = await worker.connection.fetchval("SELECT clock_timestamp()")
    off = abs((clock.now() - theirs).total_seconds())
    if off > CLOCK_SECONDS_MAX:
        raise ShardHalted(f"this machine's clock is {off:.0f} s off the database's; set it right")


def _exit(worker: "Worker", why: str, **fields: Any) -> None:
    """Leave, to be started again by whoever supervises us."""
    worker.telemetry.error("exit_for_restart", why=why, **fields)
    os._exit(EXIT_FOR_RESTART)
