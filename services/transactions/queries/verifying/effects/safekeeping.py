"""The stock record: what is held of each security is where the firm has it."""

from typing import Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, decimal_of
from services.transactions.queries.verifying.effects.effect import Effect


async def compare_stock(connection: Connection, books: Books) -> None:
    """For each entity and security, holders' credits are locations' debits, over all stored balances."""
    for row in await connection.fetch(
        """
        SELECT entity.code AS entity, asset.code AS asset, asset.scale,
               coalesce(sum(credits_posted - debits_posted)
                        FILTER (WHERE account_class.parent IS DISTINCT FROM 'locations'), 0) AS held,
               coalesce(sum(debits_posted - credits_posted)
                        FILTER (WHERE account_class.parent = 'locations'), 0) AS located
        FROM transactions.balance
        JOIN transactions.account USING (account_id)
        JOIN transactions.account_class USING (class)
        JOIN transactions.entity USING (entity_id)
        JOIN transactions.asset USING (asset_id)
        WHERE asset.kind = 'security'
        GROUP BY entity.code, asset.code, asset.scale
        ORDER BY entity.code, asset.code
        """
    ):
        held, located = (decimal_of(int(row[name]), row["scale"]) for name in ("held", "located"))
        where = f"{row['entity']} {row['asset']}"
        books.see(
            "stock_record",
            held == located,
            expected=f"{where}: {held} held, as much at locations",
            found=f"{where}: {located} at locations",
        )


SAFEKEEPING: Final = Effect(compare=compare_stock)
