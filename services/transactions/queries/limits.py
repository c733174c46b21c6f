"""Finds the limits that were set on an account, and which one is in force at a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from asyncpg import Connection

from shared.money import format_amount


@dataclass(frozen=True, slots=True)
class Limits:
    """An account's limit in minor units, none for unlimited, and all that were set since it was opened."""

    in_force: int | None
    rows: Sequence[Mapping[str, Any]]

    def spelt(self, scale: int) -> list[dict[str, Any]]:
        """Return those that were set, in the order in which they were."""
        return [
            {
                "limit": None if row["limit_minor"] is None else format_amount(row["limit_minor"], scale),
                "cap": None if row["cap_minor"] is None else format_amount(row["cap_minor"], scale),
                "valid_from": row["valid_from"].isoformat(),
                "valid_until": None if row["valid_until"] is None else row["valid_until"].isoformat(),
                "authority": row["authority"],
                "seq": row["seq"],
            }
            for row in self.rows
        ]


async def limits_of(
    connection: Connection, account: Mapping[str, Any], seq: int, booking_date: date | None
) -> Limits:
    """Return the limits set by an event of its home shard, and the one in force on a booking date.

    `account` has `account_id`, `entity_id`, `shard` and `limit_minor`, that of its opening. Without a date,
    the business day that was open at that event counts.
    """
    rows = await connection.fetch(
        """
        SELECT seq, limit_minor, cap_minor, valid_from, valid_until, authority,
               valid_from <= asked.day AND (valid_until IS NULL OR asked.day < valid_until) AS holds
        FROM transactions.account_limit
        CROSS JOIN (
            SELECT coalesce($5::date, max(business_day.booking_date), entity.first_booking_date) AS day
            FROM transactions.entity
            LEFT JOIN transactions.business_day
              ON business_day.entity_id = entity.entity_id AND business_day.shard = $3
             AND business_day.seq <= $4
            WHERE entity.entity_id = $2
            GROUP BY entity.entity_id
        ) AS asked
        WHERE account_id = $1 AND seq <= $4
        ORDER BY seq
        """,
        account["account_id"],
        account["entity_id"],
        account["shard"],
        seq,
        booking_date,
    )
    in_force: int | None = account["limit_minor"]
    for row in rows:
        if row["holds"]:
            in_force = row["limit_minor"]
    return Limits(in_force, rows)
