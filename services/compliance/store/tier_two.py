"""The tables of the second tier: runs, what they found, live and in shadow, and what of it is raised."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.compliance.domain.records import TierFindingRow, TierRunRow
from shared.messages.compliance import Finding
from shared.messages.envelope import RiskClass

_LAST_RUN = "SELECT number, through, entries, ratings FROM tier_run ORDER BY number DESC LIMIT 1"

_KEPT = "SELECT rule, owner, business_date, outcome, parties FROM tier_finding"

_SHADOWED = """
SELECT rule, owner, business_date, outcome, parties FROM tier_shadow_finding WHERE proposal_id = $1
"""

_NEXT_BATCHES = """
WITH waiting AS (
    SELECT b.shard, b.number, b.count, b.number - r.number AS distance,
           sum(b.count) OVER (ORDER BY b.number - r.number, b.shard) AS running
    FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS r (number, until, place)
    CROSS JOIN LATERAL (
        SELECT w.shard, w.number, w.count
        FROM window_batch AS w
        WHERE w.shard = r.place - 1 AND w.number > r.number AND (r.until IS NULL OR w.number <= r.until)
        ORDER BY w.number
        LIMIT $4
    ) AS b
)
SELECT n.shard, n.number, n.count, w.entries
FROM waiting AS n
JOIN window_batch AS w ON w.shard = n.shard AND w.number = n.number
WHERE n.running - n.count < $3
ORDER BY n.distance, n.shard
"""

_RATINGS = """
SELECT r.shard, r.seq, r.owner, r.version, r.risk_class::text AS risk_class
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS s (seen, until, place)
JOIN customer_rating AS r
    ON r.shard = s.place - 1 AND r.seq > s.seen AND (s.until IS NULL OR r.seq <= s.until)
ORDER BY r.shard, r.seq
"""

_SAVE_RUN = """
INSERT INTO tier_run
    (number, recorded_at, house_seq, through, entries, ratings, edges, alerts, cooling, over_budget,
     cut_short)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""

_SAVE_FINDINGS = """
INSERT INTO tier_finding
    (run, number, shard, owner, rule, business_date, outcome, score, parties, finding, about_shard, about_seq)
SELECT f.run, f.number, f.shard, f.owner, f.rule, f.business_date, f.outcome, f.score,
       ARRAY(SELECT jsonb_array_elements_text(f.parties)::bigint), f.finding, f.about_shard, f.about_seq
FROM unnest(
    $1::bigint[], $2::int[], $3::int[], $4::text[], $5::text[], $6::date[], $7::text[], $8::bigint[],
    $9::jsonb[], $10::jsonb[], $11::int[], $12::bigint[]
) AS f (
    run, number, shard, owner, rule, business_date, outcome, score, parties, finding, about_shard, about_seq
)
"""

_SAVE_SHADOW_FINDINGS = """
INSERT INTO tier_shadow_finding
    (run, number, shard, owner, rule, business_date, outcome, score, parties, finding, about_shard, about_seq,
     proposal_id)
SELECT f.run, f.number, f.shard, f.owner, f.rule, f.business_date, f.outcome, f.score,
       ARRAY(SELECT jsonb_array_elements_text(f.parties)::bigint), f.finding, f.about_shard, f.about_seq, $13
FROM unnest(
    $1::bigint[], $2::int[], $3::int[], $4::text[], $5::text[], $6::date[], $7::text[], $8::bigint[],
    $9::jsonb[], $10::jsonb[], $11::int[], $12::bigint[]
) AS f (
    run, number, shard, owner, rule, business_date, outcome, score, parties, finding, about_shard, about_seq
)
"""

_WAITING = """
SELECT run, number, shard, owner, rule, business_date, outcome, score, parties, finding, about_shard,
       about_seq
FROM tier_finding
WHERE shard = ANY($1::int[]) AND outcome = 'alert' AND raised_seq IS NULL
ORDER BY run, number
LIMIT $2
"""

_MARK_RAISED = """
UPDATE tier_finding AS f
SET raised_seq = raised.seq
FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS raised (run, number, seq)
WHERE f.run = raised.run AND f.number = raised.number
"""


async def load_last_run(connection: Any) -> tuple[int, list[int], list[int], list[int]] | None:
    """Return the last run's number; by shard the last batch it read, how many entries, the last rating."""
    row = await connection.fetchrow(_LAST_RUN)
    return tuple(row) if row is not None else None


async def load_kept(connection: Any, proposal_id: UUID | None) -> list[tuple[str, str, date, str, list[int]]]:
    """Return rule, owner, business day, outcome and parties of what is kept, live or of a shadow."""
    if proposal_id is None:
        return [tuple(row) for row in await connection.fetch(_KEPT)]
    return [tuple(row) for row in await connection.fetch(_SHADOWED, proposal_id)]


async def next_batches(
    connection: Any, read: Sequence[int], until: Sequence[int | None], *, entries: int, batches: int
) -> list[tuple[int, int, int, bytes]]:
    """Read what follows on the batches read: shard, number, count and content, in the order of each shard.

    At most so many batches of a shard, and of all together none that begins after so many entries.
    """
    rows = await connection.fetch(_NEXT_BATCHES, read, until, entries, batches)
    return [tuple(row) for row in rows]


async def ratings_after(
    connection: Any, seen: Sequence[int], until: Sequence[int | None]
) -> list[tuple[int, int, str, int, RiskClass]]:
    """Return ratings by shard: shard, event, owner, version and class, in the order of each shard."""
    return [tuple(row) for row in await connection.fetch(_RATINGS, seen, until)]


async def save_run(connection: Any, row: TierRunRow) -> None:
    """Append a run."""
    await connection.execute(
        _SAVE_RUN,
        row.number,
        row.recorded_at,
        row.house_seq,
        list(row.through),
        list(row.entries),
        list(row.ratings),
        row.edges,
        row.alerts,
        row.cooling,
        row.over_budget,
        row.cut_short,
    )


async def save_findings(
    connection: Any, rows: Sequence[TierFindingRow], proposal_id: UUID | None = None
) -> None:
    """Append what a run has found, apart from the rest where a version in shadow did."""
    if not rows:
        return
    columns: tuple[list[Any], ...] = (
        [row.run for row in rows],
        [row.number for row in rows],
        [row.shard for row in rows],
        [row.owner for row in rows],
        [row.rule for row in rows],
        [row.business_date for row in rows],
        [row.outcome for row in rows],
        [row.score for row in rows],
        [json.dumps(row.parties) for row in rows],
        [row.finding.model_dump_json() for row in rows],
        [row.about_shard for row in rows],
        [row.about_seq for row in rows],
    )
    if proposal_id is None:
        await connection.execute(_SAVE_FINDINGS, *columns)
    else:
        await connection.execute(_SAVE_SHADOW_FINDINGS, *columns, proposal_id)


async def waiting_findings(connection: Any, shards: Sequence[int], limit: int) -> list[TierFindingRow]:
    """Return what was found of parties of these shards and is not raised yet, in the order of the runs."""
    rows = await connection.fetch(_WAITING, list(shards), limit)
    return [_finding(dict(row)) for row in rows]


async def mark_raised(connection: Any, marks: Sequence[tuple[int, int, int]]) -> None:
    """Remember the event that raised a finding, by (run, number, seq)."""
    if marks:
        await connection.execute(_MARK_RAISED, *(list(column) for column in zip(*marks, strict=True)))


def _finding(columns: dict[str, Any]) -> TierFindingRow:
    columns["parties"] = tuple(columns["parties"])
    columns["finding"] = Finding.model_validate_json(columns["finding"])
    return TierFindingRow(**columns)
