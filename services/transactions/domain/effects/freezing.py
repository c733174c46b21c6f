"""Freezes are placed on a customer's account, and lifted."""

from typing import Any, Final

from services.transactions.domain.cases import Case, absent, class_not_allowed
from services.transactions.domain.chart import Account
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.state import Freeze


def _references(case: Case) -> Refusal | None:
    message = case.record.message
    context = case.context
    account = context.changes.find_account(message.account)
    if account is None:
        return absent(case, message.account, "account")
    if account.owner != case.record.owner:
        return Refusal("wrong_owner", "owner", "the owner named is not the account's")
    if not account.is_customer:
        return class_not_allowed("account")
    case.account = account
    case.day = context.changes.day_of(account.entity_id)
    return None


def _is_new(case: Case) -> Refusal | None:
    if _freeze_named(case) is None:
        return None
    return Refusal("freeze_exists", "freeze_id", "the account has had a freeze of this id")


def _stands(case: Case) -> Refusal | None:
    freeze = _freeze_named(case)
    if freeze is not None and not freeze.lifted:
        return None
    return Refusal("freeze_unknown", "freeze_id", "no freeze of this id stands on the account")


def _freeze_named(case: Case) -> Freeze | None:
    return case.context.changes.freezes_of(_account_of(case).account_id).get(case.record.message.freeze_id)


def _account_of(case: Case) -> Account:
    assert case.account is not None
    return case.account


def _place(case: Case, decision: Decision) -> None:
    decision.account = account = _account_of(case)
    message = case.record.message
    changes = case.context.changes
    changes.set_freeze(account.account_id, message.freeze_id, Freeze(message.direction, lifted=False))
    changes.placed.append(
        (account.account_id, message.freeze_id, message.direction, message.authority, case.seq)
    )


def _lift(case: Case, decision: Decision) -> None:
    decision.account = account = _account_of(case)
    freeze_id = case.record.message.freeze_id
    changes = case.context.changes
    freeze = changes.freezes_of(account.account_id)[freeze_id]
    changes.set_freeze(account.account_id, freeze_id, freeze._replace(lifted=True))
    changes.lifted.append((account.account_id, freeze_id, case.seq))


def _accounts(message: Any) -> tuple[str, ...]:
    return (message.account,)


FREEZE: Final = Effect(references=_references, state=_is_new, accept=_place, accounts=_accounts)
UNFREEZE: Final = Effect(references=_references, state=_stands, accept=_lift, accounts=_accounts)
