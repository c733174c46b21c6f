"""Removals: facts are appended, how far each has come is set, and the database empties the rows."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.compliance.domain.retention import DueRecord, OpenRemoval, Removal, RemovalFact

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
       f.seq AS approved_seq, coalesce(p.done_through, 0) AS done_through
FROM removal_fact AS f
LEFT JOIN removal_progress AS p ON p.shard = f.shard AND p.removal_id = f.removal_id
WHERE f.shard = ANY($1::int[]) AND f.what = 'approved' AND p.is_finished IS NOT TRUE
ORDER BY f.shard, f.seq
"""

_DUE = """
SELECT k.kind, k.seq, k.record_class, CASE WHEN k.kind <> 'case' THEN o.body END AS body
FROM kept_record AS k
JOIN outbox AS o ON o.shard = k.shard AND o.seq = k.seq
LEFT JOIN relationship AS r ON r.shard = k.shard AND r.owner = k.owner
WHERE k.shard = $1 AND k.seq > $2 AND k.seq <= $3 AND ($4 = '' OR k.owner = $4)
    AND due_on(k.since, ($5::jsonb ->> k.record_class)::int, k.owner, r.ended,
               ($5::jsonb ->> 'years_from_end')::int) <= $6
    AND NOT EXISTS (SELECT FROM legally_held AS h WHERE h.shard = k.shard AND h.owner = k.owner)
    AND NOT EXISTS (SELECT FROM removed_record AS x WHERE x.shard = k.shard AND x.removed_seq = k.seq)
ORDER BY k.seq
"""

_SAVE_REMOVED = """
INSERT INTO removed_record (shard, kind, removed_seq, body, removal_id, seq, recorded_at)
SELECT $1, x.kind, x.removed_seq, x.body, $5, $6, $7
FROM unnest($2::text[], $3::bigint[], $4::bytea[]) AS x (kind, removed_seq, body)
"""

_GO_ON = """
INSERT INTO removal_progress AS p (shard, removal_id, done_through, records, is_finished)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (shard, removal_id) DO UPDATE
SET done_through = excluded.done_through, records = p.records + excluded.records,
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


async def open_removals(connection: Any, shards: Sequence[int]) -> list[OpenRemoval]:
    """Return removals that were approved and are not finished, of each shard in the order of approval."""
    rows = await connection.fetch(_OPEN, shards)
    return [OpenRemoval(**{**row, "terms": json.loads(row["terms"])}) for row in rows]


async def due_records(connection: Any, job: OpenRemoval, until: int) -> list[DueRecord]:
    """Return what a removal is to empty among the next events of its shard, up to and with one."""
    rows = await connection.fetch(
        _DUE, job.shard, job.done_through, until, job.customer, _as_json(job.terms), job.through
    )
    return [
        DueRecord(
            row["kind"],
            row["seq"],
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


async def go_on(connection: Any, job: OpenRemoval, until: int, records: int, *, is_finished: bool) -> None:
    """Remember how far a removal has come."""
    await connection.execute(_GO_ON, job.shard, job.removal_id, until, records, is_finished)


def _as_json(terms: Mapping[str, int | None]) -> str:
    return json.dumps(dict(terms), sort_keys=True)
