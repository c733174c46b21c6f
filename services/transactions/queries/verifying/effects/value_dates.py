"""Value dates: what is posted for a day to come is kept apart, and no request takes it before."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import PREFETCH, Books, Shard
from services.transactions.queries.verifying.effects.effect import Effect

MAY_BE_POSTED_TODAY: Final = frozenset({"reserve", "trade"})
"""Types whose amounts must be there from today on, whatever their value date: they are only set aside."""


def note_value(books: Books, shard: Shard, row: Mapping[str, Any], leg: Mapping[str, Any]) -> None:
    """Keep what customers were posted with its value on a day to come."""
    value_date: date = row["value_date"]
    if value_date <= shard.days[books.accounts[leg["debit_account"]].entity_id]:
        return
    for index, side in enumerate(("debit", "credit")):
        account = books.accounts[leg[f"{side}_account"]]
        if account.is_customer:
            days = shard.ahead.setdefault(leg[f"{side}_account"], {})
            days.setdefault(value_date, [0, 0])[index] += leg["amount"]
            shard.watched.add(leg[f"{side}_account"])


def still_to_come(shard: Shard, row: Mapping[str, Any], account_id: int, today: date, foreign: int) -> int:
    """Return the most of an account that does not count yet, on any day from that of a debit's value on."""
    since = today if row["instruction_type"] in MAY_BE_POSTED_TODAY else max(row["value_date"], today)
    seen = {} if row["seen"] is None else json.loads(row["seen"]).get("ahead", {}).get(str(account_id), {})
    nets = {date.fromisoformat(day): int(minor) for day, minor in seen.items()}
    if foreign:
        there = foreign - sum(minor for day, minor in nets.items() if day > since)
        key = (account_id, since)
        shard.seen_by_value[key] = max(shard.seen_by_value.get(key, there), there)
    for day, (debits, credited) in shard.ahead.get(account_id, {}).items():
        nets[day] = nets.get(day, 0) + credited - debits
    worst = ahead = 0
    for day in sorted(nets, reverse=True):
        if day > since:
            ahead += nets[day]
            worst = max(worst, ahead)
    return worst


async def compare_values(connection: Connection, books: Books) -> None:
    """Each row is what the movements come to; no decision saw more from elsewhere than counted by then."""
    derived = {
        (shard.number, account_id, day): sums
        for shard in books.shards.values()
        for account_id, days in shard.ahead.items()
        for day, sums in days.items()
    }
    async for row in connection.cursor(
        "SELECT shard, account_id, value_date, debits, credits FROM transactions.day_balance",
        prefetch=PREFETCH,
    ):
        expected = derived.pop((row["shard"], row["account_id"], row["value_date"]), [0, 0])
        found = [row["debits"], row["credits"]]
        books.see("value_dates", expected == found, expected=expected, found=found, shard=row["shard"])
    for (number, account_id, day), sums in sorted(derived.items()):
        books.see("value_dates", False, expected=f"{account_id}: {sums} on {day}", found="none", shard=number)
    for shard in books.shards.values():
        for (account_id, since), seen in shard.seen_by_value.items():
            there = 0
            for other in books.shards.values():
                if other.number != shard.number:
                    there += other.rows.get(account_id, [0, 0])[1]
                    there -= sum(
                        sums[1] for day, sums in other.ahead.get(account_id, {}).items() if day > since
                    )
            books.see(
                "value_dates", seen <= there, expected=f"at most {there}", found=seen, shard=shard.number
            )


VALUE_DATES: Final = Effect(compare=compare_values)
