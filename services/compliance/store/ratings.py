"""Ratings of customers and proposals of lower ones: appended, never changed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.compliance.domain.ratings import RatingProposal, Said, Standing

_STANDINGS = """
SELECT DISTINCT ON (r.shard, r.owner) r.shard, r.owner, r.version, r.risk_class::text AS risk_class
FROM unnest($1::int[], $2::text[]) AS wanted (shard, owner)
JOIN customer_rating AS r ON r.shard = wanted.shard AND r.owner = wanted.owner
ORDER BY r.shard, r.owner, r.version DESC
"""

_BY_DATA = """
SELECT r.shard, r.owner, (r.finding ->> 'rule_version')::int AS rule_version, r.risk_class::text AS risk_class
FROM unnest($1::int[], $2::text[]) AS wanted (shard, owner)
JOIN customer_rating AS r ON r.shard = wanted.shard AND r.owner = wanted.owner AND r.finding IS NOT NULL
"""

_PROPOSALS = """
SELECT p.shard, p.rating_id, p.owner, p.version, p.risk_class::text AS risk_class, p.proposed_by, p.reason
FROM unnest($1::int[], $2::uuid[]) AS wanted (shard, rating_id)
JOIN rating_proposal AS p ON p.shard = wanted.shard AND p.rating_id = wanted.rating_id
"""

_SAVE_PROPOSALS = """
INSERT INTO rating_proposal (shard, rating_id, seq, recorded_at, owner, version, risk_class, proposed_by,
                             reason)
SELECT x.shard, x.rating_id, x.seq, x.recorded_at, x.owner, x.version, x.risk_class::risk_class,
       x.proposed_by, x.reason
FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::int[], $7::text[],
            $8::text[], $9::text[])
    AS x (shard, rating_id, seq, recorded_at, owner, version, risk_class, proposed_by, reason)
"""

_SAVE_RATINGS = """
INSERT INTO customer_rating (shard, owner, version, seq, recorded_at, risk_class, previous, finding,
                             about_shard, about_seq, act_id, actor, reason, rating_id, proposed_by)
SELECT x.shard, x.owner, x.version, x.seq, x.recorded_at, x.risk_class::risk_class, x.previous::risk_class,
       x.finding, x.about_shard, x.about_seq, x.act_id, x.actor, x.reason, x.rating_id, x.proposed_by
FROM unnest($1::int[], $2::text[], $3::int[], $4::bigint[], $5::timestamptz[], $6::text[], $7::text[],
            $8::jsonb[], $9::int[], $10::bigint[], $11::uuid[], $12::text[], $13::text[], $14::uuid[],
            $15::text[])
    AS x (shard, owner, version, seq, recorded_at, risk_class, previous, finding, about_shard, about_seq,
          act_id, actor, reason, rating_id, proposed_by)
ORDER BY x.shard, x.owner, x.version
"""


async def standings(connection: Any, wanted: Collection[tuple[int, str]]) -> dict[tuple[int, str], Standing]:
    """Return what owners are rated now, by (shard, owner); none of who has never been."""
    if not wanted:
        return {}
    rows = await connection.fetch(_STANDINGS, [shard for shard, _ in wanted], [owner for _, owner in wanted])
    return {(row["shard"], row["owner"]): Standing(row["version"], row["risk_class"]) for row in rows}


async def rated_by_data(
    connection: Any, wanted: Collection[tuple[int, str]]
) -> set[tuple[int, str, int, str]]:
    """Return what data have said of owners so far: shard, owner, version of the data, class."""
    rows = await connection.fetch(_BY_DATA, [shard for shard, _ in wanted], [owner for _, owner in wanted])
    return {(row["shard"], row["owner"], row["rule_version"], row["risk_class"]) for row in rows}


async def load_proposals(
    connection: Any, wanted: Collection[tuple[int, UUID]]
) -> dict[tuple[int, UUID], RatingProposal]:
    """Return proposals by (shard, id of the act that made them)."""
    if not wanted:
        return {}
    rows = await connection.fetch(_PROPOSALS, [shard for shard, _ in wanted], [each for _, each in wanted])
    return {(row["shard"], row["rating_id"]): RatingProposal(**row) for row in rows}


async def save_proposals(connection: Any, rows: Sequence[tuple[RatingProposal, int, datetime]]) -> None:
    """Append proposals, each with the event that answered it."""
    if not rows:
        return
    await connection.execute(
        _SAVE_PROPOSALS,
        [row.shard for row, _, _ in rows],
        [row.rating_id for row, _, _ in rows],
        [seq for _, seq, _ in rows],
        [recorded_at for _, _, recorded_at in rows],
        [row.owner for row, _, _ in rows],
        [row.version for row, _, _ in rows],
        [row.risk_class for row, _, _ in rows],
        [row.proposed_by for row, _, _ in rows],
        [row.reason for row, _, _ in rows],
    )


async def save_ratings(connection: Any, rows: Sequence[Said]) -> None:
    """Append ratings, each with the event that told of it."""
    if not rows:
        return
    await connection.execute(
        _SAVE_RATINGS,
        [row.shard for row, _, _ in rows],
        [row.owner for row, _, _ in rows],
        [row.version for row, _, _ in rows],
        [seq for _, seq, _ in rows],
        [recorded_at for _, _, recorded_at in rows],
        [row.risk_class for row, _, _ in rows],
        [row.previous for row, _, _ in rows],
        [None if row.finding is None else row.finding.model_dump_json() for row, _, _ in rows],
        [None if row.about is None else row.about[0] for row, _, _ in rows],
        [None if row.about is None else row.about[1] for row, _, _ in rows],
        [row.act_id for row, _, _ in rows],
        [row.actor for row, _, _ in rows],
        [row.reason for row, _, _ in rows],
        [row.rating_id for row, _, _ in rows],
        [row.proposed_by for row, _, _ in rows],
    )
