"""Closing an account in two steps, opening it again, and what the ledger does by itself in between."""

from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.predictions import Leg, Prediction, rejected
from audit.model.state import Closing, KnownAccount, Posted, ShardState
from audit.wire import HOUSE, Asked


def by_two(asked: Asked) -> Prediction | None:
    """Who approves a reopening is not who entered it."""
    same = asked.content["entered_by"] == asked.content["approved_by"]
    return rejected("approver_same", "approved_by") if same else None


def close(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """An account without a freeze, anything pending, or a balance by what home sees, begins to be closed."""
    account = _own(books, state, row, asked)
    if isinstance(account, Prediction):
        return account
    code = account.code
    if "#" in code:
        return rejected("account_class_not_allowed", "account")
    parts = _parts(state, code)
    if state.shut(code) is not None:
        return rejected("account_closed", "account")
    if any(each.account in parts and each.lifted_seq is None for each in state.freezes.values()):
        return rejected("account_frozen", "account")
    if any(amount for each in parts for amount in state.balance(each)[2:]):
        return rejected("account_has_pendings", "account")
    if any(_left(books, state, row, each) for each in parts):
        return rejected("balance_not_zero", "account")
    state.closings.append(Closing(code, row.seq))
    return Prediction("InstructionApplied", booking_date=state.today[account.entity])


def reopen(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """An account that is closing or closed is open again."""
    account = _own(books, state, row, asked)
    if isinstance(account, Prediction):
        return account
    closing = state.shut(account.code)
    if closing is None or "#" in account.code:
        return rejected("account_not_closed", "account")
    closing.reopened_seq = row.seq
    return Prediction("InstructionApplied", booking_date=state.today[account.entity])


def swept(books: Books, state: ShardState, row: JournalRow) -> Prediction | None:
    """All that is left on an account that is shut goes to suspense; where nothing is, it is no such event."""
    closing = _about(state, row)
    if closing is None:
        return None
    left = {code: _left(books, state, row, code) for code in _parts(state, closing.account)}
    code = next((code for code, amount in left.items() if amount > 0), closing.account)
    amount = left[code]
    account = state.opened[code]
    suspense = books.house.get((account.entity, "suspense", account.asset))
    if amount <= 0 or suspense is None:
        return None
    leg = Leg("principal", account.code, suspense, account.asset, amount)
    state.post(leg)
    state.made[row.seq] = Posted(row.seq, "close_account", [leg], account.owner)
    day = state.today[account.entity]
    return Prediction("CreditSwept", about_seq=closing.seq, movements=[leg], booking_date=day, value_date=day)


def closed(books: Books, state: ShardState, row: JournalRow) -> Prediction | None:
    """What was closing and has come to nothing is closed; otherwise there is no such event."""
    closing = _about(state, row)
    if closing is None or closing.closed_seq is not None:
        return None
    for code in _parts(state, closing.account):
        if any(state.balance(code)[2:]) or _left(books, state, row, code):
            return None
    closing.closed_seq = row.seq
    day = state.today[state.opened[closing.account].entity]
    return Prediction("AccountClosed", about_seq=closing.seq, booking_date=day)


def _own(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> KnownAccount | Prediction:
    code = asked.content["account"]
    account = books.account(state, row, code)
    if account is None:
        return rejected("account_unknown", "account")
    if account.owner != asked.owner:
        return rejected("wrong_owner", "owner", "account")
    if account.owner == HOUSE:
        return rejected("account_class_not_allowed", "account")
    return account


def _parts(state: ShardState, code: str) -> list[str]:
    """The codes of an account and of all that are within it, in the order in which they were opened."""
    return [code, *(each for each in state.opened if each.startswith(f"{code}#"))]


def _about(state: ShardState, row: JournalRow) -> Closing | None:
    """The closing that an event of the ledger's own names, while it stands."""
    return next(
        (each for each in state.closings if each.seq == row.about_seq and each.reopened_seq is None), None
    )


def _left(books: Books, state: ShardState, row: JournalRow, code: str) -> int:
    """What an account holds, as far as the decision saw it."""
    balance = state.balance(code)
    return balance[1] - balance[0] + books.foreign(row, code)
