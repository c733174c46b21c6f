"""Announces holds and cases whose deadline has passed, and lists that are too old. Nothing else changes."""

from datetime import datetime
from uuid import UUID

from services.compliance.domain.cases import CaseFile
from services.compliance.domain.list_age import Outdated, outdated
from services.compliance.domain.memory import Draft
from services.compliance.domain.rule import ANY_ASSET
from services.compliance.rules import san_1
from services.compliance.store import cases as case_store
from services.compliance.store import decisions as decision_store
from services.compliance.store import list_age as list_age_store
from shared.messages.compliance import CaseOverdue, HoldOverdue, ListOutdated
from shared.messages.envelope import HOUSE
from shared.messages.topics import ALERTS
from shared.runtime.work import UnitOfWork

HOLDS_PER_TICK_MAX = 1000
CASES_PER_TICK_MAX = 1000


async def announce_overdue(work: UnitOfWork) -> None:
    """Announce each hold past its deadline, once; more than a batch's worth waits for the next tick."""
    due = {shard: each.recorded_at for shard, each in work.shards.items()}
    overdue = await decision_store.overdue_holds(work.connection, due, HOLDS_PER_TICK_MAX)
    marks = [
        (shard, instruction_id, _announce(work, shard, instruction_id, owner, deadline, told))
        for shard, instruction_id, owner, deadline, told in overdue
    ]
    await decision_store.mark_overdue(work.connection, marks)


def _announce(
    work: UnitOfWork, shard: int, instruction_id: UUID, owner: str, deadline: datetime, told: str | None
) -> int:
    def build(seq: int, recorded_at: datetime) -> HoldOverdue:
        return HoldOverdue(
            shard=shard,
            seq=seq,
            recorded_at=recorded_at,
            owner=owner,
            instruction_id=instruction_id,
            deadline=deadline,
            told=told,
        )

    return work.publish(shard, ALERTS, build, key=owner, correlation_id=str(instruction_id)).seq


async def announce_overdue_cases(work: UnitOfWork) -> None:
    """Announce each case past its deadline and not closed, once; more than a batch's worth waits."""
    due = {shard: each.recorded_at for shard, each in work.shards.items()}
    overdue = await case_store.overdue_cases(work.connection, due, CASES_PER_TICK_MAX)
    marks = [(case.shard, case.case_id, _announce_case(work, case)) for case in overdue]
    await case_store.mark_overdue(work.connection, marks)


def _announce_case(work: UnitOfWork, case: CaseFile) -> int:
    def build(seq: int, recorded_at: datetime) -> CaseOverdue:
        return CaseOverdue(
            shard=case.shard,
            seq=seq,
            recorded_at=recorded_at,
            owner=case.owner,
            case_id=case.case_id,
            deadline=case.deadline,
        )

    return work.publish(case.shard, ALERTS, build, key=case.owner).seq


async def announce_outdated_lists(work: UnitOfWork, draft: Draft) -> None:
    """Announce each list that is older than allowed, once until it is read again."""
    rows: list[tuple[int, int, datetime, Outdated]] = []
    for shard, each in work.shards.items():
        day = each.recorded_at.date()
        row = draft.rules_of(shard).now.book.choose(san_1.RULE.code, ANY_ASSET, day)
        if row is None:
            continue
        said = draft.outdated_of(shard)
        for found in outdated(draft.checks_of(shard), day, san_1.read_parameters(row).list_days_max):
            if found.list_code not in said:
                event = _announce_outdated(work, shard, found)
                rows.append((shard, event.seq, event.recorded_at, found))
                draft.age(shard, found)
    await list_age_store.save_outdated(work.connection, rows)


def _announce_outdated(work: UnitOfWork, shard: int, found: Outdated) -> ListOutdated:
    def build(seq: int, recorded_at: datetime) -> ListOutdated:
        return ListOutdated(
            shard=shard,
            seq=seq,
            recorded_at=recorded_at,
            list_code=found.list_code,
            version=found.check.version,
            checked_at=found.check.checked_at,
            days_max=found.days_max,
        )

    said = work.publish(shard, ALERTS, build, key=HOUSE)
    assert isinstance(said, ListOutdated)
    return said
