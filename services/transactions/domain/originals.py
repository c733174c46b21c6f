"""What instructions name: what has come of an earlier one, and how much of its movements is left."""

from collections.abc import Sequence
from typing import NamedTuple

from services.transactions.domain.decisions import POSTED, SWEPT, Decision, Leg
from services.transactions.domain.open_pendings import Part


class Original(NamedTuple):
    """What has come of an instruction that another one names, as far as it never changes again."""

    shard: int
    seq: int
    """Of the posting; of the first outcome, where nothing was posted."""
    instruction_type: str
    owner: str
    """Whom the instruction named."""
    legs: Sequence[Leg]
    """What was posted; none where nothing was."""
    reopens: bool = False
    """Whether it undid what was made of an item, and so made another one."""
    is_member: bool = False
    """Whether it was asked for by a member of a group, which is undone with the whole group."""
    part: Part | None = None
    """Of a part of a trade: which one."""


def original_of(shard: int, decision: Decision) -> Original:
    """Return what a decision made, as an instruction that names it takes it."""
    legs = decision.legs if decision.kind in (POSTED, SWEPT) else ()
    reopens = decision.detail is not None and decision.detail.get("reopens", False)
    return Original(shard, decision.seq, decision.instruction_type or "", decision.owner or "", legs, reopens)


class MovementId(NamedTuple):
    """One movement that was posted: shard and seq of its transaction, and its place in it."""

    shard: int
    seq: int
    leg: int


class Used(NamedTuple):
    """What has been made of a movement since it was posted: reversed whole, or come back in parts."""

    parts: int
    """By how many events."""
    left: int
    """Minor units of it that still can be."""
