"""Judges acts on holds, and answers the ledger when one is decided."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.compliance.domain.records import DecisionRow, HoldRow, HoldStatus, ReleaseRow
from services.compliance.handlers.verdicts import Known, Verdict, refused
from services.compliance.rules import san_1
from shared.messages.acts import RefuseHold, ReleaseHold
from shared.messages.compliance import DecisionMade, Finding
from shared.messages.envelope import Number
from shared.messages.journal import ActDone
from shared.messages.topics import DECISIONS
from shared.runtime.work import Received, UnitOfWork

HoldAct = ReleaseHold | RefuseHold


def judge_hold(shard: int, act: HoldAct, known: Known) -> Verdict:
    """Decide whether a hold can be decided."""
    key = (shard, act.instruction_id)
    hold = known.holds.get(key)
    if hold is None or hold.owner != act.owner:
        return refused("no_such_hold", "this owner has no hold on that instruction")
    if hold.status != "held":
        return refused(f"already_{hold.status}", "the hold has been decided", hold_seq=hold.seq)
    if isinstance(act, ReleaseHold) and has_listed_name(hold.findings):
        if hold.proposed_by is None:
            known.holds[key] = replace(hold, proposed_by=act.actor)
            what = f"the release of {hold.amount} {hold.asset}"
            result = {"instruction_id": str(act.instruction_id), "decision": "proposed"}
            words = f"{what} is proposed; another person has to release it, too"
            return Verdict(True, words, result, proposes=hold)
        if hold.proposed_by == act.actor:
            return refused("same_person", f"{act.actor} has proposed it; another person has to release it")
    status = status_after(act)
    known.holds[key] = replace(hold, status=status)
    words = f"the hold of {hold.amount} {hold.asset} is {status}"
    return Verdict(True, words, {"instruction_id": str(act.instruction_id), "decision": status}, hold=hold)


def has_listed_name(findings: Sequence[Finding]) -> bool:
    """Whether a name on a watch list was found: releasing the payment then takes two people."""
    return any(finding.rule == san_1.RULE.code for finding in findings)


def release_row(act: ReleaseHold, hold: HoldRow, said: ActDone) -> ReleaseRow:
    """Return what is to be stored of a proposal to release a payment."""
    return ReleaseRow(
        hold.shard, hold.instruction_id, said.seq, said.recorded_at, act.act_id, act.actor, act.reason
    )


def status_after(act: HoldAct) -> HoldStatus:
    """What a hold is after an act that was done."""
    return "released" if isinstance(act, ReleaseHold) else "refused"


def decide_hold(work: UnitOfWork, record: Received, act: HoldAct, hold: HoldRow) -> DecisionRow:
    """Publish the decision on a hold, and return the row that remembers it."""
    decision = "released" if isinstance(act, ReleaseHold) else "refused"
    proposed_by = hold.proposed_by if isinstance(act, ReleaseHold) else None

    def build(seq: int, recorded_at: datetime) -> DecisionMade:
        return DecisionMade(
            shard=hold.shard,
            seq=seq,
            recorded_at=recorded_at,
            instruction_id=hold.instruction_id,
            content_hash=hold.content_hash,
            owner=hold.owner,
            first=Number(shard=hold.first_shard, seq=hold.first_seq),
            decision=decision,
            findings=hold.findings,
            lists=dict(hold.lists),
            act_id=act.act_id,
            actor=act.actor,
            reason=act.reason,
            proposed_by=proposed_by,
        )

    said = work.publish(
        hold.shard,
        DECISIONS,
        build,
        key=hold.owner,
        correlation_id=str(hold.instruction_id),
        traceparent=record.traceparent,
    )
    return DecisionRow(
        shard=hold.shard,
        seq=said.seq,
        recorded_at=said.recorded_at,
        instruction_id=hold.instruction_id,
        content_hash=hold.content_hash,
        owner=hold.owner,
        first_shard=hold.first_shard,
        first_seq=hold.first_seq,
        decision=decision,
        findings=hold.findings,
        lists=hold.lists,
        act_id=act.act_id,
        actor=act.actor,
        reason=act.reason,
        proposed_by=proposed_by,
    )
