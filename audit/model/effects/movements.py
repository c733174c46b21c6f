"""Rungs 4 to 7 over all movements of an instruction, and the posting of them or the setting aside."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final

from audit.amounts import read_amount
from audit.ledger_rows import JournalRow
from audit.model.books import Books, ScreenedBy
from audit.model.effects.askings import MOVEMENTS, Asking
from audit.model.effects.bearing import bears, passes_cap
from audit.model.effects.periods import day_named, not_taken
from audit.model.effects.references import WITHIN_BOXES, Known, referring, within_boxes
from audit.model.effects.reserves import is_valued_before, last_day_is_past
from audit.model.effects.schedules import day_is_past, keep
from audit.model.predictions import Leg, Prediction, rejected
from audit.model.state import KnownAccount, Pending, ShardState
from audit.wire import FACTS, Asked

TO_SUSPENSE: Final = frozenset(
    {"account_unknown", "wrong_owner", "asset_mismatch", "account_class_not_allowed"}
)
"""What sends a fact to suspense instead of refusing it."""

VALUED_BACK: Final = {
    "transfer": timedelta(0),
    "withdrawal": timedelta(0),
    "exchange": timedelta(days=4),
    "reserve": timedelta(0),
}
"""Requests of customers: how far before the open business day their value may lie."""

RESERVING: Final = frozenset({"reserve", "trade"})
"""Types whose movements are only set aside, whatever policy says."""

INSTEAD: Final = {"account_closed": "return", "account_frozen": "blocked_funds"}
"""Where a fact goes whose account is stopped; whatever else is wrong with it, to suspense."""

Further = Callable[[Books, Known, Asked], Prediction | None]
"""What a type asks on rung 4 beyond what all that move ask."""

Reshape = Callable[[Books, Asked, list[Leg], str, date], list[Leg] | None]
"""What a type makes of its movements by the policy of an entity on a day."""


def move(
    books: Books,
    state: ShardState,
    row: JournalRow,
    asked: Asked,
    further: Further | None = None,
    reshape: Reshape | None = None,
    moves: tuple[Asking, ...] = (),
) -> Prediction:
    """Rungs 4 to 7, each over all movements before the next; then the posting, or the setting aside."""
    moves = moves or MOVEMENTS[asked.type](asked)
    opening: KnownAccount | None = None
    if asked.type in WITHIN_BOXES:
        moves, opening = within_boxes(books, state, row, asked, moves)
    named = [end for each in moves for end in (each.debit, each.credit) if end.code is not None]
    is_fact = asked.type in FACTS
    accounts, reason, fields = referring(books, state, row, asked, moves, opening)
    if reason is not None and not (is_fact and reason in TO_SUSPENSE):
        return rejected(reason, *fields)
    if reason is None and further is not None:
        said = further(books, accounts, asked)
        if said is not None and not (is_fact and said.reason in TO_SUSPENSE):
            return said
        reason = None if said is None else said.reason
    routed = reason
    first = next((account for account in accounts.values() if account is not None), None)
    entity = first.entity if first is not None else books.last_resort(moves[0].asset)
    if entity is None:
        return rejected("asset_not_used", "asset")
    day = state.today[entity]
    if asked.content.get("charges"):
        paid = legs_of(books, asked, moves, entity=entity, day=day, routed=None)
        if paid is None:
            return rejected("asset_not_used", "asset")
        if min(leg.amount for leg in paid) <= 0:
            return rejected("charges_exceed_amount", "charges")
    later = keep(state, row, asked, entity)
    if later is not None:
        return later
    if routed is None:
        reason = _stopped(state, row, moves, accounts)
        if reason is not None and not is_fact:
            return rejected(reason, *(end.field for end in named))
        routed = reason
    stand_in = routed
    booked = day_named(asked) or day
    refused = not_taken(state, entity, booked, asked)
    if refused is not None and not is_fact:
        return refused
    if refused is not None:
        booked, routed = day, routed or refused.reason
    else:
        for each in carried(asked, moves, accounts) if routed is None else ():
            if booked < state.carried.get(each, booked):
                return rejected("booking_date_decreases", "booking_date")
    if asked.type in VALUED_BACK and is_valued_before(asked, day - VALUED_BACK[asked.type]):
        return rejected("value_date_out_of_window", "value_date")
    if day_is_past(state, row, asked, day):
        return rejected("execution_past", "execute_on")
    if last_day_is_past(asked, day):
        return rejected("expiry_past", "expires_on")
    legs = legs_of(books, asked, moves, entity=entity, day=day, routed=stand_in)
    if legs is not None and reshape is not None:
        legs = reshape(books, asked, legs, entity, day)
    if legs is None:
        return rejected("asset_not_used", "asset")
    total = sum(leg.amount for leg in legs if leg.asset == legs[0].asset)
    screened = [] if is_fact else books.screened_by(state, asked, entity, legs[0].asset, total, day)
    if opening is not None and any(opening.code in (leg.debit, leg.credit) for leg in legs):
        state.opened[opening.code] = opening
    said = _limits(books, state, row, asked, legs, day=booked, routed=routed, screened=screened)
    if said.reason is None and asked.type == "opening_balance":
        said.value_date = asked.value_date or day_named(asked)
        for each in carried(asked, moves, accounts) if stand_in is None else ():
            state.carried[each] = booked
            state.carried_over[row.seq] = (each, booked)
    if opening is not None and opening.code in state.opened:
        if said.reason is None:
            said.opened = opening.code
        else:
            del state.opened[opening.code]
    return said


def _stopped(state: ShardState, row: JournalRow, moves: Sequence[Asking], accounts: Known) -> str | None:
    """Rung 5: no account is shut, and none frozen for the direction money would go."""
    ends = [
        (end.code, direction)
        for each in moves
        for end, direction in ((each.debit, "debit"), (each.credit, "credit"))
        if end.code is not None and accounts[end.code] is not None
    ]
    return state.stopped(row, ends)


def legs_of(
    books: Books,
    asked: Asked,
    moves: Sequence[Asking],
    *,
    entity: str,
    day: date,
    routed: str | None,
) -> list[Leg] | None:
    """Movements with both accounts known: those of rules, and what stands in for whom a fact cannot reach.

    None where the entity keeps no such account in the asset.
    """
    house_class = INSTEAD.get(routed or "", "suspense")
    legs: list[Leg] = []
    for each in moves:
        scale = books.assets[each.asset].scale
        amount, *less = (read_amount(text, scale) for text in (each.amount, *each.less))
        assert isinstance(amount, int)
        amount -= sum(each for each in less if isinstance(each, int))
        stand_in = books.house.get((entity, house_class, each.asset)) if routed is not None else None
        sides = [
            books.against(entity, asked, end.condition or "", each.asset, day)
            if end.code is None
            else stand_in
            if routed is not None
            else end.code
            for end in (each.debit, each.credit)
        ]
        if sides[0] is None or sides[1] is None:
            return None
        legs.append(Leg(each.kind, sides[0], sides[1], each.asset, amount))
    return legs


def _limits(
    books: Books,
    state: ShardState,
    row: JournalRow,
    asked: Asked,
    legs: list[Leg],
    *,
    day: date,
    routed: str | None,
    screened: Sequence[ScreenedBy],
) -> Prediction:
    """Rung 7, after each movement in order, and if it holds for all, the effect."""
    state.in_hand.clear()
    reserved = bool(screened) or asked.type in RESERVING
    before = {code: list(state.balance(code)) for leg in legs for code in (leg.debit, leg.credit)}
    limit_passed = False
    for leg in legs:
        since = None if asked.type in RESERVING else asked.value_date
        may_pass = asked.type in FACTS
        reason = bears(books, state, row, leg, since, may_pass=may_pass, by=_counted_up_to(asked))
        reason = reason or (None if may_pass else passes_cap(books, state, leg, legs))
        if reason == "limit_passed":
            limit_passed = True
        elif reason is not None:
            state.balances.update(before)
            return rejected(*reason)
        (state.reserve if reserved else state.post)(leg)
    if reserved:
        state.pendings[row.seq] = Pending(
            asked.instruction_id,
            asked,
            hashlib.blake2b(row.content or b"", digest_size=16).hexdigest(),
            [Leg(leg.kind, leg.debit, leg.credit, leg.asset, leg.amount) for leg in legs],
            screening=bool(screened),
            whole=tuple(leg.amount for leg in legs),
        )
    return Prediction(
        "TransactionPending" if reserved else "TransactionPosted",
        movements=legs,
        booking_date=day,
        value_date=asked.value_date or day,
        routed=routed,
        limit_passed=limit_passed,
        screening=bool(screened),
        screened_by=screened,
    )


def _counted_up_to(asked: Asked) -> str | None:
    """The day up to which what trades are to bring counts as there: for a trade, its own."""
    return asked.content.get("contractual_settlement_date") if asked.type == "trade" else None


def carried(asked: Asked, moves: Sequence[Asking], accounts: Known) -> Sequence[str]:
    """The account whose balance is carried over, if one is."""
    if asked.type != "opening_balance":
        return ()
    ends = [end.code for each in moves for end in (each.debit, each.credit) if end.code is not None]
    return [code for code in ends if accounts[code] is not None]
