"""What reporting does with a batch: count the events of the others, and make the reports asked for."""

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.reporting.domain.increments import (
    AccountKey,
    Delivered,
    Increments,
    fold_alerts,
    fold_decisions,
    fold_journal,
)
from services.reporting.domain.report import (
    Made,
    Problem,
    Question,
    Report,
    canonical_csv,
    check_parameters,
    checksum,
    completeness,
)
from services.reporting.reports import REPORT, REPORTS
from services.reporting.store.increments import add_increments, load_business_days
from services.reporting.store.runs import EarlierRun, Run, append_runs, find_runs
from services.reporting.store.snapshot import OpenSnapshot, Snapshot
from shared.messages.acts import MakeReport
from shared.messages.compliance import AlertEvent, DecisionEvent
from shared.messages.envelope import HOUSE
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of
from shared.messages.reporting import Reconciliation, ReportPublished, ReportRefused
from shared.messages.topics import PUBLISHED
from shared.runtime.work import Received, UnitOfWork

REPORT_SECONDS_MAX: Final = 10.0
"""For all reports of one batch: below the time after which PostgreSQL ends a transaction that stands idle."""


async def count_events(
    work: UnitOfWork,
    journal: Sequence[Delivered],
    decisions: Sequence[DecisionEvent],
    alerts: Sequence[AlertEvent],
    known: AbstractSet[AccountKey],
) -> set[AccountKey]:
    """Add a batch's events to the aggregates and return the accounts it met.

    `known` are accounts that are certainly stored, so that they need not be sent again.
    """
    increments = Increments()
    if journal:
        partitions = work.partitions
        days = await load_business_days(work.connection, [*work.shards])
        fold_journal(increments, journal, days, lambda owner: shard_of(owner, partitions))
    fold_decisions(increments, decisions)
    fold_alerts(increments, alerts)
    met = set(increments.accounts)
    for account in met & known:
        del increments.accounts[account]
    await add_increments(work.connection, increments)
    return met


async def make_reports(work: UnitOfWork, asked: Sequence[Received], open_snapshot: OpenSnapshot) -> None:
    """Make each report asked for, or say why not; every act is answered, and one sent again is made once.

    All reports of a batch are made in one snapshot.
    """
    acts: dict[UUID, Received] = {}
    for received in asked:
        acts.setdefault(received.message.act_id, received)
    earlier = await find_runs(work.connection, list(acts))
    fresh = [received for act_id, received in acts.items() if act_id not in earlier]
    outcomes = (
        await _make_all([received.message for received in fresh], open_snapshot, work.partitions)
        if fresh
        else []
    )
    for act_id, run in earlier.items():
        _answer_again(work, acts[act_id], run)
    runs: list[Run] = []
    for received, outcome in zip(fresh, outcomes, strict=True):
        if isinstance(outcome, Problem):
            result = {"sentence": outcome.sentence, **outcome.details}
            answer(work, received, done=False, detail=outcome.error, result=result)
        else:
            runs.append(_announce(work, received, outcome))
    if runs:
        await append_runs(work.connection, runs)


def answer(work: UnitOfWork, received: Received, *, done: bool, detail: str, result: dict[str, Any]) -> None:
    """Publish what came of an act."""
    act = received.message
    work.publish(
        received.shard,
        PUBLISHED,
        lambda seq, recorded_at: ActDone(
            shard=received.shard,
            seq=seq,
            recorded_at=recorded_at,
            act_id=act.act_id,
            act=act.type,
            actor=act.actor,
            done=done,
            detail=detail,
            result=result,
        ),
        key=HOUSE,
        correlation_id=str(act.act_id),
        traceparent=received.traceparent,
    )


@dataclass(frozen=True, slots=True)
class _Finished:
    """A report with the facts about it."""

    made: Made
    vector: dict[str, int]
    reconciles_with: tuple[Reconciliation, ...]
    reconciled: bool
    body: bytes
    sha256: str


async def _make_all(
    acts: Sequence[MakeReport], open_snapshot: OpenSnapshot, shards: int
) -> list[_Finished | Problem]:
    outcomes: list[_Finished | Problem] = []
    deadline = asyncio.timeout(REPORT_SECONDS_MAX)
    try:
        async with deadline, open_snapshot() as books:
            vector, complete = await _place(books)
            for act in acts:
                # One by one, so that what was made before the deadline is kept.
                outcomes.append(await _make(act, books, vector, complete, shards))  # noqa: PERF401
    except TimeoutError:
        if not deadline.expired():
            raise
        late = Problem("too_slow", f"it was not made within {REPORT_SECONDS_MAX:g} seconds")
        outcomes += [late] * (len(acts) - len(outcomes))
    return outcomes


async def _place(books: Snapshot) -> tuple[dict[str, int], Reconciliation]:
    """The vector a snapshot is true at, and whether everything up to it was counted."""
    vector = await books.vector()
    complete = completeness(vector, await books.taken())
    return {str(shard): seq for shard, seq in vector.items()}, complete


async def _make(
    act: MakeReport, books: Snapshot, vector: dict[str, int], complete: Reconciliation, shards: int
) -> _Finished | Problem:
    report = REPORT.get(act.report)
    if report is None:
        known = ", ".join(each.code for each in REPORTS)
        return Problem("report_unknown", f"there is no report {act.report!r}; there are {known}")
    wrong = check_parameters(report, act.parameters) or _check_reached(act, vector, shards)
    if wrong is not None:
        return wrong
    question = Question(act.report, act.booking_date, act.parameters, shards)
    made = report.make(question, await books.ask(act.report, report.arguments(question)))
    if isinstance(made, Problem):
        return made
    return _finish(report, made, vector, complete)


def _check_reached(act: MakeReport, vector: dict[str, int], shards: int) -> Problem | None:
    if act.at_least.keys() - {str(shard) for shard in range(shards)}:
        return Problem("shard_unknown", f"shards are 0 to {shards - 1}, and what must be read names another")
    behind = {shard: seq for shard, seq in act.at_least.items() if vector.get(shard, 0) < seq}
    if not behind:
        return None
    shard, seq = min(behind.items())
    sentence = f"shard {shard} has been read up to {vector.get(shard, 0)}, not yet {seq}"
    return Problem("not_reached", sentence, {"vector": vector})


def _finish(report: Report, made: Made, vector: dict[str, int], complete: Reconciliation) -> _Finished:
    compared = (*made.reconciles_with, complete)
    body = canonical_csv(report.columns, made.rows)
    return _Finished(made, vector, compared, all(each.ok for each in compared), body, checksum(body))


def _announce(work: UnitOfWork, received: Received, finished: _Finished) -> Run:
    """Publish a report, or that it was refused, answer its act, and return the run to keep."""
    act: MakeReport = received.message

    def build(seq: int, recorded_at: datetime) -> ReportPublished | ReportRefused:
        common: dict[str, Any] = {
            "shard": received.shard,
            "seq": seq,
            "recorded_at": recorded_at,
            "run_id": act.act_id,
            "report": act.report,
            "booking_date": act.booking_date,
            "parameters": act.parameters,
            "vector": finished.vector,
            "reconciles_with": finished.reconciles_with,
        }
        if not finished.reconciled:
            return ReportRefused(**common)
        return ReportPublished(
            **common, rows=len(finished.made.rows), totals=dict(finished.made.totals), sha256=finished.sha256
        )

    event = work.publish(
        received.shard,
        PUBLISHED,
        build,
        key=HOUSE,
        correlation_id=str(act.act_id),
        traceparent=received.traceparent,
    )
    _answer_made(work, received, reconciled=finished.reconciled, sha256=finished.sha256)
    return Run(
        run_id=act.act_id,
        shard=event.shard,
        seq=event.seq,
        report=act.report,
        booking_date=act.booking_date,
        parameters=act.parameters,
        actor=act.actor,
        reason=act.reason,
        known_at=event.recorded_at,
        vector=finished.vector,
        rows=len(finished.made.rows),
        totals=dict(finished.made.totals),
        reconciled=finished.reconciled,
        reconciles_with=[each.model_dump() for each in finished.reconciles_with],
        sha256=finished.sha256,
        body=finished.body,
    )


def _answer_again(work: UnitOfWork, received: Received, run: EarlierRun) -> None:
    """Answer an act sent again from the run it led to; the same id for another question is refused."""
    act: MakeReport = received.message
    if (act.report, act.booking_date, act.parameters) != (run.report, run.booking_date, run.parameters):
        result = {"sentence": f"the act id {act.act_id} was used for another report"}
        answer(work, received, done=False, detail="id_reused", result=result)
        return
    _answer_made(work, received, reconciled=run.reconciled, sha256=run.sha256)


def _answer_made(work: UnitOfWork, received: Received, *, reconciled: bool, sha256: str) -> None:
    act: MakeReport = received.message
    result = {"run_id": str(act.act_id), "report": act.report, "sha256": sha256, "reconciled": reconciled}
    detail = "published" if reconciled else "not_reconciled"
    answer(work, received, done=reconciled, detail=detail, result=result)
