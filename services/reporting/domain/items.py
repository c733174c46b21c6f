"""Which movements leave something that the house keeps for somebody, and which use it up.

An account of items holds what is left of its items: of those that were put into it, less those that it paid
for somebody. Only a reversal uses up what it paid: no other may take from it without naming an item.
"""

from datetime import date
from typing import Final

from services.reporting.domain.events import MovementView, TransactionView

ITEM_CLASSES: Final = frozenset({"suspense", "return", "blocked_funds"})
OF_ITEMS: Final = frozenset({"allocate", "write_off"})
"""Types whose `uses` is an item; a return's is the payment that came back."""

Item = tuple[int, int, int, date, int, str, str]
"""seq, amount (below zero for what is owed to the house), shard, booking date, leg, account, owner."""
ItemUse = tuple[int, int, int, int, int, date, int, int]
"""The item's seq, seq, amount (of the item's sign), the item's shard, shard, booking date, both legs."""


def fold_items(
    items: list[Item], uses: list[ItemUse], event: TransactionView, movement: MovementView, amount: int
) -> None:
    """Add what a posted movement leaves in an account of items, and what it uses up there."""
    leg = movement["leg"]
    kept = movement["credit"]["class"] in ITEM_CLASSES
    taken = movement["debit"]["class"] in ITEM_CLASSES
    used = _used(event, leg)
    is_reversal = event.get("reverses") is not None
    if kept and is_reversal and not event.get("reopens", False):
        assert used is not None
        uses.append(_use(event, leg, used, -amount))
    elif kept:
        items.append(_item(event, leg, amount, movement["credit"]["account"]))
    if taken and used is not None:
        uses.append(_use(event, leg, used, amount))
    elif taken:
        items.append(_item(event, leg, -amount, movement["debit"]["account"]))


def _used(event: TransactionView, leg: int) -> tuple[int, int, int] | None:
    """The movement that is used up: what is undone by a reversal lies all at one home, leg by leg."""
    uses, reverses = event.get("uses"), event.get("reverses")
    if uses is not None and event.get("instruction_type") in OF_ITEMS:
        return uses["shard"], uses["seq"], uses["leg"]
    return None if reverses is None else (reverses["shard"], reverses["seq"], leg)


def _item(event: TransactionView, leg: int, amount: int, account: str) -> Item:
    owner = event.get("owner") or ""
    return event["seq"], amount, event["shard"], event["booking_date"], leg, account, owner


def _use(event: TransactionView, leg: int, used: tuple[int, int, int], amount: int) -> ItemUse:
    shard, seq, item_leg = used
    return seq, event["seq"], amount, shard, event["shard"], event["booking_date"], item_leg, leg
