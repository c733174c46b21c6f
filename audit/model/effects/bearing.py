"""Rung 7 of all that moves: what an account bears, and how much may be taken from it at one go."""

from collections.abc import Sequence
from datetime import date

from audit.amounts import LARGEST
from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.askings import AMOUNTS
from audit.model.predictions import Leg
from audit.model.state import ShardState


def bears(
    books: Books,
    state: ShardState,
    row: JournalRow,
    leg: Leg,
    since: date | None,
    *,
    may_pass: bool,
    by_right: bool = False,
    by: str | None = None,
) -> tuple[str, ...] | str | None:
    """None, or why not with the fields, or `limit_passed` for what may pass it.

    A right lets nothing past a freeze, and so takes nothing that one keeps.
    """
    debit, credit = state.balance(leg.debit), state.balance(leg.credit)
    if debit[0] + debit[2] + leg.amount > LARGEST or credit[1] + credit[3] + leg.amount > LARGEST:
        return "balance_overflow", *AMOUNTS, "charges"
    kept = sum(
        each.amount or 0
        for each in state.freezes.values()
        if each.account == leg.debit and each.lifted_seq is None
    )
    short = books.short_of(state, row, leg, since, kept, by, may_pass=may_pass)
    if short is None:
        return None
    is_kept = (
        short == "insufficient_funds"
        and kept > 0
        and (
            by_right
            or books.short_of(state, row, leg, since, by=by, may_pass=may_pass) != "insufficient_funds"
        )
    )
    if may_pass and not (by_right and is_kept):
        return "limit_passed"
    return "amount_frozen" if is_kept else short, "account", "debit_account", "charges"


def passes_cap(books: Books, state: ShardState, leg: Leg, legs: Sequence[Leg]) -> tuple[str, ...] | None:
    """Why not, with the fields, where so much has been taken from an account at one go by this movement."""
    cap = books.cap_of(state, leg.debit)
    taken = 0
    for each in legs:
        taken += each.amount if each.debit == leg.debit else 0
        if each is leg:
            break
    return ("cap_passed", *AMOUNTS, "charges") if cap is not None and taken > cap else None
