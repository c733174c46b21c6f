"""Silences rules for customers by acts of two people, and keeps what would have been alerts."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from services.compliance.domain.memory import Draft
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.records import AlertKey, AlertRow
from services.compliance.domain.snoozes import Snooze, SnoozeFact, days_max_on
from services.compliance.handlers.rule_changes import first_records
from services.compliance.handlers.screening import Hit
from services.compliance.handlers.verdicts import Known, KnownSnoozes, Verdict, refused
from services.compliance.rules import RULES
from services.compliance.store import snoozes as snooze_store
from shared.messages.acts import ApproveSnooze, EndSnooze, ProposeSnooze
from shared.messages.acts.base import ActBase
from shared.messages.compliance import AlertSnoozed, SnoozeChanged
from shared.messages.envelope import HOUSE, Number
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of
from shared.messages.topics import ALERTS
from shared.runtime.work import Received, UnitOfWork

SnoozeAct = ProposeSnooze | ApproveSnooze | EndSnooze

_RULES: Final = {rule.code: rule for rule in RULES}


async def load_snooze_acts(
    work: UnitOfWork, acts: Iterable[tuple[int, ActBase]], draft: Draft
) -> KnownSnoozes:
    """Read what acts on snoozes are judged by; nothing where there are none."""
    mine = [(shard, act) for shard, act in acts if isinstance(act, SnoozeAct)]
    if not mine:
        return KnownSnoozes()
    steps = {(shard, act.snooze_id) for shard, act in mine if not isinstance(act, ProposeSnooze)}
    return KnownSnoozes(
        snoozes=await snooze_store.find_snoozes(work.connection, steps),
        starts=await first_records(work.connection, {shard for shard, _ in steps}, draft),
        books={shard: draft.rules_of(shard).now.book for shard, _ in mine},
    )


def judge_snooze(shard: int, act: SnoozeAct, known: Known) -> Verdict:
    """Decide whether a rule can be silenced, or alerts again."""
    match act:
        case ProposeSnooze():
            return _judge_proposal(shard, act, known)
        case ApproveSnooze():
            return _judge_approval(shard, act, known)
        case EndSnooze():
            return _judge_end(shard, act, known)


def _judge_proposal(shard: int, act: ProposeSnooze, known: Known) -> Verdict:
    today, home = known.day(shard), shard_of(act.owner, known.partitions)
    book = known.snoozing.book(shard)
    if act.owner == HOUSE:
        return refused("not_a_customer", "nothing alerts about the house")
    if home != shard:
        return refused("wrong_shard", f"the owner is at home in shard {home}")
    if act.rule not in _RULES:
        return refused("rule_unknown", f"there is no rule {act.rule}")
    if holds_payments(act.rule, book):
        return _rule_holds(act.rule)
    if act.until <= today:
        return refused("expired", f"{act.until} is no day to come")
    days_max = days_max_on(book, today)
    if act.until > today + timedelta(days=days_max):
        return refused("too_long", f"a rule is silenced for {days_max} days at most")
    snooze = Snooze(shard, act.act_id, act.owner, act.rule, act.until, act.actor)
    return _done(known, snooze, act, "another person has to approve it")


def _judge_approval(shard: int, act: ApproveSnooze, known: Known) -> Verdict:
    snooze = known.snoozing.snoozes.get((shard, act.snooze_id))
    if snooze is None or snooze.owner != act.owner:
        return refused("no_such_snooze", "nobody has proposed that for this owner")
    if snooze.status != "proposed":
        return refused(f"already_{snooze.status}", "it has been decided")
    if snooze.proposed_by == act.actor:
        return refused("same_person", f"{act.actor} has proposed it; another person has to approve it")
    if snooze.until <= known.day(shard):
        return refused("expired", f"it would have counted until {snooze.until}")
    if holds_payments(snooze.rule, known.snoozing.book(shard)):
        return _rule_holds(snooze.rule)
    words = f"{snooze.rule} is silent about {snooze.owner} until {snooze.until}"
    return _done(known, replace(snooze, status="approved"), act, words)


def _judge_end(shard: int, act: EndSnooze, known: Known) -> Verdict:
    snooze = known.snoozing.snoozes.get((shard, act.snooze_id))
    if snooze is None or snooze.owner != act.owner:
        return refused("no_such_snooze", "nobody has proposed that for this owner")
    if snooze.status == "ended":
        return refused("already_ended", "it does not count")
    return _done(known, replace(snooze, status="ended"), act, f"{snooze.rule} is not silenced by it any more")


def holds_payments(rule: str, book: ParameterBook) -> bool:
    """Whether a rule holds what waits, for any customer and asset: by itself, or by its parameters."""
    by_itself = getattr(_RULES[rule], "holds", False)
    return by_itself or any("hold_hours" in row.values for row in book.rows if row.rule == rule)


def _rule_holds(rule: str) -> Verdict:
    words = f"{rule} holds payments before they are posted, and is never silenced"
    return refused("rule_holds", words, rule=rule)


def _done(known: Known, snooze: Snooze, act: SnoozeAct, words: str) -> Verdict:
    """Remember it for the acts after this, and answer."""
    known.snoozing.snoozes[snooze.shard, snooze.snooze_id] = snooze
    is_proposal = snooze.status == "proposed"
    offset = None if is_proposal else known.snoozing.starts.get(snooze.shard, 0)
    result: dict[str, Any] = {
        "snooze_id": str(snooze.snooze_id),
        "status": snooze.status,
        "rule": snooze.rule,
        "until": snooze.until.isoformat(),
        "proposed_by": snooze.proposed_by,
    }
    if offset is not None:
        result["journal_offset"] = offset
    fact = SnoozeFact(snooze, act.act_id, act.actor, act.reason, offset)
    return Verdict(True, f"the snooze is {snooze.status}; {words}", result, snooze=fact)


@dataclass(slots=True)
class SnoozesTold:
    """What a batch has done to snoozes, to be stored with it."""

    facts: list[tuple[SnoozeFact, int, datetime]] = field(
        default_factory=list[tuple[SnoozeFact, int, datetime]]
    )

    def announce(self, work: UnitOfWork, record: Received, verdict: Verdict, draft: Draft) -> None:
        """Publish a change, before the answer to the act that asked for it, and let it count."""
        fact = verdict.snooze
        if fact is None or fact.journal_offset is None:
            return
        snooze, offset = fact.snooze, fact.journal_offset
        after = "approved" if snooze.status == "approved" else "ended"

        def build(seq: int, recorded_at: datetime) -> SnoozeChanged:
            return SnoozeChanged(
                shard=snooze.shard,
                seq=seq,
                recorded_at=recorded_at,
                snooze_id=snooze.snooze_id,
                owner=snooze.owner,
                rule=snooze.rule,
                until=snooze.until,
                after=after,
                journal_offset=offset,
                act_id=fact.act_id,
                actor=fact.actor,
                reason=fact.reason,
                proposed_by=snooze.proposed_by,
            )

        said = work.publish(snooze.shard, ALERTS, build, key=snooze.owner, traceparent=record.traceparent)
        self.facts.append((fact, said.seq, said.recorded_at))
        draft.change_snooze(fact)

    def add(self, verdict: Verdict, said: ActDone) -> None:
        """Take a proposal; `said` answers it."""
        if verdict.snooze is not None and verdict.snooze.journal_offset is None:
            self.facts.append((verdict.snooze, said.seq, said.recorded_at))

    async def save(self, connection: Any) -> None:
        """Store it, in the batch's transaction: proposals first, since the others name them."""
        proposals_first = sorted(self.facts, key=lambda row: row[0].journal_offset is not None)
        await snooze_store.save_facts(connection, proposals_first)


def tell_snoozed(
    work: UnitOfWork,
    key: AlertKey,
    snooze_id: UUID,
    hit: Hit,
    about: Number,
    instruction_id: UUID | None,
    traceparent: str | None = None,
) -> AlertRow:
    """Publish what would have been an alert, and return the row that remembers it."""
    shard, _, _, business_date, _ = key

    def build(seq: int, recorded_at: datetime) -> AlertSnoozed:
        return AlertSnoozed(
            shard=shard,
            seq=seq,
            recorded_at=recorded_at,
            snooze_id=snooze_id,
            owner=hit.owner,
            rule=hit.rule,
            findings=hit.findings,
            about=about,
            instruction_id=instruction_id,
            business_date=business_date,
        )

    correlation_id = str(instruction_id) if instruction_id is not None else None
    said = work.publish(
        shard, ALERTS, build, key=hit.owner, correlation_id=correlation_id, traceparent=traceparent
    )
    return AlertRow(key, said.seq, said.recorded_at, hit.findings, about.shard, about.seq, instruction_id)
