"""An account begins to be closed, or is opened again. What closes it is a duty: `duties/closing.py`."""

from typing import Final

from services.transactions.domain.cases import (
    Case,
    account_named,
    class_not_allowed,
    credits_elsewhere,
    own_account,
    stopped,
)
from services.transactions.domain.chart import Account
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.state import Closing, mask_of


def _is_free(case: Case) -> Refusal | None:
    """It is open, and no freeze stands on it in any direction."""
    changes = case.context.changes
    account_id = _account_of(case).account_id
    if changes.closing_of(account_id) is not None:
        return stopped("account_closed", "account")
    return stopped("account_frozen", "account") if mask_of(changes.freezes_of(account_id)) else None


def _nothing_pending(case: Case) -> Refusal | None:
    row = case.context.changes.read_row(_account_of(case).account_id)
    if row[2] or row[3]:
        return Refusal("account_has_pendings", "account", "something is pending on it")
    return None


def _holds_nothing(case: Case) -> Refusal | None:
    """By what home sees: others may have credits under way."""
    account_id = _account_of(case).account_id
    row = case.context.changes.read_row(account_id)
    foreign = credits_elsewhere(case.context, account_id)
    if foreign:
        case.has_seen("credits", {str(account_id): foreign})
    if row[1] - row[0] + foreign:
        return Refusal("balance_not_zero", "account", "its balance is not zero")
    return None


def _begin(case: Case, decision: Decision) -> None:
    decision.account = account = _account_of(case)
    assert decision.instruction_id is not None
    case.context.changes.set_closing(Closing(account, case.seq, decision.instruction_id))


def _by_two(case: Case) -> Refusal | None:
    message = case.record.message
    if message.entered_by == message.approved_by:
        return Refusal("approver_same", "approved_by", "another person must approve it")
    return None


def _is_shut(case: Case) -> Refusal | None:
    if case.context.changes.closing_of(_account_of(case).account_id) is None:
        return Refusal("account_not_closed", "account", "the account is open")
    return None


def _open_again(case: Case, decision: Decision) -> None:
    decision.account = account = _account_of(case)
    changes = case.context.changes
    closing = changes.closing_of(account.account_id)
    assert closing is not None
    changes.open_again(closing, case.seq)


def _account_of(case: Case) -> Account:
    assert case.account is not None
    return case.account


def _by_itself(case: Case) -> Refusal | None:
    """Custody accounts for any security, and what is within them, are not closed yet."""
    refusal = own_account(case)
    if refusal is not None:
        return refusal
    account = _account_of(case)
    is_within = account.container_id is not None
    return class_not_allowed("account") if account.is_container or is_within else None


CLOSE: Final = Effect(
    references=_by_itself,
    status=_is_free,
    state=_nothing_pending,
    limits=_holds_nothing,
    accept=_begin,
    accounts=account_named,
)
REOPEN: Final = Effect(
    form=_by_two, references=own_account, state=_is_shut, accept=_open_again, accounts=account_named
)
