"""Several instructions of one owner in one record: each rung over all of them, then all of it or nothing."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from audit.ledger_rows import JournalRow
from audit.model.books import Books, ScreenedBy, most_urgent
from audit.model.effects.askings import MOVEMENTS, Asking
from audit.model.effects.bearing import bears, passes_cap
from audit.model.effects.effect import Effect
from audit.model.effects.exchanges import agrees
from audit.model.effects.movements import INSTEAD, TO_SUSPENSE, VALUED_BACK, legs_of
from audit.model.effects.references import Known, referring, within_boxes
from audit.model.effects.reserves import is_valued_before
from audit.model.form import spelling
from audit.model.predictions import Leg, Prediction, rejected
from audit.model.state import Pending, ShardState
from audit.wire import FACTS, OF_THE_WHOLE, Asked

MOST_MEMBERS: Final = 16
MOST_MOVEMENTS: Final = 64
NOT_OF_MEMBERS: Final = OF_THE_WHOLE | {"booking_date"}
"""Fields that no member has: all are booked on one day, and what else is said is said once."""


@dataclass(slots=True)
class _Booking:
    """One member on its way through the rungs."""

    asked: Asked
    moves: Sequence[Asking]
    accounts: Known
    entity: str
    routed: str | None
    legs: list[Leg] = field(default_factory=list[Leg])


def members_of(asked: Asked) -> list[Asked]:
    """Each member as if it had come alone, with what the group says for all."""
    shared = {name: value for name, value in asked.content.items() if name in OF_THE_WHOLE}
    return [
        Asked(UUID(each["instruction_id"]), each["type"], each["owner"], {**each, **shared})
        for each in asked.content["members"]
    ]


def well_formed(
    books: Books, state: ShardState, row: JournalRow, asked: Asked, effects: Mapping[str, Effect]
) -> Prediction | None:
    """Rung 3, of the group and then of each member."""
    raw: list[dict[str, Any]] = asked.content["members"]
    if not raw:
        return rejected("group_empty", "members")
    members = members_of(asked)
    if len(raw) > MOST_MEMBERS or sum(len(MOVEMENTS[each.type](each)) for each in members) > MOST_MOVEMENTS:
        return rejected("too_large", "members")
    ids = [asked.instruction_id, *(each.instruction_id for each in members)]
    for number, each in enumerate(members):
        if each.instruction_id in ids[: number + 1]:
            return _of_member(rejected("member_id_repeated"), number)
    for number, each in enumerate(raw):
        if each["owner"] != asked.owner or NOT_OF_MEMBERS & set(each):
            return _of_member(rejected("member_differs"), number)
    for number, each in enumerate(members):
        effect = effects[each.type]
        said = spelling(books, state, row, each, effect) or effect.own_form(each)
        if said is not None:
            return _of_member(said, number)
    return None


def book(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Rungs 4 to 7, and the posting or the setting aside."""
    members = members_of(asked)
    all_facts = all(each.type in FACTS for each in members)
    bookings: list[_Booking] = []
    for number, each in enumerate(members):
        found = _refer(books, state, row, each, is_fact=all_facts)
        if isinstance(found, Prediction):
            return _of_member(found, number)
        bookings.append(found)
    for number, each in enumerate(bookings):
        if each.entity != bookings[0].entity:
            return _of_member(rejected("spans_entities"), number)
    day = state.today[bookings[0].entity]
    said = _stop(books, state, row, bookings, day=day, all_facts=all_facts)
    if said is not None:
        return said
    for number, each in enumerate(members):
        if each.type in VALUED_BACK and is_valued_before(asked, day - VALUED_BACK[each.type]):
            return _of_member(rejected("value_date_out_of_window"), number, "value_date")
    return _limits(books, state, row, asked, bookings, day=day, all_facts=all_facts)


def _refer(
    books: Books, state: ShardState, row: JournalRow, member: Asked, *, is_fact: bool
) -> _Booking | Prediction:
    moves = MOVEMENTS[member.type](member)
    if member.type == "custody_transfer":
        within, opening = within_boxes(books, state, row, member, moves)
        # A group opens none: what is not there is asked of the custody account, which itself holds nothing.
        moves = within if opening is None else moves
    accounts, reason, fields = referring(books, state, row, member, moves)
    if reason is None and member.type == "exchange":
        said = agrees(books, accounts, member)
        reason, fields = (said.reason, said.fields) if said is not None else (None, ())
    if reason is not None and not (is_fact and reason in TO_SUSPENSE):
        return rejected(reason, *fields)
    first = next((account for account in accounts.values() if account is not None), None)
    entity = first.entity if first is not None else books.last_resort(moves[0].asset)
    if entity is None:
        return rejected("asset_not_used", "asset")
    booking = _Booking(member, moves, accounts, entity, reason)
    legs = _legs(books, state, booking)
    if legs is None:
        return rejected("asset_not_used", "asset")
    if min(leg.amount for leg in legs) <= 0:
        return rejected("charges_exceed_amount", "charges")
    return booking


def _legs(books: Books, state: ShardState, booking: _Booking) -> list[Leg] | None:
    day = state.today[booking.entity]
    found = legs_of(
        books, booking.asked, booking.moves, entity=booking.entity, day=day, routed=booking.routed
    )
    if found is not None:
        booking.legs = found
    return found


def _stop(
    books: Books,
    state: ShardState,
    row: JournalRow,
    bookings: Sequence[_Booking],
    *,
    day: date,
    all_facts: bool,
) -> Prediction | None:
    """Rung 5: what is shut over all movements before what is frozen; a fact goes elsewhere."""
    del day
    while True:
        ends = [_ends(each) for each in bookings]
        reason = state.stopped(row, [end for each in ends for end in each])
        if reason is None:
            return None
        number = next(at for at, each in enumerate(ends) if state.stopped(row, each) == reason)
        if not all_facts:
            return _of_member(rejected(reason), number)
        bookings[number].routed = reason
        if _legs(books, state, bookings[number]) is None:
            return _of_member(rejected("asset_not_used"), number)


def _ends(booking: _Booking) -> list[tuple[str, str]]:
    if booking.routed in INSTEAD or booking.routed in TO_SUSPENSE:
        return []
    return [
        (end.code, direction)
        for each in booking.moves
        for end, direction in ((each.debit, "debit"), (each.credit, "credit"))
        if end.code is not None
    ]


def _limits(
    books: Books,
    state: ShardState,
    row: JournalRow,
    asked: Asked,
    bookings: Sequence[_Booking],
    *,
    day: date,
    all_facts: bool,
) -> Prediction:
    wanted = [] if all_facts else [each for one in bookings for each in _screened_by(books, state, one, day)]
    screened = most_urgent(wanted)
    legs = [leg for each in bookings for leg in each.legs]
    before = {code: list(state.balance(code)) for leg in legs for code in (leg.debit, leg.credit)}
    limit_passed = False
    state.in_hand.clear()
    for number, each in enumerate(bookings):
        for leg in each.legs:
            reason = bears(books, state, row, leg, asked.value_date, may_pass=all_facts)
            reason = reason or (None if all_facts else passes_cap(books, state, leg, legs))
            if isinstance(reason, tuple):
                state.balances.update(before)
                return _of_member(rejected(reason[0]), number)
            limit_passed = limit_passed or reason is not None
            (state.reserve if screened else state.post)(leg)
    if screened:
        state.pendings[row.seq] = Pending(
            asked.instruction_id,
            asked,
            hashlib.blake2b(row.content or b"", digest_size=16).hexdigest(),
            [replace(leg) for leg in legs],
            whole=tuple(leg.amount for leg in legs),
        )
    return Prediction(
        "TransactionPending" if screened else "TransactionPosted",
        movements=legs,
        booking_date=day,
        value_date=asked.value_date or day,
        limit_passed=limit_passed,
        screening=bool(screened),
        screened_by=screened,
        members=[
            (str(each.asked.instruction_id), each.asked.type, len(each.legs), each.routed)
            for each in bookings
        ],
    )


def _screened_by(books: Books, state: ShardState, booking: _Booking, day: date) -> list[ScreenedBy]:
    if booking.asked.type in FACTS:
        return []
    asset = booking.legs[0].asset
    total = sum(leg.amount for leg in booking.legs if leg.asset == asset)
    return books.screened_by(state, booking.asked, booking.entity, asset, total, day)


def _of_member(said: Prediction, number: int, field: str = "members") -> Prediction:
    assert said.reason is not None
    refused = rejected(said.reason, field)
    refused.member = number
    return refused
