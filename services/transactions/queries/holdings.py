"""Shows what a custody account holds: the accounts within it, one a security."""

from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.balances_at import Moment, Whose, counters_at
from shared.money import format_amount

NO_CURRENCY: Final = "XXX"
"""The asset of a custody account for any security (ISO 4217)."""


async def holdings_of(
    connection: Connection, container: str, entity_id: int, moment: Moment, seq: int
) -> list[dict[str, Any]]:
    """Return what is held in a custody account at a moment, a line a security that was ever in it.

    `traded` is what there will be once all is settled, `settled` what is there, `pending_out` and
    `pending_in` what waits to go and come, `available` what is settled, does not wait to go and is not
    frozen by a freeze of an amount. `seq` is that of the account's home up to which freezes count.
    By date only what is settled is known, since what is pending has none: `traded` and `available` are null,
    and what is pending is as recorded. The report `stock_record` has all of it by booking date.
    """
    rows = await connection.fetch(
        """
        SELECT account_id, account.code, asset.code AS asset, asset.scale,
               (
                   SELECT coalesce(sum(amount_minor), 0)
                   FROM transactions.account_freeze
                   WHERE account_freeze.account_id = account.account_id
                     AND account_freeze.seq <= $2 AND (lifted_seq IS NULL OR lifted_seq > $2)
               ) AS frozen
        FROM transactions.account
        JOIN transactions.asset USING (asset_id)
        WHERE account.code LIKE '%#%' AND split_part(account.code, '#', 1) = $1 AND container = $1
        ORDER BY asset.code
        """,
        container,
        seq,
    )
    if not rows:
        return []
    found, _ = await counters_at(connection, moment, Whose([row["account_id"] for row in rows]), entity_id)
    holdings: list[dict[str, Any]] = []
    for row in rows:
        counters = found.get(row["account_id"])
        if counters is None:
            continue
        debits, credited, pending_out, pending_in = counters
        figures = {
            "traded": None if moment.is_by_date else credited - debits - pending_out + pending_in,
            "settled": credited - debits,
            "pending_out": pending_out,
            "pending_in": pending_in,
            "available": None if moment.is_by_date else credited - debits - pending_out - int(row["frozen"]),
        }
        holdings.append(
            {"asset": row["asset"], "account": row["code"]}
            | {
                name: None if figure is None else format_amount(figure, row["scale"])
                for name, figure in figures.items()
            }
        )
    return holdings
