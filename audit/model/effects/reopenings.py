"""Undoing what was settled of a trade: it is owed again, the part that came last before those before it."""

from uuid import UUID

from audit.amounts import LARGEST, spell_amount
from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.obligations import fail_again
from audit.model.predictions import Leg, Prediction
from audit.model.state import Pending, ShardState


def part_of_trade(state: ShardState, original_id: UUID) -> tuple[int, Pending] | None:
    """The trade of which what was posted under an id is a part, and where it was reserved."""
    return next(
        (
            (seq, each)
            for seq, each in state.pendings.items()
            if each.asked.type == "trade" and original_id in [part for part, _ in each.parts]
        ),
        None,
    )


def is_in_the_way(trade: Pending, original_id: UUID) -> str | None:
    """Why a part cannot be undone now: it is not the last one, or the rest was cancelled."""
    if trade.cancelled:
        return "trade_cancelled"
    return None if trade.parts[-1][0] == original_id else "later_part_settled"


def reopen(books: Books, state: ShardState, first: int, trade: Pending, said: Prediction) -> bool:
    """Say that what a reversal has moved back is pending again; whether the counters take it."""
    again = [Leg(leg.kind, leg.credit, leg.debit, leg.asset, leg.amount) for leg in said.movements]
    _, quantity = trade.parts[-1]
    settled = trade.settled - quantity
    rows = {code: list(state.balance(code)) for leg in again for code in (leg.debit, leg.credit)}
    for leg in again:
        rows[leg.debit][2] += leg.amount
        rows[leg.credit][3] += leg.amount
    if any(row[0] + row[2] > LARGEST or row[1] + row[3] > LARGEST for row in rows.values()):
        return False
    scale = books.assets[trade.legs[0].asset].scale
    day = books.day_of(state, trade.legs[0].debit)
    event = Prediction(
        "PendingReopened",
        about_seq=first,
        movements=again,
        booking_date=day,
        value_date=day,
        settled=spell_amount(settled, scale),
    )
    trade.following.append(event)
    if not fail_again(books, state, trade, first, quantity):
        trade.following.remove(event)
        return False
    trade.parts.pop()
    trade.settled = settled
    trade.resolved_seq = None
    parts = {(leg.debit, leg.credit): leg.amount for leg in again}
    for leg in trade.legs:
        leg.amount += parts.get((leg.debit, leg.credit), 0)
    return True


def reopened(books: Books, state: ShardState, row: JournalRow) -> Prediction | None:
    """The event that had to come next about a trade of which a part was undone; none where none had."""
    del books
    trade = state.pendings.get(row.about_seq or 0)
    if trade is None or not trade.following or trade.following[0].kind != "PendingReopened":
        return None
    said = trade.following.pop(0)
    for leg in said.movements:
        state.reserve(leg)
    return said
