"""Carries out the acts that mend a shard: replay and discard what is parked, let a halted shard go on, pass
over records that were deleted before they were taken.

And has the service carry out those of its own, in the same way: each alone, once, in its place.
"""

from typing import TYPE_CHECKING, Any, Final

from shared.messages.acts import DiscardParked, PassOverLost, ReplayParked, ResumeShard
from shared.messages.acts.base import ActBase
from shared.runtime import database, parked
from shared.runtime.batch import decode
from shared.runtime.diagnosis import where_of
from shared.runtime.effect import take_effect
from shared.runtime.errors import ShardLost
from shared.runtime.lost import Lost, lost_of
from shared.runtime.shard import Shard
from shared.runtime.work import Discarded, Received

if TYPE_CHECKING:
    from shared.runtime.consumer import Worker

MENDING_ACTS: Final = (ReplayParked, DiscardParked, ResumeShard, PassOverLost)


async def perform(worker: "Worker", item: Received) -> None:
    """Carry out an act that concerns the runtime's own tables, or one of the service's, and announce it."""
    act: ActBase = item.message
    shard = worker.held[item.shard]
    known = await worker.connection.fetchval(
        "SELECT 1 FROM act WHERE shard = $1 AND act_id = $2", item.shard, act.act_id
    )
    if known:
        await take_effect(worker, [item], done=(item, False, "act_already_done", {}))
    elif isinstance(act, ReplayParked):
        done, detail, result = await _replay(worker, shard, act.owner)
        await take_effect(worker, [item], done=(item, done, detail, result))
    elif isinstance(act, DiscardParked):
        await _discard(worker, shard, item, act)
    elif isinstance(act, ResumeShard):
        await _resume(worker, shard, item, act)
    elif isinstance(act, PassOverLost):
        await _pass_over(worker, shard, item, act)
    else:
        await take_effect(worker, [item], carries_out=item)


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
                await take_effect(worker, [item])
            except Exception as error:
                if (
                    isinstance(error, ShardLost)
                    or database.is_world_down(error)
                    or database.is_retryable(error)
                ):
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


async def _discard(worker: "Worker", shard: Shard, item: Received, act: DiscardParked) -> None:
    """Give a record up and answer, in one commit."""
    row = await parked.waiting_at(worker.connection, shard.shard, act.topic, act.partition, act.offset)
    if row is None or row["owner"] != act.owner:
        await take_effect(worker, [item], done=(item, False, "not_parked", {}))
        return
    given_up = _taken_again(worker, row)
    given_up.message = Discarded(act.owner, act.act_id, act.actor, act.reason, given_up.message)
    left = await parked.count_waiting(worker.connection, shard.shard, act.owner) - 1
    await take_effect(worker, [given_up, item], done=(item, True, "discarded", {"left": left}))
    if left == 0:
        shard.parked.discard(act.owner)


async def _resume(worker: "Worker", shard: Shard, item: Received, act: ResumeShard) -> None:
    """Let a halted shard go on and answer, in one commit; then read from where it stood still."""
    if act.shard != shard.shard:
        detail = f"sent to shard {shard.shard}, names shard {act.shard}"
        await take_effect(worker, [item], done=(item, False, detail, {}))
        return
    if not shard.halted:
        await take_effect(worker, [item], done=(item, False, "not_halted", {}))
        return
    for lost in [await _lost_of(worker, shard, name) for name in worker.inputs]:
        if lost is not None:
            await take_effect(
                worker, [item], done=(item, False, f"records_lost: {lost.halt}", lost._asdict())
            )
            return
    positions = {name: shard.position(name).next_offset for name in worker.inputs}
    result = {"was": shard.halted, "positions": positions}
    await take_effect(worker, [item], done=(item, True, "resumed", result), resumes=True)
    worker.chain_gaps = {lane: t for lane, t in worker.chain_gaps.items() if lane[0] != shard.shard}
    worker.read_on(shard)


async def _pass_over(worker: "Worker", shard: Shard, item: Received, act: PassOverLost) -> None:
    """Read on behind what is lost, keep what that was, and answer, in one commit."""
    lost = None if act.topic not in worker.inputs else await _lost_of(worker, shard, act.topic)
    refusal = _why_not_passed(worker, shard, act, lost)
    if refusal is not None or lost is None:
        await take_effect(worker, [item], done=(item, False, refusal or "nothing_lost", {}))
        return
    records = lost.until_offset - lost.from_offset
    result = {**lost._asdict(), "records": records, "approved_by": act.approved_by, "was": shard.halted}
    resumes = lost.has_halted(shard.halted)
    worker.telemetry.warn("records_passed_over", shard=shard.shard, **lost._asdict())
    await take_effect(worker, [item], done=(item, True, "passed_over", result), resumes=resumes, passes=lost)
    worker.read_on(shard)


def _why_not_passed(worker: "Worker", shard: Shard, act: PassOverLost, lost: Lost | None) -> str | None:
    """Say why what an act names is not passed over; nothing where it is."""
    if act.shard != shard.shard:
        return f"sent to shard {shard.shard}, names shard {act.shard}"
    if act.approved_by == act.actor:
        return "same_person"
    source = worker.inputs.get(act.topic)
    if source is None:
        return "topic_not_read_here"
    if source.chained or source.topic.kind == "acts":
        return "not_passable: what another service has said must be published again"
    if not shard.halted:
        return "not_halted"
    if lost is None:
        return "nothing_lost"
    if (act.from_offset, act.until_offset) != (lost.from_offset, lost.until_offset):
        return f"lost_otherwise: from {lost.from_offset} until {lost.until_offset}"
    return None


async def _lost_of(worker: "Worker", shard: Shard, topic: str) -> Lost | None:
    consumer = worker.consumer
    return None if consumer is None else await lost_of(consumer, shard, topic)


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
