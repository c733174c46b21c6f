"""What is owed for trades: booked by policy, moved to fails after their day, taken out of the books again."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import (
    Books,
    Moved,
    Open,
    Owed,
    Shard,
    decimal_of,
    minor_of,
)
from services.transactions.queries.verifying.effects.effect import Effect
from services.transactions.queries.verifying.effects.late import Standing, compare_late

INCOME: Final = -1
OTHER: Final = -2
FAILS: Final = -3
"""These stand for accounts that the chart names, and the event is asked for."""


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
        market = paid - kept if buys else paid + kept
        opened.owed = Owed(money.entity_id, buys, opened.due_on, market)
        return
    expected = ["trade_receivable", "trade_payable"]
    found = [classes[0][buys], classes[-1][not buys]] if len(classes) == 2 else []
    to_us, by_us = (paid, opened.whole[-1][2]) if buys else (opened.whole[-1][2], paid)
    holds = found == (expected if buys else expected[::-1]) and to_us - by_us == kept
    if not _see(books, shard, row, holds, f"money by {expected}, {kept} of it kept", f"{opened.whole}"):
        return
    receivable, payable = (payee, ends[1][0]) if buys else (ends[1][1], payer)
    owed = Owed(money.entity_id, buys, opened.due_on, opened.whole[-1][2], receivable, payable)
    owed.other = payable if buys else receivable
    opened.owed = owed
    _expect(
        owed, "traded", ("obligation", receivable, payable, by_us), ("commission", receivable, INCOME, kept)
    )


def part_settled(shard: Shard, opened: Open, before: int) -> None:
    """Say what must follow a part of a trade: what failed is cleared by it.

    `before` is what was left of the market's side.
    """
    owed = opened.owed
    if owed is None:
        return
    _fail_first(shard, owed, before)
    if owed.fails or owed.told:
        _expect(owed, "settled", _cleared(owed, before - _market_left(opened, owed)))


def cancelled(shard: Shard, opened: Open) -> None:
    """Say that what is left of a trade that is cancelled must be taken out of the books."""
    owed = opened.owed
    if owed is None:
        return
    left = _market_left(opened, owed)
    _fail_first(shard, owed, left)
    has_failed = bool(owed.fails or owed.told)
    if not owed.to_us:
        if has_failed:
            _expect(owed, "cancelled", _cleared(owed, left))
        return
    to_us = sum(amount for _, credit, amount in opened.legs if credit == owed.to_us)
    by_us = sum(amount for debit, _, amount in opened.legs if debit == owed.by_us)
    receivable = FAILS if has_failed and not owed.buys else owed.to_us
    payable = FAILS if has_failed and owed.buys else owed.by_us
    _expect(
        owed,
        "cancelled",
        ("obligation", payable, receivable, by_us),
        ("commission", INCOME, receivable, to_us - by_us),
    )


def part_undone(
    books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any], undone: Mapping[str, int]
) -> None:
    """Say that what a reversal undoes of a trade must be pending again, and failed if that it had.

    It must be the part that was settled last, of a trade whose rest was not cancelled.
    """
    trade_seq = shard.parts.get(undone["seq"]) if undone["shard"] == shard.number else None
    if trade_seq is None:
        return
    opened = shard.pending[trade_seq]
    owed = opened.owed
    holds = opened.parts[-1:] == [undone["seq"]] and not opened.cancelled
    found = f"{undone['seq']} of {opened.parts}{', cancelled' * opened.cancelled}"
    if (
        not _see(books, shard, row, holds, "the last part of a trade that is not cancelled", found)
        or not owed
    ):
        return
    opened.parts.pop()
    before = _market_left(opened, owed)
    opened.settled -= legs[0]["amount"]
    opened.resolved = None
    total = opened.whole[0][2]
    opened.legs = [
        (debit, credit, left)
        for debit, credit, amount in opened.whole
        if (left := amount - (amount * opened.settled * 2 + total) // (total * 2))
    ]
    for _, credit, _ in opened.whole:
        if books.accounts[credit].is_customer:
            shard.arriving.setdefault(credit, {})[trade_seq] = opened
    _expect(
        owed,
        "reopened",
        *((leg["kind"], leg["credit_account"], leg["debit_account"], leg["amount"]) for leg in legs),
    )
    if owed.fails:
        _expect(owed, "failed", _failing(owed, _market_left(opened, owed) - before))


def see_reopened(
    books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]
) -> None:
    """See that an event of what is pending again is the one that must follow its reversal."""
    opened = shard.pending.get(row["about_seq"] or 0)
    told = [] if opened is None or opened.owed is None else opened.owed.told
    moved = [(leg["kind"], leg["debit_account"], leg["credit_account"], leg["amount"]) for leg in legs]
    expected = told.pop(0) if told else ("nothing", [])
    holds = opened is not None and expected == ("reopened", moved) and row["topic"] is None
    if holds and opened is not None:
        scale = books.accounts[opened.whole[0][0]].scale
        holds = detail.get("settled") == decimal_of(opened.settled, scale)
    _see(books, shard, row, holds, f"{expected}", f"{moved}, settled {detail.get('settled')}")


def _fail_first(shard: Shard, owed: Owed, left: int) -> None:
    """Say that what comes to an end after its day must have failed before, where nothing has said so."""
    if _is_overdue(shard, owed):
        _expect(owed, "failed", _failing(owed, left))


def _failing(owed: Owed, left: int) -> Moved:
    debit, credit = (OTHER, FAILS) if owed.buys else (FAILS, OTHER)
    return "obligation", debit, credit, left


def _cleared(owed: Owed, part: int) -> Moved:
    """What takes so much of the market's side off the fails."""
    debit, credit = (FAILS, OTHER) if owed.buys else (OTHER, FAILS)
    return "obligation", debit, credit, part


def _is_overdue(shard: Shard, owed: Owed) -> bool:
    return not owed.fails and owed.due_on is not None and owed.due_on < shard.days[owed.entity_id]


def _market_left(opened: Open, owed: Owed) -> int:
    """What is left of the market's side: all but its share so far, rounded half up."""
    total = opened.whole[0][2]
    return owed.market - (owed.market * opened.settled * 2 + total) // (total * 2)


def market_left(opened: Open) -> int:
    """Return what is left of a trade's side with the market."""
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
    if not owed.told and opened.resolved is None and _is_overdue(shard, owed):
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
    """Put the accounts that an event names where the chart says them; later events must keep to them."""
    (kind, *ends, amount), found = pair
    for end, account_id in zip(ends, found[1:3], strict=True):
        account = books.accounts[account_id]
        holds = True
        if cause == "traded" and end == INCOME:
            owed.income = account_id
            holds = not account.is_customer
        elif cause == "failed" and end == FAILS:
            holds = account.account_class == ("fail_to_receive" if owed.buys else "fail_to_deliver")
            holds = holds and owed.fails in (0, account_id)
            owed.fails = account_id
        elif cause == "failed" and end == OTHER and not owed.other:
            owed.other = account_id
            holds = account.account_class == ("trade_receivable" if owed.buys else "trade_payable")
        _see(books, shard, row, holds, "the house's account for it", account.code)
    learned = {INCOME: owed.income, OTHER: owed.other, FAILS: owed.fails}
    debit, credit = (learned.get(end, end) for end in ends)
    return (kind, debit, credit, amount)


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
            overdue = opened.resolved is None and _is_overdue(shard, owed)
            if overdue and owed.due_on is not None and _market_left(opened, owed):
                standing.append(Standing(shard, seq, opened, owed.due_on))
    standing = _that_could_have(books, standing)
    await compare_late(
        connection, books, "obligations", standing, expected="moved to the fails", found="not moved"
    )


def _that_could_have(books: Books, standing: list[Standing]) -> list[Standing]:
    """Leave out those whose entity keeps no accounts of fails in their money."""
    if not standing:
        return []
    kept = {(each.entity_id, each.asset_id, each.account_class) for each in books.accounts.values()}
    found: list[Standing] = []
    for each in standing:
        owed = each.opened.owed
        assert owed is not None
        asset_id = books.accounts[each.opened.whole[1][0]].asset_id
        fails, other = (
            ("fail_to_receive", "trade_receivable") if owed.buys else ("fail_to_deliver", "trade_payable")
        )
        if {(owed.entity_id, asset_id, fails), (owed.entity_id, asset_id, other)} <= kept:
            found.append(each)
    return found


def _see(books: Books, shard: Shard, row: Mapping[str, Any], holds: bool, expected: str, found: str) -> bool:
    return books.see("obligations", holds, expected=expected, found=found, shard=shard.number, seq=row["seq"])


OBLIGATIONS: Final = Effect(compare=compare_obligations)
