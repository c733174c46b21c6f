"""Acts by which a party and a listed entry are found to be two, by two people."""

from datetime import date
from typing import Literal
from uuid import UUID

from shared.messages.acts.base import ActBase
from shared.messages.blocks import Country
from shared.messages.envelope import Code, Reference, Text


class ProposeWhitelisting(ActBase):
    """Say that a party and a listed entry are two; counts when another person has approved it."""

    type: Literal["propose_whitelisting"] = "propose_whitelisting"
    owner: Code
    """The customer in whose files or payments the name stands."""
    name: Text
    """As it stands there; another name is another party. So are what follows, null where nothing is known."""
    kind: Literal["person", "organisation"] | None = None
    birth_date: date | None = None
    country: Country | None = None
    list_code: Code
    entry_id: Reference
    until: date
    """The first business day on which it no longer counts."""


class ApproveWhitelisting(ActBase):
    """Let a proposed pair count; by somebody other than who proposed it."""

    type: Literal["approve_whitelisting"] = "approve_whitelisting"
    owner: Code
    whitelisting_id: UUID
    """The id of the act that proposed it."""


class RevokeWhitelisting(ActBase):
    """Let a pair count no more, or never; one person is enough."""

    type: Literal["revoke_whitelisting"] = "revoke_whitelisting"
    owner: Code
    whitelisting_id: UUID
