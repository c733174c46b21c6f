"""Rung 3: whether an instruction is written as it must be, whatever it refers to."""

from typing import Final

from audit.amounts import BadAmount, read_amount
from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.effect import Effect
from audit.model.predictions import Prediction, rejected
from audit.model.state import ShardState
from audit.sealed import kept_size
from audit.wire import SCHEDULABLE, Asked

DATES: Final = (
    "occurred_at",
    "value_date",
    "execute_on",
    "contractual_settlement_date",
    "actual_settlement_date",
    "booking_date",
    "valid_from",
    "valid_until",
    "expires_on",
)
FIRST_DAY: Final = "1900-01-01"
LAST_DAY: Final = "2100-12-31"

LARGEST_CONTENT: Final = 1_048_576 - 65_536
"""Bytes of an instruction; a larger one could make an event larger than the topic takes."""


def form(books: Books, state: ShardState, row: JournalRow, asked: Asked, effect: Effect) -> Prediction | None:
    """Rung 3. Among several wrong fields any may be named; the row says which."""
    if asked.wrong:
        reasons = sorted({reason for each in asked.wrong for reason in each.reasons})
        named = row.reason if row.reason in reasons else reasons[0]
        fields = tuple(each.field for each in asked.wrong if named in each.reasons)
        return rejected(named, *fields)
    said = spelling(books, state, row, asked, effect) or effect.of_parts(books, state, row, asked)
    if said is not None:
        return said
    own = effect.own_form(asked)
    if own is not None:
        return own
    for name in DATES:
        spelled = asked.content.get(name)
        if spelled is not None and not FIRST_DAY <= spelled[:10] <= LAST_DAY:
            return rejected("date_out_of_range", *DATES)
    if asked.content.get("execute_on") is not None and asked.type not in SCHEDULABLE:
        return rejected("not_schedulable", "execute_on")
    if kept_size(asked.content) > LARGEST_CONTENT:
        return rejected("too_large")
    return None


def spelling(
    books: Books, state: ShardState, row: JournalRow, asked: Asked, effect: Effect
) -> Prediction | None:
    """Whether its amounts are amounts of what they are of."""
    for spelled in effect.amounts(state, asked):
        holder = books.account(state, row, spelled.account) if spelled.account else None
        asset = books.assets.get(spelled.asset or (holder.asset if holder else ""))
        read = read_amount(spelled.text, asset.scale if asset else 18, zero_allowed=spelled.zero_allowed)
        if not isinstance(read, BadAmount):
            continue
        # How many decimals an unknown asset has nobody knows: rung 4 refuses it.
        if asset is not None or read.reason not in {"amount_too_many_decimals", "amount_too_large"}:
            return rejected(read.reason, spelled.field)
    return None
