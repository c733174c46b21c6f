"""Reads and writes what is posted with its value on a later day than the one it was booked on."""

from collections.abc import Mapping
from datetime import date

from asyncpg import Connection

from services.transactions.domain.chart import ACCOUNTS_PER_SHARD
from services.transactions.domain.value_dates import Ahead


async def ahead_at(connection: Connection, shard: int, days: Mapping[int, date]) -> dict[int, Ahead]:
    """Return what lies ahead of the accounts at home in this shard, by its own rows."""
    rows = await connection.fetch(
        """
        SELECT account_id, entity_id, value_date, credits - debits AS net
        FROM day_balance
        JOIN account USING (account_id)
        WHERE day_balance.shard = $1 AND account_id >= $2 AND account_id < $3 AND value_date > $4
        """,
        shard,
        shard * ACCOUNTS_PER_SHARD,
        (shard + 1) * ACCOUNTS_PER_SHARD,
        min(days.values(), default=date.max),
    )
    found: dict[int, tuple[int, dict[date, int]]] = {}
    for row in rows:
        if row["net"] and row["value_date"] > days[row["entity_id"]]:
            found.setdefault(row["account_id"], (row["entity_id"], {}))[1][row["value_date"]] = row["net"]
    return {account_id: Ahead(*each) for account_id, each in found.items()}


async def ahead_elsewhere(
    connection: Connection, homes: Mapping[int, int], since: date
) -> dict[int, dict[date, int]]:
    """Return what other shards than its home have credited to each account with its value after a day."""
    rows = await connection.fetch(
        """
        SELECT account_id, value_date, sum(credits)::numeric(38, 0) AS credits
        FROM unnest($1::bigint[], $2::int[]) AS asked (account_id, home)
        JOIN day_balance USING (account_id)
        WHERE day_balance.shard <> asked.home AND value_date > $3
        GROUP BY account_id, value_date
        """,
        list(homes),
        list(homes.values()),
        since,
    )
    found: dict[int, dict[date, int]] = {account_id: {} for account_id in homes}
    for row in rows:
        found[row["account_id"]][row["value_date"]] = int(row["credits"])
    return found


async def save_ahead(
    connection: Connection, shard: int, valued: Mapping[tuple[int, date], tuple[int, int]]
) -> None:
    """Add what a batch of this shard has posted with its value on a later day."""
    if valued:
        await connection.execute(
            """
            INSERT INTO day_balance AS stored (shard, account_id, value_date, debits, credits)
            SELECT $1, * FROM unnest($2::bigint[], $3::date[], $4::bigint[], $5::bigint[])
            ON CONFLICT (account_id, value_date, shard) DO UPDATE SET
                debits = stored.debits + excluded.debits,
                credits = stored.credits + excluded.credits
            """,
            shard,
            *map(list, zip(*((*key, *sums) for key, sums in sorted(valued.items())), strict=True)),
        )
