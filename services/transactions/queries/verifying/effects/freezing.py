"""Freezes placed and lifted, of a direction or an amount, and that nothing passes one."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Freeze, Shard, minor_of
from services.transactions.queries.verifying.effects.effect import Effect


def walk_freeze(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Place a freeze."""
    del legs
    asked = json.loads(row["content"])
    account_id = books.ids.get(asked["account"], -1)
    direction, freeze_id, text = asked.get("direction", "both"), asked["freeze_id"], asked.get("amount")
    amount = None if text is None else minor_of(text, books.accounts[account_id].scale)
    holds = amount is None or (amount > 0 and direction == "debit")
    found = f"{amount} for {direction}"
    books.see(
        "freezes", holds, expected="an amount of debits", found=found, shard=shard.number, seq=row["seq"]
    )
    freeze = Freeze(direction, amount, row["seq"])
    shard.freezes[account_id, freeze_id] = freeze
    shard.standing.setdefault(account_id, {})[freeze_id] = freeze
    shard.watched.update((account_id, *books.within.get(account_id, ())))


def walk_unfreeze(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Lift a freeze that stands."""
    del legs
    asked = json.loads(row["content"])
    seq: int = row["seq"]
    account_id, freeze_id = books.ids.get(asked["account"], -1), asked["freeze_id"]
    placed = shard.freezes.get((account_id, freeze_id))
    stands = placed is not None and placed.lifted_seq is None
    books.see("freezes", stands, expected="a standing freeze", found="none", shard=shard.number, seq=seq)
    if placed is not None:
        shard.freezes[account_id, freeze_id] = replace(placed, lifted_seq=seq)
    shard.standing.get(account_id, {}).pop(freeze_id, None)


def see_freezes(books: Books, shard: Shard, leg: Mapping[str, Any], at: dict[str, Any]) -> None:
    """See that neither end of a movement is frozen for it."""
    for side in ("debit", "credit"):
        account_id: int = leg[f"{side}_account"]
        account = books.accounts.get(account_id)
        box = None if account is None else account.container
        standing = [
            *shard.standing.get(account_id, {}).values(),
            *({} if box is None else shard.standing.get(box, {})).values(),
        ]
        if account_id in shard.standing or box in shard.standing:
            stopped = [each for each in standing if each.amount is None and each.direction in (side, "both")]
            books.see("freezes", not stopped, expected="no freeze", found=f"{side} frozen", **at)


def frozen_of(shard: Shard, account_id: int) -> int:
    """Return how much of what is available on an account standing freezes keep."""
    return sum(each.amount or 0 for each in shard.standing.get(account_id, {}).values())


async def compare_freezes(connection: Connection, books: Books) -> None:
    """Each freeze has its row, and no row is without one."""
    derived = {key: value for shard in books.shards.values() for key, value in shard.freezes.items()}
    for row in await connection.fetch(
        """
        SELECT account_id, freeze_id, direction, amount_minor, seq, lifted_seq
        FROM transactions.account_freeze
        """
    ):
        expected = derived.pop((row["account_id"], row["freeze_id"]), None)
        found = Freeze(row["direction"], row["amount_minor"], row["seq"], row["lifted_seq"])
        home = books.accounts[row["account_id"]].home
        books.see("freezes", expected == found, expected=expected, found=found, shard=home, seq=row["seq"])
    for (account_id, _), value in derived.items():
        home = books.accounts[account_id].home if account_id in books.accounts else None
        books.see("freezes", False, expected=value, found="no row", shard=home, seq=value.seq)


FREEZING: Final = Effect(
    compare=compare_freezes,
    applied={"freeze_account": walk_freeze, "unfreeze_account": walk_unfreeze},
)
