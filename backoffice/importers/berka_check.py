"""Holds our end-of-day balances, by booking date, against those the Berka bank printed.

In two ways: carried on from each account's first day, as a ledger does; and from one day's printed
balance to the next, which leaves out what rounding has added up. Within a day the printed order is not
the booking order, so ours is held against the nearest of the balances printed that day, and the next
day starts from that one.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from backoffice.importers.berka import ASSET, ENTITY, BerkaFile
from shared.money import parse_signed

SCALE: Final = 2
STEPS_MINOR: Final = (0, 10, 100)
"""Exact, within 0.10, within 1.00."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many account-days agree, and how closely."""

    account_days: int
    exact: int
    within_0_10: int
    within_1_00: int
    overdrawn: int
    missing: int
    """Account-days for which our books have no movement."""
    farthest: tuple[str, date, int] | None
    """The account and day that differ most, in minor units."""


Movements = Mapping[tuple[str, date], int]
"""(Account, booking date) to the day's credits less debits, in minor units."""


async def net_movements(database: Any) -> dict[tuple[str, date], int]:
    """Return what our books moved on each customer account of BERKA and booking date (read-only)."""
    rows = await database.fetch(
        """
        WITH customer AS (
            SELECT account.account_id, account.code
            FROM transactions.account
            JOIN transactions.entity USING (entity_id)
            JOIN transactions.asset USING (asset_id)
            JOIN transactions.account_class AS class ON class.class = account.class
            WHERE entity.code = $1 AND asset.code = $2 AND class.holder = 'customer'
        ), posting AS (
            SELECT movement.shard, movement.seq, customer.code, movement.amount
            FROM transactions.movement
            JOIN customer ON customer.account_id = movement.credit_account
            UNION ALL
            SELECT movement.shard, movement.seq, customer.code, -movement.amount
            FROM transactions.movement
            JOIN customer ON customer.account_id = movement.debit_account
        )
        SELECT posting.code, journal.booking_date, sum(posting.amount)::bigint AS net
        FROM posting
        JOIN transactions.journal USING (shard, seq)
        WHERE journal.kind = 'TransactionPosted'
        GROUP BY posting.code, journal.booking_date
        """,
        ENTITY,
        ASSET,
    )
    return {(row["code"], row["booking_date"]): row["net"] for row in rows}


def check(file: BerkaFile, ours: Movements) -> dict[str, Agreement]:
    """Compare both ways: `carried_on` and `day_to_day`."""
    printed: dict[str, dict[date, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in file.rows:
        printed[row.account][row.day].append(_minor(row.balance))
    differences: dict[str, list[tuple[str, date, int]]] = {"carried_on": [], "day_to_day": []}
    overdrawn = missing = 0
    for account, days in printed.items():
        balance = 0
        before = 0
        for day, balances in sorted(days.items()):
            net = ours.get((account, day))
            missing += net is None
            balance += net or 0
            overdrawn += balance < 0
            differences["carried_on"].append((account, day, min(abs(balance - each) for each in balances)))
            reached = before + (net or 0)
            before = min(balances, key=lambda balance: abs(balance - reached))
            differences["day_to_day"].append((account, day, abs(before - reached)))
    return {way: _agreement(found, overdrawn, missing) for way, found in differences.items()}


def _agreement(found: list[tuple[str, date, int]], overdrawn: int, missing: int) -> Agreement:
    exact, tenth, whole = (sum(each[2] <= step for each in found) for step in STEPS_MINOR)
    farthest = max(found, key=lambda each: each[2], default=None)
    return Agreement(len(found), exact, tenth, whole, overdrawn, missing, farthest)


def _minor(text: str) -> int:
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    return sign * parse_signed(digits, SCALE)
