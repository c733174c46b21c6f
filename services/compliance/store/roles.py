"""Roles: facts are appended, and read whole, since there are few."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from services.compliance.domain.roles import RoleBook, RoleFact

_LOAD = """
SELECT r.shard, r.grant_id, r.what, r.act_id, r.actor, r.reason, r.officer, r.role, r.since, r.until,
       r.proposed_by
FROM role_fact AS r
WHERE r.shard = ANY($1::int[])
ORDER BY r.shard, r.seq
"""

_SAVE = """
INSERT INTO role_fact (shard, grant_id, what, seq, recorded_at, act_id, actor, reason, officer, role, since,
                       until, proposed_by)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::bigint[], $5::timestamptz[], $6::uuid[],
                     $7::text[], $8::text[], $9::text[], $10::text[], $11::date[], $12::date[], $13::text[])
"""


async def load_books(connection: Any, shards: Collection[int]) -> dict[int, RoleBook]:
    """Return the roles of each shard."""
    facts = [RoleFact(**row) for row in await connection.fetch(_LOAD, sorted(shards))]
    return {shard: RoleBook.of(each for each in facts if each.shard == shard) for shard in shards}


async def save_facts(connection: Any, facts: Sequence[tuple[RoleFact, int, datetime]]) -> None:
    """Append what was done to roles; each with the event that told of it, and when."""
    if not facts:
        return
    await connection.execute(
        _SAVE,
        [fact.shard for fact, _, _ in facts],
        [fact.grant_id for fact, _, _ in facts],
        [fact.what for fact, _, _ in facts],
        [seq for _, seq, _ in facts],
        [at for _, _, at in facts],
        [fact.act_id for fact, _, _ in facts],
        [fact.actor for fact, _, _ in facts],
        [fact.reason for fact, _, _ in facts],
        [fact.officer for fact, _, _ in facts],
        [fact.role for fact, _, _ in facts],
        [fact.since for fact, _, _ in facts],
        [fact.until for fact, _, _ in facts],
        [fact.proposed_by for fact, _, _ in facts],
    )
