"""What tells how long records are kept: appended, never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.compliance.domain.retention import AccountFact

_SAVE_ACCOUNTS = """
INSERT INTO account_fact (shard, recorded_at, seq, owner, account, what, day)
SELECT * FROM unnest($1::int[], $2::timestamptz[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                     $7::date[])
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
