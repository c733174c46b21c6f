"""Whitelisted pairs: appended as proposed; only their status moves."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from services.compliance.domain.records import WhitelistMove, WhitelistProposal
from services.compliance.domain.whitelist import Whitelist, WhitelistRow

_SAVE = """
INSERT INTO whitelisting (shard, whitelisting_id, seq, recorded_at, owner, list_code, list_version, entry_id,
                          entry_digest, name, kind, birth_date, country, until, proposed_by, reason)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[],
                     $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
                     $13::text[], $14::date[], $15::text[], $16::text[])
"""

_MOVE = """
UPDATE whitelisting AS w
SET status = x.status,
    approved_by = CASE WHEN x.status = 'approved' THEN x.actor ELSE w.approved_by END,
    approved_seq = CASE WHEN x.status = 'approved' THEN x.seq ELSE w.approved_seq END,
    approval_reason = CASE WHEN x.status = 'approved' THEN x.reason ELSE w.approval_reason END,
    revoked_by = CASE WHEN x.status = 'revoked' THEN x.actor END,
    revoked_seq = CASE WHEN x.status = 'revoked' THEN x.seq END,
    revocation_reason = CASE WHEN x.status = 'revoked' THEN x.reason END
FROM unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::text[])
    AS x (shard, whitelisting_id, status, actor, seq, reason)
WHERE w.shard = x.shard AND w.whitelisting_id = x.whitelisting_id
"""

_LOAD = """
SELECT w.shard, w.whitelisting_id, w.owner, w.list_code, w.entry_id, w.entry_digest, w.name, w.kind,
       w.birth_date, w.country, w.until, w.proposed_by, w.status
FROM unnest($1::int[], $2::uuid[]) AS wanted (shard, whitelisting_id)
JOIN whitelisting AS w ON w.shard = wanted.shard AND w.whitelisting_id = wanted.whitelisting_id
WHERE NOT EXISTS (SELECT FROM removed_record AS x
                  WHERE x.shard = w.shard AND x.kind = 'whitelisting' AND x.removed_seq = w.seq)
"""

_APPROVED = """
SELECT w.shard, w.whitelisting_id, w.owner, w.list_code, w.entry_id, w.entry_digest, w.name, w.kind,
       w.birth_date, w.country, w.until, w.proposed_by, w.status
FROM whitelisting AS w
WHERE w.shard = $1 AND w.status = 'approved'
    AND NOT EXISTS (SELECT FROM removed_record AS x
                    WHERE x.shard = w.shard AND x.kind = 'whitelisting' AND x.removed_seq = w.seq)
ORDER BY w.approved_seq
"""


async def save_proposals(connection: Any, rows: Sequence[WhitelistProposal]) -> None:
    """Append pairs that somebody has proposed."""
    if not rows:
        return
    await connection.execute(
        _SAVE,
        [row.pair.shard for row in rows],
        [row.pair.whitelisting_id for row in rows],
        [row.seq for row in rows],
        [row.recorded_at for row in rows],
        [row.pair.owner for row in rows],
        [row.pair.list_code for row in rows],
        [row.list_version for row in rows],
        [row.pair.entry_id for row in rows],
        [row.pair.entry_digest for row in rows],
        [row.pair.name for row in rows],
        [row.pair.kind for row in rows],
        [row.pair.birth_date for row in rows],
        [row.pair.country for row in rows],
        [row.pair.until for row in rows],
        [row.pair.proposed_by for row in rows],
        [row.reason for row in rows],
    )


async def move_whitelistings(connection: Any, moves: Sequence[WhitelistMove]) -> None:
    """Approve or revoke pairs, in this order: one approved and revoked at once is moved twice."""
    for status in ("approved", "revoked"):
        rows = [move for move in moves if move.status == status]
        if rows:
            await connection.execute(
                _MOVE,
                [row.shard for row in rows],
                [row.whitelisting_id for row in rows],
                [row.status for row in rows],
                [row.actor for row in rows],
                [row.seq for row in rows],
                [row.reason for row in rows],
            )


async def load_whitelistings(
    connection: Any, wanted: Collection[tuple[int, UUID]]
) -> dict[tuple[int, UUID], WhitelistRow]:
    """Return pairs by (shard, whitelisting id), whatever their status; none whose names were removed."""
    if not wanted:
        return {}
    rows = await connection.fetch(_LOAD, [shard for shard, _ in wanted], [each for _, each in wanted])
    return {(row["shard"], row["whitelisting_id"]): WhitelistRow(**row) for row in rows}


async def approved_pairs(connection: Any, shard: int) -> Whitelist:
    """Return the approved pairs of a shard, but those whose names were removed, which can match nobody."""
    return Whitelist(WhitelistRow(**row) for row in await connection.fetch(_APPROVED, shard))
