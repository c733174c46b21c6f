"""Acts on a customer's risk class."""

from typing import Literal
from uuid import UUID

from shared.messages.acts.base import ActBase
from shared.messages.envelope import Code, RiskClass


class RateCustomer(ActBase):
    """Give a customer another risk class: a higher one at once, a lower one once somebody approves it."""

    type: Literal["rate_customer"] = "rate_customer"
    owner: Code
    risk_class: RiskClass
    seen: int | None = None
    """The version of the rating that the actor has seen, 0 before the first; refused `version_old` where it
    has gone on since."""


class ApproveRating(ActBase):
    """Let a lower risk class count; by somebody other than who proposed it, on the rating it was made on."""

    type: Literal["approve_rating"] = "approve_rating"
    owner: Code
    rating_id: UUID
    """The id of the act that proposed it."""
