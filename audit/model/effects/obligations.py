"""What is owed for trades: booked, and taken out of the books, by events that follow what asked for them."""

from datetime import date

from audit.evidence import JournalRow
from audit.model.books import Books
from audit.model.predictions import Leg, Prediction, rejected
from audit.model.state import Pending, ShardState


def cancel(state: ShardState, pending: Pending, first: int, day: date) -> Prediction | None:
    """What is left of it leaves the books again; or why it cannot."""
    if not pending.owed:
        return None
    (owed, *kept) = pending.owed
    to_us = sum(leg.amount for leg in pending.legs if leg.credit == owed.debit)
    by_us = sum(leg.amount for leg in pending.legs if leg.debit == owed.credit)
    back = [Leg(owed.kind, owed.credit, owed.debit, owed.asset, by_us)]
    back += [Leg(each.kind, each.credit, each.debit, each.asset, to_us - by_us) for each in kept]
    back = [each for each in back if each.amount]
    if not state.would_fit(back):
        return rejected("balance_overflow", "pending_id")
    follow(pending, first, back, day, "cancelled")
    return None


def booked(books: Books, state: ShardState, row: JournalRow) -> Prediction | None:  # noqa: ARG001 - others look
    """The event that had to come next about a trade; none where none had."""
    pending = state.pendings.get(row.about_seq or 0)
    if pending is None or not pending.following:
        return None
    said = pending.following.pop(0)
    for leg in said.movements:
        state.post(leg)
    return said


def follow(pending: Pending, first: int, legs: list[Leg], day: date | None, cause: str) -> None:
    """Say that an event of these movements must come next about a trade."""
    if legs:
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
