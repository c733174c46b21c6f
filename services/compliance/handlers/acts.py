"""Carries out operators' acts: on holds, alerts and cases, pairs, snoozes, lists, and rules' parameters.

Each act is answered by one `ActDone`; one sent twice is done once, and answered again as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from services.compliance.domain.cases import days_on, numbers_of
from services.compliance.domain.list_age import ListCheck
from services.compliance.domain.lists.party import party_of
from services.compliance.domain.memory import Draft, ListVersion
from services.compliance.domain.ratings import RatingProposal, Said
from services.compliance.domain.records import (
    AnswerRow,
    DecisionRow,
    HoldStatus,
    ListPart,
    ListRefusalRow,
    ListState,
    ReleaseRow,
    RescreeningRow,
    WhitelistMove,
    WhitelistProposal,
)
from services.compliance.domain.roles import RoleFact
from services.compliance.handlers.cases import CasesTold, judge_case, judge_dismissal, judge_opening
from services.compliance.handlers.holds import (
    HoldAct,
    decide_hold,
    judge_hold,
    release_row,
    status_after,
)
from services.compliance.handlers.pairs import (
    PairAct,
    judge_approval,
    judge_proposal,
    judge_revocation,
    row_of,
    whitelist_days_max,
)
from services.compliance.handlers.parties import plan_rescreening
from services.compliance.handlers.ratings import (
    RatingAct,
    announce_rating,
    judge_approval_of_rating,
    judge_rating,
)
from services.compliance.handlers.roles import RoleAct, judge_right, judge_role
from services.compliance.handlers.rule_changes import (
    RuleAct,
    RulesTold,
    judge_rule_act,
    load_rule_acts,
)
from services.compliance.handlers.snoozes import SnoozeAct, SnoozesTold, judge_snooze, load_snooze_acts
from services.compliance.handlers.verdicts import Known, Verdict, refused
from services.compliance.store import acts as act_store
from services.compliance.store import cases as case_store
from services.compliance.store import decisions as decision_store
from services.compliance.store import list_age as list_age_store
from services.compliance.store import parties as party_store
from services.compliance.store import ratings as rating_store
from services.compliance.store import roles as role_store
from services.compliance.store import watchlists as list_store
from services.compliance.store import whitelist as whitelist_store
from shared.messages.acts import (
    ActBase,
    ActivateList,
    ApproveRating,
    ApproveRole,
    ApproveSnooze,
    ApproveWhitelisting,
    CaseAct,
    DismissAlert,
    EndSnooze,
    GatherAlerts,
    LoadList,
    OpenCase,
    ProposeParameters,
    ProposeRole,
    ProposeSnooze,
    ProposeWhitelisting,
    PublishParameters,
    RateCustomer,
    RefuseHold,
    RefuseList,
    ReleaseHold,
    RevokeRole,
    RevokeWhitelisting,
    WithdrawParameters,
)
from shared.messages.compliance import ListActivated, ListConfirmed, ListRefused
from shared.messages.envelope import HOUSE
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of
from shared.messages.topics import ALERTS
from shared.runtime.work import Received, UnitOfWork

AlertAct = OpenCase | DismissAlert | GatherAlerts
"""Acts that name alerts."""
ListAct = LoadList | ActivateList | RefuseList
OwnerAct = HoldAct | PairAct | SnoozeAct | RatingAct | OpenCase | DismissAlert | CaseAct
"""Acts that concern one customer, whom they name."""
OwnAct = OwnerAct | ListAct | RuleAct | RoleAct


async def carry_out(
    work: UnitOfWork, records: Sequence[Received], draft: Draft, *, roles_required: bool = False
) -> None:
    """Judge each act in order, write what it changes, and answer it."""
    acts = [(each, each.message) for each in records if isinstance(each.message, OwnAct)]
    if not acts:
        return
    known = await _load(work, acts, draft)
    known.roles_required = roles_required
    verdicts = [judge_act(record.shard, act, known) for record, act in acts]
    told = _Told()
    parts = [
        _list_part(verdict.part, work.shards[record.shard].recorded_at)
        for (record, _), verdict in zip(acts, verdicts, strict=True)
        if verdict.part is not None
    ]
    await list_store.save_parts(work.connection, parts)
    activated = {verdict.activates for verdict in verdicts if verdict.activates is not None}
    missing = [version for version in sorted(activated) if draft.index(version) is None]
    draft.indexes.update(await list_store.load_indexes(work.connection, missing))
    for (record, act), verdict in zip(acts, verdicts, strict=True):
        _tell(work, record, act, verdict, draft, told)
    await decision_store.save_releases(work.connection, told.releases)
    await decision_store.save_decisions(work.connection, told.decisions)
    await decision_store.move_holds(work.connection, told.moves)
    await list_store.save_activations(work.connection, told.activations)
    await list_age_store.save_confirmations(work.connection, told.confirmations)
    await whitelist_store.save_proposals(work.connection, told.proposals)
    await whitelist_store.move_whitelistings(work.connection, told.pairs_moved)
    await rating_store.save_proposals(work.connection, told.rating_proposals)
    await rating_store.save_ratings(work.connection, told.ratings)
    await list_store.save_refusals(work.connection, told.refusals)
    await party_store.save_rescreenings(work.connection, told.rescreenings)
    await told.cases.save(work.connection)
    await told.rules.save(work.connection)
    await told.snoozes.save(work.connection)
    await role_store.save_facts(work.connection, told.roles)
    await act_store.save_answers(work.connection, told.answers)


async def _load(work: UnitOfWork, acts: Sequence[tuple[Received, OwnAct]], draft: Draft) -> Known:
    connection = work.connection
    moments = {record.shard: work.shards[record.shard].recorded_at for record, _ in acts}
    today = max(moments.values()).date()
    loads = [act for _, act in acts if isinstance(act, LoadList)]
    answers = await act_store.load_answers(connection, {(each.shard, act.act_id) for each, act in acts})
    return Known(
        house_shard=shard_of(HOUSE, work.partitions),
        partitions=work.partitions,
        verdicts={key: Verdict(row.done, row.detail, row.result) for key, row in answers.items()},
        holds=await decision_store.load_holds(
            connection, {(each.shard, act.instruction_id) for each, act in acts if isinstance(act, HoldAct)}
        ),
        lists=await list_store.list_states(
            connection,
            {(act.list_code, act.version) for _, act in acts if isinstance(act, LoadList | ActivateList)},
        ),
        entries=await list_store.known_entries(
            connection,
            {(act.list_code, act.version, entry.entry_id) for act in loads for entry in act.entries},
        ),
        active={record.shard: dict(draft.lists_of(record.shard)) for record, _ in acts},
        indexes={
            (index.code, index.version): index
            for record, act in acts
            if isinstance(act, PairAct)
            for index in draft.indexes_of(record.shard)
        },
        pairs=await whitelist_store.load_whitelistings(
            connection,
            {
                (each.shard, act.whitelisting_id)
                for each, act in acts
                if isinstance(act, ApproveWhitelisting | RevokeWhitelisting)
            },
        ),
        moments=moments,
        whitelist_days_max={
            record.shard: whitelist_days_max(draft.rules_of(record.shard).now.book, today)
            for record, act in acts
            if isinstance(act, ProposeWhitelisting)
        },
        standings=await rating_store.standings(
            connection, {(each.shard, act.owner) for each, act in acts if isinstance(act, RatingAct)}
        ),
        rating_proposals=await rating_store.load_proposals(
            connection, {(each.shard, act.rating_id) for each, act in acts if isinstance(act, ApproveRating)}
        ),
        cases=await case_store.load_files(
            connection, {(each.shard, act.case_id) for each, act in acts if isinstance(act, CaseAct)}
        ),
        alerts=await case_store.load_alerts(
            connection,
            {
                (each.shard, number)
                for each, act in acts
                if isinstance(act, AlertAct)
                for number in numbers_of(each.shard, _alert_ids(act))
            },
        ),
        case_days=days_on(draft.memory.sets.of((), ()).book, today),
        rules=await load_rule_acts(work, [(record.shard, act) for record, act in acts], draft),
        snoozing=await load_snooze_acts(work, [(record.shard, act) for record, act in acts], draft),
        roles=await role_store.load_books(connection, moments.keys()),
    )


def _alert_ids(act: AlertAct) -> tuple[str, ...]:
    return (act.alert_id,) if isinstance(act, DismissAlert) else act.alert_ids


def judge_act(shard: int, act: OwnAct, known: Known) -> Verdict:
    """Decide whether an act can be done, and remember for those after it that it was. Pure."""
    earlier = known.verdicts.get((shard, act.act_id))
    if earlier is not None:
        return Verdict(earlier.done, earlier.detail, {**earlier.result, "repeat": True}, is_repeat=True)
    verdict = known.verdicts[shard, act.act_id] = judge_right(shard, act, known) or _judge_new(
        shard, act, known
    )
    return verdict


def _judge_new(shard: int, act: OwnAct, known: Known) -> Verdict:
    match act:
        case ProposeParameters() | PublishParameters() | WithdrawParameters():
            return judge_rule_act(shard, act, known)
        case ReleaseHold() | RefuseHold():
            return judge_hold(shard, act, known)
        case ProposeWhitelisting():
            return judge_proposal(shard, act, known)
        case ApproveWhitelisting():
            return judge_approval(shard, act, known)
        case RevokeWhitelisting():
            return judge_revocation(shard, act, known)
        case ProposeSnooze() | ApproveSnooze() | EndSnooze():
            return judge_snooze(shard, act, known)
        case RateCustomer():
            return judge_rating(shard, act, known)
        case ApproveRating():
            return judge_approval_of_rating(shard, act, known)
        case OpenCase():
            return judge_opening(shard, act, known)
        case DismissAlert():
            return judge_dismissal(shard, act, known)
        case CaseAct():
            return judge_case(shard, act, known)
        case ProposeRole() | ApproveRole() | RevokeRole():
            return judge_role(shard, act, known)
        case LoadList():
            return _judge_load(shard, act, known)
        case ActivateList():
            return _judge_activation(shard, act, known)
        case RefuseList():
            return _judge_refusal(shard, act, known)
        case _:
            assert_never(act)


def _judge_load(shard: int, act: LoadList, known: Known) -> Verdict:
    version = (act.list_code, act.version)
    state = known.lists.get(version) or ListState(act.parts, act.sha256, frozenset())
    entry_ids = [entry.entry_id for entry in act.entries]
    if shard != known.house_shard:
        return refused("wrong_shard", f"lists are loaded in the house's shard, {known.house_shard}")
    if not 1 <= act.part <= act.parts:
        return refused("wrong_part", f"part {act.part} of {act.parts}")
    if (state.sha256, state.parts) != (act.sha256, act.parts):
        return refused("other_content", f"version {act.version} is there, made from another file")
    if act.part in state.loaded:
        return Verdict(True, "the part was there already", _progress(state))
    if len(set(entry_ids)) < len(entry_ids) or known.entries & {(*version, each) for each in entry_ids}:
        return refused("entry_twice", "an entry id occurs twice in the version")
    if any(not entry.names or not all(entry.names) for entry in act.entries):
        return refused("entry_nameless", "an entry has no name")
    after = replace(state, loaded=state.loaded | {act.part})
    known.lists[version] = after
    known.entries |= {(*version, each) for each in entry_ids}
    return Verdict(True, f"{len(after.loaded)} of {after.parts} parts are there", _progress(after), part=act)


def _progress(state: ListState) -> dict[str, Any]:
    return {"loaded": len(state.loaded), "parts": state.parts, "complete": state.is_complete}


def _judge_activation(shard: int, act: ActivateList, known: Known) -> Verdict:
    version = (act.list_code, act.version)
    state = known.lists.get(version)
    if state is None:
        return refused("list_unknown", f"there is no version {act.version} of {act.list_code}")
    if not state.is_complete:
        return refused("list_incomplete", f"{len(state.loaded)} of {state.parts} parts are there")
    active = known.active.setdefault(shard, {})
    if active.get(act.list_code) == act.version:
        return Verdict(True, "the version was active already, and is confirmed", {}, confirms=version)
    result = {"replaced": active.get(act.list_code)}
    active[act.list_code] = act.version
    return Verdict(
        True, f"this shard screens against {act.list_code} {act.version}", result, activates=version
    )


def _judge_refusal(shard: int, act: RefuseList, known: Known) -> Verdict:
    if shard != known.house_shard:
        return refused("wrong_shard", f"lists are loaded in the house's shard, {known.house_shard}")
    stays = known.active.get(shard, {}).get(act.list_code)
    words = f"version {stays} of {act.list_code} stays in force" if stays else "there is no other version"
    return Verdict(True, words, {"stays": stays}, refuses=act)


@dataclass(slots=True)
class _Told:
    """What a batch has said so far, to be stored with it."""

    releases: list[ReleaseRow] = field(default_factory=list[ReleaseRow])
    decisions: list[DecisionRow] = field(default_factory=list[DecisionRow])
    moves: dict[tuple[int, UUID], tuple[HoldStatus, int]] = field(
        default_factory=dict[tuple[int, UUID], tuple[HoldStatus, int]]
    )
    proposals: list[WhitelistProposal] = field(default_factory=list[WhitelistProposal])
    pairs_moved: list[WhitelistMove] = field(default_factory=list[WhitelistMove])
    rating_proposals: list[tuple[RatingProposal, int, datetime]] = field(
        default_factory=list[tuple[RatingProposal, int, datetime]]
    )
    ratings: list[Said] = field(default_factory=list[Said])
    refusals: list[ListRefusalRow] = field(default_factory=list[ListRefusalRow])
    rescreenings: list[RescreeningRow] = field(default_factory=list[RescreeningRow])
    activations: list[tuple[int, int, str, str, datetime]] = field(
        default_factory=list[tuple[int, int, str, str, datetime]]
    )
    confirmations: list[tuple[int, int, str, str, datetime]] = field(
        default_factory=list[tuple[int, int, str, str, datetime]]
    )
    cases: CasesTold = field(default_factory=CasesTold)
    rules: RulesTold = field(default_factory=RulesTold)
    snoozes: SnoozesTold = field(default_factory=SnoozesTold)
    roles: list[tuple[RoleFact, int, datetime]] = field(default_factory=list[tuple[RoleFact, int, datetime]])
    answers: list[AnswerRow] = field(default_factory=list[AnswerRow])


def _tell(
    work: UnitOfWork, record: Received, act: OwnAct, verdict: Verdict, draft: Draft, told: _Told
) -> None:
    if verdict.hold is not None and isinstance(act, HoldAct):
        decision = decide_hold(work, record, act, verdict.hold)
        told.decisions.append(decision)
        told.moves[record.shard, act.instruction_id] = (status_after(act), decision.seq)
    if verdict.activates is not None:
        _activate(work, record, verdict.activates, draft, told)
    if verdict.confirms is not None:
        _confirm(work, record, verdict.confirms, draft, told)
    if verdict.refuses is not None:
        told.refusals.append(_refuse(work, record, verdict.refuses, verdict.result["stays"], draft))
    told.rules.announce(work, record, act, verdict, draft)
    told.snoozes.announce(work, record, verdict, draft)
    if verdict.rating is not None:
        told.ratings.append(announce_rating(work, verdict.rating, record.traceparent))
    said = announce_act(work, record, act, done=verdict.done, detail=verdict.detail, result=verdict.result)
    if verdict.pair is not None and isinstance(act, PairAct):
        row = row_of(act, verdict.pair, said, draft)
        if isinstance(row, WhitelistProposal):
            told.proposals.append(row)
        else:
            told.pairs_moved.append(row)
    if verdict.rating_proposal is not None:
        told.rating_proposals.append((verdict.rating_proposal, said.seq, said.recorded_at))
    if verdict.proposes is not None and isinstance(act, ReleaseHold):
        told.releases.append(release_row(act, verdict.proposes, said))
    told.cases.add(verdict, said)
    told.rules.add(verdict, said)
    told.snoozes.add(verdict, said)
    if verdict.role is not None:
        told.roles.append((verdict.role, said.seq, said.recorded_at))
    if not verdict.is_repeat:
        told.answers.append(
            AnswerRow(
                shard=record.shard,
                act_id=act.act_id,
                seq=said.seq,
                recorded_at=said.recorded_at,
                act=said.act,
                actor=act.actor,
                reason=act.reason,
                done=verdict.done,
                detail=verdict.detail,
                result=verdict.result,
            )
        )


def _activate(work: UnitOfWork, record: Received, version: ListVersion, draft: Draft, told: _Told) -> None:
    index = draft.index(version)
    assert index is not None, "the index of a version to activate is loaded first"
    before = draft.lists_of(record.shard).get(index.code)
    replaced = draft.index((index.code, before)) if before is not None else None
    draft.activate(record.shard, index)

    def build(seq: int, recorded_at: datetime) -> ListActivated:
        return ListActivated(
            shard=record.shard,
            seq=seq,
            recorded_at=recorded_at,
            list_code=index.code,
            version=index.version,
            entries=index.entries,
        )

    said = work.publish(record.shard, ALERTS, build, key=HOUSE, traceparent=record.traceparent)
    told.activations.append((record.shard, said.seq, index.code, index.version, said.recorded_at))
    draft.check(record.shard, index.code, ListCheck(index.version, said.seq, said.recorded_at))
    day = said.recorded_at.date()
    told.rescreenings.append(plan_rescreening(record.shard, said.seq, index, replaced, day))


def _confirm(work: UnitOfWork, record: Received, version: ListVersion, draft: Draft, told: _Told) -> None:
    def build(seq: int, recorded_at: datetime) -> ListConfirmed:
        return ListConfirmed(
            shard=record.shard, seq=seq, recorded_at=recorded_at, list_code=version[0], version=version[1]
        )

    said = work.publish(record.shard, ALERTS, build, key=HOUSE, traceparent=record.traceparent)
    told.confirmations.append((record.shard, said.seq, *version, said.recorded_at))
    draft.check(record.shard, version[0], ListCheck(version[1], said.seq, said.recorded_at))


def _refuse(
    work: UnitOfWork, record: Received, act: RefuseList, stays: str | None, draft: Draft
) -> ListRefusalRow:
    def build(seq: int, recorded_at: datetime) -> ListRefused:
        return ListRefused(
            shard=record.shard,
            seq=seq,
            recorded_at=recorded_at,
            list_code=act.list_code,
            file=act.file,
            line=act.line,
            why=act.why,
            stays=stays,
        )

    said = work.publish(record.shard, ALERTS, build, key=HOUSE, traceparent=record.traceparent)
    row = ListRefusalRow(
        record.shard, said.seq, said.recorded_at, act.list_code, act.file, act.line, act.why, stays
    )
    draft.refuse(row)
    return row


def _list_part(act: LoadList, recorded_at: datetime) -> ListPart:
    return ListPart(
        list_code=act.list_code,
        version=act.version,
        part=act.part,
        parts=act.parts,
        sha256=act.sha256,
        recorded_at=recorded_at,
        entries=tuple(party_of(each) for each in act.entries),
    )


def announce_act(
    work: UnitOfWork,
    record: Received,
    act: ActBase,
    *,
    done: bool,
    detail: str,
    result: Mapping[str, Any],
) -> ActDone:
    """Publish the answer to an act."""
    owner = act.owner if isinstance(act, OwnerAct) else HOUSE
    instruction_id = act.instruction_id if isinstance(act, HoldAct) else None

    def build(seq: int, recorded_at: datetime) -> ActDone:
        return ActDone(
            shard=record.shard,
            seq=seq,
            recorded_at=recorded_at,
            act_id=act.act_id,
            act=str(getattr(act, "type", "")),
            actor=act.actor,
            done=done,
            detail=detail,
            result=dict(result),
            owner=owner,
            instruction_id=instruction_id,
        )

    said = work.publish(
        record.shard,
        ALERTS,
        build,
        key=owner,
        correlation_id=str(instruction_id) if instruction_id is not None else None,
        traceparent=record.traceparent,
    )
    assert isinstance(said, ActDone)
    return said
