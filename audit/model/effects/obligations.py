"""What is owed for trades: booked, moved to fails, and out of the books again, by events behind others."""

from datetime import date
from fractions import Fraction
from math import floor

from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.predictions import Leg, Prediction, rejected
from audit.model.state import Pending, ShardState

Following = list[tuple[str, list[Leg]]]
"""Cause and movements of events, in order."""


def clear_part(books: Books, state: ShardState, pending: Pending, first: int, amount: int) -> bool:
    """A part that is settled after its day is taken off the fails; whether the counters take it.

    `amount` is how much of the first movement is settled.
    """
    if pending.asked.type != "trade":
        return True
    then = _failing(books, state, pending)
    back = _back(pending, then, _market_left(pending) - _market_left(pending, amount))
    return follow(books, state, pending, first, [*then, *(("settled", [leg]) for leg in back)])


def cancel(books: Books, state: ShardState, pending: Pending, first: int) -> bool:
    """What is left of it leaves the books again; whether the counters take that."""
    if pending.asked.type != "trade":
        return True
    then = _failing(books, state, pending)
    if not pending.owed:
        back = _back(pending, then, _market_left(pending))
        return follow(books, state, pending, first, [*then, *(("cancelled", [leg]) for leg in back)])
    fails, _ = _fails(pending, then)
    (owed, *kept) = pending.owed
    to_us = sum(leg.amount for leg in pending.legs if leg.credit == owed.debit)
    by_us = sum(leg.amount for leg in pending.legs if leg.debit == owed.credit)
    ours, theirs = owed.debit, owed.credit
    if fails is not None:
        ours, theirs = (ours, fails) if _buys(pending) else (fails, theirs)
    back = [Leg(owed.kind, theirs, ours, owed.asset, by_us)]
    back += [Leg(each.kind, each.credit, ours, each.asset, to_us - by_us) for each in kept]
    return follow(books, state, pending, first, [*then, ("cancelled", back)])


def fail_again(books: Books, state: ShardState, pending: Pending, first: int, amount: int) -> bool:
    """What is undone of a trade that has failed is among the fails again; whether the counters take it."""
    if pending.failed is None or pending.failed_from is None:
        return True
    share = _market_left(pending, -amount) - _market_left(pending)
    ends = (pending.failed_from, pending.failed) if _buys(pending) else (pending.failed, pending.failed_from)
    leg = Leg("obligation", *ends, pending.legs[-1].asset, share)
    return follow(books, state, pending, first, [("failed", [leg])])


def booked(books: Books, state: ShardState, row: JournalRow) -> Prediction | None:
    """The event that had to come next about a trade, or that it has failed; none where neither is so."""
    first = row.about_seq or 0
    pending = state.pendings.get(first)
    if pending is None:
        return None
    if not pending.following and pending.resolved_seq is None:
        follow(books, state, pending, first, _failing(books, state, pending))
    if not pending.following or pending.following[0].kind != row.kind:
        return None
    said = pending.following.pop(0)
    for leg in said.movements:
        state.post(leg)
    return said


def follow(books: Books, state: ShardState, pending: Pending, first: int, then: Following) -> bool:
    """Say which events must come next about a trade; whether the counters take them, else none does."""
    then = [(cause, legs) for cause, moved in then if (legs := [leg for leg in moved if leg.amount])]
    if not state.would_fit([leg for _, legs in then for leg in legs]):
        return False
    day = books.day_of(state, pending.legs[0].debit)
    for cause, legs in then:
        pending.following.append(
            Prediction(
                "ObligationBooked",
                about_seq=first,
                movements=legs,
                booking_date=day,
                value_date=day,
                cause=cause,
            )
        )
    pending.failed, pending.failed_from = _fails(pending, then)
    return True


def does_not_fit(field: str) -> Prediction:
    """Say no, for a counter would grow too large."""
    return rejected("balance_overflow", field)


def _failing(books: Books, state: ShardState, pending: Pending) -> Following:
    """What moves the market's side to the fails, if its day has passed and it is not there.

    By trade date from what is owed to it or by it; by settlement date from what the customer is owed or owes.
    """
    if pending.asked.type != "trade" or pending.failed is not None:
        return []
    market = pending.legs[-1]
    day = books.day_of(state, pending.legs[0].debit)
    due = pending.asked.content.get("contractual_settlement_date")
    if due is None or date.fromisoformat(due) >= day:
        return []
    entity = books.known(state, market.debit).entity
    names = ("fail_to_receive", "receivable") if _buys(pending) else ("fail_to_deliver", "payable")
    fails, other = (books.against(entity, pending.asked, name, market.asset, day) for name in names)
    if pending.owed:
        other = market.debit if _buys(pending) else market.credit
    amount = _market_left(pending)
    if fails is None or other is None or not amount:
        return []
    ends = (other, fails) if _buys(pending) else (fails, other)
    return [("failed", [Leg("obligation", *ends, market.asset, amount)])]


def _back(pending: Pending, then: Following, amount: int) -> list[Leg]:
    """What takes so much off the fails, if the market's side is there once these events have come."""
    fails, other = _fails(pending, then)
    if fails is None or other is None:
        return []
    ends = (fails, other) if _buys(pending) else (other, fails)
    return [Leg("obligation", *ends, pending.legs[-1].asset, amount)]


def _fails(pending: Pending, then: Following) -> tuple[str | None, str | None]:
    """The account of fails where the market's side is, once these events have come, and whence it came."""
    for cause, (leg, *_) in then:
        if cause == "failed":
            return (leg.credit, leg.debit) if _buys(pending) else (leg.debit, leg.credit)
    return pending.failed, pending.failed_from


def _market_left(pending: Pending, further: int = 0) -> int:
    """What is left of all that goes to the market or comes from it, when so much more is settled."""
    quantity, paid, *rest = pending.whole
    if pending.owed:
        (market,) = rest
    else:
        market = paid - sum(rest) if _buys(pending) else paid + sum(rest)
    return market - floor(market * Fraction(pending.settled + further, quantity) + Fraction(1, 2))


def _buys(pending: Pending) -> bool:
    return bool(pending.asked.content["side"] == "buy")
