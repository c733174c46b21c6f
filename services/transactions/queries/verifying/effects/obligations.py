"""What is owed for trades: in the books by the entity's policy, and out of them as they come to an end."""

import json
from collections.abc import Mapping
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Moved, Open, Owed, Shard, minor_of
from services.transactions.queries.verifying.effects.effect import Effect


def see_trade(books: Books, shard: Shard, row: Mapping[str, Any], opened: Open) -> None:
    """See that a trade is booked by its entity's policy of the day, and say what must follow."""
    asked = json.loads(row["content"])
    (_, _, _), (payer, payee, paid), *_ = opened.whole
    money = books.accounts[payer]
    kept = minor_of(asked.get("commission") or "0", money.scale) or 0
    owed = [(leg[0], leg[1]) for leg in opened.whole[1:]]
    classes = [tuple(books.accounts[each].account_class for each in pair) for pair in owed]
    buys = asked["side"] == "buy"
    if not _by_trade_date(books, shard, money.entity_id):
        through = any("trade_" in each for pair in classes for each in pair)
        _see(books, shard, row, not through, "money straight to the market", f"{classes}")
        return
    expected = ["trade_receivable", "trade_payable"]
    found = [classes[0][buys], classes[-1][not buys]] if len(classes) == 2 else []
    to_us, by_us = (paid, opened.whole[-1][2]) if buys else (opened.whole[-1][2], paid)
    holds = found == (expected if buys else expected[::-1]) and to_us - by_us == kept
    if not _see(books, shard, row, holds, f"money by {expected}, {kept} of it kept", f"{opened.whole}"):
        return
    receivable, payable = (payee, owed[1][0]) if buys else (owed[1][1], payer)
    opened.owed = Owed(receivable, payable)
    _expect(opened.owed, "traded", receivable, payable, by_us, kept)


def undo(opened: Open) -> None:
    """Say that what is left of a trade that is cancelled must be taken out of the books."""
    owed = opened.owed
    if owed is None:
        return
    to_us = sum(amount for _, credit, amount in opened.legs if credit == owed.to_us)
    by_us = sum(amount for debit, _, amount in opened.legs if debit == owed.by_us)
    _expect(owed, "cancelled", owed.to_us, owed.by_us, by_us, to_us - by_us)


def _expect(owed: Owed, cause: str, to_us: int, by_us: int, both: int, kept: int) -> None:
    moved: list[Moved] = [("obligation", to_us, by_us, both), ("commission", to_us, owed.income, kept)]
    if cause == "cancelled":
        moved = [(kind, credit, debit, amount) for kind, debit, credit, amount in moved]
    moved = [each for each in moved if each[3]]
    if moved:
        owed.told.append((cause, moved))


def see_booked(
    books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]
) -> None:
    """See that an event of what is owed is the next that must follow about its trade."""
    opened = shard.pending.get(row["about_seq"] or 0)
    owed = None if opened is None else opened.owed
    moved: list[Moved] = [
        (leg["kind"], leg["debit_account"], leg["credit_account"], leg["amount"]) for leg in legs
    ]
    found = (detail.get("cause"), moved)
    if owed is None or not owed.told or row["topic"] is not None:
        _see(books, shard, row, False, "nothing", f"{found}")
        return
    expected = owed.told.pop(0)
    if expected[0] == "traded" and len(moved) > 1:
        # Where the commission goes is the chart's to say; what is undone must come from there.
        owed.income = moved[1][2]
        expected[1][1:] = [(*each[:2], owed.income, each[3]) for each in expected[1][1:]]
        earned = books.accounts[owed.income]
        _see(books, shard, row, not earned.is_customer, "an account of the house", earned.code)
    _see(books, shard, row, expected == found, f"{expected}", f"{found}")


def _by_trade_date(books: Books, shard: Shard, entity_id: int) -> bool:
    today = shard.days[entity_id]
    return any(
        each.policy == "trade_date"
        and each.valid_from <= today
        and (each.valid_until is None or today < each.valid_until)
        for each in books.trade_policies
        if each.entity_id == entity_id
    )


async def compare_obligations(connection: Connection, books: Books) -> None:
    """Nothing that had to follow is missing."""
    del connection
    for shard in books.shards.values():
        for seq, opened in shard.pending.items():
            for told in opened.owed.told if opened.owed is not None else ():
                books.see("obligations", False, expected=told, found="none", shard=shard.number, seq=seq)


def _see(books: Books, shard: Shard, row: Mapping[str, Any], holds: bool, expected: str, found: str) -> bool:
    return books.see("obligations", holds, expected=expected, found=found, shard=shard.number, seq=row["seq"])


OBLIGATIONS: Final = Effect(compare=compare_obligations)
