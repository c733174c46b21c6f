"""Acts by which a rule is silent about a customer for a time, by two people."""

from datetime import date
from typing import Literal
from uuid import UUID

from shared.messages.acts.base import ActBase
from shared.messages.envelope import Code


class ProposeSnooze(ActBase):
    """Silence a rule's alerts about a customer for a time; counts when another person has approved it.

    Findings are still kept. A rule that holds payments is never silenced.
    """

    type: Literal["propose_snooze"] = "propose_snooze"
    owner: Code
    rule: Code
    until: date
    """The first business day of which it alerts again."""


class ApproveSnooze(ActBase):
    """Let a proposed snooze count; by somebody other than who proposed it."""

    type: Literal["approve_snooze"] = "approve_snooze"
    owner: Code
    snooze_id: UUID
    """The id of the act that proposed it."""


class EndSnooze(ActBase):
    """Let a rule alert again from here on, or never be silent; one person is enough."""

    type: Literal["end_snooze"] = "end_snooze"
    owner: Code
    snooze_id: UUID
