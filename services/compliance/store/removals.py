"""Removals: facts are appended, how far each has come is set, and the database empties the rows."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.compliance.domain.retention import (
    KINDS_OF,
    WITH_WORDS,
    DueRecord,
    OpenRemoval,
    Removal,
    RemovalFact,
)

_SAVE = """
INSERT INTO removal_fact (shard, removal_id, what, seq, recorded_at, act_id, actor, reason, through, customer,
                          terms, proposed_by)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::bigint[], $5::timestamptz[], $6::uuid[],
                     $7::text[], $8::text[], $9::date[], $10::text[], $11::jsonb[], $12::text[])
"""

_FIND = """
SELECT DISTINCT ON (f.shard, f.removal_id) f.shard, f.removal_id, f.through, f.customer, f.terms,
       f.proposed_by, f.what AS status
FROM unnest($1::int[], $2::uuid[]) AS wanted (shard, removal_id)
JOIN removal_fact AS f ON f.shard = wanted.shard AND f.removal_id = wanted.removal_id
ORDER BY f.shard, f.removal_id, f.seq DESC
"""

_HELD = """
SELECT h.shard, h.owner, h.legal_hold_id
FROM unnest($1::int[], $2::text[]) AS wanted (shard, owner)
JOIN legally_held AS h ON h.shard = wanted.shard AND h.owner = wanted.owner
ORDER BY h.shard, h.owner, h.legal_hold_id
"""

_OPEN = """
SELECT f.shard, f.removal_id, f.through, f.customer, f.terms, f.proposed_by, f.actor AS approved_by,
       f.seq AS approved_seq, coalesce(p.stage, 'event') AS stage, coalesce(p.done_through, 0) AS done_through
FROM removal_fact AS f
LEFT JOIN removal_progress AS p ON p.shard = f.shard AND p.removal_id = f.removal_id
WHERE f.shard = ANY($1::int[]) AND f.what = 'approved' AND p.is_finished IS NOT TRUE
ORDER BY f.shard, f.seq LIMIT 1
"""

_NEXT = """
SELECT max(n.place) AS until, count(*) AS looked_at
FROM (
    (SELECT o.seq AS place FROM outbox AS o
     WHERE $2 = 'event' AND o.shard = $1 AND o.seq > $3 AND o.seq <= $4 ORDER BY o.seq LIMIT $5)
    UNION ALL
    (SELECT p.number AS place FROM party AS p
     WHERE $2 = 'party' AND p.shard = $1 AND p.number > $3 ORDER BY p.number LIMIT $5)
    UNION ALL
    (SELECT f.place AS place FROM shadow_finding AS f
     WHERE $2 = 'shadow_finding' AND f.shard = $1 AND f.place > $3 ORDER BY f.place LIMIT $5)
    UNION ALL
    (SELECT f.place AS place FROM tier_shadow_finding AS f
     WHERE $2 = 'tier_shadow_finding' AND f.shard = $1 AND f.place > $3 ORDER BY f.place LIMIT $5)
) AS n
"""

_DUE = """
SELECT k.kind, k.seq, k.record_id, k.record_class,
       (SELECT o.body FROM outbox AS o
        WHERE o.shard = $1 AND o.seq = k.seq AND k.kind = ANY($8::text[])) AS body
FROM kept_between($1, $2::text[], $3, $4) AS k
WHERE ($5 = '' OR k.owner = $5) AND NOT k.is_held AND NOT k.is_removed
    AND due_on(k.since, ($6::jsonb ->> k.record_class)::int, k.owner, k.ended,
               ($6::jsonb ->> 'years_from_end')::int) <= $7
ORDER BY k.seq
"""

_SAVE_REMOVED = """
INSERT INTO removed_record (shard, kind, removed_seq, body, removal_id, seq, recorded_at)
SELECT $1, x.kind, x.removed_seq, x.body, $5, $6, $7
FROM unnest($2::text[], $3::bigint[], $4::bytea[]) AS x (kind, removed_seq, body)
"""

_GO_ON = """
INSERT INTO removal_progress AS p (shard, removal_id, stage, done_through, records, is_finished)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (shard, removal_id) DO UPDATE
SET stage = excluded.stage, done_through = excluded.done_through, records = p.records + excluded.records,
    is_finished = excluded.is_finished
"""


async def save_removals(connection: Any, rows: Sequence[tuple[RemovalFact, int, datetime]]) -> None:
    """Append what was done to removals; each with the number and time of the event that answered it."""
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: row[0].removal.status == "approved")
    await connection.execute(
        _SAVE,
        [fact.removal.shard for fact, _, _ in ordered],
        [fact.removal.removal_id for fact, _, _ in ordered],
        [fact.removal.status for fact, _, _ in ordered],
        [seq for _, seq, _ in ordered],
        [at for _, _, at in ordered],
        [fact.act_id for fact, _, _ in ordered],
        [fact.actor for fact, _, _ in ordered],
        [fact.reason for fact, _, _ in ordered],
        [fact.removal.through for fact, _, _ in ordered],
        [fact.removal.customer for fact, _, _ in ordered],
        [_as_json(fact.removal.terms) for fact, _, _ in ordered],
        [fact.removal.proposed_by for fact, _, _ in ordered],
    )


async def find_removals(
    connection: Any, wanted: Collection[tuple[int, UUID]]
) -> dict[tuple[int, UUID], Removal]:
    """Return removals by (shard, id), as their last facts have left them."""
    if not wanted:
        return {}
    rows = await connection.fetch(_FIND, [shard for shard, _ in wanted], [each for _, each in wanted])
    return {
        (row["shard"], row["removal_id"]): Removal(**{**row, "terms": json.loads(row["terms"])})
        for row in rows
    }


async def holds_on(connection: Any, wanted: Collection[tuple[int, str]]) -> dict[tuple[int, str], list[UUID]]:
    """Return, by (shard, customer), the legal holds that count."""
    found: dict[tuple[int, str], list[UUID]] = {}
    if not wanted:
        return found
    rows = await connection.fetch(_HELD, [shard for shard, _ in wanted], [each for _, each in wanted])
    for row in rows:
        found.setdefault((row["shard"], row["owner"]), []).append(row["legal_hold_id"])
    return found


async def first_open(connection: Any, shards: Sequence[int]) -> OpenRemoval | None:
    """Return the removal that is to go on: approved, not finished, in the order of shards and approvals."""
    row = await connection.fetchrow(_OPEN, shards)
    return OpenRemoval(**{**row, "terms": json.loads(row["terms"])}) if row is not None else None


async def look_on(connection: Any, job: OpenRemoval, limit: int) -> tuple[int | None, int]:
    """Return the last of the next events, or rows, of a removal's stage, and how many of them there are."""
    row = await connection.fetchrow(_NEXT, job.shard, job.stage, job.done_through, job.approved_seq, limit)
    return row["until"], row["looked_at"]


async def due_records(connection: Any, job: OpenRemoval, until: int) -> list[DueRecord]:
    """Return what a removal is to empty among the next events, or rows, of its stage, up to and with one."""
    rows = await connection.fetch(
        _DUE,
        job.shard,
        list(KINDS_OF[job.stage]),
        job.done_through,
        until,
        job.customer,
        _as_json(job.terms),
        job.through,
        list(WITH_WORDS),
    )
    return [
        DueRecord(
            row["kind"],
            row["seq"],
            row["record_id"],
            row["record_class"],
            bytes(row["body"]) if row["body"] is not None else None,
        )
        for row in rows
    ]


async def save_removed(
    connection: Any, job: OpenRemoval, seq: int, at: datetime, staying: Mapping[DueRecord, bytes | None]
) -> None:
    """Put down what is removed, by the event `seq`; the database empties it, or refuses all of it."""
    await connection.execute(
        _SAVE_REMOVED,
        job.shard,
        [each.kind for each in staying],
        [each.seq for each in staying],
        list(staying.values()),
        job.removal_id,
        seq,
        at,
    )


async def go_on(connection: Any, job: OpenRemoval, records: int) -> None:
    """Remember how far a removal has come, and how many records more it has emptied."""
    await connection.execute(
        _GO_ON, job.shard, job.removal_id, job.stage, job.done_through, records, job.is_finished
    )


def _as_json(terms: Mapping[str, int | None]) -> str:
    return json.dumps(dict(terms), sort_keys=True)
