"""A payment comes back to who had paid it, as far as that much of it is left; else it is kept in suspense."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from audit.amounts import read_amount
from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.bearing import bears
from audit.model.effects.effect import Spelled
from audit.model.effects.movements import INSTEAD
from audit.model.effects.reversals import find_posted
from audit.model.predictions import Leg, Prediction, rejected
from audit.model.state import MEMBER, Posted, ShardState
from audit.wire import Asked

PAYMENTS_OUT: Final = frozenset({"withdrawal"})


def amount_back(state: ShardState, asked: Asked) -> Sequence[Spelled]:  # noqa: ARG001 - others look
    """Form: how much came back."""
    return (Spelled("amount", asked.content["amount"], asked.content["asset"]),)


def come_back(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """A fact: only an asset that nobody keeps, or a balance that would not fit, stands against it."""
    asset = asked.content["asset"]
    if asset not in books.assets:
        return rejected("asset_unknown", "asset")
    amount = read_amount(asked.content["amount"], books.assets[asset].scale)
    assert isinstance(amount, int)
    found = find_posted(books, state, row, state.shard, UUID(asked.content["original_id"]))
    paid = None if isinstance(found, str) or found.type not in PAYMENTS_OUT else found.legs[0]
    entity = books.last_resort(asset) if paid is None else books.known(state, paid.debit).entity
    if entity is None:
        return rejected("asset_not_used", "asset")
    routed = _not_matched(state, found, asset, amount)
    place = None
    if routed is None and paid is not None and not isinstance(found, str):
        place = (state.shard, found.seq, 0)
        routed = state.stopped(row, [(paid.debit, "credit")])
    house_class = INSTEAD.get(routed or "", "suspense")
    to = paid.debit if routed is None and paid else books.house.get((entity, house_class, asset))
    today = state.today[entity]
    source = books.against(entity, asked, "", asset, today)
    if source is None or to is None:
        return rejected("asset_not_used", "asset")
    leg = Leg("principal", source, to, asset, amount)
    refused = bears(books, state, row, leg, asked.value_date, may_pass=True)
    if isinstance(refused, tuple):
        return rejected(*refused)
    state.post(leg)
    if place is not None and paid is not None:
        state.use(place, paid.amount, amount, row.seq)
    return Prediction(
        "TransactionPosted",
        movements=[leg],
        booking_date=today,
        value_date=asked.value_date or today,
        routed=routed,
        uses=place,
    )


def _not_matched(state: ShardState, found: Posted | str, asset: str, amount: int) -> str | None:
    """Why it is no part of the payment that it names."""
    if isinstance(found, str):
        return found
    if found.type == MEMBER:
        return "original_is_member"
    if found.type not in PAYMENTS_OUT:
        return "original_not_returnable"
    paid = found.legs[0]
    if paid.asset != asset:
        return "asset_mismatch"
    left = state.left_of((state.shard, found.seq, 0), paid.amount)
    if not left:
        return "already_reversed"
    return "amount_exceeds_original" if amount > left else None
