"""Reads and writes a shard's balances, and reads what other shards have credited."""

from collections.abc import Mapping, Sequence

from asyncpg import Connection

from services.transactions.domain.state import Changes, Row
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


async def foreign_credits(connection: Connection, homes: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Return what shards other than its home have credited to each account, posted and pending.

    `homes` gives account → home.
    """
    rows = await connection.fetch(
        """
        SELECT account_id, sum(credits_posted)::numeric(38, 0) AS credits,
               sum(credits_pending)::numeric(38, 0) AS reserved
        FROM unnest($1::bigint[], $2::int[]) AS asked (account_id, home)
        JOIN balance USING (account_id)
        WHERE balance.shard <> asked.home
        GROUP BY account_id
        """,
        list(homes),
        list(homes.values()),
    )
    found: dict[int, tuple[int, int]] = dict.fromkeys(homes, (0, 0))
    found.update((row["account_id"], (int(row["credits"]), int(row["reserved"]))) for row in rows)
    return found


async def save_balances(connection: Connection, shard: int, changes: Changes) -> None:
    """Write the balances that a batch of this shard has touched, as they are now.

    Most have a row already and nothing pending: those cost three short arrays. Raises `RuntimeError` where
    the database lacks a row that it was known to have.
    """
    before = changes.state.balances
    unsaved = changes.state.unsaved
    posted: list[tuple[int, Row]] = []
    pending: list[tuple[int, Row]] = []
    new: list[tuple[int, Row]] = []
    for each in sorted(changes.balances.items()):
        account_id, row = each
        earlier = before.get(account_id)
        if earlier is None or account_id in unsaved:
            new.append(each)
        elif row[2] == earlier[2] and row[3] == earlier[3]:
            posted.append(each)
        else:
            pending.append(each)
    if posted:
        done = await connection.execute(
            """
            UPDATE balance
            SET debits_posted = now.debits_posted, credits_posted = now.credits_posted
            FROM unnest($2::text::bigint[], $3::text::bigint[], $4::text::bigint[])
                AS now (account_id, debits_posted, credits_posted)
            WHERE balance.account_id = now.account_id AND balance.shard = $1
            """,
            shard,
            array_of([each[0] for each in posted]),
            array_of([each[1][0] for each in posted]),
            array_of([each[1][1] for each in posted]),
        )
        _refuse_unless(done, len(posted))
    if pending:
        done = await connection.execute(
            """
            UPDATE balance
            SET debits_posted = now.debits_posted, credits_posted = now.credits_posted,
                debits_pending = now.debits_pending, credits_pending = now.credits_pending
            FROM unnest(
                $2::text::bigint[], $3::text::bigint[], $4::text::bigint[], $5::text::bigint[],
                $6::text::bigint[]
            ) AS now (account_id, debits_posted, credits_posted, debits_pending, credits_pending)
            WHERE balance.account_id = now.account_id AND balance.shard = $1
            """,
            shard,
            *_columns(pending),
        )
        _refuse_unless(done, len(pending))
    if new:
        await connection.execute(
            """
            INSERT INTO balance
                (shard, account_id, debits_posted, credits_posted, debits_pending, credits_pending)
            SELECT $1, *
            FROM unnest(
                $2::text::bigint[], $3::text::bigint[], $4::text::bigint[], $5::text::bigint[],
                $6::text::bigint[]
            )
            """,
            shard,
            *_columns(new),
        )


def _columns(rows: Sequence[tuple[int, Row]]) -> list[str]:
    return [
        array_of([account_id for account_id, _ in rows]),
        *(array_of([row[number] for _, row in rows]) for number in range(4)),
    ]


def _refuse_unless(done: str, count: int) -> None:
    if done != f"UPDATE {count}":
        raise RuntimeError(f"of {count} balances that were there, the database says {done}")
