"""Which payments are held, and what became of those that were."""

import json
from typing import Any
from uuid import UUID

from services.compliance.queries.places import NOWHERE, Place

_LIST = """
SELECT h.instruction_id, h.owner, h.shard, h.seq, h.status, h.asset, h.amount, h.recorded_at AS placed_at,
       h.deadline, h.overdue_seq IS NOT NULL AS overdue, h.findings, h.lists, h.first_shard, h.first_seq,
       h.told, r.proposed_by, d.recorded_at AS decided_at, d.actor, d.reason, d.act_id, g.delisted
FROM compliance.hold AS h
CROSS JOIN LATERAL (
    SELECT coalesce(
        jsonb_agg(
            jsonb_build_object('list', x.list_code, 'entry', x.entry_id, 'told_at', x.recorded_at)
            ORDER BY x.list_code, x.entry_id
        ), '[]'
    ) AS delisted
    FROM compliance.hold_delisting AS x
    WHERE x.shard = h.shard AND x.instruction_id = h.instruction_id
        AND NOT EXISTS (
            SELECT FROM compliance.list_entry AS e
            WHERE e.list_code = x.list_code AND e.entry_id = x.entry_id AND e.version = (
                SELECT a.version FROM compliance.list_activation AS a
                WHERE a.shard = x.shard AND a.list_code = x.list_code ORDER BY a.seq DESC LIMIT 1
            )
        )
) AS g
LEFT JOIN compliance.hold_release AS r ON r.shard = h.shard AND r.instruction_id = h.instruction_id
LEFT JOIN compliance.decision AS d ON d.shard = h.shard AND d.seq = h.decided_seq
WHERE ($1::text IS NULL OR h.status = $1) AND ($2::uuid IS NULL OR h.instruction_id = $2)
    AND ($4::timestamptz IS NULL OR (h.recorded_at, h.shard, h.seq) > ($4, $5::int, $6::bigint))
ORDER BY h.recorded_at, h.shard, h.seq
LIMIT $3
"""


async def holds_list(
    connection: Any, status: str | None = "held", limit: int = 1000, after: Place | None = None
) -> list[dict[str, Any]]:
    """Return holds, oldest first; `status` None for all.

    `delisted` has the entries among their reasons that the version active now has not got.
    """
    wanted = (status, None, limit, *(after or NOWHERE))
    return [_record(row) for row in await connection.fetch(_LIST, *wanted)]


async def holds_show(connection: Any, instruction_id: UUID) -> list[dict[str, Any]]:
    """Return the holds on an instruction id: one, unless owners of two shards used the same id."""
    return [_record(row) for row in await connection.fetch(_LIST, None, instruction_id, None, *NOWHERE)]


def _record(row: Any) -> dict[str, Any]:
    record = dict(row)
    record["instruction_id"] = str(record["instruction_id"])
    record["act_id"] = str(record["act_id"]) if record["act_id"] is not None else None
    record["findings"] = json.loads(record["findings"])
    record["lists"] = json.loads(record["lists"])
    record["delisted"] = json.loads(record["delisted"])
    record["first"] = {"shard": record.pop("first_shard"), "seq": record.pop("first_seq")}
    return record
