"""Dry runs: what they say would be is what would be, as far as it can be told from balances and days."""

import json
from collections.abc import Mapping
from typing import Any, Final

from services.transactions.queries.verifying.books import Books, Shard, decimal_of, minor_of
from services.transactions.queries.verifying.effects.effect import Effect


def walk_dry_run(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """See on which day it would be booked, and which balances it would leave. Nothing here is changed."""
    del legs
    detail = json.loads(row["detail"])
    would_be: Mapping[str, Any] = detail["would_be"]
    rows: dict[str, list[int]] = {}
    expected: list[dict[str, Any]] = []
    at: dict[str, Any] = {"shard": shard.number, "seq": row["seq"]}
    for leg in would_be.get("movements", ()):
        day, said = shard.days[books.entities[leg["debit"]["entity"]]].isoformat(), would_be["booking_date"]
        books.see("booking_dates", said == day, expected=day, found=said, **at)
        scale: int = leg["scale"]
        amount = minor_of(leg["amount"], scale) or 0
        taken, given = (_row_of(books, shard, rows, leg[side]["account"]) for side in ("debit", "credit"))
        if would_be["type"] == "TransactionPosted":
            taken[0] += amount
            given[1] += amount
        expected.append(
            {
                "leg": leg["leg"],
                "debit": decimal_of(taken[1] - taken[0], scale),
                "credit": decimal_of(given[1] - given[0], scale),
            }
        )
    found = detail.get("balances_after", [])
    books.see("after_balances", expected == found, expected=expected, found=found, **at)


def _row_of(books: Books, shard: Shard, rows: dict[str, list[int]], code: str) -> list[int]:
    """Return what this shard has of an account, to be changed; nothing of one that there is not."""
    if code not in rows:
        rows[code] = list(shard.rows.get(books.ids.get(code, 0), (0, 0, 0, 0)))
    return rows[code]


# There is no row that it leaves; that its id is not taken is seen with all ids.
DRY_RUNS: Final = Effect(kinds={"DryRunJudged": walk_dry_run})
