"""Limits set anew, and the one that is in force when a movement is made."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Account, Books, Limit, Shard, minor_of
from services.transactions.queries.verifying.effects.closing import shut_of
from services.transactions.queries.verifying.effects.effect import Effect


def walk_limit(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Set a limit from a day on that is not over yet."""
    del legs
    asked = json.loads(row["content"])
    account_id = books.ids.get(asked["account"], -1)
    account = books.accounts.get(account_id)
    at: dict[str, Any] = {"shard": shard.number, "seq": row["seq"]}
    if not books.see(
        "limits",
        account is not None
        and account.is_customer
        and account.home == shard.number
        and shut_of(books, shard, account_id) is None,
        expected="an open account at home here",
        found=asked["account"],
        **at,
    ):
        return
    assert account is not None
    today = shard.days[account.entity_id]
    since = asked.get("valid_from") or today.isoformat()
    until = asked.get("valid_until")
    said = json.loads(row["detail"] or "{}").get("valid_from")
    books.see(
        "limits",
        said == since and since >= today.isoformat() and (until is None or until > since),
        expected=f"from {since}, {today} or later",
        found=f"from {said} until {until}",
        **at,
    )
    shard.watched.add(account_id)
    shard.limits.setdefault(account_id, []).append(
        Limit(
            row["seq"],
            minor_of(asked["limit"], account.scale),
            minor_of(asked.get("cap"), account.scale),
            date.fromisoformat(since),
            None if until is None else date.fromisoformat(until),
            asked["authority"],
        )
    )


def limit_of(shard: Shard, account_id: int, account: Account) -> int | None:
    """Return the limit in force on the day that is open: the last one set that holds, else the opening's."""
    holding = _in_force(shard, account_id, account)
    return account.limit if holding is None else holding.minor


def _in_force(shard: Shard, account_id: int, account: Account) -> Limit | None:
    holding = [each for each in shard.limits.get(account_id, ()) if each.holds(shard.days[account.entity_id])]
    return holding[-1] if holding else None


def see_caps(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """See that a request takes no more from an account at one go than it may."""
    for account_id in {leg["debit_account"] for leg in legs} & shard.limits.keys():
        limit = _in_force(shard, account_id, books.accounts[account_id])
        if limit is None or limit.cap is None:
            continue
        taken = sum(leg["amount"] for leg in legs if leg["debit_account"] == account_id)
        at: dict[str, Any] = {"shard": shard.number, "seq": row["seq"]}
        books.see("limits", taken <= limit.cap, expected=f"at most {limit.cap}", found=taken, **at)


async def compare_limits(connection: Connection, books: Books) -> None:
    """Each limit set has its row, and no row is without one."""
    derived = {
        (account_id, each.seq): each
        for shard in books.shards.values()
        for account_id, limits in shard.limits.items()
        for each in limits
    }
    for row in await connection.fetch(
        """
        SELECT account_id, seq, limit_minor, cap_minor, valid_from, valid_until, authority
        FROM transactions.account_limit
        """
    ):
        account_id, *said = row
        expected = derived.pop((account_id, row["seq"]), None)
        home = books.accounts[account_id].home
        books.see(
            "limits", expected == Limit(*said), expected=expected, found=said, shard=home, seq=row["seq"]
        )
    for (account_id, seq), expected in derived.items():
        home = books.accounts[account_id].home
        books.see("limits", False, expected=expected, found="no row", shard=home, seq=seq)


LIMITS: Final = Effect(compare=compare_limits, applied={"change_limit": walk_limit})
