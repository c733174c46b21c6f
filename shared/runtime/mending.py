"""Carries out the acts that mend a shard: replay and discard what is parked, let a halted shard go on."""

from typing import TYPE_CHECKING, Any, Final

from shared.messages.acts import ActBase, DiscardParked, ReplayParked, ResumeShard
from shared.runtime import database, parked
from shared.runtime import shard as fencing
from shared.runtime.batch import decode
from shared.runtime.diagnosis import where_of
from shared.runtime.errors import ShardLost
from shared.runtime.shard import Shard
from shared.runtime.work import Discarded, Received

if TYPE_CHECKING:
    from shared.runtime.consumer import Worker

MENDING_ACTS: Final = (ReplayParked, DiscardParked, ResumeShard)


async def perform(worker: "Worker", item: Received) -> None:
    """Carry out an act that concerns the runtime's own tables, and announce what came of it."""
    act: ActBase = item.message
    shard = worker.held[item.shard]
    done, detail, result = True, "done", {}
    known = await worker.connection.fetchval(
        "SELECT 1 FROM act WHERE shard = $1 AND act_id = $2", item.shard, act.act_id
    )
    if known:
        done, detail = False, "act_already_done"
    elif isinstance(act, ReplayParked):
        done, detail, result = await _replay(worker, shard, act.owner)
    elif isinstance(act, DiscardParked):
        done, detail, result = await _discard(worker, shard, act)
    elif isinstance(act, ResumeShard):
        done, detail, result = await _resume(worker, shard, act)
    if shard.shard not in worker.held:
        return
    await worker.transact([item], done=(item, done, detail, result))


async def _replay(worker: "Worker", shard: Shard, owner: str) -> tuple[bool, str, dict[str, Any]]:
    """Handle a parked owner's records again, in order, until none waits or one fails again."""
    replayed = 0
    while True:
        rows = await parked.waiting(worker.connection, shard.shard, owner, limit=200)
        if not rows:
            break
        for row in rows:
            item = _taken_again(worker, row)
            try:
                await worker.transact([item])
            except Exception as error:
                if isinstance(error, ShardLost) or database.is_world_down(error):
                    raise
                place = f"{row['topic']}/{row['partition']}/{row['offset']}"
                left = await parked.count_waiting(worker.connection, shard.shard, owner)
                return (
                    False,
                    f"{place} failed again: {type(error).__name__} {where_of(error)}",
                    {"replayed": replayed, "left": left},
                )
            replayed += 1
    shard.parked.discard(owner)
    return True, "replayed" if replayed else "nothing_parked", {"replayed": replayed, "left": 0}


async def _discard(worker: "Worker", shard: Shard, act: DiscardParked) -> tuple[bool, str, dict[str, Any]]:
    row = await parked.waiting_at(worker.connection, shard.shard, act.topic, act.partition, act.offset)
    if row is None or row["owner"] != act.owner:
        return False, "not_parked", {}
    item = _taken_again(worker, row)
    item.message = Discarded(act.owner, act.act_id, act.actor, act.reason, item.message)
    await worker.transact([item])
    left = await parked.count_waiting(worker.connection, shard.shard, act.owner)
    if left == 0:
        shard.parked.discard(act.owner)
    return True, "discarded", {"left": left}


async def _resume(worker: "Worker", shard: Shard, act: ResumeShard) -> tuple[bool, str, dict[str, Any]]:
    if act.shard != shard.shard:
        return False, f"sent to shard {shard.shard}, names shard {act.shard}", {}
    if not shard.halted:
        return False, "not_halted", {}
    was = shard.halted
    await fencing.set_halted(worker.connection, shard, None)
    worker.chain_gaps = {lane: t for lane, t in worker.chain_gaps.items() if lane[0] != shard.shard}
    acts_position = {name: shard.position(name).next_offset for name in worker.inputs}
    worker.read_on(shard)
    return True, "resumed", {"was": was, "positions": acts_position}


def _taken_again(worker: "Worker", row: Any) -> Received:
    """Make a kept record a record of a batch again."""
    item = Received(
        row["shard"],
        row["topic"],
        row["shard"],
        row["offset"],
        row["timestamp_ms"],
        row["key"],
        None,
        row["value"],
        parked.headers_of(row),
        worker.inputs[row["topic"]],
        parked_id=row["parked_id"],
    )
    decode(item)
    return item
