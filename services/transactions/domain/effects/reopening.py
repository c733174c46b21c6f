"""What was settled of a trade and is undone: the securities and the money for them are pending again.

Of a trade's parts only the one settled last can be undone. The money of a part is the share of all that is
settled with it, less what went before (`pendings.legs_left`): taken out from between others, it would leave
amounts that no cutting of the trade gives. Of a trade that was cancelled nothing is left to be settled, so
its parts stay as they are.
"""

from dataclasses import replace

from services.transactions.domain import decisions as kinds
from services.transactions.domain.cases import Case
from services.transactions.domain.changes import Changes
from services.transactions.domain.decisions import Decision, Leg
from services.transactions.domain.effects import Refusal
from services.transactions.domain.effects.obligations import Booking, Entry, book_behind, overflow
from services.transactions.domain.effects.pendings import legs_left
from services.transactions.domain.open_pendings import EndedTrade, OpenPending
from shared.money import format_amount


def find_trade(case: Case) -> Refusal | None:
    """Find the trade of which the original is a part, where it is one."""
    case.trade = None
    part = case.original.part
    if part is None:
        return None
    context = case.context
    pending = context.changes.find_reserved(part.pending_id)
    if pending is not None:
        case.trade = EndedTrade(pending, is_cancelled=False)
    else:
        case.trade = context.changes.ended.get(part.pending_id) or context.outside.ended.get(part.pending_id)
    if case.trade is not None:
        return None
    return Refusal("original_unknown", "original_id", "its trade is in a detached part of the journal")


def stands_last(case: Case) -> Refusal | None:
    """Refuse a part that is not the last one, and any of a trade of which the rest was cancelled."""
    part, trade = case.original.part, case.trade
    if part is None or trade is None:
        return None
    if trade.is_cancelled:
        return Refusal("trade_cancelled", "original_id", "what was left of the trade has been cancelled")
    if trade.pending.settled != part.settled:
        return Refusal("later_part_settled", "original_id", "another part of the trade was settled after it")
    return None


def bears(case: Case) -> Refusal | None:
    """Counters must take what is pending again, behind the mirror that has been put down."""
    if case.trade is None:
        return None
    again = Booking("", [Entry(each.kind, each.debit, each.credit, each.amount) for each in _legs(case)])
    return overflow(case.context.changes, [again, *_failing_again(case)], "original_id")


def reopen(case: Case) -> None:
    """Let what is undone be pending again, and say so behind the reversal."""
    if case.trade is None:
        return
    changes = case.context.changes
    pending, bookings = _reopened(case), _failing_again(case)
    legs = [_set_aside(changes, leg) for leg in _legs(case)]
    changes.following.append(
        Decision(
            0,
            kinds.REOPENED,
            None,
            None,
            None,
            pending.instruction_id,
            pending.instruction_type,
            pending.owner,
            about_seq=pending.seq,
            booking_date=case.day,
            value_date=case.day,
            detail={"settled": format_amount(pending.settled, pending.whole[0].debit.scale)},
            legs=legs,
        )
    )
    pending = replace(pending, obligation=book_behind(changes, pending, bookings, case.day))
    changes.reopen_pending(pending, legs, legs[0].amount)


def _legs(case: Case) -> list[Leg]:
    """The part's movements, as they are pending again: the first is the securities."""
    return list(case.original.legs)


def _reopened(case: Case) -> OpenPending:
    assert case.trade is not None
    pending = case.trade.pending
    left = legs_left(pending.whole, pending.settled - case.original.legs[0].amount)
    return replace(pending, legs=[leg for _, leg in left])


def _failing_again(case: Case) -> list[Booking]:
    """Put the part's side with the market back among the fails, if it has come from there.

    That of a trade which has not failed yet comes there by itself once its day has passed, part and all.
    """
    assert case.trade is not None
    pending = case.trade.pending
    failed = None if pending.obligation is None else pending.obligation.failed
    if failed is None:
        return []
    amount = _reopened(case).market_left() - pending.market_left()
    return [Booking("failed", [Entry("obligation", *failed, amount)])] if amount else []


def _set_aside(changes: Changes, leg: Leg) -> Leg:
    taken, given = changes.row(leg.debit.account_id), changes.row(leg.credit.account_id)
    taken[2] += leg.amount
    given[3] += leg.amount
    return leg._replace(debit_balance_after=taken[1] - taken[0], credit_balance_after=given[1] - given[0])
