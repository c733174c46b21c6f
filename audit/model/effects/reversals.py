"""Undoing what was posted: by its mirror, once, at the home of each movement."""

from typing import Final
from uuid import UUID

from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.askings import ends_differ
from audit.model.effects.bearing import bears
from audit.model.effects.obligations import does_not_fit
from audit.model.effects.reopenings import is_in_the_way, part_of_trade, reopen
from audit.model.effects.reserves import is_valued_before
from audit.model.predictions import Leg, Prediction, rejected
from audit.model.state import MEMBER, Posted, ShardState
from audit.places import partition_of
from audit.wire import HOUSE, Asked

NOT_REVERSED: Final = frozenset({"accrual", "reversal"})


def answered_for(asked: Asked) -> Prediction | None:
    """By right only with a reason and two people; and nobody approves what they entered."""
    content = asked.content
    if content.get("forced", False):
        for field in ("reason", "entered_by", "approved_by"):
            if content.get(field) is None:
                return rejected("authority_missing", field)
    if content.get("approved_by") is not None and content["approved_by"] == content.get("entered_by"):
        return rejected("approver_same", "approved_by")
    return None


def approved(asked: Asked) -> Prediction | None:
    """Of what moves money: two different accounts, and somebody else who approves."""
    return ends_differ(asked) or answered_for(asked)


def reverse(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Rungs 4 to 7, and the mirror of those movements whose home the owner is."""
    original_id = UUID(asked.content["original_id"])
    of = asked.content.get("original_owner") or asked.owner
    shard = partition_of(of.encode(), books.partitions)
    found = find_posted(books, state, row, shard, original_id)
    if isinstance(found, str):
        return rejected(found, "original_id")
    if found.type == MEMBER:
        return rejected("original_is_member", "original_id")
    if found.type in NOT_REVERSED:
        return rejected("original_not_reversible", "original_id")
    own = [number for number, leg in enumerate(found.legs) if home(books, state, found, leg) == asked.owner]
    if not own:
        owners = {books.known(state, end).owner for leg in found.legs for end in (leg.debit, leg.credit)}
        return rejected("reversed_elsewhere" if asked.owner in owners else "wrong_owner", "owner")
    legs = [
        Leg(leg.kind, leg.credit, leg.debit, leg.asset, leg.amount)
        for leg in (found.legs[number] for number in own)
    ]
    stopped = state.stopped(
        row, [end for leg in legs for end in ((leg.debit, "debit"), (leg.credit, "credit"))]
    )
    if stopped is not None:
        return rejected(stopped, "original_id")
    places = [(shard, found.seq, number) for number in own]
    for place, leg in zip(places, legs, strict=True):
        left = state.left_of(place, leg.amount)
        if not left:
            return rejected("already_reversed", "original_id")
        if left < leg.amount:
            return rejected("partly_used", "original_id")
    part = part_of_trade(state, original_id) if shard == state.shard else None
    if part is not None:
        in_the_way = is_in_the_way(part[1], original_id)
        if in_the_way is not None:
            return rejected(in_the_way, "original_id")
    if not asked.content.get("forced", False) and is_valued_before(asked, books.day_of(state, legs[0].debit)):
        return rejected("value_date_out_of_window", "value_date")
    before = {code: list(state.balance(code)) for leg in legs for code in (leg.debit, leg.credit)}
    said = _posted(books, state, row, asked, legs, places)
    if part is not None and said.reason is None and not reopen(books, state, *part, said):
        state.balances.update(before)
        for place in places:
            state.unuse(place)
        return does_not_fit("original_id")
    said.reopens = said.reason is None and found.type in {"allocate", "write_off"}
    return said


def find_posted(
    books: Books, state: ShardState, row: JournalRow, shard: int, original_id: UUID
) -> Posted | str:
    """What was posted for it; or why there is nothing, in another shard by what the decision saw."""
    if shard != state.shard:
        said = ((row.seen or {}).get("originals") or {}).get(str(original_id))
        return said or books.posted_in(shard, original_id) or "original_unknown"
    posted = state.posted.get(original_id)
    if posted is None:
        return "original_not_posted" if original_id in state.known else "original_unknown"
    return posted


def home(books: Books, state: ShardState, found: Posted, leg: Leg) -> str:
    """Whose it is to undo: the customer whom the mirror debits, else the one it credits, else who asked."""
    credited, debited = books.known(state, leg.credit).owner, books.known(state, leg.debit).owner
    customers = [owner for owner in (credited, debited) if owner != HOUSE]
    return customers[0] if customers else found.owner


def _posted(
    books: Books,
    state: ShardState,
    row: JournalRow,
    asked: Asked,
    legs: list[Leg],
    places: list[tuple[int, int, int]],
) -> Prediction:
    """Rung 7, after each movement in order, and if it holds for all, the effect."""
    before = {code: list(state.balance(code)) for leg in legs for code in (leg.debit, leg.credit)}
    limit_passed = False
    for leg in legs:
        forced = asked.content.get("forced", False)
        reason = bears(books, state, row, leg, asked.value_date, may_pass=forced, by_right=forced)
        if isinstance(reason, tuple):
            state.balances.update(before)
            return rejected(reason[0], "original_id")
        limit_passed = limit_passed or reason is not None
        state.post(leg)
    for place, leg in zip(places, legs, strict=True):
        state.use(place, leg.amount, leg.amount, row.seq)
    day = books.day_of(state, legs[0].debit)
    return Prediction(
        "TransactionPosted",
        movements=legs,
        booking_date=day,
        value_date=asked.value_date or day,
        limit_passed=limit_passed,
        reverses=places[0][:2],
    )
