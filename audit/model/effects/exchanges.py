"""One asset given for another with the firm, at a rate."""

from collections.abc import Sequence
from decimal import Context, Decimal, Inexact

from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.askings import amounts_moved, charges_fit, ends_differ
from audit.model.effects.effect import Spelled
from audit.model.effects.movements import move
from audit.model.effects.references import Known
from audit.model.predictions import Prediction, rejected
from audit.model.state import ShardState
from audit.wire import Asked

_EXACT = Context(prec=300, traps=[Inexact])
"""Longer than any product of an amount and a rate, of 60 characters each."""


def amounts_and_rate(state: ShardState, asked: Asked) -> Sequence[Spelled]:
    """Both amounts; the rate is looked at after the assets."""
    return amounts_moved(state, asked)


def assets_differ(asked: Asked) -> Prediction | None:
    """Something else comes back, and the rate is a positive number."""
    content = asked.content
    said = ends_differ(asked)
    if said is not None:
        return said
    if content["debit_asset"] == content["credit_asset"]:
        return rejected("assets_same", "debit_asset", "credit_asset")
    rate = content["rate"]
    digits = rate.removeprefix("-")
    whole, point, fraction = digits.partition(".")
    spelled = set(whole + fraction) <= set("0123456789") and whole and bool(fraction) == bool(point)
    if not spelled:
        return rejected("amount_malformed", "rate")
    if digits != rate:
        return rejected("amount_negative", "rate")
    return charges_fit(asked) if Decimal(rate) else rejected("amount_zero", "rate")


def exchange(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Two movements of one customer's, whose amounts agree with the rate."""
    return move(books, state, row, asked, further=agrees)


def agrees(books: Books, accounts: Known, asked: Asked) -> Prediction | None:
    """See that both accounts are one customer's, and the amounts each other's at the rate."""
    content = asked.content
    gives, takes = accounts[content["debit_account"]], accounts[content["credit_account"]]
    assert gives is not None
    assert takes is not None
    if gives.owner != takes.owner:
        return rejected("wrong_owner", "owner", "credit_account")
    sides = ("debit", "credit") if content.get("rate_unit", "debit") == "debit" else ("credit", "debit")
    unit, other = (Decimal(content[f"{side}_amount"]) for side in sides)
    one_unit, one_other = (
        Decimal(1).scaleb(-books.assets[content[f"{side}_asset"]].scale, _EXACT) for side in sides
    )
    rate = Decimal(content["rate"])
    off = _EXACT.subtract(_EXACT.multiply(unit, rate), other).copy_abs()
    # Rounded was the other's amount, or the unit's: then the rate makes a whole minor unit's worth of it.
    if off < one_other or off < _EXACT.multiply(one_unit, rate):
        return None
    return rejected("rate_mismatch", "rate")
