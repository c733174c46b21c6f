"""What customers are rated, since when and by whom; and lower classes that wait for a second person."""

from typing import Any
from uuid import UUID

from services.compliance.queries.places import NOWHERE, Place

_RATINGS = """
SELECT r.shard, r.seq, r.owner, r.version, r.risk_class::text AS risk_class, r.previous::text AS previous,
       r.recorded_at AS rated_at, r.finding ->> 'rule' AS rule, r.finding ->> 'sentence' AS sentence, r.actor,
       r.reason, r.proposed_by
FROM compliance.customer_rating AS r
WHERE ($1::text IS NULL OR r.owner = $1) AND ($2 OR NOT EXISTS (
    SELECT FROM compliance.customer_rating AS later
    WHERE later.shard = r.shard AND later.owner = r.owner AND later.version > r.version
))
    AND ($4::int IS NULL OR (r.shard, r.owner, r.version) > ($4, $5::text, $6::int))
ORDER BY r.shard, r.owner, r.version
LIMIT $3
"""

_PROPOSALS = """
SELECT p.shard, p.seq, p.rating_id::text AS rating_id, p.owner, p.risk_class::text AS risk_class,
       p.recorded_at AS proposed_at, p.proposed_by, p.reason, 'proposed' AS status
FROM compliance.rating_proposal AS p
WHERE ($1::text IS NULL OR p.owner = $1) AND NOT EXISTS (
    SELECT FROM compliance.customer_rating AS r
    WHERE r.shard = p.shard AND r.owner = p.owner AND r.version >= p.version
)
    AND ($3::timestamptz IS NULL OR (p.recorded_at, p.shard, p.seq) > ($3, $4::int, $5::bigint))
ORDER BY p.recorded_at, p.shard, p.seq
LIMIT $2
"""

_SHOW = """
SELECT p.shard, p.seq, p.rating_id::text AS rating_id, p.owner, p.risk_class::text AS risk_class,
       p.recorded_at AS proposed_at, p.proposed_by, p.reason,
       CASE WHEN r.rating_id = p.rating_id THEN 'approved' WHEN r.version IS NOT NULL THEN 'superseded'
            ELSE 'proposed' END AS status
FROM compliance.rating_proposal AS p
LEFT JOIN compliance.customer_rating AS r
    ON r.shard = p.shard AND r.owner = p.owner AND r.version = p.version
WHERE p.rating_id = $1
"""


async def ratings_list(
    connection: Any,
    owner: str | None,
    *,
    history: bool = False,
    limit: int = 1000,
    after: tuple[int, str, int] | None = None,
) -> list[dict[str, Any]]:
    """Return what customers are rated now, or with `history` all they were; of one owner if given.

    `after` is the shard, owner and version of the last row of the page before.
    """
    wanted = (owner, history, limit, *(after or NOWHERE))
    return [dict(row) for row in await connection.fetch(_RATINGS, *wanted)]


async def proposals_list(
    connection: Any, owner: str | None, *, limit: int = 1000, after: Place | None = None
) -> list[dict[str, Any]]:
    """Return lower classes that are proposed and still can be approved, oldest first."""
    wanted = (owner, limit, *(after or NOWHERE))
    return [dict(row) for row in await connection.fetch(_PROPOSALS, *wanted)]


async def proposal_show(connection: Any, rating_id: UUID) -> dict[str, Any] | None:
    """Return a proposal and what became of it; None where there is none."""
    row = await connection.fetchrow(_SHOW, rating_id)
    return None if row is None else dict(row)
