"""Securities bought or sold: set aside, with the money for them, until they are settled.

Whether what is owed for them is in the house's books until then is its entity's policy: by settlement date
nothing is, by trade date all of it (`obligations`).
"""

from dataclasses import replace
from decimal import Decimal as Exact
from typing import Final

from services.transactions.domain.cases import Case, asset_not_used
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Refusal
from services.transactions.domain.effects.containers import traded_within
from services.transactions.domain.effects.movements import MOVEMENTS, Put, put_down, take_back
from services.transactions.domain.effects.obligations import Booking, book_behind, booked_at_once, overflow


def _form(case: Case) -> Refusal | None:
    """A commission is a part of what is paid in all, so something is left for the securities."""
    refusal = MOVEMENTS.form(case)
    message = case.record.message
    if refusal is not None or message.side != "buy" or message.commission is None:
        return refusal
    # As they are written: how many decimals the asset has may not be known, and nothing is rounded here.
    if Exact(message.commission) < Exact(message.settlement_amount):
        return None
    return Refusal("commission_too_high", "commission", "what is paid in all is no more than the commission")


def _references(case: Case) -> Refusal | None:
    """Both accounts are the same customer's: nobody pays for another's securities."""
    case.at_once = None
    refusal = MOVEMENTS.references(case)
    if refusal is not None:
        return refusal
    ends = (account for ends in case.moves for account in ends)
    if not case.redirected and any(each.is_customer and each.owner != case.record.owner for each in ends):
        return Refusal("wrong_owner", "owner", "the owner named is not that of both accounts")
    return _find_accounts(case)


def _find_accounts(case: Case) -> Refusal | None:
    """Find where the house keeps what is owed, if that is to be booked at once."""
    chart = case.context.chart
    money, _ = case.moves[1]
    if not chart.books_trades_at_once(money.entity_id, case.day):
        return None
    owed_to_us, owed_by_us = (
        chart.counterpart(money.entity_id, "trade", condition, money.asset_id, case.day)
        for condition in ("receivable", "payable")
    )
    if owed_to_us is None or owed_by_us is None:
        return asset_not_used()
    case.at_once = (owed_to_us, owed_by_us)
    return None


def _limits(case: Case) -> Refusal | None:
    if case.at_once is None:
        return MOVEMENTS.limits(case)
    case.pending = True
    return put_down(case, _through(case)) or _bears_booking(case)


def _through(case: Case) -> list[Put]:
    """Lead the money from the customer to the market, or back, through what is owed to us and by us."""
    assert case.at_once is not None
    owed_to_us, owed_by_us = case.at_once
    quantity, paid, kept = _amounts(case)
    (debit, credit), (payer, payee) = case.moves[:2]
    securities, money = case.record.plan[:2]
    first, second = (
        (Put("principal", payer, owed_to_us, paid), Put("principal", owed_by_us, payee, paid - kept))
        if _buys(case)
        else (Put("principal", owed_by_us, payee, paid), Put("principal", payer, owed_to_us, paid + kept))
    )
    return [
        Put("principal", debit, credit, quantity, securities.debit_field, securities.amount_field),
        first._replace(debit_field=money.debit_field, amount_field=money.amount_field),
        second._replace(debit_field=money.debit_field, amount_field=money.amount_field),
    ]


def _bears_booking(case: Case) -> Refusal | None:
    refusal = overflow(case.context.changes, [_booking(case)], "settlement_amount")
    if refusal is not None:
        take_back(case)
    return refusal


def _booking(case: Case) -> Booking:
    assert case.at_once is not None
    owed_to_us, owed_by_us = case.at_once
    _, paid, kept = _amounts(case)
    to_us, by_us = (paid, paid - kept) if _buys(case) else (paid + kept, paid)
    income = case.moves[-1][1]
    return booked_at_once(owed_to_us, owed_by_us, income, owed_to_us=to_us, owed_by_us=by_us)


def _buys(case: Case) -> bool:
    return case.record.message.side == "buy"


def _amounts(case: Case) -> tuple[int, int, int]:
    """Return the quantity, what the customer pays or gets in all, and the commission within it."""
    quantity, paid, *kept = case.amounts
    return quantity, paid, kept[0] if kept else 0


def _accept(case: Case, decision: Decision) -> None:
    MOVEMENTS.accept(case, decision)
    if case.at_once is not None:
        changes = case.context.changes
        pending = changes.pended[-1]
        pending.obligation = book_behind(changes, pending, [_booking(case)], case.day)


TRADING: Final = replace(
    MOVEMENTS, form=_form, references=_references, limits=_limits, accept=_accept, accounts=traded_within
)
