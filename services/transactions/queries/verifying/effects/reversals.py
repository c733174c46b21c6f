"""What was undone, came back or was allocated: at its home, by an exact mirror or in parts, never more."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Moved, Shard, Use
from services.transactions.queries.verifying.effects.effect import Effect
from services.transactions.queries.verifying.effects.grouping import asked_by
from services.transactions.queries.verifying.effects.obligations import part_undone
from shared.messages.kinds import FACTS

ITEM_CLASSES: Final = frozenset({"suspense", "return", "blocked_funds"})
"""Every credit to these accounts of the house's is an item."""
OF_ITEMS: Final = frozenset({"allocate", "write_off"})
"""Types that use items up."""
MAY_TAKE: Final = FACTS | {"reversal", "post_pending"}
"""Types whose postings may debit an account of items: facts, what a fact reserved, and what uses items up."""
Number = tuple[int, int]
"""Shard and seq."""
KINDS: Final = frozenset({"TransactionPosted", "CreditSwept"})
"""Events of which something may be made."""
STAND_INS: Final = frozenset({"account_closed", "account_frozen"})
"""Reasons for which a fact goes to an account of the house's and is what it is all the same."""


@dataclass(slots=True)
class Original:
    """What an event says it undoes, or is a part of: its kind, and its movements by leg."""

    kind: str
    instruction_type: str | None
    owner: str
    reopens: bool = False
    legs: dict[int, Moved] = field(default_factory=dict[int, Moved])


def is_forced(row: Mapping[str, Any]) -> bool:
    """Say whether an event is a reversal that may pass a limit, by right."""
    if row["instruction_type"] != "reversal":
        return False
    return bool(json.loads(row["content"]).get("forced", False))


def walk_use(
    books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]
) -> None:
    """Note what a posting says it undoes or is a part of; all that must say it do, and nothing else does."""
    undone: Mapping[str, int] | None = detail.get("reverses")
    part: Mapping[str, int] | None = detail.get("uses")
    code, kind, routed = row["instruction_type"], row["kind"], detail.get("routed")
    at: dict[str, Any] = {"shard": shard.number, "seq": row["seq"]}
    if code not in MAY_TAKE and kind in KINDS:
        whose = zip(legs, asked_by(row, legs, detail), strict=True)
        debited = [books.accounts.get(leg["debit_account"]) for leg, by in whose if by not in MAY_TAKE]
        taken = {each.account_class for each in debited if each is not None} & ITEM_CLASSES
        if taken:
            books.see("reversals", False, expected="items used up one by one", found=f"{code}: {taken}", **at)
    is_reversal, is_return = code == "reversal", code == "return"
    uses_part = code in OF_ITEMS or (is_return and (routed is None or routed in STAND_INS))
    if not (is_reversal or is_return or uses_part or undone is not None or part is not None):
        return
    books.see(
        "reversals",
        (undone is not None) == is_reversal
        and (part is not None) == uses_part
        and kind == "TransactionPosted"
        and _answered_for(row),
        expected="a posted reversal of a posting, or a part of a payment or item",
        found=f"{kind} of a {code}, reverses {undone}, uses {part}",
        **at,
    )
    if undone is not None:
        part_undone(books, shard, row, legs, undone)
    said = undone if part is None else part
    if said is not None:
        moved = [(leg["kind"], leg["debit_account"], leg["credit_account"], leg["amount"]) for leg in legs]
        number = (said["shard"], said["seq"])
        leg = None if part is None else part["leg"]
        reopens = detail.get("reopens", False)
        shard.uses.append(
            Use(row["seq"], code, row["owner"], number, leg, moved, routed is not None, reopens)
        )


def _answered_for(row: Mapping[str, Any]) -> bool:
    """Say whether two people answer for what is forced or given up."""
    asked = json.loads(row["content"])
    if not asked.get("forced", False) and row["instruction_type"] != "write_off":
        return True
    entered_by, approved_by = asked.get("entered_by"), asked.get("approved_by")
    return None not in (asked.get("reason"), entered_by, approved_by) and entered_by != approved_by


async def compare_uses(connection: Connection, books: Books) -> None:
    """Hold each use against what it is one of, and all of them against the table of them."""
    uses = [(shard.number, each) for shard in books.shards.values() for each in shard.uses]
    originals = await _originals(connection, [each.original for _, each in uses])
    derived: dict[tuple[int, int, int], list[tuple[int, int, int, int, int]]] = {}
    for number, use in sorted(uses, key=lambda each: (each[0], each[1].seq)):
        original = originals.get(use.original, Original("nothing", None, ""))
        at: dict[str, Any] = {"shard": number, "seq": use.seq}
        is_later = use.original[0] != number or use.original[1] < use.seq
        is_right = _is_mirror if use.leg is None else _is_part
        books.see(
            "reversals",
            original.kind in KINDS and is_later and is_right(books, use, original),
            expected=f"what mirrors or is a part of a posting before: {original.legs}",
            found=f"{use.legs} of {original.kind} {use.original}",
            **at,
        )
        for leg, amount in _used(books, use, original):
            whole = original.legs[leg][3]
            earlier = derived.setdefault((*use.original, leg), [])
            left = (earlier[-1][2] if earlier else whole) - amount
            holds = left >= 0 and all(each[3] == number for each in earlier)
            holds = holds and (use.leg is not None or not earlier)
            found = f"{amount} after {earlier}"
            books.see("reversals", holds, expected=f"{whole} used at most, at one home", found=found, **at)
            earlier.append((len(earlier) + 1, amount, left, number, use.seq))
    await _compare_rows(connection, books, derived)


async def _compare_rows(
    connection: Connection,
    books: Books,
    derived: Mapping[tuple[int, int, int], list[tuple[int, int, int, int, int]]],
) -> None:
    expected_rows = {(*key, *row): row for key, rows in derived.items() for row in rows}
    for row in await connection.fetch(
        """
        SELECT original_shard, original_seq, leg, part, amount, left_minor, shard, seq
        FROM transactions.reversed
        """
    ):
        found = tuple(row)
        expected = expected_rows.pop(found, None)
        at: dict[str, Any] = {"shard": row["shard"], "seq": row["seq"]}
        books.see("reversals", expected is not None, expected="no such row", found=found, **at)
    for expected in expected_rows:
        books.see("reversals", False, expected=expected, found="no row", shard=expected[-2], seq=expected[-1])


def _is_mirror(books: Books, use: Use, original: Original) -> bool:
    """Whether a reversal moves back what its home's movements moved, all of them and in order."""
    own = [
        (kind, credit, debit, amount)
        for kind, debit, credit, amount in original.legs.values()
        if _home_of(books, original, debit, credit) == use.owner
    ]
    reopens = original.instruction_type in OF_ITEMS
    is_one = original.kind == "TransactionPosted" and original.instruction_type != "reversal"
    return is_one and bool(own) and own == use.legs and reopens == use.reopens


def _is_part(books: Books, use: Use, original: Original) -> bool:
    """Whether it is a part of a payment, or of an item, and goes where that may go."""
    if use.reopens or use.leg not in original.legs:
        return False
    return (
        _is_of_item(books, use, original)
        if use.instruction_type in OF_ITEMS
        else _is_back(books, use, original)
    )


def _is_of_item(books: Books, use: Use, original: Original) -> bool:
    """Whether it takes from where an item is, and gives to an account that may have it."""
    assert use.leg is not None
    _, debit, kept, _ = original.legs[use.leg]
    ((_, taken, given, _),) = use.legs
    target = books.accounts[given]
    goes = target.account_class in ITEM_CLASSES - {"suspense"} if use.routed else _may_have(books, use, given)
    makes_one = original.instruction_type != "reversal" or original.reopens
    is_item = makes_one and books.accounts[kept].account_class in ITEM_CLASSES and taken == kept
    return is_item and goes and _home_of(books, original, debit, kept) == use.owner


def _may_have(books: Books, use: Use, given: int) -> bool:
    target = books.accounts[given]
    is_write_off = use.instruction_type == "write_off"
    return target.account_class not in ITEM_CLASSES and not (is_write_off and target.is_customer)


def _is_back(books: Books, use: Use, original: Original) -> bool:
    """Whether a return goes to who had paid, or to what stands in for them."""
    if use.leg != 0 or use.leg not in original.legs or original.instruction_type != "withdrawal":
        return False
    _, paid, out, _ = original.legs[use.leg]
    ((_, _, credit, _),) = use.legs
    payer, taker = books.accounts[paid], books.accounts[credit]
    is_same = taker.asset_id == payer.asset_id and taker.entity_id == payer.entity_id
    goes_home = is_same and not taker.is_customer if use.routed else credit == paid
    return goes_home and _home_of(books, original, paid, out) == use.owner


def _used(books: Books, use: Use, original: Original) -> Iterator[tuple[int, int]]:
    """The movements used, with the amount of each."""
    if use.leg is not None:
        if use.leg in original.legs:
            yield use.leg, sum(amount for *_, amount in use.legs)
        return
    for leg, (_, debit, credit, amount) in original.legs.items():
        if _home_of(books, original, debit, credit) == use.owner:
            yield leg, amount


def _home_of(books: Books, original: Original, debit: int, credit: int) -> str:
    """Whose a movement is to use: the customer it credits, else the one it debits, else who had it made."""
    for account_id in (credit, debit):
        account = books.accounts[account_id]
        if account.is_customer:
            return account.owner
    return original.owner


async def _originals(connection: Connection, numbers: list[Number]) -> dict[Number, Original]:
    """Read what is used."""
    rows = await connection.fetch(
        """
        SELECT journal.shard, journal.seq, journal.kind::text AS event, journal.instruction_type,
               journal.owner, coalesce(journal.detail->>'reopens' = 'true', false) AS reopens,
               movement.leg, movement.kind, movement.debit_account, movement.credit_account, movement.amount
        FROM (SELECT DISTINCT * FROM unnest($1::int[], $2::bigint[])) AS asked (shard, seq)
        JOIN transactions.journal USING (shard, seq)
        CROSS JOIN LATERAL (
            SELECT * FROM transactions.movement WHERE shard = asked.shard AND seq = asked.seq OFFSET 0
        ) AS movement
        ORDER BY journal.shard, journal.seq, movement.leg
        """,
        [shard for shard, _ in numbers],
        [seq for _, seq in numbers],
    )
    found: dict[Number, Original] = {}
    for row in rows:
        number = (row["shard"], row["seq"])
        if number not in found:
            found[number] = Original(row["event"], row["instruction_type"], row["owner"], row["reopens"])
        moved = (row["kind"], row["debit_account"], row["credit_account"], row["amount"])
        found[number].legs[row["leg"]] = moved
    return found


REVERSALS: Final = Effect(compare=compare_uses)
