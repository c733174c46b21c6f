"""Rung 4 of all that moves: the accounts named, and whether they are such as may be named there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.askings import Asking
from audit.model.state import KnownAccount, ShardState
from audit.wire import HOUSE, Asked

CASH_CLASSES: Final = frozenset({"cash", "loan"})
WITHIN_BOXES: Final = frozenset({"custody_transfer", "trade", "opening_balance"})
"""Types in which a custody account stands for the account of the security within it."""

OF_THE_HOUSE: Final = frozenset({"house_posting", "adjustment"})
"""Types that move money between the firm's own accounts only."""

OF_ITEMS: Final = frozenset({"suspense", "return", "blocked_funds"})
"""Classes of the firm's accounts whose every credit is an item, and that are debited item by item."""

Known = Mapping[str, KnownAccount | None]
"""The accounts that the movements name, by code; None for what there is not."""


def referring(
    books: Books,
    state: ShardState,
    row: JournalRow,
    asked: Asked,
    moves: Sequence[Asking],
    opening: KnownAccount | None = None,
) -> tuple[Known, str | None, tuple[str, ...]]:
    """Rung 4 of all that moves: the accounts named, and what is wrong first with the fields it may be in."""
    if any(each.asset not in books.assets for each in moves):
        return {}, "asset_unknown", tuple(each.asset_field for each in moves)
    accounts = {
        end.code: opening if opening and end.code == opening.code else books.account(state, row, end.code)
        for each in moves
        for end in (each.debit, each.credit)
        if end.code is not None
    }
    return accounts, *_references(asked, moves, accounts)


def within_boxes(
    books: Books, state: ShardState, row: JournalRow, asked: Asked, moves: tuple[Asking, ...]
) -> tuple[tuple[Asking, ...], KnownAccount | None]:
    """The same movements with the accounts within custody accounts, and the one of them to be opened."""
    opening: KnownAccount | None = None
    found: list[Asking] = []
    for each in moves:
        ends = {"debit": each.debit, "credit": each.credit}
        for side, end in ends.items():
            if end.code is not None:
                code, new = within_box(books, state, row, asked, end.code, each.asset)
                ends[side] = replace(end, code=code)
                opening = new or opening
        found.append(replace(each, **ends))
    return tuple(found), opening


def within_box(
    books: Books, state: ShardState, row: JournalRow, asked: Asked, code: str, asset: str
) -> tuple[str, KnownAccount | None]:
    """The account within a custody account of the owner's, if the code is of one; new, if it is not there."""
    box = books.account(state, row, code)
    held = books.assets.get(asset)
    if box is None or not box.is_box or box.owner != asked.owner or held is None or held.kind != "security":
        return code, None
    code = f"{box.code}#{asset}"
    if code in state.opened:
        return code, None
    return code, replace(box, code=code, asset=asset, limit_minor=0, opened_seq=row.seq, container=box.code)


def _references(asked: Asked, moves: Sequence[Asking], accounts: Known) -> tuple[str | None, tuple[str, ...]]:
    """Rung 4: each rule over all ends before the next rule."""
    ends = [
        (each, end, accounts[end.code])
        for each in moves
        for end in (each.debit, each.credit)
        if end.code is not None
    ]
    missing = tuple(end.field for _, end, account in ends if account is None)
    if missing:
        return "account_unknown", missing
    found = [(each, end, account) for each, end, account in ends if account is not None]
    customers = [each for each in found if each[2].owner != HOUSE]
    debited = {account.owner for each, end, account in customers if end is each.debit}
    credited = {account.owner for each, end, account in customers if end is each.credit}
    if len(debited) > 1:
        return "spans_owners", tuple(end.field for _, end, _ in found)
    # The home is the one customer it debits, else the only customer in it, else the house.
    homes = debited or credited
    if asked.owner != (next(iter(homes)) if len(homes) == 1 else HOUSE):
        return "wrong_owner", ("owner", *(end.field for _, end, _ in found))
    if len({account.entity for _, _, account in found}) > 1:
        return "spans_entities", tuple(end.field for _, end, _ in found)
    other_asset = tuple(end.field for each, end, account in found if account.asset != each.asset)
    if other_asset:
        return "asset_mismatch", ("asset", *other_asset)
    other_class = tuple(
        end.field
        for each, end, account in found
        if not _is_allowed(account, asked.type) or (end is each.debit and account.account_class in OF_ITEMS)
    )
    if other_class:
        return "account_class_not_allowed", other_class
    return None, ()


def _is_allowed(account: KnownAccount, kind: str) -> bool:
    if kind in {"transfer", "trade"}:
        return account.owner != HOUSE
    if kind == "opening_balance":
        return account.account_class != "migration"
    if kind in WITHIN_BOXES:
        return account.account_class == "custody"
    return account.owner == HOUSE if kind in OF_THE_HOUSE else account.account_class in CASH_CLASSES
