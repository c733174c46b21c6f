"""What was answered to the ledger, why, and how acts were answered."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

_PAGE = """
SELECT d.shard, d.seq, d.recorded_at, d.instruction_id::text AS instruction_id, d.content_hash, d.owner,
       d.first_shard, d.first_seq, d.decision, d.findings, d.lists, d.act_id::text AS act_id, d.actor,
       d.reason, d.proposed_by
FROM compliance.shard AS s
CROSS JOIN LATERAL (
    SELECT * FROM compliance.decision AS each
    WHERE each.shard = s.shard AND each.seq > ($3::bigint[])[s.shard + 1]
        AND ($1::text IS NULL OR each.decision = $1)
        AND ($2::uuid IS NULL OR each.instruction_id = $2)
    ORDER BY each.seq
    LIMIT $4
) AS d
ORDER BY d.recorded_at, d.shard, d.seq
LIMIT $4
"""

_PAGE_OF_OWNER = """
SELECT d.shard, d.seq, d.recorded_at, d.instruction_id::text AS instruction_id, d.content_hash, d.owner,
       d.first_shard, d.first_seq, d.decision, d.findings, d.lists, d.act_id::text AS act_id, d.actor,
       d.reason, d.proposed_by
FROM compliance.shard AS s
CROSS JOIN LATERAL (
    SELECT * FROM compliance.decision AS each
    WHERE each.shard = s.shard AND each.owner = $5 AND each.seq > ($3::bigint[])[s.shard + 1]
        AND ($1::text IS NULL OR each.decision = $1)
        AND ($2::uuid IS NULL OR each.instruction_id = $2)
    ORDER BY each.seq
    LIMIT $4
) AS d
ORDER BY d.recorded_at, d.shard, d.seq
LIMIT $4
"""

_PAGE_OF_PEOPLE = """
SELECT d.shard, d.seq, d.recorded_at, d.instruction_id::text AS instruction_id, d.content_hash, d.owner,
       d.first_shard, d.first_seq, d.decision, d.findings, d.lists, d.act_id::text AS act_id, d.actor,
       d.reason, d.proposed_by
FROM compliance.shard AS s
CROSS JOIN LATERAL (
    SELECT * FROM compliance.decision AS each
    WHERE each.shard = s.shard AND each.decision <> 'cleared' AND each.seq > ($3::bigint[])[s.shard + 1]
        AND each.decision = $1 AND ($2::uuid IS NULL OR each.instruction_id = $2)
    ORDER BY each.seq
    LIMIT $4
) AS d
ORDER BY d.recorded_at, d.shard, d.seq
LIMIT $4
"""

_SHARDS = "SELECT count(*) FROM compliance.shard"

_ANSWER = """
SELECT a.shard, a.seq, a.recorded_at, a.act_id::text AS act_id, a.act, a.actor, a.reason,
       a.content_hash, a.done, a.detail, a.result
FROM compliance.act_answer AS a WHERE a.act_id = $1 AND ($2::int IS NULL OR a.shard = $2)
ORDER BY a.shard
"""


async def decisions_page(
    connection: Any,
    decision: str | None,
    owner: str | None,
    instruction_id: UUID | None,
    *,
    limit: int,
    after: Sequence[int],
) -> list[dict[str, Any]]:
    """Return decision records, oldest first, of one kind, owner or instruction if given.

    `after` has of each shard the last that was shown; `through` of each record, the same after it.
    """
    shards = await connection.fetchval(_SHARDS)
    through = [*after[:shards], *[0] * (shards - len(after))]
    records: list[dict[str, Any]] = []
    asked: tuple[Any, ...] = (decision, instruction_id, list(through), limit)
    if owner is not None:
        rows = await connection.fetch(_PAGE_OF_OWNER, *asked, owner)
    else:
        by_people = decision in ("released", "refused")
        rows = await connection.fetch(_PAGE_OF_PEOPLE if by_people else _PAGE, *asked)
    for row in rows:
        through[row["shard"]] = row["seq"]
        records.append({**_record(row), "through": tuple(through)})
    return records


async def act_answer(connection: Any, act_id: UUID, shard: int | None = None) -> dict[str, Any] | None:
    """Return how an act was answered; None while it was not."""
    row = await connection.fetchrow(_ANSWER, act_id, shard)
    return {**dict(row), "result": json.loads(row["result"])} if row is not None else None


async def act_answers(connection: Any, act_id: UUID) -> list[dict[str, Any]]:
    """Return how each shard has answered an act that concerns all, as far as they have."""
    rows = await connection.fetch(_ANSWER, act_id, None)
    return [{**dict(row), "result": json.loads(row["result"])} for row in rows]


def _record(row: Any) -> dict[str, Any]:
    record = dict(row)
    record["findings"] = json.loads(record["findings"])
    record["lists"] = json.loads(record["lists"])
    record["first"] = {"shard": record.pop("first_shard"), "seq": record.pop("first_seq")}
    return record
