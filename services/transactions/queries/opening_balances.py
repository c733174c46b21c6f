"""What is left on the accounts against which balances are carried over."""

from typing import Any

from asyncpg import Connection

from shared.money import format_amount


async def migration_show(connection: Connection, entity: str | None = None) -> list[dict[str, Any]]:
    """Return a line for each migration account that something was booked on: what `ledger migration` prints.

    `left` is credits less debits, nothing once both sides of the books are carried over; `carried_over`
    counts the balances that stand against it on the accounts they named.
    """
    rows = await connection.fetch(
        """
        SELECT entity.code AS entity, account.code AS account, asset.code AS asset, asset.scale,
               sum(balance.debits_posted) AS debits, sum(balance.credits_posted) AS credits,
               (
                   SELECT count(*)
                   FROM transactions.carried_over
                   JOIN transactions.account AS carried USING (account_id)
                   WHERE carried.entity_id = account.entity_id AND carried.asset_id = account.asset_id
               ) AS carried_over
        FROM transactions.balance
        JOIN transactions.account USING (account_id)
        JOIN transactions.entity USING (entity_id)
        JOIN transactions.asset USING (asset_id)
        WHERE account.class = 'migration' AND ($1::text IS NULL OR entity.code = $1)
        GROUP BY entity.entity_id, account.account_id, asset.asset_id
        HAVING sum(balance.debits_posted) + sum(balance.credits_posted) > 0
        ORDER BY account.code
        """,
        entity,
    )
    return [
        {
            "entity": row["entity"],
            "account": row["account"],
            "asset": row["asset"],
            "debits": format_amount(int(row["debits"]), row["scale"]),
            "credits": format_amount(int(row["credits"]), row["scale"]),
            "left": format_amount(int(row["credits"] - row["debits"]), row["scale"]),
            "carried_over": row["carried_over"],
        }
        for row in rows
    ]
