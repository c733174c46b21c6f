"""In what pieces records take effect: all at once, in halves where that fails, with care after a death.

So the one record whose handling fails is found, and no other waits for it.
"""

from typing import TYPE_CHECKING, Final

from shared.runtime import attempts, database
from shared.runtime.diagnosis import where_of
from shared.runtime.effect import take_effect
from shared.runtime.errors import ShardHalted, ShardLost
from shared.runtime.failpoints import planted
from shared.runtime.giving_way import give_way
from shared.runtime.mending import perform
from shared.runtime.work import Received

if TYPE_CHECKING:
    from shared.runtime.consumer import Worker

ATTEMPT_RECORDS: Final = (256, 16, 1)
"""How many records a careful shard takes at once, at the first, second and third attempt; then it parks."""


async def take(worker: "Worker", items: list[Received]) -> None:
    """Let records take effect: all at once, but for acts that are carried out alone, each in its place.

    What stands before such an act in its shard is committed first: its position must not move past
    a record that has had no effect yet.
    """
    waiting: list[Received] = []
    if not any(item.message.__class__ in worker.acts_alone for item in items):
        await _take_readable(worker, items)
        return
    for item in items:
        if item.message.__class__ in worker.acts_alone:
            if not planted("act_before_its_turn"):
                await _take_readable(worker, [each for each in waiting if each.shard == item.shard])
                waiting = [each for each in waiting if each.shard != item.shard]
            if _still_wanted(worker, [item]):
                await _mend(worker, item)
        else:
            waiting.append(item)
    await _take_readable(worker, waiting)


async def _mend(worker: "Worker", item: Received) -> None:
    """Carry out a mending act; one that cannot be is refused, and one that kills the process is found."""
    careful, attempt = worker.held[item.shard].careful, 0
    if careful and await attempts.count(worker.connection, item) > len(ATTEMPT_RECORDS):
        await give_way(worker, item, RuntimeError("the process died handling it"), "ProcessDied")
    else:
        while True:
            try:
                await perform(worker, item)
                break
            except Exception as error:
                if isinstance(error, ShardLost) or database.is_world_down(error):
                    raise
                if not database.is_retryable(error):
                    await give_way(worker, item, error)
                    break
                await database.back_off(attempt)
                attempt += 1
    if careful:
        await attempts.forget(worker.connection, item)


async def _take_readable(worker: "Worker", items: list[Received]) -> None:
    """Take the records of careful shards in pieces, and all others at once."""
    rest: list[Received] = []
    careful: dict[int, list[Received]] = {}
    cautious = {number for number, shard in worker.held.items() if shard.careful}
    for item in _still_wanted(worker, items):
        if item.shard in cautious:
            careful.setdefault(item.shard, []).append(item)
        else:
            rest.append(item)
    for number, pieces in careful.items():
        await _take_carefully(worker, pieces)
        if number in worker.held:
            worker.held[number].careful = False
    await _take_together(worker, _still_wanted(worker, rest))


async def _take_together(worker: "Worker", items: list[Received]) -> None:
    """Commit the records in one transaction; on a defect in halves, first half first, to the record."""
    attempt = 0
    while items:
        try:
            await take_effect(worker, items)
            return
        except ShardLost:
            items = [item for item in items if item.shard in worker.held]
        except ShardHalted as halted:
            if len({item.shard for item in items}) == 1:
                await worker.halt(items[0].shard, str(halted))
                return
            await _take_by_shard(worker, items)
            return
        except Exception as error:
            if database.is_world_down(error):
                raise
            if database.is_retryable(error):
                await database.back_off(attempt)
                attempt += 1
                continue
            if len(items) == 1:
                await give_way(worker, items[0], error)
                return
            worker.telemetry.warn(
                "batch_bisected", records=len(items), error=type(error).__name__, where=where_of(error)
            )
            middle = len(items) // 2
            await _take_together(worker, items[:middle])
            await _take_together(worker, _still_wanted(worker, items[middle:]))
            return


async def _take_by_shard(worker: "Worker", items: list[Received]) -> None:
    for number in sorted({item.shard for item in items}):
        await _take_together(worker, _still_wanted(worker, [i for i in items if i.shard == number]))


def _still_wanted(worker: "Worker", items: list[Received]) -> list[Received]:
    """Leave out records of shards lost or halted meanwhile: they will be read again."""
    wholly = {
        number for number in worker.held if number not in worker.reread and not worker.held[number].halted
    }
    return [item for item in items if item.shard in wholly or _is_wanted(worker, item)]


def _is_wanted(worker: "Worker", item: Received) -> bool:
    shard = worker.held.get(item.shard)
    return item.shard not in worker.reread and shard is not None and shard.takes(item.source.topic.kind)


async def _take_carefully(worker: "Worker", items: list[Received]) -> None:
    """Count each attempt before making it, and take less at a time the more often one has ended in death.

    So a record that kills the process is found by its count after a few lives, and one that only
    happened to be there costs a few transactions more.
    """
    size = ATTEMPT_RECORDS[0]
    while items:
        first = items[0]
        count = await attempts.count(worker.connection, first)
        size = min(size, ATTEMPT_RECORDS[min(count, len(ATTEMPT_RECORDS)) - 1])
        piece, items = items[:size], items[size:]
        if count > len(ATTEMPT_RECORDS):
            await give_way(worker, first, RuntimeError("the process died handling it"), "ProcessDied")
        else:
            await _take_together(worker, piece)
        await attempts.forget(worker.connection, first)
        items = _still_wanted(worker, items)
