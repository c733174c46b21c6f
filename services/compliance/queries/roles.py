"""Who holds which role, and what was done to each grant."""

from typing import Any
from uuid import UUID

_LIST = """
SELECT p.grant_id::text AS grant_id, p.officer, p.role, p.since, p.until,
       min(p.recorded_at) AS proposed_at, p.proposed_by, p.reason, a.actor AS approved_by,
       r.actor AS revoked_by, r.reason AS revocation_reason,
       CASE WHEN r.what IS NOT NULL THEN 'revoked' WHEN a.what IS NOT NULL THEN 'approved' ELSE 'proposed' END
           AS status,
       count(*)::int AS shards
FROM compliance.role_fact AS p
LEFT JOIN compliance.role_fact AS a
    ON a.shard = p.shard AND a.grant_id = p.grant_id AND a.what = 'approved'
LEFT JOIN compliance.role_fact AS r
    ON r.shard = p.shard AND r.grant_id = p.grant_id AND r.what = 'revoked'
WHERE p.what = 'proposed' AND ($1::text IS NULL OR p.officer = $1)
    AND ($2::uuid IS NULL OR p.grant_id = $2)
GROUP BY p.grant_id, p.officer, p.role, p.since, p.until, p.proposed_by, p.reason, a.what, a.actor, r.what,
         r.actor, r.reason
ORDER BY min(p.recorded_at), p.grant_id
"""

_SHARDS = "SELECT count(*)::int FROM compliance.shard"


async def roles_list(
    connection: Any, officer: str | None = None, grant_id: UUID | None = None
) -> list[dict[str, Any]]:
    """Return grants, the oldest first; one that differs between shards has a row for each way it is."""
    return [dict(row) for row in await connection.fetch(_LIST, officer, grant_id)]


async def grants_list(
    connection: Any, officer: str | None = None, grant_id: UUID | None = None
) -> list[dict[str, Any]]:
    """Return grants, each once, the oldest first; `status` is `mixed` where shards differ."""
    count = await connection.fetchval(_SHARDS)
    found: dict[str, dict[str, Any]] = {}
    for row in await roles_list(connection, officer, grant_id):
        is_everywhere = row.pop("shards") == count
        each = found.setdefault(row["grant_id"], row if is_everywhere else {**row, "status": "mixed"})
        each["proposed_at"] = min(each["proposed_at"], row["proposed_at"])
    return list(found.values())
