"""Acts on how long records are kept: legal holds, and the removal of what is past its day."""

from datetime import date
from typing import Literal
from uuid import UUID

from shared.messages.acts.base import ActBase
from shared.messages.envelope import Code


class PlaceLegalHold(ActBase):
    """Keep all records about a customer from here on, whatever their age, until another person lifts it."""

    type: Literal["place_legal_hold"] = "place_legal_hold"
    owner: Code


class LiftLegalHold(ActBase):
    """Let a customer's records go when their time comes; by somebody other than who placed the hold."""

    type: Literal["lift_legal_hold"] = "lift_legal_hold"
    owner: Code
    legal_hold_id: UUID
    """The id of the act that placed it."""


class ProposeRemoval(ActBase):
    """Remove what people wrote, and what rules saw, in records past their day; another person approves it.

    Sent to each shard. Ids, dates and outcomes stay, and so does the audit chain.
    """

    type: Literal["propose_removal"] = "propose_removal"
    through: date
    """Of records that need not be kept from this day on, or an earlier one; no day to come."""
    customer: Code | None = None
    """Only about this customer; refused where a legal hold keeps their records."""


class ApproveRemoval(ActBase):
    """Let a proposed removal begin; by somebody other than who proposed it. Sent to each shard."""

    type: Literal["approve_removal"] = "approve_removal"
    removal_id: UUID
    """The id of the act that proposed it."""
