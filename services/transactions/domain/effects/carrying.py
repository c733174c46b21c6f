"""A balance is carried over from other books, on the day that its sender names.

All of them stand against the entity's migration accounts, which hold nothing once both sides of the books are
here. A fact: one for a day on which nothing may be booked any more goes to the open day and keeps its value.
"""

from dataclasses import replace
from typing import Final

from services.transactions.domain.cases import Case
from services.transactions.domain.chart import Account
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Refusal
from services.transactions.domain.effects.containers import accounts_within
from services.transactions.domain.effects.movements import MOVEMENTS


def _status(case: Case) -> Refusal | None:
    return MOVEMENTS.status(case) or _day(case)


def _day(case: Case) -> Refusal | None:
    """May it be booked on the day that it names, or on the open one, once it has been put there?"""
    day = case.record.message.booking_date
    if case.booked is not None or day == case.day:
        return None
    changes = case.context.changes
    periods = changes.periods_of(case.moves[0][0].entity_id)
    if periods.is_closed(day) or periods.is_soft_closed(day):
        return Refusal("period_closed", "booking_date", "its period is closed")
    if day > case.day:
        return Refusal("booking_date_not_open", "booking_date", f"the open day is {case.day}")
    return None


def _state(case: Case) -> Refusal | None:
    """Are an account's balances carried over in the order of their days?"""
    account = _carried(case)
    if account is None or case.booked is not None:
        return None
    last = case.context.changes.carried_until(account.account_id)
    if last is not None and case.record.message.booking_date < last:
        return Refusal("booking_date_decreases", "booking_date", f"one of {last} is booked")
    return None


def _carried(case: Case) -> Account | None:
    """Return the account whose balance it is; none where it went somewhere else."""
    message = case.record.message
    if case.redirected:
        return None
    for account in case.moves[0]:
        if message.account in (account.code, account.container):
            return account
    return None


def _accept(case: Case, decision: Decision) -> None:
    message = case.record.message
    MOVEMENTS.accept(case, decision)
    day = case.booked or message.booking_date
    decision.booking_date = day
    decision.value_date = message.value_date or message.booking_date
    account = _carried(case)
    if account is not None:
        case.context.changes.carry_over(account.account_id, day, case.seq)


CARRY_OVER: Final = replace(
    MOVEMENTS,
    status=_status,
    state=_state,
    accept=_accept,
    accounts=accounts_within,
    dates=("booking_date",),
)
