"""Freezes are placed on a customer's account, and lifted."""

from typing import Final

from services.transactions.domain.cases import Case, account_named, own_account
from services.transactions.domain.chart import Account
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.state import Freeze


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


FREEZE: Final = Effect(references=own_account, state=_is_new, accept=_place, accounts=account_named)
UNFREEZE: Final = Effect(references=own_account, state=_stands, accept=_lift, accounts=account_named)
