"""The fold: decides a batch of one shard's records, in order, over the shard's memory. Pure.

Given the same state, records and outside, the decisions are the same however the records were cut into
batches. What a decision needs of other shards and was not given is named in `needs`: the caller loads it
and folds again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain import scheduling
from services.transactions.domain.cases import Case, Context, first_stopped, stand_in_for
from services.transactions.domain.changes import Changes
from services.transactions.domain.chart import Chart
from services.transactions.domain.claims import Claim, claims_of
from services.transactions.domain.decisions import Decision
from services.transactions.domain.dry_runs import judge_on_trial
from services.transactions.domain.duties import Task
from services.transactions.domain.effects import Refusal
from services.transactions.domain.effects.pendings import settle
from services.transactions.domain.effects.periods import booking_date_of
from services.transactions.domain.entries import Entry
from services.transactions.domain.ladder import CONTENT_BYTES_MAX, LADDER
from services.transactions.domain.open_pendings import OpenPending
from services.transactions.domain.openings import keep_openings, note_value
from services.transactions.domain.outside import First, Outside, Wanted
from services.transactions.domain.planning import TransactionType
from services.transactions.domain.quick import judge_quickly
from services.transactions.domain.reasons import REASONS
from services.transactions.domain.records import Record
from services.transactions.domain.state import ShardState, Waiting
from shared.messages.compliance import CustomerRated, DecisionMade
from shared.messages.envelope import HOUSE
from shared.messages.journal import OUTCOMES
from shared.messages.partitioner import shard_of
from shared.runtime.failpoints import planted
from shared.runtime.work import Discarded, Parked, Received, Unreadable

_SETTLED_RUNGS: Final = 2
"""Place and identity: what waited for its day has passed them when it came."""

_TIMES_ROUTED_MAX: Final = 5
"""A fact is routed to suspense, return, blocked funds, the open day and past its limit at most once each."""


@dataclass(frozen=True, slots=True)
class Folded:
    """What a batch of one shard comes to."""

    decisions: list[Decision]
    changes: Changes
    needs: frozenset[int]
    """Accounts whose foreign credits must be loaded before any of this counts."""
    needs_past: Mapping[int, date]
    """Accounts of which must be loaded what was posted since a day gone by, with their foreign credits."""
    wanted: Wanted
    """What else must be loaded before."""


def fold(
    state: ShardState,
    records: Iterable[Entry],
    *,
    chart: Chart,
    types: Mapping[str, TransactionType],
    partitions: int,
    outside: Outside,
    last_seq: int,
) -> Folded:
    """Decide each record in order, numbering the decisions from `last_seq` + 1.

    Plain instructions come as they were received, all else as a `Record` whose accounts and balances are in
    the state. For plain ones that is not so: what is missing for them is `wanted`, and until it has been
    loaded what is returned is of no use. A task that is not due after all comes to nothing.
    """
    changes = Changes(state, outside.opened, next_account=state.next_account)
    decided: list[Decision] = []
    context = Context(
        chart=chart, types=types, partitions=partitions, changes=changes, outside=outside, decided=decided
    )
    seq = last_seq
    is_quick = not planted("forgotten_leg")
    for each in records:
        seq += 1
        if isinstance(each, Received):
            decision = judge_quickly(each, context, seq) if is_quick else None
            if decision is not None:
                decided.append(decision)
                continue
            if context.wanted:
                continue
            record = each.message.closely
            if record is None:
                record = each.message.closely = Record(each, types)
        elif isinstance(each, Task):
            due = each.perform(context, each, seq)
            if due is None:
                seq -= 1
            else:
                _note_value(due, changes)
                decided.append(due)
            continue
        else:
            record = each
        if record.dry_run:
            decided.append(judge_on_trial(record, context, seq, _judge))
            continue
        decision = (
            _judge(Case(record, context, seq)) if record.is_instruction else _note(record, context, seq)
        )
        if decision.uses_up_id:
            assert decision.instruction_id is not None
            changes.firsts[decision.instruction_id] = decision
            if record.members:
                changes.firsts.update((each.instruction_id, each) for each in claims_of(decision))
        _note_value(decision, changes)
        decided.append(decision)
        while changes.following:
            seq += 1
            decided.append(replace(changes.following.pop(0), seq=seq))
    keep_openings(changes)
    return Folded(decided, changes, frozenset(context.needs), context.needs_past, context.wanted)


def _note_value(decision: Decision, changes: Changes) -> None:
    """Note what is posted now and has its value on another day; what is judged quickly never has."""
    if decision.kind == kinds.POSTED:
        day = changes.day_of(decision.legs[0].debit.entity_id)
        if decision.value_date != day:
            note_value(changes, decision, day)


# ── instructions ─────────────────────────────────────────────────────────────────────────────────


def execute(waiting: Waiting, record: Record, context: Context, seq: int) -> Decision:
    """Judge on its day, as all is then, a request that waited for it."""
    case = Case(record, context, seq)
    case.waited = waiting
    changes = context.changes
    decision = _judge(case)
    decision.uses_up_id = False
    decision.about_seq = waiting.seq
    executes = {"shard": changes.state.shard, "seq": waiting.seq}
    decision.detail = {**(decision.detail or {}), "executes": executes}
    changes.end_waiting(waiting, seq)
    if decision.kind == kinds.POSTED:
        changes.posted[waiting.instruction_id] = decision
    return decision


def _judge(case: Case) -> Decision:
    """Take an instruction up the ladder. Where a request would be refused, a fact may be routed instead."""
    for _, judge in LADDER if case.waited is None else LADDER[_SETTLED_RUNGS:]:
        refusal = judge(case)
        if refusal is not None:
            refusal = _route_fact(case, refusal, judge)
            if refusal is not None:
                return _refused(case, refusal)
    return _accepted(case)


def _route_fact(case: Case, refusal: Refusal, judge: Callable[[Case], Refusal | None]) -> Refusal | None:
    """Find places for a fact until its rung is content; a request has none."""
    kind = case.record.kind
    if kind is None or kind.kind != "fact":
        return refusal
    still: Refusal | None = refusal
    for _ in range(_TIMES_ROUTED_MAX):
        if still is None or REASONS[still.reason].fact == "rejected":
            break
        still = _route(case, still) or judge(case)
    return still


def _route(case: Case, refusal: Refusal) -> Refusal | None:
    """Find a place for a fact that cannot be booked as named."""
    match REASONS[refusal.reason].fact:
        case "suspense" if case.record.kind is not None and not case.record.kind.effect.redirects:
            return refusal
        case "suspense":
            case.redirected = True
            case.routed = refusal.reason
        case "return" | "blocked_funds" as stand_in:
            case.routed = refusal.reason
            return stand_in_for(case.context, case.moves, stand_in, refusal)
        case "open_day":
            case.booked = case.day
            case.routed = case.routed or refusal.reason
        case "booked":
            case.limit_passed = True
        case "rejected":
            return refusal
    return None


def _accepted(case: Case) -> Decision:
    # It is in its place, so the owner it names is at home here, or is the house.
    decision = _about(case, case.record.owner)
    decision.uses_up_id = True
    decision.seen = case.seen
    decision.booking_date = case.day
    kind = case.record.kind
    assert kind is not None
    if scheduling.waits(case):
        scheduling.put_off(case, decision)
    else:
        kind.effect.accept(case, decision)
    return decision


def _refused(case: Case, refusal: Refusal) -> Decision:
    reason = REASONS[refusal.reason]
    decision = _about(case, _home(case.record.owner, case.context))
    decision.seen = case.seen
    if case.first is not None:
        decision.about_seq = case.first.seq
    if reason.fate == "duplicate":
        assert case.first is not None
        decision.kind = kinds.DUPLICATE
        decision.content = decision.content_hash = None
        decision.detail = {"first_outcome": OUTCOMES[case.first.kind], "first_reason": case.first.reason}
        return decision
    decision.kind = kinds.REJECTED
    decision.reason = refusal.reason
    decision.detail = {"field": refusal.field, "detail": refusal.detail}
    if refusal.member is not None:
        decision.detail["member"] = refusal.member
    if decision.content is None and decision.content_hash is not None:
        decision.detail["content_hash"] = decision.content_hash.hex()
    decision.uses_up_id = reason.rung not in ("place", "identity")
    return decision


def _about(case: Case, owner: str | None) -> Decision:
    record = case.record
    content = record.content
    if content is not None and len(content) > CONTENT_BYTES_MAX:
        content = None
    return Decision(
        case.seq,
        kinds.APPLIED,
        record.topic,
        record.partition,
        record.offset,
        record.instruction_id,
        record.type,
        owner,
        content=content,
        content_hash=record.content_hash,
        traceparent=record.traceparent,
    )


def _home(owner: str | None, context: Context) -> str:
    """Return whom the event is about: the owner named, if this is the owner's shard; else the house."""
    if owner is None or shard_of(owner, context.partitions) != context.changes.state.shard:
        return HOUSE
    return owner


# ── everything else ──────────────────────────────────────────────────────────────────────────────


def _note(record: Record, context: Context, seq: int) -> Decision:
    message = record.message
    decision = Decision(
        seq,
        kinds.UNREADABLE,
        record.topic,
        record.partition,
        record.offset,
        record.instruction_id,
        record.type,
        traceparent=record.traceparent,
    )
    match message:
        case DecisionMade():
            decision.owner = _home(record.owner, context)
            _resolve(decision, message, context)
        case CustomerRated():
            decision.owner = _home(record.owner, context)
            _rate(decision, message, context)
        case Unreadable():
            decision.detail = {"error": message.error, "size": message.size, "sha256": message.sha256}
        case Parked():
            decision.kind = kinds.PARKED
            decision.owner = _home(record.owner, context)
            decision.detail = {"error": message.error, "behind": message.behind}
        case Discarded():
            decision.kind = kinds.DISCARDED
            decision.owner = _home(record.owner, context)
            decision.detail = {
                "act_id": str(message.act_id),
                "actor": message.actor,
                "reason": message.reason,
            }
        case _:
            raise TypeError(f"the ledger has no use for a {type(message).__name__}")
    return decision


def _resolve(decision: Decision, answer: DecisionMade, context: Context) -> None:
    """Post or void the pending transaction that compliance has decided."""
    changes = context.changes
    instruction_id = str(answer.instruction_id)
    pending = changes.find_pending(instruction_id)
    if pending is None or pending.content_hash.hex() != answer.content_hash:
        first = changes.firsts.get(instruction_id) or context.outside.firsts.get(instruction_id)
        decision.kind = kinds.WITHOUT_EFFECT
        decision.about_seq = pending.seq if pending is not None else first.seq if first is not None else None
        why = _why_without_effect(pending, first)
        decision.detail = {"decision": answer.decision, "why": why}
        return
    if not pending.screening:
        decision.kind = kinds.WITHOUT_EFFECT
        decision.about_seq = pending.seq
        decision.detail = {"decision": answer.decision, "why": "not_screened"}
        return
    if context.types[pending.instruction_type].reserves and answer.decision != "refused":
        _clear(decision, answer, pending, changes)
        return
    reason = None
    decision.booking_date, closed = booking_date_of(changes, pending)
    if answer.decision == "refused":
        reason = "screening_refused"
    else:
        stop = first_stopped(context, [(leg.debit, leg.credit) for leg in pending.legs])
        if stop is not None:
            reason, decision.seen = stop.reason, stop.seen
        elif closed is not None:
            reason = closed.reason
    decision.kind = kinds.POSTED if reason is None else kinds.VOIDED
    decision.reason = reason
    decision.instruction_type = pending.instruction_type
    decision.owner = pending.owner
    decision.about_seq = pending.seq
    decision.content = pending.content
    decision.content_hash = pending.content_hash
    decision.value_date = pending.value_date or decision.booking_date
    decision.detail = None if pending.members is None else {"members": pending.members}
    decision.legs = [settle(changes, leg, posted=reason is None) for leg in pending.legs]
    if reason is None:
        changes.posted[instruction_id] = decision
    changes.end_pending(pending, decision.seq)


def _rate(decision: Decision, rating: CustomerRated, context: Context) -> None:
    """Let requests of a customer at home here be screened by another risk class from now on."""
    changes = context.changes
    if decision.owner != rating.owner or rating.owner == HOUSE:
        decision.kind = kinds.WITHOUT_EFFECT
        decision.detail = {"decision": rating.risk_class, "why": "wrong_owner"}
        return
    decision.kind = kinds.RISK_CHANGED
    previous = changes.risk_class_of(rating.owner)
    decision.detail = {"risk_class": rating.risk_class, "previous": previous}
    changes.rate(rating.owner, rating.risk_class, decision.seq)


def _clear(decision: Decision, answer: DecisionMade, pending: OpenPending, changes: Changes) -> None:
    """Let a reserve be posted from now on: it stays reserved, and compliance is done with it."""
    decision.kind = kinds.CLEARED
    decision.instruction_type = pending.instruction_type
    decision.owner = pending.owner
    decision.about_seq = pending.seq
    decision.detail = {"decision": answer.decision}
    changes.pendings[pending.instruction_id] = replace(pending, screening=False)
    changes.cleared.append((pending.seq, decision.seq))


def _why_without_effect(pending: OpenPending | None, first: Decision | Claim | First | None) -> str:
    if pending is not None:
        return "other_content"
    if first is None:
        return "unknown_instruction"
    return "already_resolved" if first.kind == kinds.PENDING else "not_pending"
