"""Saying who has a role with a customer: the ledger only keeps it."""

from audit.evidence import JournalRow
from audit.model.books import Books
from audit.model.predictions import Prediction, rejected
from audit.model.state import ShardState
from audit.wire import HOUSE, Asked


def says_whose_and_when(asked: Asked) -> Prediction | None:
    """The person has a code, and the role does not end before it begins."""
    holder = asked.content["holder"]
    if holder.get("person") is None:
        return rejected("field_missing", "holder.person")
    since, until = holder.get("since"), holder.get("until")
    return rejected("validity_empty", "holder.until") if since and until and until < since else None


def change_holder(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Any account of the customer's own stands for the customer."""
    account = books.account(state, row, asked.content["account"])
    if account is None:
        return rejected("account_unknown", "account")
    if account.owner != asked.owner:
        return rejected("wrong_owner", "owner", "account")
    if account.owner == HOUSE:
        return rejected("account_class_not_allowed", "account")
    return Prediction("InstructionApplied", booking_date=state.today[account.entity])
