"""Carries out operators' acts: on holds, alerts and cases, pairs, snoozes, lists, and rules' parameters.

Each act is answered by one `ActDone`; one sent twice is done once, and answered again as it was. One whose id
was another act's is refused by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from services.compliance.domain.cases import days_on, numbers_of
from services.compliance.domain.memory import Draft
from services.compliance.domain.ratings import RatingProposal, Said
from services.compliance.domain.records import (
    AnswerRow,
    DecisionRow,
    HoldStatus,
    ReleaseRow,
    WhitelistMove,
    WhitelistProposal,
)
from services.compliance.domain.retention import LegalHoldFact, RemovalFact
from services.compliance.domain.roles import RoleFact
from services.compliance.handlers.cases import CasesTold, judge_case, judge_dismissal, judge_opening
from services.compliance.handlers.holds import (
    HoldAct,
    decide_hold,
    judge_hold,
    release_row,
    status_after,
)
from services.compliance.handlers.lists import (
    ListAct,
    ListsTold,
    judge_activation,
    judge_load,
    judge_refusal,
    take_lists,
)
from services.compliance.handlers.pairs import (
    PairAct,
    judge_approval,
    judge_proposal,
    judge_revocation,
    row_of,
    whitelist_days_max,
)
from services.compliance.handlers.ratings import (
    RatingAct,
    announce_rating,
    judge_approval_of_rating,
    judge_rating,
)
from services.compliance.handlers.removals import RemovalAct, judge_removal, load_removal_acts
from services.compliance.handlers.retention import LegalHoldAct, judge_legal_hold
from services.compliance.handlers.roles import RoleAct, judge_right, judge_role
from services.compliance.handlers.rule_changes import (
    RuleAct,
    RulesTold,
    judge_rule_act,
    load_rule_acts,
)
from services.compliance.handlers.snoozes import SnoozeAct, SnoozesTold, judge_snooze, load_snooze_acts
from services.compliance.handlers.verdicts import Known, Verdict, refused
from services.compliance.handlers.work_order import FROM_THE_FIRST, place_owners, rank_alerts
from services.compliance.store import acts as act_store
from services.compliance.store import cases as case_store
from services.compliance.store import decisions as decision_store
from services.compliance.store import ratings as rating_store
from services.compliance.store import removals as removal_store
from services.compliance.store import retention as retention_store
from services.compliance.store import roles as role_store
from services.compliance.store import watchlists as list_store
from services.compliance.store import whitelist as whitelist_store
from shared.messages.acts import (
    ActivateList,
    ApproveRating,
    ApproveRemoval,
    ApproveRole,
    ApproveSnooze,
    ApproveWhitelisting,
    DismissAlert,
    EndSnooze,
    GatherAlerts,
    LiftLegalHold,
    LoadList,
    OpenCase,
    PlaceLegalHold,
    ProposeParameters,
    ProposeRemoval,
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
from shared.messages.acts.base import ActBase, content_hash_of
from shared.messages.acts.cases import CaseAct
from shared.messages.envelope import HOUSE
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of
from shared.messages.topics import ALERTS
from shared.runtime.work import Received, UnitOfWork

AlertAct = OpenCase | DismissAlert | GatherAlerts
"""Acts that name alerts."""
OwnerAct = HoldAct | PairAct | SnoozeAct | LegalHoldAct | RatingAct | OpenCase | DismissAlert | CaseAct
"""Acts that concern one customer, whom they name."""
OwnAct = OwnerAct | ListAct | RuleAct | RoleAct | RemovalAct


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
    judged = [(record, verdict) for (record, _), verdict in zip(acts, verdicts, strict=True)]
    await take_lists(work, judged, draft)
    for (record, act), verdict in zip(acts, verdicts, strict=True):
        _tell(work, record, act, verdict, draft, told)
    await decision_store.save_releases(work.connection, told.releases)
    await decision_store.save_decisions(work.connection, told.decisions)
    await decision_store.move_holds(work.connection, told.moves)
    await whitelist_store.save_proposals(work.connection, told.proposals)
    await whitelist_store.move_whitelistings(work.connection, told.pairs_moved)
    await rating_store.save_proposals(work.connection, told.rating_proposals)
    await rating_store.save_ratings(work.connection, told.ratings)
    await told.lists.save(work.connection)
    await told.cases.save(work.connection)
    await rank_alerts(work, told.cases.alerts, told.moves)
    await place_owners(work, dict.fromkeys(told.cases.owners_judged, FROM_THE_FIRST))
    await told.rules.save(work.connection)
    await told.snoozes.save(work.connection)
    await retention_store.save_legal_holds(work.connection, told.legal_holds)
    await removal_store.save_removals(work.connection, told.removals)
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
        contents={key: row.content_hash for key, row in answers.items()},
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
        legal_holds=await retention_store.find_legal_holds(
            connection,
            {(each.shard, act.legal_hold_id) for each, act in acts if isinstance(act, LiftLegalHold)},
        ),
        removals=await load_removal_acts(work, [(record.shard, act) for record, act in acts], draft),
        roles=await role_store.load_books(connection, moments.keys()),
    )


def _alert_ids(act: AlertAct) -> tuple[str, ...]:
    return (act.alert_id,) if isinstance(act, DismissAlert) else act.alert_ids


def judge_act(shard: int, act: OwnAct, known: Known) -> Verdict:
    """Decide whether an act can be done, and remember for those after it that it was. Pure."""
    key, content_hash = (shard, act.act_id), content_hash_of(act)
    earlier = known.verdicts.get(key)
    if earlier is not None and known.contents[key] != content_hash:
        return replace(refused("id_reused", "the id was another act's"), is_repeat=True)
    if earlier is not None:
        return Verdict(earlier.done, earlier.detail, {**earlier.result, "repeat": True}, is_repeat=True)
    known.contents[key] = content_hash
    verdict = known.verdicts[key] = judge_right(shard, act, known) or _judge_new(shard, act, known)
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
        case PlaceLegalHold() | LiftLegalHold():
            return judge_legal_hold(shard, act, known)
        case ProposeRemoval() | ApproveRemoval():
            return judge_removal(shard, act, known)
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
            return judge_load(shard, act, known)
        case ActivateList():
            return judge_activation(shard, act, known)
        case RefuseList():
            return judge_refusal(shard, act, known)
        case _:
            assert_never(act)


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
    lists: ListsTold = field(default_factory=ListsTold)
    cases: CasesTold = field(default_factory=CasesTold)
    rules: RulesTold = field(default_factory=RulesTold)
    snoozes: SnoozesTold = field(default_factory=SnoozesTold)
    legal_holds: list[tuple[LegalHoldFact, int, datetime]] = field(
        default_factory=list[tuple[LegalHoldFact, int, datetime]]
    )
    removals: list[tuple[RemovalFact, int, datetime]] = field(
        default_factory=list[tuple[RemovalFact, int, datetime]]
    )
    roles: list[tuple[RoleFact, int, datetime]] = field(default_factory=list[tuple[RoleFact, int, datetime]])
    answers: list[AnswerRow] = field(default_factory=list[AnswerRow])


def _tell(
    work: UnitOfWork, record: Received, act: OwnAct, verdict: Verdict, draft: Draft, told: _Told
) -> None:
    if verdict.hold is not None and isinstance(act, HoldAct):
        decision = decide_hold(work, record, act, verdict.hold)
        told.decisions.append(decision)
        told.moves[record.shard, act.instruction_id] = (status_after(act), decision.seq)
    told.lists.announce(work, record, verdict, draft)
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
    if verdict.legal_hold is not None:
        told.legal_holds.append((verdict.legal_hold, said.seq, said.recorded_at))
    if verdict.removal is not None:
        told.removals.append((verdict.removal, said.seq, said.recorded_at))
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
                content_hash=content_hash_of(act),
                done=verdict.done,
                detail=verdict.detail,
                result=verdict.result,
            )
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
