"""Which rules are silent about which customers, by whom and until when, and what they would have said."""

import json
from typing import Any
from uuid import UUID

from services.compliance.queries.places import NOWHERE, Place

_LIST = """
SELECT p.shard, p.seq, p.snooze_id::text AS snooze_id, p.owner, p.rule, p.until,
       CASE WHEN e.what IS NOT NULL THEN 'ended' WHEN a.what IS NOT NULL THEN 'approved' ELSE 'proposed' END
           AS status,
       p.recorded_at AS proposed_at, p.proposed_by, p.reason, a.actor AS approved_by,
       a.reason AS approval_reason, a.journal_offset AS since_offset, e.actor AS ended_by,
       e.reason AS end_reason, e.journal_offset AS end_offset,
       (SELECT count(*) FROM compliance.snoozed_alert AS s
        WHERE s.shard = p.shard AND s.snooze_id = p.snooze_id) AS alerts
FROM compliance.snooze_fact AS p
LEFT JOIN compliance.snooze_fact AS a
    ON a.shard = p.shard AND a.snooze_id = p.snooze_id AND a.what = 'approved'
LEFT JOIN compliance.snooze_fact AS e
    ON e.shard = p.shard AND e.snooze_id = p.snooze_id AND e.what = 'ended'
WHERE p.what = 'proposed'
    AND ($1::text IS NULL
         OR $1 = CASE WHEN e.what IS NOT NULL THEN 'ended'
                      WHEN a.what IS NOT NULL THEN 'approved' ELSE 'proposed' END)
    AND ($2::text IS NULL OR p.owner = $2) AND ($3::uuid IS NULL OR p.snooze_id = $3)
    AND ($4::timestamptz IS NULL OR (p.recorded_at, p.shard, p.seq) > ($4, $5::int, $6::bigint))
ORDER BY p.recorded_at, p.shard, p.seq
LIMIT $7
"""

_SNOOZED = """
SELECT s.shard, s.seq, s.recorded_at, s.snooze_id::text AS snooze_id, s.owner, s.rule, s.business_date,
       s.findings, s.about_shard, s.about_seq, s.instruction_id::text AS instruction_id
FROM compliance.snoozed_alert AS s
WHERE ($1::text IS NULL OR s.owner = $1) AND ($2::text IS NULL OR s.rule = $2)
    AND ($3::uuid IS NULL OR s.snooze_id = $3)
    AND ($4::timestamptz IS NULL OR (s.recorded_at, s.shard, s.seq) > ($4, $5::int, $6::bigint))
ORDER BY s.recorded_at, s.shard, s.seq
LIMIT $7
"""


async def snoozes_list(
    connection: Any,
    status: str | None = None,
    owner: str | None = None,
    snooze_id: UUID | None = None,
    *,
    limit: int | None = None,
    after: Place | None = None,
) -> list[dict[str, Any]]:
    """Return snoozes, oldest first, of one status, owner or id if given; `alerts` is how many."""
    wanted = (status, owner, snooze_id, *(after or NOWHERE), limit)
    return [dict(row) for row in await connection.fetch(_LIST, *wanted)]


async def snoozed_list(
    connection: Any,
    owner: str | None = None,
    rule: str | None = None,
    snooze_id: UUID | None = None,
    *,
    limit: int | None = None,
    after: Place | None = None,
) -> list[dict[str, Any]]:
    """Return what would have been alerts, oldest first."""
    wanted = (owner, rule, snooze_id, *(after or NOWHERE), limit)
    return [_record(row) for row in await connection.fetch(_SNOOZED, *wanted)]


def _record(row: Any) -> dict[str, Any]:
    record = dict(row)
    record["findings"] = json.loads(record["findings"])
    record["about"] = {"shard": record.pop("about_shard"), "seq": record.pop("about_seq")}
    return record
