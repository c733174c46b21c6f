"""Roles with a customer, told of an account at home. Who has them is sealed, and leaves no row."""

import json
from collections.abc import Mapping
from typing import Any, Final

from services.transactions.queries.verifying.books import Books, Shard
from services.transactions.queries.verifying.effects.effect import Effect


def walk_holder(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """See that it is about an account of the owner's."""
    asked = json.loads(row["content"])
    account = books.accounts.get(books.ids.get(asked["account"], -1))
    is_own = account is not None and account.is_customer and account.owner == row["owner"]
    books.see(
        "accounts",
        is_own and not legs,
        expected="an account of the owner's, and nothing moved",
        found=asked["account"],
        shard=shard.number,
        seq=row["seq"],
    )


HOLDERS: Final = Effect(applied={"change_holder": walk_holder})
