"""What may be made of a movement after it was posted: it is undone whole, or comes back in parts.

A movement has one home at which it is used up (`home_of`), so that one shard alone keeps what is left of it,
wherever the original stands. That stands still: what is read of another shard never changes, and that it was
not there is kept with the decision and nowhere else.
"""

from services.transactions.domain.cases import Case
from services.transactions.domain.chart import ITEM_CLASSES
from services.transactions.domain.decisions import Leg
from services.transactions.domain.effects import Refusal
from services.transactions.domain.originals import MovementId, Original, Used, original_of
from shared.messages.partitioner import shard_of


def home_of(original: Original, leg: Leg) -> str:
    """Return who may use a movement: whom its mirror debits, else whom it credits, else who had it made."""
    if leg.credit.is_customer:
        return leg.credit.owner
    return leg.debit.owner if leg.debit.is_customer else original.owner


def find_original(case: Case) -> Original | None:
    """Return what has come of the instruction that the case names."""
    named = case.record.original
    assert named is not None
    owner, instruction_id = named
    context = case.context
    shard = shard_of(owner, context.partitions)
    return context.changes.find_original(shard, instruction_id) or context.outside.originals.get(
        (shard, instruction_id)
    )


def find_item(case: Case, movement: MovementId) -> tuple[Original, Leg] | None:
    """Return an item at home here, with what made it; none where no movement of this number made one.

    A credit to an account of items makes one, but where it only undoes what was taken from there.
    """
    context = case.context
    decided = context.decided
    at = movement.seq - decided[0].seq if decided else -1
    if 0 <= at < len(decided):
        found = original_of(movement.shard, decided[at])
    else:
        found = context.outside.items.get(movement.seq)
    if found is None or movement.leg >= len(found.legs):
        return None
    leg = found.legs[movement.leg]
    is_mirror = found.instruction_type == "reversal" and not found.reopens
    return None if is_mirror or leg.credit.account_class not in ITEM_CLASSES else (found, leg)


def not_there(case: Case, found: Original | None) -> Refusal:
    """Refuse for what is not there; of another shard it is remembered that it was not seen."""
    reason, detail = "original_unknown", "there is no instruction of this id and owner"
    if found is not None:
        reason, detail = "original_not_posted", "nothing was posted under this id so far"
    assert case.record.original is not None
    owner, instruction_id = case.record.original
    if shard_of(owner, case.context.partitions) != case.context.changes.state.shard:
        case.has_seen("originals", {instruction_id: reason})
    return Refusal(reason, "original_id", detail)


def use_of(case: Case, movement: MovementId, amount: int) -> Used:
    """Return what is left of a movement of this amount."""
    context = case.context
    return (
        context.changes.uses.get(movement) or context.outside.uses.get(movement) or Used(parts=0, left=amount)
    )


def of_group() -> Refusal:
    """Refuse what names a member of a group: it is undone with all of it."""
    return Refusal("original_is_member", "original_id", "it was asked for by a group: name that")
