"""What becomes of one record whose handling fails: an act is answered, else its owner waits, or the shard."""

import time
from typing import TYPE_CHECKING

from shared.messages.acts.base import ActBase
from shared.runtime import database
from shared.runtime.diagnosis import where_of
from shared.runtime.effect import take_effect
from shared.runtime.errors import ShardLost
from shared.runtime.work import Received

if TYPE_CHECKING:
    from shared.runtime.consumer import Worker


async def give_way(worker: "Worker", item: Received, error: Exception, name: str | None = None) -> None:
    """Handling this one record fails: park its owner, or halt the shard."""
    name = name or type(error).__name__
    worker.telemetry.error(
        "record_failed",
        topic=item.topic,
        shard=item.shard,
        offset=item.offset,
        error=name,
        where=where_of(error),
    )
    if isinstance(item.message, ActBase) and await _refuse_act(worker, item, f"failed: {name}"):
        return
    owner = worker.service.owner_of(item.message) if worker.service.parks else None
    place = f"{item.topic}/{item.shard}/{item.offset}"
    if owner is None or item.source.topic.kind == "acts":
        await worker.halt(item.shard, f"handling {place} failed: {name} {where_of(error)}")
        return
    now = time.monotonic()
    worker.parkings.append(now)
    while now - worker.parkings[0] > 60:
        worker.parkings.popleft()
    if len(worker.parkings) > worker.settings.parkings_per_minute_max:
        await worker.halt(item.shard, f"too many records fail, the last at {place}: {name}")
        return
    item.failed = f"{name} {where_of(error)}"
    try:
        await take_effect(worker, [item])
    except ShardLost:
        return
    except Exception as again:
        if database.is_world_down(again):
            raise
        await worker.halt(item.shard, f"parking {place} failed: {type(again).__name__} {where_of(again)}")


async def _refuse_act(worker: "Worker", item: Received, detail: str) -> bool:
    """Answer an act whose handling fails, so that those behind it, which may mend the shard, go on."""
    try:
        await take_effect(worker, [item], done=(item, False, detail, {}))
    except ShardLost:
        return True
    except Exception as error:
        if database.is_world_down(error):
            raise
        return False
    return True
