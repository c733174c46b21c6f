"""Opening accounts."""

from collections.abc import Sequence

from audit.amounts import BadAmount, read_amount
from audit.evidence import JournalRow
from audit.model.books import Books, was_seen
from audit.model.effects.effect import Spelled
from audit.model.predictions import Prediction, rejected
from audit.model.state import KnownAccount, ShardState
from audit.wire import HOUSE, Asked


def limit_asked(state: ShardState, asked: Asked) -> Sequence[Spelled]:  # noqa: ARG001 - others look
    """The limit, which may be nothing; null is no limit at all."""
    text = asked.content.get("limit")
    return () if text is None else (Spelled("limit", text, asked.content["asset"], zero_allowed=True),)


def open_account(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """A customer's account, of a code that nobody has."""
    content = asked.content
    if content["entity"] not in books.first_days:
        return rejected("entity_unknown", "entity")
    asset = books.assets.get(content["asset"])
    if asset is None:
        return rejected("asset_unknown", "asset")
    if asked.owner == HOUSE:
        return rejected("wrong_owner", "owner")
    account_class = content.get("class", "cash")
    if (account_class == "custody") != (asset.kind == "security"):
        return rejected("account_class_not_allowed", "class")
    if asset.kind == "currency" and (content["entity"], "suspense", asset.code) not in books.house:
        return rejected("asset_not_used", "asset")
    instrument = books.instruments.get(asset.code)
    today = state.today[content["entity"]]
    if instrument is not None and not (
        instrument.valid_from <= today and (instrument.valid_until is None or today < instrument.valid_until)
    ):
        return rejected("instrument_not_valid", "asset")
    code = content["account"]
    taken = code in was_seen(row, "taken") or books.account(state, row, code) is not None
    if taken:
        return rejected("account_exists", "account")
    limit_text = content.get("limit", "0")
    limit = None if limit_text is None else read_amount(limit_text, asset.scale, zero_allowed=True)
    assert not isinstance(limit, BadAmount)
    state.opened[code] = KnownAccount(
        code=code,
        entity=content["entity"],
        owner=asked.owner,
        asset=asset.code,
        account_class=account_class,
        limit_minor=limit,
        shard=state.shard,
        opened_seq=row.seq,
        container=content.get("container"),
    )
    return Prediction("InstructionApplied", booking_date=today)
