"""Finds what is posted on an account and has its value on a day to come, up to a moment."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from asyncpg import Connection

from services.transactions.queries.balances_at import Moment, Whose, counters_at


async def still_to_come(
    connection: Connection, account: Mapping[str, Any], seq: int, moment: Moment, favour: int
) -> int:
    """Return the most of what is posted on an account that does not count yet, on any day from now on.

    `favour` is all that is posted; the open business day is that at an event of its home shard. Where nothing
    was ever posted for a day to come, this is one look-up.
    """
    days: list[date] = [
        row["value_date"]
        for row in await connection.fetch(
            """
            SELECT DISTINCT ahead.value_date
            FROM transactions.day_balance AS ahead
            JOIN transactions.entity ON entity.entity_id = $2
            WHERE ahead.account_id = $1
              AND ahead.value_date > coalesce((
                  SELECT max(booking_date)
                  FROM transactions.business_day AS day
                  WHERE day.entity_id = $2 AND day.shard = $3 AND day.seq <= $4
              ), entity.first_booking_date)
            """,
            account["account_id"],
            account["entity_id"],
            account["shard"],
            seq,
        )
    ]
    worst = 0
    for day in days:
        # By the end of the day before: what has its value on this one or later is still to come.
        before = replace(moment, value_date=date.fromordinal(day.toordinal() - 1))
        whose = Whose([account["account_id"]])
        counters, _ = await counters_at(connection, before, whose, account["entity_id"])
        debits, credits_, *_ = counters.get(account["account_id"], [0, 0])
        worst = max(worst, favour - (credits_ - debits))
    return worst
