"""Opening accounts."""

from collections.abc import Sequence

from audit.amounts import BadAmount, read_amount
from audit.ledger_rows import JournalRow
from audit.model.books import Books, was_seen
from audit.model.effects.effect import Spelled
from audit.model.predictions import Prediction, rejected
from audit.model.state import NO_CURRENCY, KnownAccount, ShardState
from audit.wire import HOUSE, Asked


def limit_asked(state: ShardState, asked: Asked) -> Sequence[Spelled]:  # noqa: ARG001 - others look
    """The limit, which may be nothing; null is no limit at all."""
    text = asked.content.get("limit")
    asset = asked.content.get("asset")
    return () if text is None else (Spelled("limit", text, asset, zero_allowed=True),)


def code_is_free(asked: Asked) -> Prediction | None:
    """The sign # is for accounts within a custody account, whose codes must be short enough for that."""
    code = asked.content["account"]
    too_long = asked.content.get("asset") is None and len(code) > 51
    if "#" in code or too_long:
        return rejected("field_malformed", "account")
    return rejected("accounts_same", "container") if asked.content.get("container") == code else None


def open_account(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """A customer's account, of a code that nobody has."""
    content = asked.content
    if content["entity"] not in books.first_days:
        return rejected("entity_unknown", "entity")
    named = content.get("asset")
    asset = books.assets.get(named) if named is not None else None
    if named is not None and asset is None:
        return rejected("asset_unknown", "asset")
    if asked.owner == HOUSE:
        return rejected("wrong_owner", "owner")
    account_class = content.get("class", "cash")
    if (account_class == "custody") != (asset is None or asset.kind == "security"):
        return rejected("account_class_not_allowed", "class")
    around = content.get("container")
    if around is not None:
        main = books.account(state, row, around)
        if main is None:
            return rejected("account_unknown", "container")
        if (main.owner, main.entity, main.container) != (asked.owner, content["entity"], None) or main.is_box:
            return rejected("container_not_allowed", "container")
    today = state.today[content["entity"]]
    if (
        asset is not None
        and asset.kind == "currency"
        and (content["entity"], "suspense", asset.code) not in books.house
    ):
        return rejected("asset_not_used", "asset")
    node = books.classes.get(account_class)
    if node is not None and not (
        node.valid_from <= today and (node.valid_until is None or today < node.valid_until)
    ):
        return rejected("account_class_not_valid", "class")
    instrument = None if asset is None else books.instruments.get(asset.code)
    if instrument is not None and not (
        instrument.valid_from <= today and (instrument.valid_until is None or today < instrument.valid_until)
    ):
        return rejected("instrument_not_valid", "asset")
    code = content["account"]
    taken = code in was_seen(row, "taken") or books.account(state, row, code) is not None
    if taken:
        return rejected("account_exists", "account")
    if around is not None and state.shut(around) is not None:
        return rejected("account_closed", "container")
    if asset is None:
        _open(state, row, asked, NO_CURRENCY, 0)
        return Prediction("InstructionApplied", booking_date=today)
    limit_text = content.get("limit", "0")
    limit = None if limit_text is None else read_amount(limit_text, asset.scale, zero_allowed=True)
    assert not isinstance(limit, BadAmount)
    _open(state, row, asked, asset.code, limit)
    return Prediction("InstructionApplied", booking_date=today)


def _open(state: ShardState, row: JournalRow, asked: Asked, asset: str, limit: int | None) -> None:
    content = asked.content
    state.opened[content["account"]] = KnownAccount(
        code=content["account"],
        entity=content["entity"],
        owner=asked.owner,
        asset=asset,
        account_class=content.get("class", "cash"),
        limit_minor=limit,
        shard=state.shard,
        opened_seq=row.seq,
        container=content.get("container"),
    )
