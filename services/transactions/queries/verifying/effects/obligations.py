"""What is owed for trades: booked by policy, moved to fails after their day, taken out of the books again."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Moved, Open, Owed, Shard, minor_of
from services.transactions.queries.verifying.effects.effect import Effect
from services.transactions.queries.verifying.effects.late import Standing, compare_late

UNKNOWN: Final = 0
"""Stands for an account that the chart names, and the event is asked for."""


def arriving_by(shard: Shard, row: Mapping[str, Any], account_id: int) -> int:
    """Return what trades that are pending bring to an account by the day on which this one is due."""
    last_day = due_of(row) if row["instruction_type"] == "trade" else None
    coming = shard.arriving.get(account_id)
    if last_day is None or not coming:
        return 0
    for seq in [seq for seq, opened in coming.items() if opened.resolved is not None]:
        del coming[seq]
    return sum(
        amount
        for seq, opened in coming.items()
        if seq != row["seq"] and opened.due_on is not None and opened.due_on <= last_day
        for _, credit, amount in opened.legs
        if credit == account_id
    )


def due_of(row: Mapping[str, Any]) -> date | None:
    """Return the day on which what was asked is to be settled, if it says so."""
    due_on = json.loads(row["content"]).get("contractual_settlement_date")
    return None if due_on is None else date.fromisoformat(due_on)


def see_trade(books: Books, shard: Shard, row: Mapping[str, Any], opened: Open) -> None:
    """See that a trade is booked by its entity's policy of the day, and say what must follow."""
    asked = json.loads(row["content"])
    opened.due_on = due_of(row)
    for _, credit, _ in opened.whole:
        if books.accounts[credit].is_customer:
            shard.arriving.setdefault(credit, {})[row["seq"]] = opened
    payer, payee, paid = opened.whole[1]
    money = books.accounts[payer]
    kept = minor_of(asked.get("commission") or "0", money.scale) or 0
    ends = [(debit, credit) for debit, credit, _ in opened.whole[1:]]
    classes = [tuple(books.accounts[each].account_class for each in pair) for pair in ends]
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
    receivable, payable = (payee, ends[1][0]) if buys else (ends[1][1], payer)
    owed = Owed(receivable, payable, buys, opened.due_on)
    opened.owed = owed
    _expect(
        owed, "traded", ("obligation", receivable, payable, by_us), ("commission", receivable, UNKNOWN, kept)
    )


def part_settled(shard: Shard, books: Books, opened: Open, before: int) -> None:
    """Say what must follow a part of a trade: what failed is cleared by it.

    `before` is what was left of the market's side.
    """
    owed = opened.owed
    if owed is None:
        return
    _fail_first(books, shard, owed, before)
    if not owed.fails and not owed.told:
        return
    part = before - _market_left(opened, owed)
    debit, credit = (owed.fails, owed.by_us) if owed.buys else (owed.to_us, owed.fails)
    _expect(owed, "settled", ("obligation", debit, credit, part))


def cancelled(shard: Shard, books: Books, opened: Open) -> None:
    """Say that what is left of a trade that is cancelled must be taken out of the books."""
    owed = opened.owed
    if owed is None:
        return
    _fail_first(books, shard, owed, _market_left(opened, owed))
    has_failed = bool(owed.fails or owed.told)
    to_us = sum(amount for _, credit, amount in opened.legs if credit == owed.to_us)
    by_us = sum(amount for debit, _, amount in opened.legs if debit == owed.by_us)
    receivable = owed.fails if has_failed and not owed.buys else owed.to_us
    payable = owed.fails if has_failed and owed.buys else owed.by_us
    _expect(
        owed,
        "cancelled",
        ("obligation", payable, receivable, by_us),
        ("commission", owed.income, receivable, to_us - by_us),
    )


def _fail_first(books: Books, shard: Shard, owed: Owed, left: int) -> None:
    """Say that what comes to an end after its day must have failed before, where nothing has said so."""
    if _is_overdue(books, shard, owed):
        _expect(owed, "failed", _failing(owed, left))


def _failing(owed: Owed, left: int) -> Moved:
    debit, credit = (owed.by_us, UNKNOWN) if owed.buys else (UNKNOWN, owed.to_us)
    return "obligation", debit, credit, left


def _is_overdue(books: Books, shard: Shard, owed: Owed) -> bool:
    entity_id = books.accounts[owed.to_us].entity_id
    return not owed.fails and owed.due_on is not None and owed.due_on < shard.days[entity_id]


def _market_left(opened: Open, owed: Owed) -> int:
    """What is left of the movement between the house and the market."""
    side, account = (0, owed.by_us) if owed.buys else (1, owed.to_us)
    return sum(leg[2] for leg in opened.legs if leg[side] == account)


def market_left(opened: Open) -> int:
    """Return what is left of a trade's side with the market, where it is booked."""
    return 0 if opened.owed is None else _market_left(opened, opened.owed)


def _expect(owed: Owed, cause: str, *moved: Moved) -> None:
    kept = [each for each in moved if each[3]]
    if kept:
        owed.told.append((cause, kept))


def see_booked(
    books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]
) -> None:
    """See that an event of what is owed is the next that must follow its trade, or says that it failed."""
    opened = shard.pending.get(row["about_seq"] or 0)
    owed = None if opened is None else opened.owed
    moved: list[Moved] = [
        (leg["kind"], leg["debit_account"], leg["credit_account"], leg["amount"]) for leg in legs
    ]
    found = (detail.get("cause"), moved)
    if opened is None or owed is None or row["topic"] is not None:
        _see(books, shard, row, False, "nothing", f"{found}")
        return
    if not owed.told and opened.resolved is None and _is_overdue(books, shard, owed):
        _expect(owed, "failed", _failing(owed, _market_left(opened, owed)))
    if not owed.told:
        _see(books, shard, row, False, "nothing", f"{found}")
        return
    cause, expected = owed.told.pop(0)
    for place, each in enumerate(zip(list(expected), moved, strict=False)):
        expected[place] = _learned(books, shard, row, owed, cause, each)
    _see(books, shard, row, (cause, expected) == found, f"{(cause, expected)}", f"{found}")


def _learned(
    books: Books,
    shard: Shard,
    row: Mapping[str, Any],
    owed: Owed,
    cause: str,
    pair: tuple[Moved, Moved],
) -> Moved:
    """Put the account that an event names where the chart says it; what is booked later must keep to it."""
    (kind, debit, credit, amount), found = pair
    if UNKNOWN not in (debit, credit):
        return pair[0]
    account_id = found[1] if debit == UNKNOWN else found[2]
    account = books.accounts[account_id]
    if cause == "traded":
        owed.income = account_id
        holds = not account.is_customer
    elif cause == "failed":
        owed.fails = account_id
        holds = account.account_class == ("fail_to_receive" if owed.buys else "fail_to_deliver")
    else:
        account_id, holds = owed.fails, bool(owed.fails)
    _see(books, shard, row, holds, "the house's account for it", account.code)
    return (kind, debit or account_id, credit or account_id, amount)


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
    """Nothing that had to follow is missing, and no trade whose day has passed stands as if it had not."""
    standing: list[Standing] = []
    for shard in books.shards.values():
        for seq, opened in shard.pending.items():
            owed = opened.owed
            if owed is None:
                continue
            for told in owed.told:
                books.see("obligations", False, expected=told, found="none", shard=shard.number, seq=seq)
            overdue = opened.resolved is None and _is_overdue(books, shard, owed)
            if overdue and owed.due_on is not None and _market_left(opened, owed):
                standing.append(Standing(shard, seq, opened, owed.due_on))
    await compare_late(
        connection, books, "obligations", standing, expected="moved to the fails", found="not moved"
    )


def _see(books: Books, shard: Shard, row: Mapping[str, Any], holds: bool, expected: str, found: str) -> bool:
    return books.see("obligations", holds, expected=expected, found=found, shard=shard.number, seq=row["seq"])


OBLIGATIONS: Final = Effect(compare=compare_obligations)
