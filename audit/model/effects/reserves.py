"""Posting what was set aside, in parts or whole, and giving it back: when asked, or when it has expired."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from math import floor
from uuid import UUID

from audit.amounts import read_amount, spell_amount
from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects import schedules
from audit.model.effects.effect import Spelled
from audit.model.effects.obligations import cancel, clear_part, does_not_fit
from audit.model.predictions import Leg, Prediction, rejected
from audit.model.state import Pending, ShardState
from audit.wire import FACTS, Asked


def part_asked(state: ShardState, asked: Asked) -> Sequence[Spelled]:
    """Its amount is one of the asset of what it names."""
    text = asked.content.get("amount")
    if text is None:
        return ()
    found = state.ever_pending(UUID(asked.content["pending_id"]))
    waiting = schedules.named(state, asked)
    asset = None if found is None else found[1].legs[0].asset
    if waiting is not None:
        wanted = waiting[1].asked.content
        asset = wanted.get("asset") or wanted.get("debit_asset")
    return (Spelled("amount", text, asset),)


def resolve(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Post what is reserved, or a part of it, or give it back: rungs 4 to 6, for funds are there."""
    found = state.ever_pending(UUID(asked.content["pending_id"]))
    waited = schedules.named(state, asked)
    if waited is not None and found is None:
        if waited[1].asked.owner != asked.owner:
            return rejected("wrong_owner", "owner")
        if waited[1].ended_seq is not None:
            return rejected("pending_resolved", "pending_id")
        return schedules.cancel(state, row, asked, waited)
    if found is None:
        return rejected("pending_unknown", "pending_id")
    first, pending = found
    if pending.asked.owner != asked.owner:
        return rejected("wrong_owner", "owner")
    leg = pending.legs[0]
    is_open = pending.stands(books.day_of(state, leg.debit))
    posts = asked.type == "post_pending"
    left = [each for each in pending.legs if each.amount]
    ends_moved = [pair for each in left for pair in ((each.debit, "debit"), (each.credit, "credit"))]
    stopped = state.stopped(row, ends_moved)
    if posts and is_open and stopped is not None:
        return rejected(stopped, "pending_id")
    if not is_open:
        return rejected("pending_resolved", "pending_id")
    if pending.screening and pending.cleared_seq is None:
        return rejected("under_screening", "pending_id")
    if pending.asked.type not in FACTS and is_valued_before(asked, books.day_of(state, leg.debit)):
        return rejected("value_date_out_of_window", "value_date")
    scale = books.assets[leg.asset].scale
    amount = leg.amount
    if asked.content.get("amount") is not None:
        read = read_amount(asked.content["amount"], scale)
        assert isinstance(read, int)
        if read > leg.amount:
            return rejected("amount_exceeds_pending", "amount")
        amount = read
    rest = leg.amount - amount
    asks_for_all = not posts or asked.content.get("final", True)
    if posts and rest and asks_for_all and len(pending.legs) > 1:
        return rejected("rest_remains", "final")
    ends = asks_for_all or rest == 0
    parts = _parts(pending, amount, all_of_it=not posts)
    fits = clear_part(books, state, pending, first, amount) if posts else cancel(books, state, pending, first)
    if not fits:
        return does_not_fit("pending_id")
    moved: list[Leg] = []
    for each, part in zip(pending.legs, parts, strict=True):
        state.free(each, each.amount if ends else part)
        each.amount -= part
        if part:
            moved.append(Leg(each.kind, each.debit, each.credit, each.asset, part))
            (state.post if posts else state.note_after)(moved[-1])
    if posts:
        pending.settled += amount
    if ends:
        pending.resolved_seq = row.seq
    is_part = posts and pending.asked.type == "trade"
    if is_part:
        pending.parts.append((asked.instruction_id, amount))
    pending.cancelled = pending.cancelled or not posts
    day = books.day_of(state, leg.debit)
    return Prediction(
        "TransactionPosted" if posts else "TransactionVoided",
        reason=None if posts else "void_requested",
        movements=moved,
        booking_date=day,
        value_date=asked.value_date or day,
        resolves=first,
        settled=spell_amount(pending.settled, scale) if is_part else None,
        freed=spell_amount(rest, scale) if ends and rest else None,
    )


def is_valued_before(asked: Asked, today: date) -> bool:
    """Whether the value date it names lies before the open business day."""
    value = asked.value_date
    return value is not None and value < today


def last_day_is_past(asked: Asked, today: date) -> bool:
    """Whether it would not stand for a single day."""
    last_day = asked.content.get("expires_on")
    return last_day is not None and date.fromisoformat(last_day) < today


def give_back(books: Books, state: ShardState, row: JournalRow) -> Prediction | None:
    """What the ledger gives back by itself; none where that stands, or has been resolved."""
    pending = state.pendings.get(row.about_seq or 0)
    if pending is None or pending.resolved_seq is not None:
        return None
    day = books.day_of(state, pending.legs[0].debit)
    if pending.stands(day):
        return None
    pending.resolved_seq = row.seq
    legs = [Leg(leg.kind, leg.debit, leg.credit, leg.asset, leg.amount) for leg in pending.legs]
    for leg in legs:
        state.free(leg, leg.amount)
        state.note_after(leg)
    return Prediction(
        "TransactionVoided",
        reason="expired",
        about_seq=row.about_seq,
        movements=legs,
        booking_date=day,
        value_date=pending.asked.value_date or day,
    )


def _parts(pending: Pending, amount: int, *, all_of_it: bool) -> list[int]:
    """What of each movement goes with so much of the first: its share so far, less what went before."""
    if all_of_it:
        return [each.amount for each in pending.legs]
    if len(pending.legs) == 1:
        return [amount]
    share = Fraction(pending.settled + amount, pending.whole[0])
    so_far = [floor(whole * share + Fraction(1, 2)) for whole in pending.whole]
    return [
        each.amount - (whole - reached)
        for each, whole, reached in zip(pending.legs, pending.whole, so_far, strict=True)
    ]
