"""Which cases there are, and what was done to each."""

from typing import Any
from uuid import UUID

from services.compliance.queries.places import NOWHERE, Place

_LIST = """
SELECT c.case_id::text AS case_id, c.shard, c.owner, c.kind, c.status, c.version, c.officer, c.opened_at,
       c.deadline, c.overdue_seq IS NOT NULL AND c.is_due AS overdue, c.disposition, c.report,
       c.proposed_by, c.filing, c.filing_status,
       (SELECT count(*) FROM compliance.alert_triage AS t
        WHERE t.shard = c.shard AND t.case_id = c.case_id) AS alerts
FROM compliance.case_file AS c
WHERE ($1::text IS NULL OR c.status = $1) AND ($2::boolean IS NULL OR c.is_due)
    AND ($3::text IS NULL OR c.owner = $3)
    AND ($4::text IS NULL OR c.officer = $4)
    AND ($5::text IS NULL OR c.kind = $5)
    AND ($6::uuid IS NULL OR c.case_id = $6)
ORDER BY c.deadline, c.shard, c.opened_seq
LIMIT $7
"""

_PAGE = """
SELECT c.case_id::text AS case_id, c.shard, c.opened_seq, c.owner, c.kind, c.status, c.version, c.officer,
       c.opened_at, c.deadline, c.overdue_seq IS NOT NULL AND c.is_due AS overdue, c.disposition,
       c.report, c.proposed_by, c.filing, c.filing_status,
       (SELECT count(*) FROM compliance.alert_triage AS t
        WHERE t.shard = c.shard AND t.case_id = c.case_id) AS alerts
FROM compliance.case_file AS c
WHERE ($1::text IS NULL OR c.status = $1) AND ($2::boolean IS NULL OR c.is_due)
    AND ($3::text IS NULL OR c.owner = $3)
    AND ($4::text IS NULL OR c.officer = $4)
    AND ($5::text IS NULL OR c.kind = $5)
    AND ($6::timestamptz IS NULL OR (c.opened_at, c.shard, c.opened_seq) > ($6, $7::int, $8::bigint))
ORDER BY c.opened_at, c.shard, c.opened_seq
LIMIT $9
"""

_HISTORY = """
SELECT f.version, f.what, f.actor, f.reason, f.recorded_at, f.seq, f.act_id::text AS act_id, f.deadline,
       f.officer, f.disposition, f.report, f.link_kind, f.link, f.proposal, f.proposed_by, f.form,
       f.sha256, f.schema_sha256, f.filing, f.answer, f.reference,
       array(SELECT t.shard || '-' || t.alert_seq FROM compliance.alert_triage AS t
             WHERE t.shard = f.shard AND t.case_id = f.case_id AND t.case_version = f.version
             ORDER BY t.alert_seq) AS alerts
FROM compliance.case_file AS c
JOIN compliance.case_fact AS f ON f.shard = c.shard AND f.case_id = c.case_id
WHERE c.case_id = $1
ORDER BY f.version
"""

_RULES = """
SELECT DISTINCT a.rule
FROM compliance.case_file AS c
JOIN compliance.alert_triage AS t ON t.shard = c.shard AND t.case_id = c.case_id
JOIN compliance.alert AS a ON a.shard = t.shard AND a.seq = t.alert_seq
WHERE c.case_id = $1
ORDER BY a.rule
"""

_LOADS = """
WITH RECURSIVE officer AS (
    (SELECT c.officer FROM compliance.case_file AS c WHERE c.officer IS NOT NULL ORDER BY c.officer LIMIT 1)
    UNION ALL
    SELECT (
        SELECT c.officer FROM compliance.case_file AS c WHERE c.officer > o.officer ORDER BY c.officer LIMIT 1
    )
    FROM officer AS o WHERE o.officer IS NOT NULL
)
SELECT o.officer, (
    SELECT count(*) FROM compliance.case_file AS c WHERE c.officer = o.officer AND c.is_due
)::int AS waiting
FROM officer AS o WHERE o.officer IS NOT NULL
ORDER BY o.officer
"""

WAITING = "waiting"
"""Stands for every status but closed, and for what is closed with a report that is not filed yet."""


async def cases_list(
    connection: Any,
    status: str | None = WAITING,
    *,
    owner: str | None = None,
    officer: str | None = None,
    kind: str | None = None,
    limit: int = 1000,
) -> list[dict[str, Any]]:
    """Return cases, the most urgent first; `status` None for all."""
    wanted = (*_standing(status), owner, officer, kind, None, limit)
    return [dict(row) for row in await connection.fetch(_LIST, *wanted)]


async def cases_page(
    connection: Any,
    status: str | None,
    *,
    owner: str | None,
    officer: str | None,
    kind: str | None,
    limit: int,
    after: Place | None,
) -> list[dict[str, Any]]:
    """Return cases in the order in which they were opened, which no act changes; `status` None for all."""
    wanted = (*_standing(status), owner, officer, kind, *(after or NOWHERE), limit)
    return [dict(row) for row in await connection.fetch(_PAGE, *wanted)]


async def case_show(connection: Any, case_id: UUID) -> dict[str, Any] | None:
    """Return a case with the rules of its alerts and its history; None where there is none."""
    row = await connection.fetchrow(_LIST, None, None, None, None, None, case_id, None)
    if row is None:
        return None
    history = [
        {name: value for name, value in fact.items() if value is not None and value != []}
        for fact in await connection.fetch(_HISTORY, case_id)
    ]
    rules = [each["rule"] for each in await connection.fetch(_RULES, case_id)]
    return {**dict(row), "rules": rules, "history": history}


async def loads(connection: Any) -> dict[str, int]:
    """Return how many cases wait with each officer who ever had one."""
    return {row["officer"]: row["waiting"] for row in await connection.fetch(_LOADS)}


def _standing(status: str | None) -> tuple[str | None, bool | None]:
    """A status to have, or whether it has to wait."""
    return (None, True) if status == WAITING else (status, None)
