"""Which alerts were raised."""

import json
from typing import Any

_LIST = """
SELECT a.shard || '-' || a.seq AS alert_id, a.owner, a.shard, a.seq, a.rule, a.business_date,
       a.recorded_at, a.findings, a.about_shard, a.about_seq, a.instruction_id
FROM compliance.alert AS a
WHERE ($1::text IS NULL OR a.rule = $1) AND ($2::text IS NULL OR a.owner = $2)
ORDER BY a.recorded_at, a.shard, a.seq
LIMIT $3
"""


async def alerts_list(
    connection: Any, rule: str | None = None, owner: str | None = None, limit: int = 1000
) -> list[dict[str, Any]]:
    """Return alerts, oldest first, of one rule or owner if given."""
    return [_record(row) for row in await connection.fetch(_LIST, rule, owner, limit)]


def _record(row: Any) -> dict[str, Any]:
    record = dict(row)
    record["instruction_id"] = str(record["instruction_id"]) if record["instruction_id"] is not None else None
    record["findings"] = json.loads(record["findings"])
    record["about"] = {"shard": record.pop("about_shard"), "seq": record.pop("about_seq")}
    return record
