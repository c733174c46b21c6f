"""Acts on reports: one is made."""

from datetime import date
from typing import Literal

from pydantic import Field

from shared.messages.acts.base import ActBase
from shared.messages.envelope import Code


class MakeReport(ActBase):
    """Make a report and announce it; sent to the house's shard."""

    type: Literal["make_report"] = "make_report"
    report: Code
    booking_date: date
    parameters: dict[str, str] = Field(default_factory=dict)
    """What the report asks for besides, such as `account` for a statement."""
    at_least: dict[str, int] = Field(default_factory=dict)
    """The vector (shard to `seq`) that must have been taken first; refused while it has not."""
