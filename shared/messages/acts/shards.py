"""Acts on a shard and what it could not take: parked records, halts and records that are lost."""

from typing import Literal

from shared.messages.acts.base import ActBase
from shared.messages.envelope import Code


class ReplayParked(ActBase):
    """Handle a parked owner's records again, in order; stops at the first that fails again."""

    type: Literal["replay_parked"] = "replay_parked"
    owner: Code


class DiscardParked(ActBase):
    """Give up one parked record (its place), so that those behind it can be replayed."""

    type: Literal["discard_parked"] = "discard_parked"
    owner: Code
    topic: str
    partition: int
    offset: int


class ResumeShard(ActBase):
    """Let a halted shard go on, after what halted it was mended."""

    type: Literal["resume_shard"] = "resume_shard"
    shard: int


class PassOverLost(ActBase):
    """Let a shard go on behind records that were deleted from its input before they were taken.

    Names exactly what is lost, as the reason of the halt does: offsets from one up to and without another.
    It is kept for ever, with the two people who answer for it that the records are sent again or given up.
    """

    type: Literal["pass_over_lost"] = "pass_over_lost"
    shard: int
    topic: str
    from_offset: int
    until_offset: int
    approved_by: Code
    """Somebody other than the actor."""
