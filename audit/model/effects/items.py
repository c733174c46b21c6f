"""What the house keeps for somebody goes to their account, or is given up, as far as it is left."""

from audit.amounts import read_amount
from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.bearing import bears
from audit.model.effects.movements import INSTEAD
from audit.model.effects.references import OF_ITEMS, within_box
from audit.model.effects.reversals import home
from audit.model.predictions import Leg, Prediction, rejected
from audit.model.state import KnownAccount, ShardState
from audit.wire import Asked


def given_up_by_two(asked: Asked) -> Prediction | None:
    """Nobody approves what they entered."""
    same = asked.content["entered_by"] == asked.content["approved_by"]
    return rejected("approver_same", "approved_by") if same else None


def use_item(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Rungs 4 to 7, and so much of the item moved; what cannot be done leaves it where it is."""
    asset = asked.content["asset"]
    if asset not in books.assets:
        return rejected("asset_unknown", "asset")
    kept = _item(books, state, asked)
    if isinstance(kept, Prediction):
        return kept
    opening: KnownAccount | None = None
    code = asked.content.get("account") if asked.type == "allocate" else None
    if code is not None:
        code, opening = within_box(books, state, row, asked, code, asset)
    if opening is None:
        return _use(books, state, row, asked, kept, code)
    state.opened[opening.code] = opening
    said = _use(books, state, row, asked, kept, code)
    if any(leg.credit == opening.code for leg in said.movements):
        said.opened = opening.code
    else:
        del state.opened[opening.code]
    return said


def _use(
    books: Books, state: ShardState, row: JournalRow, asked: Asked, kept: Leg, code: str | None
) -> Prediction:
    asset = kept.asset
    target = _target(books, state, row, asked, kept, code)
    if isinstance(target, Prediction):
        return target
    routed = state.stopped(row, [(target, "credit")])
    if routed is not None:
        instead = books.house.get((books.known(state, kept.credit).entity, INSTEAD[routed], asset))
        if instead is None:
            return rejected("asset_not_used", "asset")
        if instead == kept.credit:
            return rejected(routed, "account")
        target = instead
    amount = read_amount(asked.content["amount"], books.assets[asset].scale)
    assert isinstance(amount, int)
    place = _place(asked)
    left = state.left_of(place, kept.amount)
    if not left:
        return rejected("item_used_up", "item")
    if amount > left:
        return rejected("amount_exceeds_item", "amount")
    leg = Leg("principal", kept.credit, target, asset, amount)
    refused = bears(books, state, row, leg, None, may_pass=True)
    if isinstance(refused, tuple):
        return rejected(*refused)
    state.post(leg)
    state.use(place, kept.amount, amount, row.seq)
    today = books.day_of(state, kept.credit)
    return Prediction(
        "TransactionPosted",
        movements=[leg],
        booking_date=today,
        value_date=asked.value_date or today,
        routed=routed,
        uses=place,
    )


def _place(asked: Asked) -> tuple[int, int, int]:
    shard, seq, place = (int(each) for each in asked.content["item"].split("-"))
    return shard, seq, place


def _item(books: Books, state: ShardState, asked: Asked) -> Leg | Prediction:
    """The movement that left the item, if it did, and if this owner may use it."""
    shard, seq, number = _place(asked)
    if shard != state.shard:
        return rejected("wrong_owner", "owner")
    made = state.made.get(seq)
    is_mirror = made is not None and made.type == "reversal" and not made.reopens
    if made is None or is_mirror or number >= len(made.legs):
        return rejected("item_unknown", "item")
    leg = made.legs[number]
    if books.known(state, leg.credit).account_class not in OF_ITEMS:
        return rejected("item_unknown", "item")
    if home(books, state, made, leg) != asked.owner:
        return rejected("wrong_owner", "owner")
    return leg if leg.asset == asked.content["asset"] else rejected("asset_mismatch", "asset")


def _target(
    books: Books, state: ShardState, row: JournalRow, asked: Asked, kept: Leg, code: str | None
) -> str | Prediction:
    """The account it goes to: one that is named, or what the posting rules say."""
    of = books.known(state, kept.credit)
    if code is None:
        found = books.against(of.entity, asked, "", of.asset, state.today[of.entity])
        return rejected("asset_not_used", "asset") if found is None else found
    account = books.account(state, row, code)
    if account is None:
        return rejected("account_unknown", "account")
    if account.entity != of.entity:
        return rejected("spans_entities")
    if account.asset != of.asset:
        return rejected("asset_mismatch", "account")
    return rejected("account_class_not_allowed", "account") if account.account_class in OF_ITEMS else code
