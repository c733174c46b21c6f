"""What is owed for trades: booked, moved to fails, and out of the books again, by events behind others."""

from datetime import date

from audit.evidence import JournalRow
from audit.model.books import Books
from audit.model.predictions import Leg, Prediction, rejected
from audit.model.state import Pending, ShardState

Following = list[tuple[str, list[Leg]]]
"""Cause and movements of events, in order."""


def clear_part(books: Books, state: ShardState, pending: Pending, first: int, parts: list[int]) -> bool:
    """A part that is settled after its day is taken off the fails; whether the counters take it.

    `parts` is how much of each movement is settled.
    """
    if not pending.owed:
        return True
    then = _failing(books, state, pending)
    fails = _fails(pending, then)
    if fails is not None:
        market = pending.legs[-1]
        ends = (fails, market.debit) if _buys(pending) else (market.credit, fails)
        then.append(("settled", [Leg("obligation", *ends, market.asset, parts[-1])]))
    return follow(books, state, pending, first, then)


def cancel(books: Books, state: ShardState, pending: Pending, first: int) -> bool:
    """What is left of it leaves the books again; whether the counters take that."""
    if not pending.owed:
        return True
    then = _failing(books, state, pending)
    fails = _fails(pending, then)
    (owed, *kept) = pending.owed
    to_us = sum(leg.amount for leg in pending.legs if leg.credit == owed.debit)
    by_us = sum(leg.amount for leg in pending.legs if leg.debit == owed.credit)
    ours, theirs = owed.debit, owed.credit
    if fails is not None:
        ours, theirs = (ours, fails) if _buys(pending) else (fails, theirs)
    back = [Leg(owed.kind, theirs, ours, owed.asset, by_us)]
    back += [Leg(each.kind, each.credit, ours, each.asset, to_us - by_us) for each in kept]
    return follow(books, state, pending, first, [*then, ("cancelled", back)])


def booked(books: Books, state: ShardState, row: JournalRow) -> Prediction | None:
    """The event that had to come next about a trade, or that it has failed; none where neither is so."""
    first = row.about_seq or 0
    pending = state.pendings.get(first)
    if pending is None:
        return None
    if not pending.following and pending.resolved_seq is None:
        follow(books, state, pending, first, _failing(books, state, pending))
    if not pending.following:
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
    pending.failed = _fails(pending, then)
    return True


def does_not_fit(field: str) -> Prediction:
    """Say no, for a counter would grow too large."""
    return rejected("balance_overflow", field)


def _failing(books: Books, state: ShardState, pending: Pending) -> Following:
    """What moves the market's side to the fails, if its day has passed and it is not there."""
    market = pending.legs[-1]
    day = books.day_of(state, pending.legs[0].debit)
    due = pending.asked.content.get("contractual_settlement_date")
    if not pending.owed or pending.failed is not None or due is None or date.fromisoformat(due) >= day:
        return []
    entity = books.known(state, market.debit).entity
    name = "fail_to_receive" if _buys(pending) else "fail_to_deliver"
    fails = books.against(entity, pending.asked, name, market.asset, day)
    if fails is None or not market.amount:
        return []
    ends = (market.debit, fails) if _buys(pending) else (fails, market.credit)
    return [("failed", [Leg("obligation", *ends, market.asset, market.amount)])]


def _fails(pending: Pending, then: Following) -> str | None:
    """The account of fails where the market's side is, once these events have come."""
    for cause, (leg, *_) in then:
        if cause == "failed":
            return leg.credit if _buys(pending) else leg.debit
    return pending.failed


def _buys(pending: Pending) -> bool:
    return bool(pending.asked.content["side"] == "buy")
