"""An account's limit is set anew, from a booking date on."""

from typing import Final

from services.transactions.domain.cases import (
    Case,
    account_named,
    class_not_allowed,
    is_shut,
    own_account,
    stopped,
)
from services.transactions.domain.chart import Dated
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.limits import Allowed, LimitSet
from shared.money import SCALE_MAX, AmountError, parse_signed


def read_limit(case: Case, scale: int | None) -> Refusal | None:
    """Read the limit asked for; how many decimals it may have is not known without a scale."""
    case.limit, refusal = _read(case, "limit", scale)
    return refusal


def _read(case: Case, field: str, scale: int | None) -> tuple[int | None, Refusal | None]:
    """Read an amount that may be nothing or none."""
    text = getattr(case.record.message, field)
    if text is None:
        return None, None
    try:
        return parse_signed(text, SCALE_MAX if scale is None else scale), None
    except AmountError as error:
        if scale is not None or error.reason not in ("amount_too_many_decimals", "amount_too_large"):
            return None, Refusal(error.reason, field, error.detail)
    return None, None


def _form(case: Case) -> Refusal | None:
    message = case.record.message
    account = case.context.changes.find_account(message.account)
    scale = None if account is None else account.scale
    refusal = read_limit(case, scale)
    if refusal is not None:
        return refusal
    case.cap, refusal = _read(case, "cap", scale)
    if refusal is not None:
        return refusal
    since, until = message.valid_from, message.valid_until
    if since is not None and until is not None and until <= since:
        return Refusal("validity_empty", "valid_until", "it would hold on no day at all")
    return None


def _begins_today_or_later(case: Case) -> Refusal | None:
    """Days gone by keep the limit that was theirs."""
    message = case.record.message
    if message.valid_from is not None and message.valid_from < case.day:
        return Refusal("validity_past", "valid_from", f"the open day is {case.day}")
    if message.valid_until is not None and message.valid_until <= case.day:
        return Refusal("validity_past", "valid_until", f"the open day is {case.day}")
    return None


def _references(case: Case) -> Refusal | None:
    refusal = own_account(case)
    if refusal is not None:
        return refusal
    assert case.account is not None
    return class_not_allowed("account") if case.account.is_container else None


def _is_open(case: Case) -> Refusal | None:
    """What is closed takes no debits that a limit could bound; what is opened again has the one it had."""
    assert case.account is not None
    return stopped("account_closed", "account") if is_shut(case.context.changes, case.account) else None


def _set(case: Case, decision: Decision) -> None:
    message = case.record.message
    decision.account = account = case.account
    assert account is not None
    since = message.valid_from or case.day
    decision.detail = {"valid_from": since.isoformat()}
    allowed = Dated(Allowed(case.limit, case.cap), since, message.valid_until)
    case.context.changes.set_limit(LimitSet(account.account_id, case.seq, allowed, message.authority))


CHANGE_LIMIT: Final = Effect(
    form=_form,
    references=_references,
    status=_is_open,
    state=_begins_today_or_later,
    accept=_set,
    dates=("valid_from", "valid_until"),
    accounts=account_named,
)
