"""Announces holds and cases whose deadline has passed. They stay as they are: only a decision ends one."""

from datetime import datetime
from uuid import UUID

from services.compliance.domain.cases import CaseFile
from services.compliance.store import cases as case_store
from services.compliance.store import decisions as decision_store
from shared.messages.compliance import CaseOverdue, HoldOverdue
from shared.messages.topics import ALERTS
from shared.runtime.work import UnitOfWork

HOLDS_PER_TICK_MAX = 1000
CASES_PER_TICK_MAX = 1000


async def announce_overdue(work: UnitOfWork) -> None:
    """Announce each hold past its deadline, once; more than a batch's worth waits for the next tick."""
    due = {shard: each.recorded_at for shard, each in work.shards.items()}
    overdue = await decision_store.overdue_holds(work.connection, due, HOLDS_PER_TICK_MAX)
    marks = [
        (shard, instruction_id, _announce(work, shard, instruction_id, owner, deadline))
        for shard, instruction_id, owner, deadline in overdue
    ]
    await decision_store.mark_overdue(work.connection, marks)


def _announce(work: UnitOfWork, shard: int, instruction_id: UUID, owner: str, deadline: datetime) -> int:
    def build(seq: int, recorded_at: datetime) -> HoldOverdue:
        return HoldOverdue(
            shard=shard,
            seq=seq,
            recorded_at=recorded_at,
            owner=owner,
            instruction_id=instruction_id,
            deadline=deadline,
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
