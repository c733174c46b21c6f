"""Acts on versions of rules' parameters: proposed, published by somebody else, withdrawn."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import StringConstraints

from shared.messages.acts.base import ActBase
from shared.messages.envelope import CODE_PATTERN, Code

Scope = Annotated[str, StringConstraints(pattern=rf"{CODE_PATTERN}|^\*$")]
"""A code, or `*` for everything that has no parameters of its own."""


class ProposeParameters(ActBase):
    """Propose a version of a rule's parameters; sent to the house's shard. Its id is the act's.

    It counts nowhere until another person publishes it.
    """

    type: Literal["propose_parameters"] = "propose_parameters"
    rule: Code
    asset: Scope = "*"
    segment: Scope = "*"
    """The kind of party it is for, `person` or `organisation`."""
    jurisdiction: Scope = "*"
    """The customer's country."""
    values: dict[str, Any]
    """All of them, amounts as decimal strings of the asset; none where the rule is to be off there."""
    scale: int = 0
    """The asset's; 0 for `*`, where whole units are what every asset has."""
    valid_from: date
    """The first business day that is judged by it."""
    valid_until: date | None = None
    """The first that is not any more."""


VersionStatus = Literal["proposed", "shadow", "live", "withdrawn"]
"""What became of a proposed version in a shard."""


class PublishParameters(ActBase):
    """Let a proposed version count from here on; by another person than proposed it, to every partition."""

    type: Literal["publish_parameters"] = "publish_parameters"
    proposal_id: UUID
    shadow: bool = False
    """Only keep what it finds: nothing is held, and nobody is alerted."""
    seen: VersionStatus | None = None
    """What the actor has seen it to be; refused `version_old` where it has gone on since."""


class WithdrawParameters(ActBase):
    """Let a version count no more from here on, or never; sent to every partition.

    What is live is withdrawn by somebody else than proposed it: what counts then is what counted before.
    """

    type: Literal["withdraw_parameters"] = "withdraw_parameters"
    proposal_id: UUID
    seen: VersionStatus | None = None
    """What the actor has seen it to be; refused `version_old` where it has gone on since."""
