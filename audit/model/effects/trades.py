"""Securities bought or sold, to be settled later."""

from audit.evidence import JournalRow
from audit.model.books import Books
from audit.model.effects.movements import Known, move
from audit.model.predictions import Prediction, rejected
from audit.model.state import ShardState
from audit.wire import Asked


def trade(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Both accounts are one customer's; what moves is set aside."""
    return move(books, state, row, asked, further=_one_customer)


def _one_customer(books: Books, accounts: Known, asked: Asked) -> Prediction | None:  # noqa: ARG001 - others look
    if all(account is not None and account.owner == asked.owner for account in accounts.values()):
        return None
    return rejected("wrong_owner", "owner")
