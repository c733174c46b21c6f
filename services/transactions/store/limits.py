"""Reads and writes the limits that were set on accounts."""

from collections.abc import Iterable

from asyncpg import Connection

from services.transactions.domain.chart import ACCOUNTS_PER_SHARD, Dated
from services.transactions.domain.limits import Allowed, LimitSet


async def limits_at(connection: Connection, shard: int) -> dict[int, tuple[Dated[Allowed], ...]]:
    """Return all limits set on accounts at home in this shard, in the order in which they were set."""
    rows = await connection.fetch(
        """
        SELECT account_id, limit_minor, cap_minor, valid_from, valid_until
        FROM account_limit
        WHERE account_id >= $1 AND account_id < $2
        ORDER BY account_id, seq
        """,
        shard * ACCOUNTS_PER_SHARD,
        (shard + 1) * ACCOUNTS_PER_SHARD,
    )
    found: dict[int, list[Dated[Allowed]]] = {}
    for row in rows:
        allowed = Allowed(row["limit_minor"], row["cap_minor"])
        dated = Dated(allowed, row["valid_from"], row["valid_until"])
        found.setdefault(row["account_id"], []).append(dated)
    return {account_id: tuple(limits) for account_id, limits in found.items()}


async def set_limits(connection: Connection, limits: Iterable[LimitSet]) -> None:
    """Insert limits."""
    rows = list(limits)
    if rows:
        await connection.execute(
            """
            INSERT INTO account_limit
                (account_id, seq, limit_minor, cap_minor, valid_from, valid_until, authority)
            SELECT *
            FROM unnest(
                $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::date[], $6::date[], $7::text[]
            )
            """,
            [each.account_id for each in rows],
            [each.seq for each in rows],
            [each.allowed.value.limit for each in rows],
            [each.allowed.value.cap for each in rows],
            [each.allowed.valid_from for each in rows],
            [each.allowed.valid_until for each in rows],
            [each.authority for each in rows],
        )
