"""What customers are rated, since when and by whom; and lower classes that wait for a second person."""

from typing import Any
from uuid import UUID

_RATINGS = """
SELECT r.shard, r.seq, r.owner, r.version, r.risk_class::text AS risk_class, r.previous::text AS previous,
       r.recorded_at AS rated_at, r.finding ->> 'rule' AS rule, r.finding ->> 'sentence' AS sentence, r.actor,
       r.reason, r.proposed_by
FROM compliance.customer_rating AS r
WHERE ($1::text IS NULL OR r.owner = $1) AND ($2 OR NOT EXISTS (
    SELECT FROM compliance.customer_rating AS later
    WHERE later.shard = r.shard AND later.owner = r.owner AND later.version > r.version
))
ORDER BY r.shard, r.owner, r.version
LIMIT $3
"""

_PROPOSALS = """
SELECT p.shard, p.rating_id::text AS rating_id, p.owner, p.risk_class::text AS risk_class,
       p.recorded_at AS proposed_at, p.proposed_by, p.reason
FROM compliance.rating_proposal AS p
WHERE ($1::text IS NULL OR p.owner = $1) AND NOT EXISTS (
    SELECT FROM compliance.customer_rating AS r
    WHERE r.shard = p.shard AND r.owner = p.owner AND r.version >= p.version
)
ORDER BY p.recorded_at, p.shard, p.seq
LIMIT $2
"""

_FIND = "SELECT p.shard, p.owner FROM compliance.rating_proposal AS p WHERE p.rating_id = $1"


async def ratings_list(
    connection: Any, owner: str | None, *, history: bool = False, limit: int = 1000
) -> list[dict[str, Any]]:
    """Return what customers are rated now, or with `history` all they were; of one owner if given."""
    return [dict(row) for row in await connection.fetch(_RATINGS, owner, history, limit)]


async def proposals_list(connection: Any, owner: str | None, *, limit: int = 1000) -> list[dict[str, Any]]:
    """Return lower classes that are proposed and still can be approved, oldest first."""
    return [dict(row) for row in await connection.fetch(_PROPOSALS, owner, limit)]


async def proposal_find(connection: Any, rating_id: UUID) -> tuple[int, str] | None:
    """Return the shard and owner of a proposal; None where there is none."""
    row = await connection.fetchrow(_FIND, rating_id)
    return None if row is None else (row["shard"], row["owner"])
