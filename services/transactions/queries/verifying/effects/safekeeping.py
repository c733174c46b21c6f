"""The stock record: what is held of each security is where the firm has it."""

from typing import Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, decimal_of
from services.transactions.queries.verifying.effects.effect import Effect


async def compare_stock(connection: Connection, books: Books) -> None:
    """For each entity and security holders' credits are locations' debits, settled and as traded."""
    for row in await connection.fetch(
        """
        SELECT entity.code AS entity, asset.code AS asset, asset.scale,
               coalesce(sum(credits_posted - debits_posted)
                        FILTER (WHERE account_class.parent IS DISTINCT FROM 'locations'), 0) AS held,
               coalesce(sum(debits_posted - credits_posted)
                        FILTER (WHERE account_class.parent = 'locations'), 0) AS located,
               coalesce(sum(credits_pending - debits_pending)
                        FILTER (WHERE account_class.parent IS DISTINCT FROM 'locations'), 0) AS coming,
               coalesce(sum(debits_pending - credits_pending)
                        FILTER (WHERE account_class.parent = 'locations'), 0) AS arriving
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
        where = f"{row['entity']} {row['asset']}"
        settled = int(row["held"]), int(row["located"])
        traded = settled[0] + int(row["coming"]), settled[1] + int(row["arriving"])
        for what, pair in (("held", settled), ("held as traded", traded)):
            held, located = (decimal_of(each, row["scale"]) for each in pair)
            books.see(
                "stock_record",
                held == located,
                expected=f"{where}: {held} {what}, as much at locations",
                found=f"{where}: {located} at locations",
            )


SAFEKEEPING: Final = Effect(compare=compare_stock)
