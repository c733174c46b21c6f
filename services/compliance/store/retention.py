"""What tells how long records are kept: appended, never changed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.compliance.domain.retention import AccountFact, LegalHold, LegalHoldFact

_SAVE_ACCOUNTS = """
INSERT INTO account_fact (shard, recorded_at, seq, owner, account, what, day)
SELECT * FROM unnest($1::int[], $2::timestamptz[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                     $7::date[])
"""

_SAVE_LEGAL_HOLDS = """
INSERT INTO legal_hold_fact (shard, legal_hold_id, what, seq, recorded_at, act_id, actor, reason, owner,
                             placed_by)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::bigint[], $5::timestamptz[], $6::uuid[],
                     $7::text[], $8::text[], $9::text[], $10::text[])
"""

_LEGAL_HOLDS = """
SELECT DISTINCT ON (f.shard, f.legal_hold_id) f.shard, f.legal_hold_id, f.owner, f.placed_by,
       f.what AS status
FROM unnest($1::int[], $2::uuid[]) AS wanted (shard, legal_hold_id)
JOIN legal_hold_fact AS f ON f.shard = wanted.shard AND f.legal_hold_id = wanted.legal_hold_id
ORDER BY f.shard, f.legal_hold_id, f.seq DESC
"""


async def save_account_facts(connection: Any, rows: Sequence[tuple[int, datetime, AccountFact]]) -> None:
    """Append what became of accounts; each with the customer's shard and when it was taken."""
    if not rows:
        return
    await connection.execute(
        _SAVE_ACCOUNTS,
        [shard for shard, _, _ in rows],
        [at for _, at, _ in rows],
        [fact.seq for _, _, fact in rows],
        [fact.owner for _, _, fact in rows],
        [fact.account for _, _, fact in rows],
        [fact.what for _, _, fact in rows],
        [fact.day for _, _, fact in rows],
    )


async def save_legal_holds(connection: Any, rows: Sequence[tuple[LegalHoldFact, int, datetime]]) -> None:
    """Append what was done to legal holds; each with the number and time of the event that answered it."""
    if not rows:
        return
    placed_first = sorted(rows, key=lambda row: row[0].hold.status == "lifted")
    await connection.execute(
        _SAVE_LEGAL_HOLDS,
        [fact.hold.shard for fact, _, _ in placed_first],
        [fact.hold.legal_hold_id for fact, _, _ in placed_first],
        [fact.hold.status for fact, _, _ in placed_first],
        [seq for _, seq, _ in placed_first],
        [at for _, _, at in placed_first],
        [fact.act_id for fact, _, _ in placed_first],
        [fact.actor for fact, _, _ in placed_first],
        [fact.reason for fact, _, _ in placed_first],
        [fact.hold.owner for fact, _, _ in placed_first],
        [fact.hold.placed_by for fact, _, _ in placed_first],
    )


async def find_legal_holds(
    connection: Any, wanted: Collection[tuple[int, UUID]]
) -> dict[tuple[int, UUID], LegalHold]:
    """Return legal holds by (shard, id), as their last facts have left them."""
    if not wanted:
        return {}
    rows = await connection.fetch(_LEGAL_HOLDS, [shard for shard, _ in wanted], [each for _, each in wanted])
    return {(row["shard"], row["legal_hold_id"]): LegalHold(**row) for row in rows}
