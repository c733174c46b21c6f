"""Cases and triage: facts are appended; of a case's file only what they move is set."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.compliance.domain.cases import AlertState, CaseFact, CaseFile, TriageRow

_SAVE_FILES = """
INSERT INTO case_file (shard, case_id, opened_seq, opened_at, owner, kind, version, status, deadline, officer,
                       disposition, report, proposal, proposed_by, filing, filing_status)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[],
                     $7::int[], $8::text[], $9::timestamptz[], $10::text[], $11::text[], $12::boolean[],
                     $13::int[], $14::text[], $15::int[], $16::text[])
ON CONFLICT (shard, case_id) DO UPDATE
SET version = excluded.version, status = excluded.status, deadline = excluded.deadline,
    officer = excluded.officer, disposition = excluded.disposition, report = excluded.report,
    proposal = excluded.proposal, proposed_by = excluded.proposed_by,
    filing = excluded.filing, filing_status = excluded.filing_status,
    overdue_seq = CASE WHEN case_file.deadline = excluded.deadline THEN case_file.overdue_seq END
"""

_SAVE_FACTS = """
INSERT INTO case_fact (shard, case_id, version, seq, recorded_at, act_id, what, actor, reason, deadline,
                       officer, disposition, report, link_kind, link, proposal, proposed_by, form, sha256,
                       schema_sha256, filing, answer, reference)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::int[], $4::bigint[], $5::timestamptz[], $6::uuid[],
                     $7::text[], $8::text[], $9::text[], $10::timestamptz[], $11::text[], $12::text[],
                     $13::boolean[], $14::text[], $15::text[], $16::int[], $17::text[], $18::text[],
                     $19::text[], $20::text[], $21::int[], $22::text[], $23::text[])
"""

_SAVE_TRIAGE = """
INSERT INTO alert_triage (shard, alert_seq, seq, recorded_at, act_id, actor, reason, case_id, case_version)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::uuid[], $6::text[],
                     $7::text[], $8::uuid[], $9::int[])
"""

_LOAD_FILES = """
SELECT c.shard, c.case_id, c.owner, c.kind, c.deadline, c.version, c.status, c.officer, c.disposition,
       c.report, c.proposal, c.proposed_by, c.filing, c.filing_status
FROM unnest($1::int[], $2::uuid[]) AS wanted (shard, case_id)
JOIN case_file AS c ON c.shard = wanted.shard AND c.case_id = wanted.case_id
"""

_LOAD_ALERTS = """
SELECT a.shard, a.seq, a.owner, a.recorded_at, t.case_id,
       t.alert_seq IS NOT NULL AND t.case_id IS NULL AS dismissed
FROM unnest($1::int[], $2::bigint[]) AS wanted (shard, seq)
JOIN alert AS a ON a.shard = wanted.shard AND a.seq = wanted.seq
LEFT JOIN alert_triage AS t ON t.shard = a.shard AND t.alert_seq = a.seq
"""

_OVERDUE = """
SELECT c.shard, c.case_id, c.owner, c.kind, c.deadline, c.version, c.status, c.officer, c.disposition,
       c.report, c.proposal, c.proposed_by, c.filing, c.filing_status
FROM unnest($1::int[], $2::timestamptz[]) AS due (shard, at)
JOIN case_file AS c ON c.shard = due.shard AND c.is_due AND c.overdue_seq IS NULL AND c.deadline <= due.at
ORDER BY c.shard, c.deadline, c.opened_seq
LIMIT $3
"""

_MARK_OVERDUE = """
UPDATE case_file AS c SET overdue_seq = x.seq
FROM unnest($1::int[], $2::uuid[], $3::bigint[]) AS x (shard, case_id, seq)
WHERE c.shard = x.shard AND c.case_id = x.case_id
"""

Recorded = tuple[CaseFact, int, datetime]
"""A fact, the event that told of it, and when."""


async def save_files(connection: Any, files: Sequence[CaseFile], facts: Sequence[Recorded]) -> None:
    """Store cases as they are after these facts; one that is new was opened by one of them."""
    if not files:
        return
    first = {(fact.shard, fact.case_id): (seq, at) for fact, seq, at in reversed(facts)}
    await connection.execute(
        _SAVE_FILES,
        [each.shard for each in files],
        [each.case_id for each in files],
        [first[each.shard, each.case_id][0] for each in files],
        [first[each.shard, each.case_id][1] for each in files],
        [each.owner for each in files],
        [each.kind for each in files],
        [each.version for each in files],
        [each.status for each in files],
        [each.deadline for each in files],
        [each.officer for each in files],
        [each.disposition for each in files],
        [each.report for each in files],
        [each.proposal for each in files],
        [each.proposed_by for each in files],
        [each.filing for each in files],
        [each.filing_status for each in files],
    )


async def save_facts(connection: Any, facts: Sequence[Recorded]) -> None:
    """Append what was done to cases."""
    if not facts:
        return
    await connection.execute(
        _SAVE_FACTS,
        [fact.shard for fact, _, _ in facts],
        [fact.case_id for fact, _, _ in facts],
        [fact.version for fact, _, _ in facts],
        [seq for _, seq, _ in facts],
        [at for _, _, at in facts],
        [fact.act_id for fact, _, _ in facts],
        [fact.what for fact, _, _ in facts],
        [fact.actor for fact, _, _ in facts],
        [fact.reason for fact, _, _ in facts],
        [fact.deadline for fact, _, _ in facts],
        [fact.officer for fact, _, _ in facts],
        [fact.disposition for fact, _, _ in facts],
        [fact.report for fact, _, _ in facts],
        [fact.link_kind for fact, _, _ in facts],
        [fact.link for fact, _, _ in facts],
        [fact.proposal for fact, _, _ in facts],
        [fact.proposed_by for fact, _, _ in facts],
        [fact.form for fact, _, _ in facts],
        [fact.sha256 for fact, _, _ in facts],
        [fact.schema_sha256 for fact, _, _ in facts],
        [fact.filing for fact, _, _ in facts],
        [fact.answer for fact, _, _ in facts],
        [fact.reference for fact, _, _ in facts],
    )


async def save_triage(connection: Any, rows: Sequence[tuple[TriageRow, int, datetime]]) -> None:
    """Append what became of alerts."""
    if not rows:
        return
    await connection.execute(
        _SAVE_TRIAGE,
        [row.shard for row, _, _ in rows],
        [row.alert_seq for row, _, _ in rows],
        [seq for _, seq, _ in rows],
        [at for _, _, at in rows],
        [row.act_id for row, _, _ in rows],
        [row.actor for row, _, _ in rows],
        [row.reason for row, _, _ in rows],
        [row.case_id for row, _, _ in rows],
        [row.case_version for row, _, _ in rows],
    )


async def load_files(
    connection: Any, wanted: Collection[tuple[int, UUID]]
) -> dict[tuple[int, UUID], CaseFile]:
    """Return cases by (shard, case id)."""
    if not wanted:
        return {}
    rows = await connection.fetch(_LOAD_FILES, [shard for shard, _ in wanted], [each for _, each in wanted])
    return {(row["shard"], row["case_id"]): CaseFile(**row) for row in rows}


async def load_alerts(
    connection: Any, wanted: Collection[tuple[int, int]]
) -> dict[tuple[int, int], AlertState]:
    """Return alerts by (shard, seq), with what became of them."""
    if not wanted:
        return {}
    rows = await connection.fetch(_LOAD_ALERTS, [shard for shard, _ in wanted], [seq for _, seq in wanted])
    return {
        (row["shard"], row["seq"]): AlertState(
            row["owner"], row["recorded_at"], row["case_id"], row["dismissed"]
        )
        for row in rows
    }


async def overdue_cases(connection: Any, due: Mapping[int, datetime], limit: int) -> list[CaseFile]:
    """Return cases past their deadline, not closed or not reported, and not announced yet."""
    return [CaseFile(**row) for row in await connection.fetch(_OVERDUE, list(due), list(due.values()), limit)]


async def mark_overdue(connection: Any, marks: Sequence[tuple[int, UUID, int]]) -> None:
    """Remember the event that announced a case overdue, by (shard, case id, seq)."""
    if not marks:
        return
    await connection.execute(
        _MARK_OVERDUE,
        [shard for shard, _, _ in marks],
        [case_id for _, case_id, _ in marks],
        [seq for _, _, seq in marks],
    )
