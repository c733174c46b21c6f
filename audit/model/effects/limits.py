"""Setting the limit of an account for the days to come."""

from collections.abc import Sequence
from datetime import date

from audit.amounts import BadAmount, read_amount
from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.effect import Spelled
from audit.model.predictions import Prediction, rejected
from audit.model.state import Limit, ShardState
from audit.wire import HOUSE, Asked


def new_limit_asked(state: ShardState, asked: Asked) -> Sequence[Spelled]:  # noqa: ARG001 - others look
    """The limit, in the account's asset; null is no limit at all."""
    named = [(name, asked.content.get(name)) for name in ("limit", "cap")]
    account = asked.content["account"]
    return [
        Spelled(name, text, None, zero_allowed=True, account=account)
        for name, text in named
        if text is not None
    ]


def holds_on_some_day(asked: Asked) -> Prediction | None:
    """It must not end before it begins."""
    since, until = asked.content.get("valid_from"), asked.content.get("valid_until")
    return rejected("validity_empty", "valid_until") if since and until and until <= since else None


def change_limit(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """A limit for the open business day and later ones; what was set before stays under it."""
    code = asked.content["account"]
    account = books.account(state, row, code)
    if account is None:
        return rejected("account_unknown", "account")
    if account.owner != asked.owner:
        return rejected("wrong_owner", "owner", "account")
    if account.owner == HOUSE or account.is_box:
        return rejected("account_class_not_allowed", "account")
    if state.shut(code) is not None:
        return rejected("account_closed", "account")
    today = state.today[account.entity]
    text, until_text = asked.content.get("valid_from"), asked.content.get("valid_until")
    since = date.fromisoformat(text) if text else today
    until = date.fromisoformat(until_text) if until_text else None
    if since < today:
        return rejected("validity_past", "valid_from")
    if until is not None and until <= since:
        return rejected("validity_past", "valid_until")
    scale = books.assets[account.asset].scale
    minor, cap = (_read(asked.content.get(name), scale) for name in ("limit", "cap"))
    state.limits.append(Limit(code, row.seq, minor, cap, since, until, asked.content["authority"]))
    return Prediction("InstructionApplied", booking_date=today, valid_from=since)


def _read(spelled: str | None, scale: int) -> int | None:
    minor = None if spelled is None else read_amount(spelled, scale, zero_allowed=True)
    assert not isinstance(minor, BadAmount)
    return minor
