"""How acts were answered."""

import json
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from services.compliance.domain.records import AnswerRow

_LOAD = """
SELECT a.shard, a.act_id, a.seq, a.recorded_at, a.act, a.actor, a.reason, a.content_hash, a.done, a.detail,
       a.result
FROM unnest($1::int[], $2::uuid[]) AS wanted (shard, act_id)
JOIN act_answer AS a ON a.shard = wanted.shard AND a.act_id = wanted.act_id
"""

_SAVE = """
INSERT INTO act_answer (shard, act_id, seq, recorded_at, act, actor, reason, content_hash, done, detail,
                        result)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[],
                     $7::text[], $8::bytea[], $9::boolean[], $10::text[], $11::jsonb[])
"""


async def load_answers(
    connection: Any, wanted: Collection[tuple[int, UUID]]
) -> dict[tuple[int, UUID], AnswerRow]:
    """Return the answers given already, by (shard, act id)."""
    rows = await connection.fetch(_LOAD, [shard for shard, _ in wanted], [act for _, act in wanted])
    return {
        (row["shard"], row["act_id"]): AnswerRow(**{**dict(row), "result": json.loads(row["result"])})
        for row in rows
    }


async def save_answers(connection: Any, rows: Sequence[AnswerRow]) -> None:
    """Append answers."""
    if not rows:
        return
    await connection.execute(
        _SAVE,
        [row.shard for row in rows],
        [row.act_id for row in rows],
        [row.seq for row in rows],
        [row.recorded_at for row in rows],
        [row.act for row in rows],
        [row.actor for row in rows],
        [row.reason for row in rows],
        [row.content_hash for row in rows],
        [row.done for row in rows],
        [row.detail for row in rows],
        [json.dumps(dict(row.result)) for row in rows],
    )
