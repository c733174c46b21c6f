"""Screens the ledger's events: answers what waits, raises alerts, remembers cash."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.compliance.domain.cash import Reach
from services.compliance.domain.ledger_events import LedgerNews
from services.compliance.domain.memory import Draft
from services.compliance.domain.records import AlertKey, AlertRow, DecisionRow, HoldRow
from services.compliance.domain.rule_changes import ShadowFinding
from services.compliance.handlers.alerts import raise_alert
from services.compliance.handlers.screening import (
    Hit,
    Judgement,
    Question,
    cash_at_home,
    find_names,
    judge,
    unnamed_in,
)
from services.compliance.handlers.snoozes import tell_snoozed
from services.compliance.handlers.windows import take_entries
from services.compliance.handlers.work_order import rank_alerts, save_alerts
from services.compliance.store import cash as cash_store
from services.compliance.store import decisions as decision_store
from services.compliance.store import rule_changes as rule_store
from services.compliance.store import snoozes as snooze_store
from shared.messages.compliance import DecisionMade, Finding, HoldPlaced
from shared.messages.envelope import Number
from shared.messages.journal import InstructionApplied, TransactionEvent
from shared.messages.partitioner import shard_of
from shared.messages.topics import ALERTS, DECISIONS
from shared.money import format_amount, parse_amount
from shared.runtime.work import Received, UnitOfWork


async def screen_events(work: UnitOfWork, records: Sequence[Received], draft: Draft) -> None:
    """Judge each event by all rules; publish decisions, holds and alerts; append what was seen and said."""
    taken = await take_entries(work, records, draft)
    questions = [
        question
        for place, record in enumerate(records)
        if (question := _question(record, draft, work.partitions, taken.hits.get(place, ()))) is not None
    ]
    await rule_store.save_shadow_findings(work.connection, taken.shadowed)
    if not questions:
        return
    await _load_cash(work, questions, draft)
    judgements = judge(questions, draft)
    cooldowns = _cooldowns(judgements)
    silenced = {key: days for key, days in cooldowns.items() if _is_silenced(key, draft)}
    told = _Told(
        _Cooling(await decision_store.alerted_within(work.connection, cooldowns)),
        _Cooling(await snooze_store.snoozed_within(work.connection, silenced)),
    )
    for judgement in judgements:
        _tell(work, judgement, told, draft)
    await cash_store.save_cash(
        work.connection, [(each.shard, event, scale) for each in questions for event, scale in each.cash]
    )
    await decision_store.save_decisions(work.connection, told.decisions)
    await decision_store.save_holds(work.connection, told.holds)
    await save_alerts(work, told.alerts)
    await rank_alerts(work, (), {(each.shard, each.instruction_id) for each in told.holds})
    await snooze_store.save_snoozed(work.connection, told.snoozed)
    shadowed = [row for judgement in judgements for row in _shadowed(work, judgement)]
    await rule_store.save_shadow_findings(work.connection, shadowed)


def _question(record: Received, draft: Draft, partitions: int, moved: tuple[Hit, ...]) -> Question | None:
    """Read an event whole if it matters; most do not."""
    news: LedgerNews = record.message
    if not (moved or news.names or news.waits or news.cash or news.unread):
        return None
    is_primary = record.copy == "primary"
    matches = find_names(news.names, draft.indexes_of(record.shard)) if news.names and is_primary else ()
    waits = news.waits and is_primary
    unread = news.unread and is_primary
    unnamed = unnamed_in(news.names) if news.names and is_primary else ()
    if not (matches or waits or moved or news.cash or unread or unnamed):
        return None
    event = news.event()
    if not isinstance(event, TransactionEvent | InstructionApplied):
        return None
    owners = _owners(event) if news.cash else ()
    homes = [owner for owner in owners if shard_of(owner, partitions) == record.shard]
    cash = cash_at_home(event, homes) if homes else ()
    if not (matches or waits or moved or cash or unread or unnamed):
        return None
    return Question(
        shard=record.shard,
        is_primary=is_primary,
        event=event,
        matches=matches,
        cash=cash,
        waits=waits,
        lists=draft.lists_of(record.shard),
        traceparent=record.traceparent,
        rules=draft.rules_of(record.shard).at(record.offset),
        moved=moved,
        unread=unread,
        unnamed=unnamed,
        offset=record.offset,
        checks=draft.checks_of(record.shard) if waits and news.names else {},
    )


def _owners(event: TransactionEvent | InstructionApplied) -> set[str]:
    movements = event.movements if isinstance(event, TransactionEvent) else ()
    return {posting.owner for movement in movements for posting in (movement.debit, movement.credit)}


async def _load_cash(work: UnitOfWork, questions: Iterable[Question], draft: Draft) -> None:
    """Bring the histories of all owners with cash into the draft, with one statement at most."""
    wanted: dict[tuple[int, str], Reach] = {}
    for question in questions:
        for event, _ in question.cash:
            key = (question.shard, event.owner)
            reach = draft.memory.lookback.from_event(event)
            wanted[key] = wanted[key].joined(reach) if key in wanted else reach
    missing: dict[tuple[int, str], Reach] = {}
    for key, reach in wanted.items():
        history = draft.history(*key)
        if history is None:
            missing[key] = reach
        elif not history.reach.covers(reach):
            missing[key] = history.reach.joined(reach)
    for (shard, owner), history in (await cash_store.load_histories(work.connection, missing)).items():
        draft.put(shard, owner, history)


def _shadowed(work: UnitOfWork, judgement: Judgement) -> Iterable[ShadowFinding]:
    question = judgement.question
    for shadow, hit in judgement.shadowed:
        yield ShadowFinding(
            shard=question.shard,
            proposal_id=shadow.proposal.proposal_id,
            owner=hit.owner,
            rule=hit.rule,
            business_date=judgement.business_date,
            subject=hit.subject,
            would_hold=hit.holds and question.waits,
            findings=hit.findings,
            about_shard=question.event.shard,
            about_seq=question.event.seq,
            recorded_at=work.shards[question.shard].recorded_at,
        )


class _Cooling:
    """What was told of lately."""

    def __init__(self, told: Iterable[AlertKey]) -> None:
        self._days: dict[tuple[int, str, str, str], list[date]] = {}
        """Business days by shard, owner, rule and subject."""
        for key in told:
            self.note(key)

    def note(self, key: AlertKey) -> None:
        """Remember that it was told."""
        shard, owner, rule, day, subject = key
        self._days.setdefault((shard, owner, rule, subject), []).append(day)

    def is_cooling(self, key: AlertKey, days: int) -> bool:
        """Whether there is one of the same whose business day is less than so many away."""
        shard, owner, rule, day, subject = key
        return any(
            abs((day - each).days) < days for each in self._days.get((shard, owner, rule, subject), ())
        )


@dataclass(slots=True)
class _Told:
    """What a batch has said so far, to be stored with it."""

    alerted: _Cooling
    silenced: _Cooling
    alerts: list[AlertRow] = field(default_factory=list[AlertRow])
    snoozed: list[tuple[AlertRow, UUID]] = field(default_factory=list[tuple[AlertRow, UUID]])
    holds: list[HoldRow] = field(default_factory=list[HoldRow])
    decisions: list[DecisionRow] = field(default_factory=list[DecisionRow])


def _alert_key(judgement: Judgement, hit: Hit) -> AlertKey:
    return (judgement.question.shard, hit.owner, hit.rule, judgement.business_date, hit.subject)


def _cooldowns(judgements: Iterable[Judgement]) -> dict[AlertKey, int]:
    """What may alert, with the longest time in which it does so once."""
    found: dict[AlertKey, int] = {}
    for judgement in judgements:
        for hit in judgement.alerting:
            key = _alert_key(judgement, hit)
            found[key] = max(hit.cooldown_days, found.get(key, 1))
    return found


def _is_silenced(key: AlertKey, draft: Draft) -> bool:
    shard, owner, rule, day, _ = key
    return draft.snoozes_of(shard).silencing(owner, rule, day) is not None


def _tell(work: UnitOfWork, judgement: Judgement, told: _Told, draft: Draft) -> None:
    """Publish what follows from one event: alerts first, then the answer or the hold."""
    for hit in judgement.alerting:
        _tell_hit(work, judgement, hit, told, draft)
    if not judgement.question.waits:
        return
    if judgement.deadline is not None:
        told.holds.append(_place_hold(work, judgement, judgement.deadline))
    else:
        told.decisions.append(_clear(work, judgement))


def _tell_hit(work: UnitOfWork, judgement: Judgement, hit: Hit, told: _Told, draft: Draft) -> None:
    """Publish an alert, or keep what would have been one; of each once within the rule's cooldown.

    What was only kept keeps no alert away that comes when the snooze is over.
    """
    question, key = judgement.question, _alert_key(judgement, hit)
    if told.alerted.is_cooling(key, hit.cooldown_days):
        return
    about = Number(shard=question.event.shard, seq=question.event.seq)
    whence = (about, question.event.instruction_id, question.traceparent)
    snoozes = draft.snoozes_of(question.shard)
    # What holds payments was never to be silent, whatever its parameters were when it was silenced.
    snooze_id = (
        None
        if hit.holds
        else snoozes.silencing(hit.owner, hit.rule, judgement.business_date, question.offset)
    )
    if snooze_id is None:
        told.alerted.note(key)
        told.alerts.append(raise_alert(work, key, hit, *whence))
    elif not told.silenced.is_cooling(key, hit.cooldown_days):
        told.silenced.note(key)
        told.snoozed.append((tell_snoozed(work, key, snooze_id, hit, *whence), snooze_id))


def _place_hold(work: UnitOfWork, judgement: Judgement, deadline: datetime) -> HoldRow:
    question = judgement.question
    event, shard = question.event, question.shard
    owner, instruction_id, content_hash = _asked(question)
    asset, amount = _what_moves(event, owner)
    findings = _findings(judgement.hits)
    policy = judgement.question.policy
    told = policy.told if policy is not None else None

    def build(seq: int, recorded_at: datetime) -> HoldPlaced:
        return HoldPlaced(
            shard=shard,
            seq=seq,
            recorded_at=recorded_at,
            owner=owner,
            instruction_id=instruction_id,
            first=Number(shard=event.shard, seq=event.seq),
            findings=findings,
            deadline=deadline,
            asset=asset,
            amount=amount,
            told=told,
        )

    said = work.publish(shard, ALERTS, build, key=owner, **_headers(question))
    return HoldRow(
        shard=shard,
        instruction_id=instruction_id,
        seq=said.seq,
        recorded_at=said.recorded_at,
        content_hash=content_hash,
        owner=owner,
        first_shard=event.shard,
        first_seq=event.seq,
        asset=asset,
        amount=amount,
        deadline=deadline,
        findings=findings,
        lists=question.lists,
        told=told,
    )


def _clear(work: UnitOfWork, judgement: Judgement) -> DecisionRow:
    question = judgement.question
    event, shard = question.event, question.shard
    owner, instruction_id, content_hash = _asked(question)
    findings = _findings(judgement.hits)

    def build(seq: int, recorded_at: datetime) -> DecisionMade:
        return DecisionMade(
            shard=shard,
            seq=seq,
            recorded_at=recorded_at,
            instruction_id=instruction_id,
            content_hash=content_hash,
            owner=owner,
            first=Number(shard=event.shard, seq=event.seq),
            decision="cleared",
            findings=findings,
            lists=question.lists,
        )

    said = work.publish(shard, DECISIONS, build, key=owner, **_headers(question))
    return DecisionRow(
        shard=shard,
        seq=said.seq,
        recorded_at=said.recorded_at,
        instruction_id=instruction_id,
        content_hash=content_hash,
        owner=owner,
        first_shard=event.shard,
        first_seq=event.seq,
        decision="cleared",
        findings=findings,
        lists=question.lists,
    )


def _asked(question: Question) -> tuple[str, Any, str]:
    """Owner, instruction id and content hash of what waits; the ledger always gives them."""
    event = question.event
    if event.owner is None or event.instruction_id is None or event.content_hash is None:
        raise ValueError(f"the pending event {event.shard}-{event.seq} does not say what it asks about")
    return event.owner, event.instruction_id, event.content_hash


def _what_moves(event: TransactionEvent | InstructionApplied, owner: str) -> tuple[str, str]:
    """The asset of the first movement, and how much of it the owner is debited (or else credited)."""
    assert isinstance(event, TransactionEvent), "only transactions wait for a decision"
    first = event.movements[0]
    same = [each for each in event.movements if each.asset == first.asset]
    debited = [each for each in same if each.debit.owner == owner]
    total = sum(parse_amount(each.amount, each.scale) for each in debited or same)
    return first.asset, format_amount(total, first.scale)


def _findings(hits: Sequence[Hit]) -> tuple[Finding, ...]:
    return tuple(finding for hit in hits for finding in hit.findings)


def _headers(question: Question) -> dict[str, Any]:
    instruction_id = question.event.instruction_id
    return {
        "correlation_id": str(instruction_id) if instruction_id is not None else None,
        "traceparent": question.traceparent,
    }
