"""Reads and writes how accounts are closed."""

from collections.abc import Mapping

from asyncpg import Connection

from services.transactions.domain.chart import ACCOUNTS_PER_SHARD, Chart
from services.transactions.domain.stops import Closing
from services.transactions.store.accounts import accounts_by_id, accounts_within


async def closings_at(connection: Connection, chart: Chart, shard: int) -> list[Closing]:
    """Return the accounts at home in this shard that are closing or closed, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT account_id, closing.seq, closed_seq,
               coalesce(
                   (SELECT instruction_id FROM journal_row WHERE shard = $1 AND seq = closing.seq),
                   (SELECT instruction_id FROM detached_outcome WHERE shard = $1 AND seq = closing.seq)
               ) AS instruction_id
        FROM account_closing AS closing
        WHERE account_id >= $2 AND account_id < $3 AND reopened_seq IS NULL
        ORDER BY closing.seq
        """,
        shard,
        shard * ACCOUNTS_PER_SHARD,
        (shard + 1) * ACCOUNTS_PER_SHARD,
    )
    accounts = await accounts_by_id(connection, chart, [row["account_id"] for row in rows])
    boxes = [each.code for each in accounts.values() if each.is_container]
    within = await accounts_within(connection, chart, boxes) if boxes else {}
    return [
        Closing(
            account,
            row["seq"],
            str(row["instruction_id"]),
            row["closed_seq"],
            within.get(account.code, ()),
        )
        for row in rows
        for account in (accounts[row["account_id"]],)
    ]


async def save_closings(
    connection: Connection, rows: Mapping[tuple[int, int], tuple[int | None, int | None]]
) -> None:
    """Write closings as they stand: (account, seq that began it) → (seqs that closed it and opened it again).

    In the order given: no account is shut twice at a time.
    """
    if rows:
        await connection.execute(
            """
            INSERT INTO account_closing (account_id, seq, closed_seq, reopened_seq)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
            ON CONFLICT (account_id, seq) DO UPDATE
            SET closed_seq = excluded.closed_seq, reopened_seq = excluded.reopened_seq
            """,
            [account_id for account_id, _ in rows],
            [seq for _, seq in rows],
            [closed_seq for closed_seq, _ in rows.values()],
            [reopened_seq for _, reopened_seq in rows.values()],
        )
