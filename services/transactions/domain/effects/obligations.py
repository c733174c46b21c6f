"""What the firm owes and is owed for trades that are not settled: booked, moved to fails, cleared, undone.

By trade date the firm has at once, in its books, what is to be paid to it (`receivable`) and what it is to
pay (`payable`): the one by the customer and the other to the market, or the other way round. The difference
is its commission. The pending movements of money lead through these two accounts, so settling a part clears
both in proportion. By settlement date neither is in the books. What the market owes or is owed for what is
not settled on its day stands in an account of fails from then on, whatever the policy. What is booked beside
the pending movements is an event of its own behind that of what asked for it.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from services.transactions.domain import decisions as kinds
from services.transactions.domain.changes import Changes
from services.transactions.domain.chart import Account, Chart
from services.transactions.domain.decisions import Decision, Leg
from services.transactions.domain.effects import Refusal
from services.transactions.domain.open_pendings import Obligation, OpenPending
from shared.money import AMOUNT_MINOR_MAX


class Entry(NamedTuple):
    """A movement between accounts of the house."""

    kind: str
    debit: Account
    credit: Account
    amount: int


class Booking(NamedTuple):
    """Entries that become one event."""

    cause: str
    entries: Sequence[Entry]


def booked_at_once(
    receivable: Account, payable: Account, income: Account, *, owed_to_us: int, owed_by_us: int
) -> Booking:
    """Return what is booked with a trade: both sides of it, and what the firm keeps."""
    entries = [Entry("obligation", receivable, payable, owed_by_us)]
    kept = owed_to_us - owed_by_us
    if kept:
        entries.append(Entry("commission", receivable, income, kept))
    return Booking("traded", entries)


def booked_behind(chart: Chart, pending: OpenPending, day: date, *, settled: int | None) -> list[Booking]:
    """Return what is booked behind the settlement of so much of a trade, or behind its cancelling (none).

    One whose day has passed has failed by now, whether or not the duty has said so before.
    """
    obligation = pending.obligation or Obligation()
    failing = failing_now(chart, pending, day)
    found = [] if failing is None else [failing]
    failed = failing.entries[0][1:3] if failing is not None else obligation.failed
    if settled is None and obligation.booked:
        undone = _undone(obligation, pending.amounts_left(), failed, buys=pending.buys)
        found.append(Booking("cancelled", undone))
    elif failed is not None:
        cause, left = ("cancelled", 0) if settled is None else ("settled", pending.market_left(settled))
        part = pending.market_left() - left
        found.append(Booking(cause, [Entry("obligation", failed[1], failed[0], part)]))
    return [
        Booking(cause, kept)
        for cause, entries in found
        if (kept := [each for each in entries if each.amount])
    ]


def failing_now(chart: Chart, pending: OpenPending, day: date) -> Booking | None:
    """Return what puts a trade's side with the market among the fails, if its day has passed.

    It comes from what was booked with the trade. By settlement date that was nothing: then the other end is
    what the customer is to pay for the purchase, or to be paid for the sale.
    """
    if not pending.is_overdue(day) or not (amount := pending.market_left()):
        return None
    buys, market = pending.buys, pending.whole[-1]
    entity_id, asset_id = market.debit.entity_id, market.debit.asset_id

    def kept_for(condition: str) -> Account | None:
        return chart.counterpart(entity_id, pending.instruction_type, condition, asset_id, day)

    fails = kept_for("fail_to_receive" if buys else "fail_to_deliver")
    if pending.is_booked:
        other = market.debit if buys else market.credit
    else:
        other = kept_for("receivable" if buys else "payable")
    if fails is None or other is None:
        return None
    ends = (other, fails) if buys else (fails, other)
    return Booking("failed", [Entry("obligation", *ends, amount)])


def _undone(
    obligation: Obligation,
    left: Sequence[int],
    failed: tuple[Account, Account] | None,
    *,
    buys: bool,
) -> list[Entry]:
    """Take out of the books what is left of a trade, from the fails where it is there."""
    booked, *kept = obligation.booked
    _, customers, markets = left
    owed_to_us, owed_by_us = (customers, markets) if buys else (markets, customers)
    receivable, payable = booked.debit, booked.credit
    if failed is not None:
        receivable, payable = (receivable, failed[1]) if buys else (failed[0], payable)
    entries = [Entry("obligation", payable, receivable, owed_by_us)]
    return entries + [Entry("commission", leg.credit, receivable, owed_to_us - owed_by_us) for leg in kept]


def overflow(changes: Changes, bookings: Sequence[Booking], field: str) -> Refusal | None:
    """Refuse bookings that some counter could not take."""
    rows: dict[int, list[int]] = {}
    for each in (entry for booking in bookings for entry in booking.entries):
        taken, given = (
            rows.setdefault(end.account_id, changes.read_row(end.account_id).copy())
            for end in (each.debit, each.credit)
        )
        taken[0] += each.amount
        given[1] += each.amount
        if taken[0] + taken[2] > AMOUNT_MINOR_MAX or given[1] + given[3] > AMOUNT_MINOR_MAX:
            return Refusal("balance_overflow", field, "a balance would not fit 64 bits of minor units")
    return None


def book(changes: Changes, pending: OpenPending, booking: Booking, day: date, seq: int = 0) -> Decision:
    """Post entries about a trade, and return the event of it."""
    legs: list[Leg] = []
    for kind, debit, credit, amount in booking.entries:
        taken = changes.row(debit.account_id)
        given = changes.row(credit.account_id)
        taken[0] += amount
        given[1] += amount
        legs.append(Leg(kind, debit, credit, amount, taken[1] - taken[0], given[1] - given[0]))
    return Decision(
        seq,
        kinds.BOOKED,
        None,
        None,
        None,
        pending.instruction_id,
        pending.instruction_type,
        pending.owner,
        about_seq=pending.seq,
        booking_date=day,
        value_date=day,
        detail={"cause": booking.cause},
        legs=legs,
    )


def book_behind(
    changes: Changes, pending: OpenPending, bookings: Sequence[Booking], day: date
) -> Obligation | None:
    """Post bookings behind the decision that is being made; return what stands in the books by then."""
    obligation = pending.obligation
    for each in bookings:
        decision = book(changes, pending, each, day)
        changes.following.append(decision)
        if each.cause == "traded":
            obligation = Obligation(tuple(decision.legs))
        elif each.cause == "failed":
            obligation = with_fails(obligation, decision)
    return obligation


def with_fails(obligation: Obligation | None, decision: Decision) -> Obligation:
    """Return what stands in the books for a trade once its side with the market is among the fails."""
    (leg,) = decision.legs
    return (obligation or Obligation())._replace(failed=(leg.debit, leg.credit))
