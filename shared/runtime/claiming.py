"""Claims the shards assigned to a worker: takes them from whoever had them, looks whether Kafka still holds
what the tables remember, publishes again what may be missing, and loads what the service remembers of them.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Final

from shared.runtime import database
from shared.runtime import shard as fencing
from shared.runtime.diagnosis import words_of
from shared.runtime.errors import ShardHalted, ShardLost
from shared.runtime.failpoints import failpoint
from shared.runtime.housekeeping import check_clock
from shared.runtime.shard import Shard
from shared.runtime.verification import verify_log

if TYPE_CHECKING:
    from shared.runtime.consumer import Worker

REBUILD_EVENTS: Final = 2000


async def claim_until_held(worker: "Worker", generation: int, delay: float = 0.0) -> None:
    """Claim what is assigned and not held, with back-off, until done or overtaken."""
    attempt = 0
    await asyncio.sleep(delay)
    while generation == worker.generation and not worker.stopping:
        try:
            async with worker.lock:
                missing = [n for n in worker.complete_shards() if n not in worker.held]
                if generation != worker.generation or not missing:
                    return
                await worker.reconnect_if_closed()
                try:
                    await _claim(worker, missing, generation)
                except BaseException:
                    worker.forget(missing)
                    raise
            worker.down_since = None
            return
        except Exception as error:  # noqa: BLE001 - claimed again until it works or is overtaken
            worker.telemetry.warn("claim_failed", error=type(error).__name__, detail=words_of(error))
            if database.is_world_down(error):
                worker.down_since = worker.down_since or time.monotonic()
            await database.back_off(attempt)
            attempt += 1


async def _claim(worker: "Worker", numbers: list[int], generation: int) -> None:
    consumer = worker.consumer
    if consumer is None:
        return
    started = time.monotonic()
    await check_clock(worker)
    shards = await fencing.claim(worker.connection, numbers, worker.settings.instance)
    failpoint("after_claim")
    reasons = await verify_log(worker.kafka, worker.service, shards)
    for shard in shards:
        reason = reasons.get(shard.shard)
        if reason is not None:
            # A successor's events look like lost ones to whoever claimed before it; the epoch tells.
            await fencing.set_halted(worker.connection, shard, reason)
            worker.telemetry.error("shard_halted", shard=shard.shard, reason=reason)
        elif shard.is_lost:  # what was lost has been restored
            await fencing.set_halted(worker.connection, shard, None)
    for shard in shards:
        _refuse_if_overtaken(worker, generation)
        worker.publisher.begin(shard.shard, shard.published_seq, shard.acknowledged)
        if not shard.is_lost:
            await _republish(worker, shard)
    failpoint("after_republish")
    for shard in shards:
        await worker.service.load(worker.connection, shard.shard)
    _refuse_if_overtaken(worker, generation)
    for shard in shards:
        worker.held[shard.shard] = shard
        worker.read_on(shard)
    worker.when_claimed()
    worker.telemetry.info(
        "claimed",
        shards=numbers,
        epochs=[shard.epoch for shard in shards],
        careful=[shard.shard for shard in shards if shard.careful],
        seconds=round(time.monotonic() - started, 3),
    )


async def _republish(worker: "Worker", shard: Shard) -> None:
    """Send again every copy of every event that may not have been acknowledged."""
    seq = shard.published_seq
    while seq < shard.last_seq:
        events = await worker.service.events_after(worker.connection, shard.shard, seq, REBUILD_EVENTS)
        if not events:
            raise ShardHalted(f"the journal lacks event {seq + 1} of shard {shard.shard}")
        await worker.service.add_ahead(worker.connection, events)
        worker.publisher.enqueue(events)
        await worker.publisher.drained()
        seq = events[-1].seq


def _refuse_if_overtaken(worker: "Worker", generation: int) -> None:
    """Let go of a claim whose shards have been assigned anew meanwhile."""
    if generation != worker.generation:
        raise ShardLost("the shards were assigned anew while they were claimed")
