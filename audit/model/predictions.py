"""What the model says must have come of a record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(slots=True)
class Leg:
    """One movement, by codes."""

    kind: str
    debit: str
    credit: str
    asset: str
    amount: int
    debit_after: int = 0
    credit_after: int = 0


@dataclass(slots=True)
class Prediction:
    """What must have come of a record."""

    kind: str
    reason: str | None = None
    fields: tuple[str, ...] = ()
    about_seq: int | None = None
    movements: list[Leg] = field(default_factory=list)
    booking_date: date | None = None
    value_date: date | None = None
    routed: str | None = None
    limit_passed: bool = False
    screening: bool = True
    """Of what is pending: whether it waits for a decision."""
    screened_by: Sequence[Mapping[str, Any]] = ()
    """Where it does: the policies that want it, of which one must be named."""
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What else must be told."""
    resolves: int | None = None
    """The seq of the reserve that an instruction posts or gives back."""
    settled: str | None = None
    """Of what changes how much of a trade is settled: how much of its quantity that is by then."""
    freed: str | None = None
    executes: int | None = None
    """The seq of what was scheduled and is due."""
    execute_on: date | None = None
    """Of what is scheduled: its day."""
    reverses: tuple[int, int] | None = None
    """Shard and seq of the posting that a reversal undoes."""
    uses: tuple[int, int, int] | None = None
    """Shard, seq and place of the movement of which a return is a part, or that is an item."""
    reopens: bool = False
    """Whether it moves back what was made of an item, which is one again."""
    opened: str | None = None
    """The account of a security that was opened within a custody account."""
    valid_from: date | None = None
    """Of a limit that was set: the first booking date on which it holds."""
    member: int | None = None
    """Of a group that is refused: which of its members is in the way."""
    takes_members: bool = False
    """Whether the ids of a group's members are used up by this."""
    members: list[tuple[str, str, int, str | None]] | None = None
    """Of a group: id and type of each member, its number of movements, and why it went elsewhere."""
    content: Mapping[str, Any] | None = None
    """What was asked, for a first outcome of a well-formed instruction."""
    cause: str | None = None
    """Why what is owed for a trade was booked."""
    tried: "Prediction | None" = None
    """Of a dry run: what would have come of it."""


def rejected(reason: str, *fields: str) -> Prediction:
    """Say no; any of the fields may be the one that is named."""
    return Prediction("InstructionRejected", reason, fields)
