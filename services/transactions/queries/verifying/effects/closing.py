"""Accounts closing, closed and opened again, and that only what arrives too late moves on them meanwhile."""

import json
from collections.abc import Mapping
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Closing, Shard
from services.transactions.queries.verifying.effects.effect import Effect


def credits_seen(books: Books, shard: Shard, row: Mapping[str, Any]) -> dict[int, int]:
    """Return the credits of other shards that a decision says it saw: never less than before."""
    said = {} if row["seen"] is None else json.loads(row["seen"]).get("credits", {})
    seen = {int(account_id): int(credited) for account_id, credited in said.items()}
    for account_id, credited in seen.items():
        books.see(
            "foreign_credits",
            credited >= shard.seen.get(account_id, 0),
            expected=f"at least {shard.seen.get(account_id)}",
            found=credited,
            shard=shard.number,
            seq=row["seq"],
        )
        shard.seen[account_id] = max(credited, shard.seen.get(account_id, 0))
    return seen


def walk_begin(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Begin to close an account at home that is open, free of freezes, and holds nothing."""
    del legs
    account_id = _named(books, json.loads(row["content"]))
    held = _left(books, shard, row, account_id)
    frozen = any(shard.standing.get(each) for each in (account_id, *books.within.get(account_id, ())))
    _see(
        books,
        shard,
        row,
        not _is_within(books, account_id)
        and shut_of(books, shard, account_id) is None
        and not frozen
        and held == (0, 0),
        "an account that is open, free and empty",
        f"{account_id} with {held}",
    )
    shard.closings.setdefault(account_id, []).append(Closing(row["seq"]))
    shard.watched.update((account_id, *books.within.get(account_id, ())))


def walk_closed(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Close an account that was closing, and has come to nothing by what home sees of all shards."""
    del legs
    account_id = _named(books, json.loads(row["detail"]))
    closing = shut_of(books, shard, account_id)
    held = _left(books, shard, row, account_id)
    holds = closing is not None and closing.closed_seq is None and held == (0, 0)
    _see(books, shard, row, holds and _about(row, closing), "one that is closing, and empty", f"{held}")
    if closing is not None:
        closing.closed_seq = row["seq"]


def walk_reopening(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Open an account again that is closing or closed, by two people."""
    del legs
    asked = json.loads(row["content"])
    account_id = _named(books, asked)
    closing = None if _is_within(books, account_id) else shut_of(books, shard, account_id)
    two = asked["entered_by"] != asked["approved_by"]
    _see(books, shard, row, closing is not None and two, "one that is shut, and two people", f"{closing}")
    if closing is not None:
        closing.reopened_seq = row["seq"]


def see_swept(
    books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any], seen: Mapping[int, int]
) -> None:
    """See that all that a shut account held, and no more, goes to suspense."""
    (leg,) = legs
    account_id: int = leg["debit_account"]
    row_here = shard.rows.get(account_id, [0, 0, 0, 0])
    left = row_here[1] - row_here[0] + seen.get(account_id, 0)
    suspense = books.accounts[leg["credit_account"]].account_class == "suspense"
    holds = _about(row, shut_of(books, shard, account_id)) and suspense and leg["amount"] == left
    _see(books, shard, row, holds, f"{left} of a shut account to suspense", f"{leg['amount']}")


def see_open(
    books: Books, shard: Shard, row: Mapping[str, Any], leg: Mapping[str, Any], at: dict[str, Any]
) -> None:
    """See that neither end of a movement is at home here and shut, but of one that is swept."""
    for side in ("debit", "credit"):
        shut = shard.closings and shut_of(books, shard, leg[f"{side}_account"])
        if shut and not (row["kind"] == "CreditSwept" and side == "debit"):
            books.see("closings", False, expected="an open account", found=f"{side} shut", **at)


async def compare_closings(connection: Connection, books: Books) -> None:
    """Each closing has its row, and no row is without one."""
    derived = {
        (account_id, each.seq): (each.closed_seq, each.reopened_seq)
        for shard in books.shards.values()
        for account_id, closings in shard.closings.items()
        for each in closings
    }
    for row in await connection.fetch(
        "SELECT account_id, seq, closed_seq, reopened_seq FROM transactions.account_closing"
    ):
        account_id, seq, *found = row
        expected = derived.pop((account_id, seq), None)
        home = books.accounts[account_id].home
        books.see("closings", expected == tuple(found), expected=expected, found=found, shard=home, seq=seq)
    for (account_id, seq), expected in derived.items():
        home = books.accounts[account_id].home if account_id in books.accounts else None
        books.see("closings", False, expected=expected, found="no row", shard=home, seq=seq)


def _named(books: Books, said: Mapping[str, Any]) -> int:
    return books.ids.get(said["account"], -1)


def shut_of(books: Books, shard: Shard, account_id: int) -> Closing | None:
    """Return the closing that stands on an account, or on the custody account it is within, if one does."""
    account = books.accounts.get(account_id)
    for each in (account_id, None if account is None else account.container):
        closings = shard.closings.get(each) if each is not None else None
        if closings and closings[-1].reopened_seq is None:
            return closings[-1]
    return None


def _is_within(books: Books, account_id: int) -> bool:
    account = books.accounts.get(account_id)
    return account is not None and account.container is not None


def _left(books: Books, shard: Shard, row: Mapping[str, Any], account_id: int) -> tuple[int, int]:
    """What an account and all within it hold by what home sees, and what is pending on them here."""
    seen = credits_seen(books, shard, row)
    held = pending = 0
    for each in (account_id, *books.within.get(account_id, ())):
        here = shard.rows.get(each, [0, 0, 0, 0])
        held += abs(here[1] - here[0] + seen.get(each, 0))
        pending += here[2] + here[3]
    return held, pending


def _about(row: Mapping[str, Any], closing: Closing | None) -> bool:
    """Whether an event of the ledger's own is about this closing."""
    return closing is not None and row["about_seq"] == closing.seq and row["topic"] is None


def _see(books: Books, shard: Shard, row: Mapping[str, Any], holds: bool, expected: str, found: str) -> None:
    books.see("closings", holds, expected=expected, found=found, shard=shard.number, seq=row["seq"])


CLOSING: Final = Effect(
    compare=compare_closings,
    kinds={"AccountClosed": walk_closed},
    applied={"close_account": walk_begin, "reopen_account": walk_reopening},
)
