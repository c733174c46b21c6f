"""What the firm owes and is owed for trades that are not settled: booked, and undone where one is cancelled.

By trade date the firm has at once, in its books, what is to be paid to it (`receivable`) and what it is to
pay (`payable`): the one by the customer and the other to the market, or the other way round. The difference
is its commission. The pending movements of money lead through these two accounts, so settling a part clears
both in proportion. What is booked beside them is an event of its own behind that of what asked for it.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from services.transactions.domain import decisions as kinds
from services.transactions.domain.chart import Account
from services.transactions.domain.decisions import Decision, Leg
from services.transactions.domain.effects import Refusal
from services.transactions.domain.state import Changes, Obligation, OpenPending
from shared.money import AMOUNT_MINOR_MAX


class Entry(NamedTuple):
    """A movement between accounts of the house."""

    kind: str
    debit: Account
    credit: Account
    amount: int


def entries_at_once(
    receivable: Account, payable: Account, income: Account, *, owed_to_us: int, owed_by_us: int
) -> list[Entry]:
    """Return what is booked with a trade: both sides of it, and what the firm keeps."""
    entries = [Entry("obligation", receivable, payable, owed_by_us)]
    kept = owed_to_us - owed_by_us
    return [*entries, Entry("commission", receivable, income, kept)] if kept else entries


def entries_undone(pending: OpenPending, left: Sequence[int]) -> list[Entry]:
    """Return what takes out of the books what is left of a trade: so much of each of its movements."""
    obligation = pending.obligation
    if obligation is None:
        return []
    booked, *kept = obligation.booked
    _, customers, markets = left
    buys = pending.whole[2].debit.account_id == booked.credit.account_id
    owed_by_us = markets if buys else customers
    owed_to_us = customers + markets - owed_by_us
    entries = [Entry("obligation", booked.credit, booked.debit, owed_by_us)]
    entries += [Entry("commission", leg.credit, leg.debit, owed_to_us - owed_by_us) for leg in kept]
    return [each for each in entries if each.amount]


def overflow(changes: Changes, entries: Sequence[Entry], field: str) -> Refusal | None:
    """Refuse entries that some counter could not take."""
    rows: dict[int, list[int]] = {}
    for each in entries:
        taken, given = (
            rows.setdefault(end.account_id, changes.read_row(end.account_id).copy())
            for end in (each.debit, each.credit)
        )
        taken[0] += each.amount
        given[1] += each.amount
        if taken[0] + taken[2] > AMOUNT_MINOR_MAX or given[1] + given[3] > AMOUNT_MINOR_MAX:
            return Refusal("balance_overflow", field, "a balance would not fit 64 bits of minor units")
    return None


def book(
    changes: Changes, pending: OpenPending, entries: Sequence[Entry], day: date, cause: str
) -> list[Leg]:
    """Post entries about a trade behind the decision that is being made; returns them as posted."""
    if not entries:
        return []
    legs: list[Leg] = []
    for kind, debit, credit, amount in entries:
        taken = changes.row(debit.account_id)
        given = changes.row(credit.account_id)
        taken[0] += amount
        given[1] += amount
        legs.append(Leg(kind, debit, credit, amount, taken[1] - taken[0], given[1] - given[0]))
    changes.following.append(
        Decision(
            0,
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
            detail={"cause": cause},
            legs=legs,
        )
    )
    return legs


def book_at_once(changes: Changes, pending: OpenPending, entries: Sequence[Entry], day: date) -> None:
    """Book what is owed for a trade with it, and remember that with what is pending."""
    pending.obligation = Obligation(tuple(book(changes, pending, entries, day, "traded")))
