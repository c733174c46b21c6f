"""Removes words from records past their day, by acts of two people, a little in each tick.

How far a removal has come is stored with what it has removed: whoever dies meanwhile leaves the rest to the
next. Each step is told by one event, which the audit chain holds for ever.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from services.compliance.domain.memory import Draft
from services.compliance.domain.retention import (
    STAGES,
    DueRecord,
    OpenRemoval,
    Removal,
    RemovalFact,
    terms_on,
    without_words,
)
from services.compliance.handlers.verdicts import Known, KnownRemovals, Verdict, refused
from services.compliance.store import removals as removal_store
from shared.messages.acts import ApproveRemoval, ProposeRemoval
from shared.messages.acts.base import ActBase
from shared.messages.compliance import RecordsRemoved, RemovedRecord
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from shared.messages.topics import ALERTS
from shared.runtime.work import UnitOfWork

RemovalAct = ProposeRemoval | ApproveRemoval

LOOKED_AT_A_TICK: Final = 50
"""Events and rows of a shard, in a transaction for which its writer's batches wait."""


async def load_removal_acts(
    work: UnitOfWork, acts: Iterable[tuple[int, ActBase]], draft: Draft
) -> KnownRemovals:
    """Read what acts on removals are judged by; nothing where there are none."""
    mine = [(shard, act) for shard, act in acts if isinstance(act, RemovalAct)]
    if not mine:
        return KnownRemovals()
    days = {shard: work.shards[shard].recorded_at.date() for shard, _ in mine}
    steps = {(shard, act.removal_id) for shard, act in mine if isinstance(act, ApproveRemoval)}
    customers = {
        (shard, act.customer)
        for shard, act in mine
        if isinstance(act, ProposeRemoval) and act.customer is not None
    }
    return KnownRemovals(
        removals=await removal_store.find_removals(work.connection, steps),
        terms={shard: terms_on(draft.rules_of(shard).now.book, day) for shard, day in days.items()},
        held=await removal_store.holds_on(work.connection, customers),
    )


def judge_removal(shard: int, act: RemovalAct, known: Known) -> Verdict:
    """Decide whether words can be removed from what is past its day."""
    if isinstance(act, ProposeRemoval):
        return _judge_proposal(shard, act, known)
    removal = known.removals.removals.get((shard, act.removal_id))
    terms = known.removals.terms.get(shard)
    if removal is None:
        return refused("no_such_removal", "nobody has proposed that in this shard")
    if removal.status == "approved":
        return refused("already_approved", "it has been decided")
    if removal.proposed_by == act.actor:
        return refused("same_person", f"{act.actor} has proposed it; another person has to approve it")
    if terms is None or terms.told() != removal.terms:
        return refused("terms_changed", "records are kept for other years now; propose it anew")
    return _done(known, replace(removal, status="approved"), act, "words go from what is past its day")


def _judge_proposal(shard: int, act: ProposeRemoval, known: Known) -> Verdict:
    terms = known.removals.terms.get(shard)
    held = known.removals.held.get((shard, act.customer), []) if act.customer is not None else []
    if act.customer is not None:
        home = shard_of(act.customer, known.partitions)
        if home != shard:
            return refused("wrong_shard", f"the customer is at home in shard {home}")
    if terms is None:
        return refused("no_terms", "no parameters say for how long records are kept: all are")
    if act.through > known.day(shard):
        return refused("not_due", f"{act.through} is a day to come")
    if held:
        words = f"the legal hold {held[0]} keeps all records about {act.customer}"
        return refused("under_legal_hold", words, legal_hold_id=str(held[0]))
    removal = Removal(shard, act.act_id, act.through, act.customer or "", terms.told(), act.actor)
    return _done(known, removal, act, "another person has to approve it")


def _done(known: Known, removal: Removal, act: RemovalAct, words: str) -> Verdict:
    """Remember it for the acts after this, and answer."""
    known.removals.removals[removal.shard, removal.removal_id] = removal
    result: dict[str, Any] = {
        "removal_id": str(removal.removal_id),
        "status": removal.status,
        "through": removal.through.isoformat(),
        "customer": removal.customer,
        "terms": dict(removal.terms),
        "proposed_by": removal.proposed_by,
    }
    fact = RemovalFact(removal, act.act_id, act.actor, act.reason)
    return Verdict(True, f"the removal is {removal.status}; {words}", result, removal=fact)


async def remove_what_is_due(work: UnitOfWork, draft: Draft) -> bool:
    """Take the first open removal a step further, and say whether there was one."""
    job = await removal_store.first_open(work.connection, list(work.shards))
    if job is None:
        return False
    left, records = LOOKED_AT_A_TICK, list[DueRecord]()
    while left > 0 and not job.is_finished:
        until, looked_at = await removal_store.look_on(work.connection, job, left)
        if until is not None:
            records += await removal_store.due_records(work.connection, job, until)
        job = replace(job, done_through=until) if until is not None and looked_at == left else _after(job)
        left -= looked_at
    if records:
        await _remove(work, job, records)
    draft.drop_pairs(job.shard, {UUID(each.record_id) for each in records if each.kind == "whitelisting"})
    await removal_store.go_on(work.connection, job, len(records))
    return True


def _after(job: OpenRemoval) -> OpenRemoval:
    """The same at the beginning of its next stage, or finished."""
    number = STAGES.index(job.stage) + 1
    if number == len(STAGES):
        return replace(job, is_finished=True)
    return replace(job, stage=STAGES[number], done_through=0)


async def _remove(work: UnitOfWork, job: OpenRemoval, records: Iterable[DueRecord]) -> None:
    staying: Mapping[DueRecord, bytes | None] = {
        each: without_words(each.body) if each.body is not None else None for each in records
    }

    def build(seq: int, recorded_at: datetime) -> RecordsRemoved:
        return RecordsRemoved(
            shard=job.shard,
            seq=seq,
            recorded_at=recorded_at,
            removal_id=job.removal_id,
            through=job.through,
            terms=dict(job.terms),
            actor=job.approved_by,
            proposed_by=job.proposed_by,
            records=tuple(
                RemovedRecord(
                    kind=each.kind,
                    seq=each.seq,
                    record_class=each.record_class,
                    sha256=sha256(body).hexdigest() if body is not None else None,
                )
                for each, body in staying.items()
            ),
        )

    said = work.publish(job.shard, ALERTS, build, key=HOUSE)
    await removal_store.save_removed(work.connection, job, said.seq, said.recorded_at, staying)
