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
from services.transactions.domain.stops import Closing, mask_of


def _is_free(case: Case) -> Refusal | None:
    """It is open, and no freeze stands on it, or on an account within it, in any direction."""
    changes = case.context.changes
    if changes.closing_of(_account_of(case).account_id) is not None:
        return stopped("account_closed", "account")
    frozen = any(mask_of(changes.freezes_of(each.account_id)) for each in _all_of(case))
    return stopped("account_frozen", "account") if frozen else None


def _nothing_pending(case: Case) -> Refusal | None:
    for each in _all_of(case):
        row = case.context.changes.read_row(each.account_id)
        if row[2] or row[3]:
            return Refusal("account_has_pendings", "account", f"something is pending on {each.code}")
    return None


def _holds_nothing(case: Case) -> Refusal | None:
    """By what home sees: others may have credits under way."""
    for each in _all_of(case):
        row = case.context.changes.read_row(each.account_id)
        foreign = credits_elsewhere(case.context, each.account_id)
        if foreign:
            case.has_seen("credits", {str(each.account_id): foreign})
        if row[1] - row[0] + foreign:
            return Refusal("balance_not_zero", "account", f"the balance of {each.code} is not zero")
    return None


def _begin(case: Case, decision: Decision) -> None:
    decision.account = account = _account_of(case)
    assert decision.instruction_id is not None
    within = tuple(_all_of(case)[1:])
    closing = Closing(account, case.seq, decision.instruction_id, within=within)
    case.context.changes.set_closing(closing)


def _all_of(case: Case) -> list[Account]:
    """Return the account, and where it is a custody account for any security all those within it."""
    account = _account_of(case)
    if not account.is_container:
        return [account]
    known = case.context.outside.within.get(account.code, ())
    opened = (each for each in case.context.changes.accounts.values() if each not in known)
    inside = (each for each in (*known, *opened) if each.container_id == account.account_id)
    return [account, *sorted(inside, key=lambda each: each.account_id)]


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


def _as_a_whole(case: Case) -> Refusal | None:
    """What is within a custody account is closed with it, never alone."""
    refusal = own_account(case)
    if refusal is not None:
        return refusal
    return class_not_allowed("account") if _account_of(case).container_id is not None else None


CLOSE: Final = Effect(
    references=_as_a_whole,
    status=_is_free,
    state=_nothing_pending,
    limits=_holds_nothing,
    accept=_begin,
    accounts=account_named,
    whole=True,
)
REOPEN: Final = Effect(
    form=_by_two, references=own_account, state=_is_shut, accept=_open_again, accounts=account_named
)
