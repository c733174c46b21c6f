"""Freezes are placed on a customer's account, or on an amount of it, and lifted."""

from typing import Final

from services.transactions.domain.cases import Case, account_named, class_not_allowed, own_account
from services.transactions.domain.chart import Account
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.stops import Freeze
from shared.money import SCALE_MAX, AmountError, parse_amount


def _form(case: Case) -> Refusal | None:
    """Read the amount to keep; how many decimals it may have is not known without the account."""
    message = case.record.message
    case.amounts = []
    if message.amount is None:
        return None
    account = case.context.changes.find_account(message.account)
    scale = None if account is None or account.is_container else account.scale
    try:
        case.amounts.append(parse_amount(message.amount, SCALE_MAX if scale is None else scale))
    except AmountError as error:
        if scale is not None or error.reason not in ("amount_too_many_decimals", "amount_too_large"):
            return Refusal(error.reason, "amount", error.detail)
    if message.direction != "debit":
        return Refusal("direction_not_debit", "direction", "an amount is kept from debits alone")
    return None


def _references(case: Case) -> Refusal | None:
    refusal = own_account(case)
    if refusal is not None or case.record.message.amount is None:
        return refusal
    return class_not_allowed("account") if _account_of(case).is_container else None


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
    amount = case.amounts[0] if case.amounts else None
    freeze = Freeze(message.direction, lifted=False, amount=amount)
    changes.set_freeze(account.account_id, message.freeze_id, freeze)
    changes.placed.append(
        (account.account_id, message.freeze_id, message.direction, amount, message.authority, case.seq)
    )


def _lift(case: Case, decision: Decision) -> None:
    decision.account = account = _account_of(case)
    freeze_id = case.record.message.freeze_id
    changes = case.context.changes
    freeze = changes.freezes_of(account.account_id)[freeze_id]
    changes.set_freeze(account.account_id, freeze_id, freeze._replace(lifted=True))
    changes.lifted.append((account.account_id, freeze_id, case.seq))


FREEZE: Final = Effect(
    form=_form, references=_references, state=_is_new, accept=_place, accounts=account_named
)
UNFREEZE: Final = Effect(references=own_account, state=_stands, accept=_lift, accounts=account_named)
