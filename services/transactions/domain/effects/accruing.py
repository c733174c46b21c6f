"""Interest accrues: what is posted is all that has accrued, rounded, less what was posted of it before.

So what is posted of a series is never further from what has accrued than half a minor unit, however many
steps it came in. How much that is stands under the account's code as it was named, so that what goes to
suspense, because there is no such account, goes there once; and under its asset and direction, since what
was posted of the one is nothing of the other's.
"""

from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain.cases import Case
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Refusal
from services.transactions.domain.effects.movements import MOVEMENTS, Put, put_down
from services.transactions.domain.state import Series
from shared.money import AmountError, parse_exact

DIGITS_MAX: Final = 14
"""Of a cumulative amount, before the point: with a currency's decimals it then fits 64 bits."""


def _form(case: Case) -> Refusal | None:
    text = case.record.message.cumulative
    try:
        parse_exact(text)
    except AmountError as error:
        return Refusal(error.reason, "cumulative", error.detail)
    if len(text.partition(".")[0].lstrip("0")) > DIGITS_MAX:
        return Refusal("amount_too_large", "cumulative", f"it may have {DIGITS_MAX} digits before the point")
    return None


def _references(case: Case) -> Refusal | None:
    """Find both ends, and what is to be posted between them; the other way round, if less has accrued."""
    refusal = MOVEMENTS.references(case)
    if refusal is not None:
        return refusal
    step = _cumulative(case) - case.context.changes.accrued_of(_series(case))
    if step == 0:
        if case.redirected:
            return Refusal(case.routed or "account_unknown", "account", "there is nothing to be booked of it")
        case.moves, case.amounts = [], []
        return None
    case.amounts = [abs(step)]
    if step < 0:
        case.moves = [(credit, debit) for debit, credit in case.moves]
    return None


def _series(case: Case) -> Series:
    message = case.record.message
    return Series(message.account, message.series, message.asset, message.direction)


def _cumulative(case: Case) -> int:
    """Return what has accrued in minor units, half a one rounded up."""
    message = case.record.message
    scale = case.context.chart.assets[message.asset].scale
    return floor(parse_exact(message.cumulative) * 10**scale + Fraction(1, 2))


def _limits(case: Case) -> Refusal | None:
    steps = zip(case.moves, case.amounts, strict=False)
    return put_down(case, [Put("interest", *ends, amount, "account", "cumulative") for ends, amount in steps])


def _accept(case: Case, decision: Decision) -> None:
    if case.moves:
        MOVEMENTS.accept(case, decision)
    else:
        decision.kind = kinds.APPLIED
        decision.account = case.context.changes.find_account(case.record.message.account)
    case.context.changes.accrue(_series(case), _cumulative(case), case.seq)


ACCRUE: Final = replace(MOVEMENTS, form=_form, references=_references, limits=_limits, accept=_accept)
