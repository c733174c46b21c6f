"""What is reserved: cleared, settled whole or by parts, given back."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Open, Shard, decimal_of
from services.transactions.queries.verifying.effects.effect import Effect
from services.transactions.queries.verifying.effects.expiry import compare_expired, has_expired
from services.transactions.queries.verifying.effects.obligations import (
    cancelled,
    market_left,
    part_settled,
    see_trade,
)
from services.transactions.queries.verifying.effects.screening import see_screened


def walk_cleared(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Clear what compliance was asked about."""
    del legs
    seq: int = row["seq"]
    opened = shard.pending.get(row["about_seq"] or 0)
    waits = (
        opened is not None
        and opened.waits
        and opened.resolved is None
        and not has_expired(books, shard, opened)
    )
    found = f"about {row['about_seq']}"
    books.see("pendings", waits, expected="one that waits", found=found, shard=shard.number, seq=seq)
    if opened is not None:
        opened.cleared = seq


def resolved(
    books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]
) -> tuple[bool, int]:
    """Say whether this event settles something pending, and what it gives back beside its movements.

    A decision ends what waits for one, an instruction (`resolves`) what does not.
    """
    kind: str = row["kind"]
    named: Mapping[str, int] | None = detail.get("resolves")
    about: int | None = row["about_seq"] if named is None else named["seq"]
    if kind in ("TransactionPending", "CreditSwept", "ObligationBooked", "PendingReopened") or (
        about is None and kind == "TransactionPosted"
    ):
        return False, 0
    if "executes" in detail:
        return False, 0
    at: dict[str, Any] = {"shard": shard.number, "seq": row["seq"]}
    opened = shard.pending.get(about or 0)
    moved = [(leg["debit_account"], leg["credit_account"], leg["amount"]) for leg in legs]
    if opened is None or opened.resolved is not None or not _may_end(books, shard, row, opened, named):
        books.see("pendings", False, expected="an end of what is pending", found=f"about {about}", **at)
        return opened is not None, 0
    if named is not None and kind == "TransactionPosted" and len(opened.whole) > 1:
        before = market_left(opened)
        expected = _in_proportion(opened, moved[0][2])
        part_settled(shard, opened, before)
        same = expected == moved and detail.get("freed") is None
        if opened.owed is not None:
            opened.parts.append(row["seq"])
            shard.parts[row["seq"]] = about or 0
            scale = books.accounts[opened.whole[0][0]].scale
            same = same and detail.get("settled") == decimal_of(opened.settled, scale)
        books.see("pendings", same, expected=expected, found=moved, **at)
        if not opened.legs:
            opened.resolved = row["seq"]
            _stands_no_longer(shard, opened, about)
        return True, 0
    rest = 0
    if named is None:
        same = opened.legs == moved and opened.instruction_id == row["instruction_id"]
    elif kind == "TransactionVoided":
        same = opened.legs == moved
        cancelled(shard, opened)
        opened.cancelled = True
    else:
        debit, credit, left = opened.legs[0]
        amount = moved[0][2]
        same = [(debit, credit, amount)] == moved and amount <= left
        rest = left - amount
        opened.settled += amount
        opened.legs = [(debit, credit, rest)]
    books.see("pendings", same, expected=opened.legs, found=moved, **at)
    freed: str | None = detail.get("freed")
    if rest and freed is None:
        return True, 0
    opened.resolved = row["seq"]
    _stands_no_longer(shard, opened, about)
    expected = decimal_of(rest, books.accounts[legs[0]["debit_account"]].scale) if rest else None
    books.see("pendings", freed == expected, expected=f"freed: {expected}", found=f"freed: {freed}", **at)
    return True, rest


def _stands_no_longer(shard: Shard, opened: Open, about: int | None) -> None:
    for debit, _, _ in opened.whole:
        shard.expiring.get(debit, {}).pop(about or 0, None)


def open_pending(
    books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]
) -> None:
    """Keep what is pending from now on, and where it expires, under the account that it debits."""
    see_screened(books, shard, row, legs, detail)
    content: bytes = row["content"]
    last_day: str | None = json.loads(content).get("expires_on") if b'"expires_on"' in content else None
    reserved = [(leg["debit_account"], leg["credit_account"], leg["amount"]) for leg in legs]
    opened = shard.pending[row["seq"]] = Open(
        reserved,
        row["instruction_id"],
        detail.get("screening", True),
        None if last_day is None else date.fromisoformat(last_day),
        row["owner"],
        tuple(reserved),
    )
    if row["instruction_type"] == "trade":
        see_trade(books, shard, row, opened)
    if opened.expires_on is not None:
        for debit, _, _ in opened.legs:
            shard.expiring.setdefault(debit, {})[row["seq"]] = opened


def _may_end(
    books: Books, shard: Shard, row: Mapping[str, Any], opened: Open, named: Mapping[str, int] | None
) -> bool:
    """Say whether such an event may end it: the ledger's own only once it has expired, any other before."""
    if row["reason"] == "expired":
        return named is None and row["topic"] is None and has_expired(books, shard, opened)
    return opened.waits == (named is None) and not has_expired(books, shard, opened)


def _in_proportion(opened: Open, quantity: int) -> list[tuple[int, int, int]]:
    """Settle so much of the first movement, and say what of each that must be: its share so far, half up."""
    total = opened.whole[0][2]
    before, after = opened.settled, opened.settled + quantity
    opened.settled = after
    parts: list[tuple[int, int, int]] = []
    opened.legs = []
    for debit, credit, amount in opened.whole:
        earlier, so_far = ((amount * each * 2 + total) // (total * 2) for each in (before, after))
        if so_far > earlier:
            parts.append((debit, credit, so_far - earlier))
        if amount > so_far:
            opened.legs.append((debit, credit, amount - so_far))
    return parts


async def compare_pendings(connection: Connection, books: Books) -> None:
    """What was reserved stands in the moving rows as it was left, and nothing else does."""
    await compare_expired(connection, books)
    derived = {
        (shard.number, seq): opened.row
        for shard in books.shards.values()
        for seq, opened in shard.pending.items()
    }
    for row in await connection.fetch(
        "SELECT shard, seq, screening, cleared_seq, settled_minor, resolved_seq FROM transactions.pending"
    ):
        number, seq, *said = row
        found = tuple(said)
        expected = derived.pop((number, seq), None)
        books.see("pendings", expected == found, expected=expected, found=found, shard=number, seq=seq)
    for (number, seq), expected in derived.items():
        books.see("pendings", False, expected=expected, found="no row", shard=number, seq=seq)


PENDINGS: Final = Effect(compare=compare_pendings, kinds={"PendingCleared": walk_cleared})
