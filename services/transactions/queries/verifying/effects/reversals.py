"""What was undone: by an exact mirror, at its home, and each movement at most once."""

import json
from collections.abc import Mapping
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Mirror, Moved, Shard
from services.transactions.queries.verifying.effects.effect import Effect

HOUSE: Final = "house"
Number = tuple[int, int]
"""Shard and seq."""


def is_forced(row: Mapping[str, Any]) -> bool:
    """Say whether an event is a reversal that may pass a limit, by right."""
    if row["instruction_type"] != "reversal":
        return False
    return bool(json.loads(row["content"]).get("forced", False))


def walk_reversal(
    books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]
) -> None:
    """Note what a posting says it undoes, if it does; all reversals say it, and nothing else does."""
    said: Mapping[str, int] | None = detail.get("reverses")
    is_one = row["instruction_type"] == "reversal"
    at: dict[str, Any] = {"shard": shard.number, "seq": row["seq"]}
    if is_one or said is not None:
        kind = row["kind"]
        found = f"{kind} of a {row['instruction_type']}, reverses {said}"
        holds = is_one and said is not None and kind == "TransactionPosted" and _answered_for(row)
        books.see("reversals", holds, expected="a posted reversal of a posting", found=found, **at)
    if said is not None:
        moved = [(leg["kind"], leg["debit_account"], leg["credit_account"], leg["amount"]) for leg in legs]
        shard.mirrors.append(Mirror(row["seq"], row["owner"], (said["shard"], said["seq"]), moved))


def _answered_for(row: Mapping[str, Any]) -> bool:
    """Say whether two people answer for a forced one."""
    asked = json.loads(row["content"])
    if not asked.get("forced", False):
        return True
    entered_by, approved_by = asked.get("entered_by"), asked.get("approved_by")
    return None not in (asked.get("reason"), entered_by, approved_by) and entered_by != approved_by


async def compare_reversals(connection: Connection, books: Books) -> None:
    """Hold each reversal against what it undoes, and what was undone against the table of it."""
    mirrors = [(shard.number, each) for shard in books.shards.values() for each in shard.mirrors]
    originals = await _originals(connection, [each.original for _, each in mirrors])
    derived: dict[tuple[int, int, int], tuple[int, int]] = {}
    for number, mirror in mirrors:
        at: dict[str, Any] = {"shard": number, "seq": mirror.seq}
        kind, legs = originals.get(mirror.original, ("nothing", []))
        own = [(leg, mirrored) for leg, mirrored in legs if _home_of(books, mirrored) == mirror.owner]
        expected = [mirrored for _, mirrored in own]
        is_later = mirror.original[0] != number or mirror.original[1] < mirror.seq
        books.see(
            "reversals",
            kind == "TransactionPosted" and is_later and bool(own) and expected == mirror.legs,
            expected=f"the mirror of a posting before: {expected}",
            found=f"{mirror.legs} of {kind} {mirror.original}",
            **at,
        )
        for leg, _ in own:
            before = derived.setdefault((*mirror.original, leg), (number, mirror.seq))
            once = before == (number, mirror.seq)
            books.see("reversals", once, expected="a movement undone once", found=f"by {before}", **at)
    for row in await connection.fetch(
        "SELECT original_shard, original_seq, leg, shard, seq FROM transactions.reversed"
    ):
        expected_by = derived.pop((row["original_shard"], row["original_seq"], row["leg"]), None)
        found = (row["shard"], row["seq"])
        books.see(
            "reversals", expected_by == found, expected=expected_by, found=found, shard=found[0], seq=found[1]
        )
    for original, (number, seq) in derived.items():
        books.see("reversals", False, expected=original, found="no row", shard=number, seq=seq)


def _home_of(books: Books, mirrored: Moved) -> str:
    """Whose a mirror is: the customer it debits, else the one it credits, else the house's."""
    for account_id in mirrored[1:3]:
        account = books.accounts[account_id]
        if account.is_customer:
            return account.owner
    return HOUSE


async def _originals(
    connection: Connection, numbers: list[Number]
) -> dict[Number, tuple[str, list[tuple[int, Moved]]]]:
    """Read what is undone: its kind; and by leg its movements the other way round, as a mirror has them."""
    rows = await connection.fetch(
        """
        SELECT journal.shard, journal.seq, journal.kind::text AS event, journal.instruction_type,
               movement.leg, movement.kind, movement.debit_account, movement.credit_account, movement.amount
        FROM (SELECT DISTINCT * FROM unnest($1::int[], $2::bigint[])) AS asked (shard, seq)
        JOIN transactions.journal USING (shard, seq)
        JOIN transactions.movement USING (shard, seq)
        ORDER BY journal.shard, journal.seq, movement.leg
        """,
        [shard for shard, _ in numbers],
        [seq for _, seq in numbers],
    )
    found: dict[Number, tuple[str, list[tuple[int, Moved]]]] = {}
    for row in rows:
        kind = "a reversal" if row["instruction_type"] == "reversal" else row["event"]
        _, legs = found.setdefault((row["shard"], row["seq"]), (kind, []))
        moved = (row["kind"], row["credit_account"], row["debit_account"], row["amount"])
        legs.append((row["leg"], moved))
    return found


REVERSALS: Final = Effect(compare=compare_reversals)
