"""Acts on a held payment: let go or stopped."""

from typing import Literal
from uuid import UUID

from shared.messages.acts.base import ActBase
from shared.messages.envelope import Code


class ReleaseHold(ActBase):
    """Let a held payment go; where a listed name was found, the first of two people proposes it thereby."""

    type: Literal["release_hold"] = "release_hold"
    owner: Code
    instruction_id: UUID


class RefuseHold(ActBase):
    """Stop a held payment for good."""

    type: Literal["refuse_hold"] = "refuse_hold"
    owner: Code
    instruction_id: UUID
