"""Reads and writes a shard's balances, and reads what other shards have credited."""

from collections.abc import Iterable, Sequence

from asyncpg import Connection

from services.transactions.domain.state import Row
from services.transactions.store.arrays import array_of


async def balances_of(
    connection: Connection, shards: Sequence[int], account_ids: Sequence[int]
) -> dict[tuple[int, int], Row]:
    """Return the rows there are of these (shard, account) pairs, given as two lists of one length."""
    rows = await connection.fetch(
        """
        SELECT shard, account_id, debits_posted, credits_posted, debits_pending, credits_pending
        FROM unnest($1::text::int[], $2::text::bigint[]) AS asked (shard, account_id)
        JOIN balance USING (shard, account_id)
        """,
        array_of(shards),
        array_of(account_ids),
    )
    return {(row[0], row[1]): [row[2], row[3], row[4], row[5]] for row in rows}


async def foreign_credits(connection: Connection, homes: dict[int, int]) -> dict[int, int]:
    """Return what shards other than its home have credited to each account; `homes` gives account → home."""
    rows = await connection.fetch(
        """
        SELECT account_id, sum(credits_posted)::numeric(38, 0) AS credits
        FROM unnest($1::bigint[], $2::int[]) AS asked (account_id, home)
        JOIN balance USING (account_id)
        WHERE balance.shard <> asked.home
        GROUP BY account_id
        """,
        list(homes),
        list(homes.values()),
    )
    found = dict.fromkeys(homes, 0)
    found.update((row["account_id"], int(row["credits"])) for row in rows)
    return found


async def save_balances(connection: Connection, rows: Iterable[tuple[int, int, Row]]) -> None:
    """Write touched balances as they are now: (account, shard, row)."""
    ordered = sorted(rows)
    if not ordered:
        return
    await connection.execute(
        """
        INSERT INTO balance
            (account_id, shard, debits_posted, credits_posted, debits_pending, credits_pending)
        SELECT *
        FROM unnest(
            $1::text::bigint[], $2::text::int[], $3::text::bigint[], $4::text::bigint[], $5::text::bigint[],
            $6::text::bigint[]
        )
        ON CONFLICT (account_id, shard) DO UPDATE
        SET debits_posted = EXCLUDED.debits_posted,
            credits_posted = EXCLUDED.credits_posted,
            debits_pending = EXCLUDED.debits_pending,
            credits_pending = EXCLUDED.credits_pending
        """,
        array_of([each[0] for each in ordered]),
        array_of([each[1] for each in ordered]),
        array_of([each[2][0] for each in ordered]),
        array_of([each[2][1] for each in ordered]),
        array_of([each[2][2] for each in ordered]),
        array_of([each[2][3] for each in ordered]),
    )
