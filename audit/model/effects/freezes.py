"""Freezing an account under an authority, and lifting a freeze."""

from audit.evidence import JournalRow
from audit.model.books import Books
from audit.model.predictions import Prediction, rejected
from audit.model.state import Freeze, ShardState
from audit.wire import HOUSE, Asked


def place_or_lift(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Each freeze has an id, used once for an account, and stands until that id is lifted."""
    code, freeze_id = asked.content["account"], asked.content["freeze_id"]
    account = books.account(state, row, code)
    if account is None:
        return rejected("account_unknown", "account")
    if account.owner != asked.owner:
        return rejected("wrong_owner", "owner", "account")
    if account.owner == HOUSE:
        return rejected("account_class_not_allowed", "account")
    standing = state.freezes.get((code, freeze_id))
    if asked.type == "freeze_account":
        if standing is not None:
            return rejected("freeze_exists", "freeze_id")
        direction = asked.content.get("direction", "both")
        state.freezes[code, freeze_id] = Freeze(code, freeze_id, direction, row.seq)
        return Prediction("InstructionApplied", booking_date=state.today[account.entity])
    if standing is None or standing.lifted_seq is not None:
        return rejected("freeze_unknown", "freeze_id")
    standing.lifted_seq = row.seq
    return Prediction("InstructionApplied", booking_date=state.today[account.entity])
