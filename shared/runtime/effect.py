"""One transaction in which records take effect: fence, handle, finish; then memory and publishing."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from aiokafka import TopicPartition

from shared.runtime import clock, dead_letters, outbox, parked
from shared.runtime import shard as fencing
from shared.runtime.batch import Batch, places_of
from shared.runtime.errors import ShardLost
from shared.runtime.failpoints import failpoint, planted
from shared.runtime.lost import Lost, pass_over
from shared.runtime.shard import Position, Shard
from shared.runtime.work import Received, ShardWork, UnitOfWork

if TYPE_CHECKING:
    from shared.runtime.consumer import Worker

MICROSECOND: Final = timedelta(microseconds=1)


async def take_effect(
    worker: "Worker",
    items: list[Received],
    *,
    done: tuple[Received, bool, str, dict[str, Any]] | None = None,
    resumes: bool = False,
    passes: Lost | None = None,
    carries_out: Received | None = None,
) -> None:
    """One database transaction: fence, handle, finish; then adopt and publish.

    With `done`, its item is answered by the runtime: an act carried out or refused; what stands beside it
    takes effect in the same commit. With `resumes`, so does the end of its shard's halt; with `passes`, it
    reads on behind what is lost. With `carries_out`, its item is an act of the service's own, answered in the
    same commit.
    Raises `ShardLost` when a shard has been taken over; its records are out of the batch then.
    """
    numbers = sorted({item.shard for item in items})
    held = [worker.held[number] for number in numbers]
    works = works_of(held)
    work = UnitOfWork(worker.connection, works, worker.settings.partitions)
    places = places_of(items)
    published = {n: p.published_seq for n, p in worker.publisher.progress.items()}
    if planted("offset_first"):
        await _plant_offset_first(worker, held, works, published, places)
        places = []
    transaction = worker.connection.transaction()
    lost: list[int] = []
    started = time.perf_counter()
    await transaction.start()
    try:
        matched = await fencing.fence(
            worker.connection, held, works, published, places, unfenced=planted("no_epoch_check")
        )
        if len(matched) != len(held):
            lost = [number for number in numbers if number not in matched]
            worker.telemetry.warn("fenced", shards=lost)
            raise ShardLost(f"shards {lost} were taken over")
        failpoint("after_fence")
        fenced = time.perf_counter()
        batch = Batch(worker.service, worker.held, works)
        batch.add_all(items)
        await dead_letters.keep(worker.connection, batch.unreadable, works)
        await parked.keep(worker.connection, batch.parked, works)
        await parked.resolve(worker.connection, batch.taken_again, works)
        handled_from = time.perf_counter()
        if carries_out is not None:
            done = (carries_out, *await worker.service.carry_out(work, carries_out))
        if done is not None:
            item, was_done, detail, result = done
            beside = [each for each in batch.received if each is not item]
            if beside:
                await worker.service.handle(work, beside)
            if passes is not None:
                await pass_over(worker.connection, passes, item.message, works[item.shard].recorded_at)
            if resumes:
                await fencing.lift_halt(worker.connection, item.shard)
            await worker.service.announce_act(work, item, was_done, detail, result)
            await worker.connection.execute(
                "INSERT INTO act (act_id, shard, recorded_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                item.message.act_id,
                item.shard,
                works[item.shard].recorded_at,
            )
        elif batch.received:
            await worker.service.handle(work, batch.received)
        failpoint("after_write")
        handled = time.perf_counter()
        if work.stored:
            await outbox.append(worker.connection, [each.outgoing for each in work.stored])
            work.outgoing = [each.outgoing for each in work.stored]
        await fencing.finish(worker.connection, held, works, batch.marks)
        failpoint("before_commit")
        finished = time.perf_counter()
    except BaseException as error:
        await roll_back(worker, transaction)
        if isinstance(error, ShardLost):
            worker.drop(lost, delay=worker.settings.heartbeat_interval_ms / 1000)
        raise
    await _commit(worker, transaction)
    if passes is not None:
        held[0].position(passes.topic).next_offset = passes.until_offset
    if resumes:
        held[0].halted = None
    failpoint("after_commit")
    adopt(worker, work, held, places, batch)
    worker.telemetry.add_step("fence", fenced - started)
    worker.telemetry.add_step("handle", handled - handled_from)
    worker.telemetry.add_step("finish", finished - handled)
    worker.telemetry.add_step("commit", time.perf_counter() - finished)


async def _commit(worker: "Worker", transaction: Any) -> None:
    """Commit, whatever comes; meanwhile take what lies by, so that the broker is asked for what has come."""
    committing = asyncio.create_task(transaction.commit())
    await asyncio.sleep(0)  # the commit goes out first
    await worker.reach_ahead()
    await asyncio.shield(committing)


def works_of(held: Sequence[Shard]) -> dict[int, ShardWork]:
    now = clock.now()
    works: dict[int, ShardWork] = {}
    for shard in held:
        recorded_at = now
        if shard.last_recorded_at is not None and recorded_at <= shard.last_recorded_at:
            recorded_at = shard.last_recorded_at + MICROSECOND
        works[shard.shard] = ShardWork(
            shard.shard, shard.epoch, shard.last_seq, recorded_at, dict(shard.heads), shard.parked
        )
    return works


async def roll_back(worker: "Worker", transaction: Any) -> None:
    if not worker.connection.is_closed():
        with contextlib.suppress(Exception):
            await transaction.rollback()


def adopt(
    worker: "Worker", work: UnitOfWork, held: Sequence[Shard], places: Sequence[fencing.Place], batch: Batch
) -> None:
    """Take over in memory what is committed, and queue its events for publishing."""
    for shard in held:
        advanced = work.shards[shard.shard]
        shard.batch_no += 1
        shard.last_seq = advanced.last_seq
        shard.last_recorded_at = advanced.recorded_at
        shard.heads = advanced.heads
    now = time.monotonic()
    for topic, partition, offset, timestamp, digest in places:
        worker.held[partition].positions[topic] = Position(offset + 1, offset, timestamp, digest)
        worker.progress[TopicPartition(topic, partition)] = (offset + 1, now)
    for (topic, partition, source), seq in batch.marks.items():
        worker.held[partition].marks[topic, source] = seq
    for item, entry in batch.parked:
        worker.held[item.shard].parked.add(entry.owner)
    worker.service.adopt(work)
    if work.outgoing:
        worker.publisher.enqueue(work.outgoing)
    _note_chain_gaps(worker, batch)
    worker.telemetry.taken(batch.counts)
    worker.down_since = None


def _note_chain_gaps(worker: "Worker", batch: Batch) -> None:
    now = time.monotonic()
    for lane in batch.in_order:
        worker.chain_gaps.pop(lane, None)
    for lane in batch.ahead:
        worker.chain_gaps.setdefault(lane, now)


async def _plant_offset_first(worker: "Worker", held: Any, works: Any, published: Any, places: Any) -> None:
    await fencing.fence(worker.connection, held, works, published, places)
    for shard in held:
        shard.batch_no += 1
