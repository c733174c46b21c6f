"""Interest that accrues: what has accrued in all, rounded, less what was posted before."""

from decimal import Decimal
from typing import Final

from audit.amounts import spell_amount
from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.askings import Asking, End
from audit.model.effects.movements import move
from audit.model.predictions import Prediction, rejected
from audit.model.state import ShardState
from audit.wire import Asked

WHOLE_DIGITS: Final = 14


def has_accrued(asked: Asked) -> Prediction | None:
    """Form: a number, of any decimals; nothing at all is one."""
    text = asked.content["cumulative"]
    digits = text.removeprefix("-")
    whole, point, fraction = digits.partition(".")
    spelled = set(whole + fraction) <= set("0123456789") and whole and bool(fraction) == bool(point)
    if not spelled:
        return rejected("amount_malformed", "cumulative")
    if digits != text:
        return rejected("amount_negative", "cumulative")
    return rejected("amount_too_large", "cumulative") if len(whole.lstrip("0")) > WHOLE_DIGITS else None


def accrue(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """A step, forth or back; where it comes to nothing, only the account must be there."""
    content = asked.content
    asset = books.assets.get(content["asset"])
    if asset is None:
        return rejected("asset_unknown", "asset")
    direction = content.get("direction", "credit")
    series = (content["account"], content["series"], content["asset"], direction)
    digits, exponent = Decimal(content["cumulative"]).as_tuple()[1:]
    assert isinstance(exponent, int)
    units = int("".join(map(str, digits)))
    shift = exponent + asset.scale
    accrued = units * 10**shift if shift >= 0 else (2 * units + 10**-shift) // (2 * 10**-shift)
    step = accrued - state.accruals.get(series, (0, 0))[0]
    ends = [End(None, direction), End(content["account"])]
    if (direction == "debit") != (step < 0):
        ends.reverse()
    amount = spell_amount(abs(step) or 1, asset.scale)
    moves = (Asking("interest", ends[0], ends[1], amount, content["asset"], "cumulative"),)
    if step:
        said = move(books, state, row, asked, moves=moves)
    else:
        # As if it were to move: what would be refused, or go elsewhere, for what it names is refused.
        trial = state.on_trial()
        said = move(books, trial, row, asked, moves=moves)
        if said.routed in {"account_unknown", "wrong_owner", "asset_mismatch", "account_class_not_allowed"}:
            said = rejected(said.routed, "account")
        elif said.kind != "InstructionRejected" or said.reason == "balance_overflow":
            entity = books.known(state, content["account"]).entity
            said = Prediction("InstructionApplied", booking_date=state.today[entity])
    if said.kind != "InstructionRejected":
        state.accruals[series] = (accrued, row.seq)
    return said
