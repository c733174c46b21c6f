"""Acts on who has which role, by administrators."""

from datetime import date
from typing import Literal
from uuid import UUID

from shared.messages.acts.base import ActBase
from shared.messages.envelope import Code

Role = Literal[
    "analyst", "investigator", "approver", "rule_author", "rule_publisher", "auditor", "administrator"
]


GrantStatus = Literal["proposed", "approved", "revoked"]
"""What became of a role that was proposed."""


class ProposeRole(ActBase):
    """Propose to give an officer a role; sent to every partition, like all that concerns roles."""

    type: Literal["propose_role"] = "propose_role"
    officer: Code
    role: Role
    since: date
    until: date | None = None
    """The first day on which it no longer counts."""


class ApproveRole(ActBase):
    """Give the role; by another administrator than who proposed it."""

    type: Literal["approve_role"] = "approve_role"
    grant_id: UUID
    """The id of the act that proposed it."""


class RevokeRole(ActBase):
    """Take a role away, or drop what was proposed; one administrator is enough."""

    type: Literal["revoke_role"] = "revoke_role"
    grant_id: UUID
    seen: GrantStatus | None = None
    """What the actor has seen it to be; refused `version_old` where it has gone on since."""
