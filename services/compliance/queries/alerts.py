"""Which alerts were raised, and what became of each."""

import json
from collections.abc import Sequence
from typing import Any

from services.compliance.domain.cases import alert_named
from services.compliance.domain.priority import ORDER
from services.compliance.queries.places import NOWHERE, Place

_LIST = """
SELECT a.shard || '-' || a.seq AS alert_id, a.owner, a.shard, a.seq, a.rule, a.business_date,
       a.recorded_at, a.findings, a.about_shard, a.about_seq, a.instruction_id,
       CASE WHEN t.alert_seq IS NULL THEN 'new' WHEN t.case_id IS NULL THEN 'dismissed' ELSE 'in_case' END
           AS triage, t.case_id, t.actor AS triaged_by, t.reason AS triage_reason, p.rank
FROM compliance.alert AS a
JOIN compliance.alert_place AS p ON p.shard = a.shard AND p.alert_seq = a.seq
LEFT JOIN compliance.alert_triage AS t ON t.shard = a.shard AND t.alert_seq = a.seq
WHERE ($1::text IS NULL OR a.rule = $1) AND ($2::text IS NULL OR a.owner = $2)
    AND ($4::boolean IS NOT TRUE OR t.alert_seq IS NULL)
    AND ($5::timestamptz IS NULL OR (a.recorded_at, a.shard, a.seq) > ($5, $6::int, $7::bigint))
ORDER BY a.recorded_at, a.shard, a.seq
LIMIT $3
"""

_NEW = """
SELECT a.shard || '-' || a.seq AS alert_id, a.owner, a.shard, a.seq, a.rule, a.business_date,
       a.recorded_at, a.findings, a.about_shard, a.about_seq, a.instruction_id,
       'new' AS triage, NULL::uuid AS case_id, NULL::text AS triaged_by, NULL::text AS triage_reason, p.rank
FROM compliance.alert_place AS p
JOIN compliance.alert AS a ON a.shard = p.shard AND a.seq = p.alert_seq
WHERE p.is_new AND ($1::text IS NULL OR p.rule = $1)
    AND ($3::timestamptz IS NULL OR (p.recorded_at, p.shard, p.alert_seq) > ($3, $4::int, $5::bigint))
ORDER BY p.recorded_at, p.shard, p.alert_seq
LIMIT $2
"""

_NAMED = """
SELECT a.shard || '-' || a.seq AS alert_id, a.owner, a.shard, a.seq, a.rule, a.business_date,
       a.recorded_at, a.findings, a.about_shard, a.about_seq, a.instruction_id,
       CASE WHEN t.alert_seq IS NULL THEN 'new' WHEN t.case_id IS NULL THEN 'dismissed' ELSE 'in_case' END
           AS triage, t.case_id, t.actor AS triaged_by, t.reason AS triage_reason, p.rank
FROM unnest($1::int[], $2::bigint[]) WITH ORDINALITY AS x (shard, seq, number)
JOIN compliance.alert AS a ON a.shard = x.shard AND a.seq = x.seq
JOIN compliance.alert_place AS p ON p.shard = a.shard AND p.alert_seq = a.seq
LEFT JOIN compliance.alert_triage AS t ON t.shard = a.shard AND t.alert_seq = a.seq
ORDER BY x.number
"""

_FIND = "SELECT a.shard, a.owner FROM compliance.alert AS a WHERE a.shard = $1 AND a.seq = $2"


async def alerts_list(
    connection: Any,
    rule: str | None = None,
    owner: str | None = None,
    limit: int = 1000,
    *,
    is_new: bool = False,
    after: Place | None = None,
) -> list[dict[str, Any]]:
    """Return alerts, oldest first, of one rule or owner if given; or only those nobody has triaged."""
    place = after or NOWHERE
    if is_new and owner is None:
        return [_record(row) for row in await connection.fetch(_NEW, rule, limit, *place)]
    return [_record(row) for row in await connection.fetch(_LIST, rule, owner, limit, is_new, *place)]


async def alerts_named(connection: Any, numbers: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return alerts by shard and number, in the order in which they are named."""
    rows = await connection.fetch(_NAMED, [shard for shard, _ in numbers], [seq for _, seq in numbers])
    return [_record(row) for row in rows]


async def alert_find(connection: Any, alert_id: str) -> tuple[int, str] | None:
    """Return the shard and owner of an alert; None where there is none."""
    number = alert_named(alert_id)
    row = await connection.fetchrow(_FIND, *number) if number is not None else None
    return (row["shard"], row["owner"]) if row is not None else None


def _record(row: Any) -> dict[str, Any]:
    record = dict(row)
    record["priority"] = ORDER[record.pop("rank")]
    record["instruction_id"] = str(record["instruction_id"]) if record["instruction_id"] is not None else None
    record["case_id"] = str(record["case_id"]) if record["case_id"] is not None else None
    record["findings"] = json.loads(record["findings"])
    record["about"] = {"shard": record.pop("about_shard"), "seq": record.pop("about_seq")}
    return record
