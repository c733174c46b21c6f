"""Roles: what each may do, which are kept apart, and who holds which on a day. What is not listed is denied.

Whoever acts is known to the writer by name only, whatever way the act came; so what may be done is judged
here, in each shard, by the grants that it has. A grant takes two administrators, and neither is the officer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal
from uuid import UUID

from shared.messages.acts import (
    AcknowledgeReport,
    ActivateList,
    ApproveDecision,
    ApproveRating,
    ApproveRemoval,
    ApproveRole,
    ApproveSnooze,
    ApproveWhitelisting,
    AssignCase,
    DecideCase,
    DismissAlert,
    EndSnooze,
    FileReport,
    GatherAlerts,
    LiftLegalHold,
    LinkEvidence,
    LoadList,
    NoteCase,
    OpenCase,
    PlaceLegalHold,
    ProposeParameters,
    ProposeRemoval,
    ProposeRole,
    ProposeSnooze,
    ProposeWhitelisting,
    PublishParameters,
    RateCustomer,
    RefuseHold,
    RefuseList,
    ReleaseHold,
    ReopenCase,
    ReturnDecision,
    RevokeRole,
    RevokeWhitelisting,
    WithdrawParameters,
)
from shared.messages.acts.base import ActBase
from shared.messages.acts.roles import GrantStatus, Role

Right = Literal["read", "read_personal", "triage", "investigate", "approve", "author", "publish", "grant"]

RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    "analyst": frozenset({"read", "read_personal", "triage"}),
    "investigator": frozenset({"read", "read_personal", "triage", "investigate"}),
    "approver": frozenset({"read", "read_personal", "approve"}),
    "rule_author": frozenset({"read", "author"}),
    "rule_publisher": frozenset({"read", "publish"}),
    "auditor": frozenset({"read", "read_personal"}),
    "administrator": frozenset({"read", "grant"}),
}
"""`read_personal` is for names, birth dates and countries of parties, and for what officers write."""

RIGHT_OF: Final[Mapping[type[ActBase], Right]] = {
    OpenCase: "triage",
    DismissAlert: "triage",
    GatherAlerts: "triage",
    NoteCase: "triage",
    LinkEvidence: "triage",
    ProposeWhitelisting: "triage",
    RevokeWhitelisting: "triage",
    ProposeSnooze: "triage",
    EndSnooze: "triage",
    AssignCase: "investigate",
    DecideCase: "investigate",
    ReopenCase: "investigate",
    FileReport: "investigate",
    AcknowledgeReport: "investigate",
    ApproveDecision: "approve",
    ReturnDecision: "approve",
    ApproveWhitelisting: "approve",
    ApproveSnooze: "approve",
    ReleaseHold: "approve",
    RefuseHold: "approve",
    LoadList: "author",
    RefuseList: "author",
    ActivateList: "publish",
    ProposeParameters: "author",
    PublishParameters: "publish",
    WithdrawParameters: "publish",
    RateCustomer: "investigate",
    ApproveRating: "approve",
    PlaceLegalHold: "investigate",
    LiftLegalHold: "approve",
    ProposeRemoval: "investigate",
    ApproveRemoval: "approve",
    ProposeRole: "grant",
    ApproveRole: "grant",
    RevokeRole: "grant",
}
"""Which right each act takes; one that is not here is nobody's."""

RIGHT_OF_OWN: Final[Mapping[type[ActBase], Right]] = {WithdrawParameters: "author"}
"""Which right is enough, too, where the act is about what the actor has proposed."""

APART: Final[tuple[frozenset[Role], ...]] = (
    frozenset({"investigator", "approver"}),
    frozenset({"analyst", "approver"}),
    frozenset({"rule_author", "rule_publisher"}),
    *(
        frozenset({alone, other})
        for alone in ("auditor", "administrator")
        for other in RIGHTS
        if other != alone
    ),
)
"""Pairs that one person never holds on the same day: who does the work is not who approves it, and who
audits, or gives out roles, does nothing else."""

ADMINISTRATORS_MIN: Final = 2
"""Fewer could not approve anything of one another's."""


def rights_for(kind: type[ActBase], *, is_own: bool) -> frozenset[Right]:
    """The rights of which any one lets somebody do this; `is_own` where it is about their own proposal."""
    found: list[Right | None] = [RIGHT_OF.get(kind), RIGHT_OF_OWN.get(kind) if is_own else None]
    return frozenset(each for each in found if each is not None)


@dataclass(frozen=True, slots=True)
class RoleFact:
    """One thing that was done to a grant."""

    shard: int
    grant_id: UUID
    what: GrantStatus
    act_id: UUID
    actor: str
    reason: str
    officer: str
    role: Role
    since: date
    until: date | None
    proposed_by: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that an officer has, had, or may be given."""

    officer: str
    role: Role
    since: date
    until: date | None
    proposed_by: str
    is_approved: bool = False
    is_revoked: bool = False

    @property
    def status(self) -> GrantStatus:
        """What became of it."""
        return "revoked" if self.is_revoked else "approved" if self.is_approved else "proposed"

    def counts(self, day: date) -> bool:
        """Whether the officer holds the role on a day."""
        return (
            self.is_approved
            and not self.is_revoked
            and self.since <= day
            and (self.until is None or day < self.until)
        )

    def overlaps(self, since: date, until: date | None) -> bool:
        """Whether the officer holds the role on any day of a time, `until` not counted."""
        if not self.is_approved or self.is_revoked:
            return False
        return (until is None or self.since < until) and (self.until is None or since < self.until)


@dataclass(frozen=True, slots=True)
class RoleBook:
    """The grants of a shard."""

    grants: Mapping[UUID, Grant]

    @classmethod
    def of(cls, facts: Iterable[RoleFact]) -> "RoleBook":
        """The book that facts come to, in their order."""
        book = cls({})
        for fact in facts:
            book = book.after(fact)
        return book

    def after(self, fact: RoleFact) -> "RoleBook":
        """The book after one more fact."""
        grant = self.grants.get(fact.grant_id) or Grant(
            fact.officer, fact.role, fact.since, fact.until, fact.proposed_by
        )
        if fact.what == "approved":
            grant = replace(grant, is_approved=True)
        if fact.what == "revoked":
            grant = replace(grant, is_revoked=True)
        return RoleBook({**self.grants, fact.grant_id: grant})

    @property
    def is_founded(self) -> bool:
        """Whether two administrators were ever appointed: roles are kept from then on, and for good."""
        appointed = {
            each.officer for each in self.grants.values() if each.is_approved and each.role == "administrator"
        }
        return len(appointed) >= ADMINISTRATORS_MIN

    def roles_of(self, officer: str, day: date) -> frozenset[Role]:
        """The roles that an officer holds on a day."""
        return frozenset(
            each.role for each in self.grants.values() if each.officer == officer and each.counts(day)
        )

    def rights_of(self, officer: str, day: date) -> frozenset[Right]:
        """What an officer may do on a day."""
        return frozenset[Right]().union(*(RIGHTS[role] for role in self.roles_of(officer, day)))

    def apart_from(self, officer: str, role: Role, since: date, until: date | None) -> Role | None:
        """A role that the officer holds within that time and that this one is kept apart from."""
        for each in self.grants.values():
            is_held = each.officer == officer and each.overlaps(since, until)
            if is_held and frozenset({each.role, role}) in APART:
                return each.role
        return None

    def administrators(self, day: date) -> set[str]:
        """Who gives out roles on a day."""
        return {
            each.officer for each in self.grants.values() if each.role == "administrator" and each.counts(day)
        }
