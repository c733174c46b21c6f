"""Reads accounts, and claims the codes of new ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from asyncpg import Connection

from services.transactions.domain.chart import (
    ACCOUNTS_PER_SHARD,
    HOUSE_ACCOUNTS_FROM,
    Account,
    Chart,
    make_account,
)


async def accounts_by_code(connection: Connection, chart: Chart, codes: Sequence[str]) -> dict[str, Account]:
    """Return those of these accounts that exist."""
    rows = await connection.fetch(
        """
        SELECT account.account_id, account.code, account.owner, account.shard, account.entity_id,
               account.asset_id, account.class, account.limit_minor, account.container,
               within.account_id AS container_id
        FROM account
        LEFT JOIN account AS within ON within.code = account.container AND account.code LIKE '%#%'
        WHERE account.code = ANY($1::text[])
        """,
        codes,
    )
    return {row["code"]: _account(row, chart) for row in rows}


async def accounts_within(
    connection: Connection, chart: Chart, codes: Sequence[str]
) -> dict[str, tuple[Account, ...]]:
    """Return the accounts within those of these accounts that are custody accounts for any security."""
    rows = await connection.fetch(
        """
        SELECT account.account_id, account.code, account.owner, account.shard, account.entity_id,
               account.asset_id, account.class, account.limit_minor, account.container,
               within.account_id AS container_id
        FROM account AS within
        JOIN account ON account.owner = within.owner AND account.container = within.code
        WHERE within.code = ANY($1::text[]) AND account.code LIKE '%#%'
        ORDER BY account.account_id
        """,
        codes,
    )
    found: dict[str, tuple[Account, ...]] = {}
    for row in rows:
        found[row["container"]] = (*found.get(row["container"], ()), _account(row, chart))
    return found


async def accounts_by_id(
    connection: Connection, chart: Chart, account_ids: Sequence[int]
) -> dict[int, Account]:
    """Return these accounts."""
    rows = await connection.fetch(
        """
        SELECT account.account_id, account.code, account.owner, account.shard, account.entity_id,
               account.asset_id, account.class, account.limit_minor, account.container,
               within.account_id AS container_id
        FROM account
        LEFT JOIN account AS within ON within.code = account.container AND account.code LIKE '%#%'
        WHERE account.account_id = ANY($1::bigint[])
        """,
        account_ids,
    )
    return {row["account_id"]: _account(row, chart) for row in rows}


def _account(row: Mapping[str, Any], chart: Chart) -> Account:
    return make_account(
        account_id=row["account_id"],
        code=row["code"],
        owner=row["owner"],
        shard=row["shard"],
        entity=chart.entities_by_id[row["entity_id"]],
        asset=chart.assets_by_id[row["asset_id"]],
        account_class=row["class"],
        limit=row["limit_minor"],
        container=row["container"],
        container_id=row["container_id"],
    )


async def next_account_number(connection: Connection, shard: int) -> int:
    """Return the number the shard's next customer account gets."""
    last = await connection.fetchval(
        "SELECT max(account_id) FROM account WHERE account_id >= $1 AND account_id < $2",
        shard * ACCOUNTS_PER_SHARD,
        shard * ACCOUNTS_PER_SHARD + HOUSE_ACCOUNTS_FROM,
    )
    return 1 if last is None else last % ACCOUNTS_PER_SHARD + 1


async def claim_accounts(connection: Connection, opened: Iterable[tuple[Account, int]]) -> set[str]:
    """Insert new accounts and return the codes that were taken by others meanwhile.

    In sorted order, so that two writers that want the same codes wait for each other and never in a ring.
    """
    ordered = sorted(opened, key=lambda each: each[0].code)
    rows = await connection.fetch(
        """
        INSERT INTO account
            (account_id, code, container, entity_id, owner, shard, asset_id, class, limit_minor, opened_seq)
        SELECT *
        FROM unnest(
            $1::bigint[], $2::text[], $3::text[], $4::int[], $5::text[], $6::int[], $7::int[], $8::text[],
            $9::bigint[], $10::bigint[]
        )
        ON CONFLICT (code) DO NOTHING
        RETURNING account_id
        """,
        [account.account_id for account, _ in ordered],
        [account.code for account, _ in ordered],
        [account.container for account, _ in ordered],
        [account.entity_id for account, _ in ordered],
        [account.owner for account, _ in ordered],
        [account.shard for account, _ in ordered],
        [account.asset_id for account, _ in ordered],
        [account.account_class for account, _ in ordered],
        [account.opening_limit for account, _ in ordered],
        [seq for _, seq in ordered],
    )
    claimed = {row["account_id"] for row in rows}
    return {account.code for account, _ in ordered if account.account_id not in claimed}
