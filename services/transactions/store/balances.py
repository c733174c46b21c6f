"""Reads and writes a shard's balances, and reads what other shards have credited."""

from collections.abc import Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from asyncpg import Connection

from services.transactions.domain.changes import Changes
from services.transactions.domain.state import Row
from services.transactions.store.arrays import array_of

_Kept: TypeAlias = tuple[int, int, Row]
"""Account, shard and what its row holds."""
_IN_INDEX: Final = itemgetter(0, 1)


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


class ForeignCredits(NamedTuple):
    """What shards other than its home have credited to an account, in minor units."""

    posted: int
    pending: int
    is_ahead: bool
    """Whether one of them has opened a later business day than the one asked about."""


NOTHING_CREDITED: Final = ForeignCredits(0, 0, False)


async def foreign_credits(
    connection: Connection, homes: Mapping[int, int], day: date
) -> dict[int, ForeignCredits]:
    """Return what shards other than its home have credited to each account, and who is ahead of a day.

    `homes` gives account → home.
    """
    rows = await connection.fetch(
        """
        SELECT account_id, sum(credits_posted)::numeric(38, 0) AS posted,
               sum(credits_pending)::numeric(38, 0) AS pending,
               bool_or(EXISTS (
                   SELECT FROM business_day
                   WHERE business_day.shard = balance.shard AND business_day.entity_id = account.entity_id
                     AND booking_date > $3
               )) AS is_ahead
        FROM unnest($1::bigint[], $2::int[]) AS asked (account_id, home)
        JOIN balance USING (account_id)
        JOIN account USING (account_id)
        WHERE balance.shard <> asked.home
        GROUP BY account_id
        """,
        list(homes),
        list(homes.values()),
        day,
    )
    found = dict.fromkeys(homes, NOTHING_CREDITED)
    for row in rows:
        found[row["account_id"]] = ForeignCredits(int(row["posted"]), int(row["pending"]), row["is_ahead"])
    return found


async def save_balances(connection: Connection, changed: Mapping[int, Changes]) -> None:
    """Write the balances that a batch has touched in each of its shards, as they are now.

    Most have a row already and nothing pending: those cost four short arrays. Raises `RuntimeError` where
    the database lacks a row that it was known to have.
    """
    posted: list[_Kept] = []
    pending: list[_Kept] = []
    new: list[_Kept] = []
    for shard, changes in changed.items():
        before, unsaved = changes.state.balances, changes.state.unsaved
        for account_id, row in changes.balances.items():
            each = (account_id, shard, row)
            earlier = before.get(account_id)
            if earlier is None or account_id in unsaved:
                new.append(each)
            elif row[2] == earlier[2] and row[3] == earlier[3]:
                posted.append(each)
            else:
                pending.append(each)
    if posted:
        posted.sort(key=_IN_INDEX)
        done = await connection.execute(
            """
            UPDATE balance
            SET debits_posted = now.debits_posted, credits_posted = now.credits_posted
            FROM unnest($1::text::bigint[], $2::text::int[], $3::text::bigint[], $4::text::bigint[])
                AS now (account_id, shard, debits_posted, credits_posted)
            WHERE balance.account_id = now.account_id AND balance.shard = now.shard
            """,
            array_of([each[0] for each in posted]),
            array_of([each[1] for each in posted]),
            array_of([each[2][0] for each in posted]),
            array_of([each[2][1] for each in posted]),
        )
        _refuse_unless(done, len(posted))
    if pending:
        done = await connection.execute(
            """
            UPDATE balance
            SET debits_posted = now.debits_posted, credits_posted = now.credits_posted,
                debits_pending = now.debits_pending, credits_pending = now.credits_pending
            FROM unnest(
                $1::text::bigint[], $2::text::int[], $3::text::bigint[], $4::text::bigint[],
                $5::text::bigint[], $6::text::bigint[]
            ) AS now (account_id, shard, debits_posted, credits_posted, debits_pending, credits_pending)
            WHERE balance.account_id = now.account_id AND balance.shard = now.shard
            """,
            *_columns(pending),
        )
        _refuse_unless(done, len(pending))
    if new:
        await connection.execute(
            """
            INSERT INTO balance
                (account_id, shard, debits_posted, credits_posted, debits_pending, credits_pending)
            SELECT *
            FROM unnest(
                $1::text::bigint[], $2::text::int[], $3::text::bigint[], $4::text::bigint[],
                $5::text::bigint[], $6::text::bigint[]
            )
            """,
            *_columns(new),
        )


def _columns(rows: list[_Kept]) -> list[str]:
    rows.sort(key=_IN_INDEX)
    return [
        array_of([account_id for account_id, _, _ in rows]),
        array_of([shard for _, shard, _ in rows]),
        *(array_of([row[number] for _, _, row in rows]) for number in range(4)),
    ]


def _refuse_unless(done: str, count: int) -> None:
    if done != f"UPDATE {count}":
        raise RuntimeError(f"of {count} balances that were there, the database says {done}")
