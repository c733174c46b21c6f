"""Which pairs of a party and a listed entry are whitelisted, by whom and until when."""

import json
from typing import Any
from uuid import UUID

from services.compliance.queries.places import NOWHERE, Place

_LIST = """
SELECT w.shard, w.seq, w.whitelisting_id::text AS whitelisting_id, w.owner, w.name, w.kind, w.birth_date,
       w.country, w.list_code, w.list_version, w.entry_id, w.until, w.status, w.recorded_at AS proposed_at,
       w.proposed_by, w.reason, w.approved_by, w.approval_reason, w.revoked_by, w.revocation_reason
FROM compliance.whitelisting AS w
WHERE ($1::text IS NULL OR w.status = $1) AND ($2::text IS NULL OR w.owner = $2)
    AND ($3::uuid IS NULL OR w.whitelisting_id = $3)
    AND ($4::timestamptz IS NULL OR (w.recorded_at, w.shard, w.seq) > ($4, $5::int, $6::bigint))
ORDER BY w.recorded_at, w.shard, w.seq
LIMIT $7
"""

_FOUND = """
SELECT h.shard, h.owner, finding
FROM compliance.hold AS h, jsonb_array_elements(h.findings) AS finding
WHERE h.instruction_id = $1 AND finding ->> 'rule' = 'SAN-1'
UNION
SELECT a.shard, a.owner, finding
FROM compliance.alert AS a, jsonb_array_elements(a.findings) AS finding
WHERE a.instruction_id = $1 AND finding ->> 'rule' = 'SAN-1'
"""

_FIND = """
SELECT w.shard, w.owner FROM compliance.whitelisting AS w WHERE w.whitelisting_id = $1
"""


async def whitelist_list(
    connection: Any,
    status: str | None,
    owner: str | None,
    whitelisting_id: UUID | None = None,
    *,
    limit: int | None = None,
    after: Place | None = None,
) -> list[dict[str, Any]]:
    """Return pairs, oldest first, of one status, owner or id if given."""
    wanted = (status, owner, whitelisting_id, *(after or NOWHERE), limit)
    return [dict(row) for row in await connection.fetch(_LIST, *wanted)]


async def names_found(connection: Any, instruction_id: UUID) -> list[dict[str, Any]]:
    """Return what was found of the names in an instruction: shard, owner, and the values of each finding."""
    return [
        {"shard": row["shard"], "owner": row["owner"], "values": json.loads(row["finding"])["values"]}
        for row in await connection.fetch(_FOUND, instruction_id)
    ]


async def whitelist_find(connection: Any, whitelisting_id: UUID) -> tuple[int, str] | None:
    """Return the shard and owner of a pair; None where there is none."""
    row = await connection.fetchrow(_FIND, whitelisting_id)
    return (row["shard"], row["owner"]) if row is not None else None
