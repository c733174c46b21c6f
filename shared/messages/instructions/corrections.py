"""What puts right what has been booked: reversals, and items of suspense that are allocated or given up."""

from typing import Literal
from uuid import UUID

from shared.messages.blocks import AmountText, ItemNumber
from shared.messages.envelope import Code, Text
from shared.messages.instructions.base import InstructionBase


class Reversal(InstructionBase):
    """Request: a posted transaction is undone by its mirror, once and whole.

    Its owner is the home of what it undoes: of each movement the customer whom the mirror debits, else the
    customer whom it credits, else `house`. It undoes the movements of that home and no others, so what
    credited several customers takes a reversal for each. A part of a reserve is named by the `post_pending`
    that posted it, what was screened first by its own id. A reversal is not reversed.
    """

    type: Literal["reversal"] = "reversal"
    original_id: UUID
    """The `instruction_id` of what was posted."""
    original_owner: Code | None = None
    """The owner that it named; the same as this one's where absent."""
    forced: bool = False
    """By right, though the money is gone: the balance may pass its limit. Two people answer for it."""
    reason: Text | None = None
    entered_by: Code | None = None
    approved_by: Code | None = None
    """Somebody other than who entered it."""


class Allocate(InstructionBase):
    """Fact: what the house keeps for somebody, or a part of it, is put on their account.

    An item is a movement that credited suspense, the return account or blocked funds. It is used up by its
    home, which is the owner to be named: the customer it debited, else whoever's instruction made it. Parts
    of it may be allocated until nothing is left. Where the account is closed or frozen, it goes to the return
    account or blocked funds and is an item there. What cannot be done leaves it where it is.
    """

    type: Literal["allocate"] = "allocate"
    item: ItemNumber
    account: Code
    """Anybody's account of the same entity, or one of the house's where no items are. A custody account
    of the owner's for any security stands for the one in it."""
    amount: AmountText
    asset: Code
    reason: Text | None = None
    """How it was found out."""


class WriteOff(InstructionBase):
    """Fact: what is left of a small item is given up looking for, and becomes the house's income.

    Two people answer for it. Its owner is the item's home, as of an `allocate`.
    """

    type: Literal["write_off"] = "write_off"
    item: ItemNumber
    amount: AmountText
    asset: Code
    reason: Text
    entered_by: Code
    approved_by: Code
    """Somebody other than who entered it."""
