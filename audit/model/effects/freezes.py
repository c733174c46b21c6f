"""Freezing an account or an amount of it under an authority, and lifting a freeze."""

from collections.abc import Sequence

from audit.amounts import read_amount
from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.effect import Spelled
from audit.model.predictions import Prediction, rejected
from audit.model.state import Freeze, ShardState
from audit.wire import HOUSE, Asked


def amount_kept(state: ShardState, asked: Asked) -> Sequence[Spelled]:  # noqa: ARG001 - others look
    """The amount to be kept, if not all is stopped, in the account's asset."""
    text = asked.content.get("amount")
    return () if text is None else (Spelled("amount", text, None, account=asked.content["account"]),)


def of_debits(asked: Asked) -> Prediction | None:
    """What is kept is kept from debits."""
    is_other = asked.content.get("amount") is not None and asked.content.get("direction", "both") != "debit"
    return rejected("direction_not_debit", "direction") if is_other else None


def place_or_lift(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Each freeze has an id, used once for an account, and stands until that id is lifted."""
    code, freeze_id = asked.content["account"], asked.content["freeze_id"]
    account = books.account(state, row, code)
    if account is None:
        return rejected("account_unknown", "account")
    if account.owner != asked.owner:
        return rejected("wrong_owner", "owner", "account")
    spelled = asked.content.get("amount") if asked.type == "freeze_account" else None
    if account.owner == HOUSE or (spelled is not None and account.is_box):
        return rejected("account_class_not_allowed", "account")
    standing = state.freezes.get((code, freeze_id))
    if asked.type == "freeze_account":
        if standing is not None:
            return rejected("freeze_exists", "freeze_id")
        amount = None if spelled is None else read_amount(spelled, books.assets[account.asset].scale)
        assert amount is None or isinstance(amount, int)
        direction = asked.content.get("direction", "both")
        state.freezes[code, freeze_id] = Freeze(code, freeze_id, direction, row.seq, amount)
        return Prediction("InstructionApplied", booking_date=state.today[account.entity])
    if standing is None or standing.lifted_seq is not None:
        return rejected("freeze_unknown", "freeze_id")
    standing.lifted_seq = row.seq
    return Prediction("InstructionApplied", booking_date=state.today[account.entity])
