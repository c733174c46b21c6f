"""Keeps owners' keys, wrapped: the only rows of the ledger that are ever deleted."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from asyncpg import Connection

from services.transactions.store.arrays import array_of


class KeyRow(NamedTuple):
    """An owner's key under the master key, and the first event that may need it."""

    shard: int
    owner: str
    wrapped: bytes
    first_seq: int


async def keys_of(connection: Connection, asked: Sequence[tuple[int, str]]) -> list[KeyRow]:
    """Return the keys of those of these owners that have one."""
    rows = await connection.fetch(
        """
        SELECT party_key.shard, party_key.owner, party_key.wrapped, party_key.first_seq
        FROM unnest($1::text::int[], $2::text[]) AS asked (shard, owner)
        JOIN party_key ON party_key.shard = asked.shard AND party_key.owner = asked.owner
        """,
        array_of(shard for shard, _ in asked),
        [owner for _, owner in asked],
    )
    return [KeyRow(*row) for row in rows]


async def keys_between(connection: Connection, shard: int, first_seq: int, last_seq: int) -> list[KeyRow]:
    """Return the keys of a shard that were made for events of this stretch of its journal."""
    rows = await connection.fetch(
        """
        SELECT shard, owner, wrapped, first_seq
        FROM party_key
        WHERE shard = $1 AND first_seq BETWEEN $2 AND $3
        ORDER BY first_seq, owner
        """,
        shard,
        first_seq,
        last_seq,
    )
    return [KeyRow(*row) for row in rows]


async def save_keys(connection: Connection, rows: Iterable[KeyRow]) -> None:
    """Keep new keys."""
    made = list(rows)
    await connection.execute(
        """
        INSERT INTO party_key (shard, owner, wrapped, first_seq)
        SELECT * FROM unnest($1::int[], $2::text[], $3::bytea[], $4::bigint[])
        """,
        [row.shard for row in made],
        [row.owner for row in made],
        [row.wrapped for row in made],
        [row.first_seq for row in made],
    )


async def erase_key(connection: Connection, shard: int, owner: str) -> bool:
    """Remove an owner's key for good, and say whether there was one."""
    deleted = await connection.fetchval(
        "DELETE FROM party_key WHERE shard = $1 AND owner = $2 RETURNING true", shard, owner
    )
    return deleted is not None


async def clear_parked(connection: Connection, shard: int, owner: str) -> None:
    """Empty an owner's records that were parked once, of which the bytes are kept as they came."""
    await connection.execute(
        """
        UPDATE parked SET value = '', headers = NULL
        WHERE shard = $1 AND owner = $2 AND resolved_at IS NOT NULL
        """,
        shard,
        owner,
    )


async def what_keeps(connection: Connection, shard: int, owner: str) -> str | None:
    """Say why an owner may not be erased; or nothing.

    A custody account that holds any security is never closed, nor is what is within it: those must be empty.
    """
    return await connection.fetchval(
        """
        SELECT CASE
            WHEN NOT EXISTS (SELECT FROM account WHERE shard = $1 AND owner = $2)
             AND NOT EXISTS (SELECT FROM party_key WHERE shard = $1 AND owner = $2)
             AND NOT EXISTS (SELECT FROM parked WHERE shard = $1 AND owner = $2)
            THEN 'owner_unknown'
            WHEN EXISTS (
                SELECT
                FROM account
                JOIN asset USING (asset_id)
                LEFT JOIN account_closing AS closing
                  ON closing.account_id = account.account_id AND closing.reopened_seq IS NULL
                 AND closing.closed_seq IS NOT NULL
                WHERE account.owner = $2 AND account.shard = $1 AND closing.account_id IS NULL
                  AND asset.kind <> 'none' AND position('#' IN account.code) = 0
            ) THEN 'accounts_open'
            WHEN EXISTS (
                SELECT
                FROM account
                JOIN balance USING (account_id)
                WHERE account.owner = $2 AND account.shard = $1 AND position('#' IN account.code) > 0
                GROUP BY account.account_id
                HAVING sum(credits_posted) <> sum(debits_posted)
                    OR sum(debits_pending) > 0 OR sum(credits_pending) > 0
            ) THEN 'securities_held'
            WHEN EXISTS (
                SELECT FROM parked WHERE shard = $1 AND owner = $2 AND resolved_at IS NULL
            ) THEN 'records_parked'
        END
        """,
        shard,
        owner,
    )
