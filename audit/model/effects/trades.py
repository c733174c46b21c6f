"""Securities bought or sold, to be settled later; by trade date what is owed for them is booked at once."""

from datetime import date
from decimal import Decimal

from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.askings import ends_differ
from audit.model.effects.movements import move
from audit.model.effects.obligations import does_not_fit, follow
from audit.model.effects.references import Known
from audit.model.predictions import Leg, Prediction, rejected
from audit.model.state import ShardState
from audit.wire import Asked


def price_is_left(asked: Asked) -> Prediction | None:
    """What is paid in all for a purchase is more than the commission."""
    content = asked.content
    kept = content.get("commission")
    too_high = content["side"] == "buy" and kept and Decimal(kept) >= Decimal(content["settlement_amount"])
    return ends_differ(asked) or (rejected("commission_too_high", "commission") if too_high else None)


def trade(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Both accounts are one customer's; what moves is set aside."""
    said = move(books, state, row, asked, further=_one_customer, reshape=_through_the_firm)
    if said.kind != "TransactionPending" or not _is_booked(books, said):
        return said
    pending = state.pendings[row.seq]
    pending.owed = _owed(books, asked, said)
    if not follow(books, state, pending, row.seq, [("traded", pending.owed)]):
        for leg in said.movements:
            state.free(leg, leg.amount)
        del state.pendings[row.seq]
        state.opened.pop(said.opened or "", None)
        return does_not_fit("settlement_amount")
    return said


def _through_the_firm(
    books: Books, asked: Asked, legs: list[Leg], entity: str, day: date
) -> list[Leg] | None:
    """By trade date the money goes from the customer to the firm and from the firm to the market, or back."""
    if not books.by_trade_date(entity, day):
        return legs
    securities, paid, *kept = legs
    ours, theirs = (books.against(entity, asked, name, paid.asset, day) for name in ("receivable", "payable"))
    if ours is None or theirs is None:
        return None
    fee = sum(leg.amount for leg in kept)
    if asked.content["side"] == "buy":
        into = Leg("principal", paid.debit, ours, paid.asset, paid.amount)
        out = Leg("principal", theirs, paid.credit, paid.asset, paid.amount - fee)
        return [securities, into, out]
    out = Leg("principal", theirs, paid.credit, paid.asset, paid.amount)
    into = Leg("principal", paid.debit, ours, paid.asset, paid.amount + fee)
    return [securities, out, into]


def _is_booked(books: Books, said: Prediction) -> bool:
    assert said.booking_date is not None
    entity = books.accounts[said.movements[-1].credit].entity
    return books.by_trade_date(entity, said.booking_date)


def _owed(books: Books, asked: Asked, said: Prediction) -> list[Leg]:
    """What is owed to the firm, what it owes, and the difference, which it earns."""
    _, one, other = said.movements
    into, out = (one, other) if asked.content["side"] == "buy" else (other, one)
    legs = [Leg("obligation", into.credit, out.debit, out.asset, out.amount)]
    if into.amount > out.amount:
        entity = books.accounts[into.credit].entity
        assert said.booking_date is not None
        income = books.against(entity, asked, "commission", into.asset, said.booking_date)
        assert income is not None
        legs.append(Leg("commission", into.credit, income, into.asset, into.amount - out.amount))
    return legs


def _one_customer(books: Books, accounts: Known, asked: Asked) -> Prediction | None:  # noqa: ARG001 - others look
    if all(account is not None and account.owner == asked.owner for account in accounts.values()):
        return None
    return rejected("wrong_owner", "owner")
