"""What is set aside, to be posted or given back: reserves, and what resolves them."""

from datetime import date
from typing import Literal
from uuid import UUID

from shared.messages.blocks import AmountText, Charge
from shared.messages.envelope import Code
from shared.messages.instructions.base import InstructionBase


class Reserve(InstructionBase):
    """Request: an amount of a customer's is set aside until it is posted or given back.

    It stays the customer's, and is no longer available. `post_pending` and `void_pending` name it by its
    `instruction_id`.
    """

    type: Literal["reserve"] = "reserve"
    account: Code
    amount: AmountText
    asset: Code
    credit_account: Code | None = None
    """Whom it is set aside for; the house account of the posting rules where absent."""
    expires_on: date | None = None
    """The last booking date on which it stands: when the entity opens a later business day, what is left of
    it is available again and given back. Where absent, it stands until it is posted or given back."""
    charges: tuple[Charge, ...] = ()
    """Set aside too, and posted in proportion: of each part as much as that is of the amount."""


class PostPending(InstructionBase):
    """Request: what was reserved, or a part of it, is posted."""

    type: Literal["post_pending"] = "post_pending"
    pending_id: UUID
    """The `instruction_id` of the reserve or trade."""
    amount: AmountText | None = None
    """All that is still reserved, where absent; of a trade, the quantity; of a reserve with charges, what is
    reserved without them."""
    final: bool = True
    """Whether the rest is given back. What has no rest is settled in any case; a trade, or a reserve with
    charges, that has one is refused (`rest_remains`): give it back with `void_pending`."""


class VoidPending(InstructionBase):
    """Request: what is still reserved is given back; or what is scheduled is given up before its day."""

    type: Literal["void_pending"] = "void_pending"
    pending_id: UUID
    """The `instruction_id` of the reserve or trade, or of what is scheduled."""
