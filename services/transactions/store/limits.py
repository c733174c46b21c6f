"""Reads and writes the limits that were set on accounts."""

from collections.abc import Iterable

from asyncpg import Connection

from services.transactions.domain.chart import ACCOUNTS_PER_SHARD, Dated
from services.transactions.domain.state import LimitSet


async def limits_at(connection: Connection, shard: int) -> dict[int, tuple[Dated[int | None], ...]]:
    """Return all limits set on accounts at home in this shard, in the order in which they were set."""
    rows = await connection.fetch(
        """
        SELECT account_id, limit_minor, valid_from, valid_until
        FROM account_limit
        WHERE account_id >= $1 AND account_id < $2
        ORDER BY account_id, seq
        """,
        shard * ACCOUNTS_PER_SHARD,
        (shard + 1) * ACCOUNTS_PER_SHARD,
    )
    found: dict[int, list[Dated[int | None]]] = {}
    for row in rows:
        limit: Dated[int | None] = Dated(row["limit_minor"], row["valid_from"], row["valid_until"])
        found.setdefault(row["account_id"], []).append(limit)
    return {account_id: tuple(limits) for account_id, limits in found.items()}


async def set_limits(connection: Connection, limits: Iterable[LimitSet]) -> None:
    """Insert limits."""
    rows = list(limits)
    if rows:
        await connection.execute(
            """
            INSERT INTO account_limit (account_id, seq, limit_minor, valid_from, valid_until, authority)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::date[], $5::date[], $6::text[])
            """,
            [each.account_id for each in rows],
            [each.seq for each in rows],
            [each.limit.value for each in rows],
            [each.limit.valid_from for each in rows],
            [each.limit.valid_until for each in rows],
            [each.authority for each in rows],
        )
