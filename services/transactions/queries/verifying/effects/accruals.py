"""Accruals: what was posted of a series in all is what has accrued, rounded to whole minor units."""

import json
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Shard
from services.transactions.queries.verifying.effects.effect import Effect

KEY: Final = ("account", "series", "asset", "direction")
"""What names a series in its shard."""

FIRMS: Final = frozenset({"interest_expense", "interest_income"})
"""Classes of the firm's side; the other is whatever stands for the customer."""


def walk_accrual(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """See that a step is what has accrued since, in its direction; and none where that is nothing."""
    asked = json.loads(row["content"])
    direction = asked.get("direction", "credit")
    key = (asked["account"], asked["series"], asked["asset"], direction)
    with localcontext() as context:
        context.prec = 100
        minor = Decimal(asked["cumulative"]).scaleb(books.scales[asked["asset"]])
        accrued = int(minor.to_integral_value(ROUND_HALF_UP))
    expected = accrued - shard.accruals.get(key, (0, 0))[0]
    if direction == "debit":
        expected = -expected
    found = 0
    for leg in legs:
        is_given = books.accounts[leg["debit_account"]].account_class in FIRMS
        found += leg["amount"] if is_given else -leg["amount"]
    books.see(
        "accruals",
        found == expected and len(legs) == (expected != 0),
        expected=expected,
        found=found,
        shard=shard.number,
        seq=row["seq"],
    )
    shard.accruals[key] = (accrued, row["seq"])


async def compare_accruals(connection: Connection, books: Books) -> None:
    """Each series has its row, and no row is without one."""
    derived = {
        (shard.number, *key): each for shard in books.shards.values() for key, each in shard.accruals.items()
    }
    for row in await connection.fetch(
        """
        SELECT shard, account, series, asset, direction, posted_minor, seq
        FROM transactions.accrual ORDER BY shard, seq
        """
    ):
        expected = derived.pop((row["shard"], *(row[name] for name in KEY)), None)
        found = (row["posted_minor"], row["seq"])
        books.see(
            "accruals", expected == found, expected=expected, found=found, shard=row["shard"], seq=row["seq"]
        )
    for (number, _, series, *_), (posted, seq) in derived.items():
        books.see("accruals", False, expected=f"{series}: {posted}", found="no row", shard=number, seq=seq)


ACCRUALS: Final = Effect(compare=compare_accruals, applied={"accrual": walk_accrual})
