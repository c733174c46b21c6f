"""Judges whether an actor may do what they ask for, and acts by which roles are given and taken."""

from typing import Any

from services.compliance.domain.roles import (
    ADMINISTRATORS_MIN,
    RIGHT_OF,
    RIGHTS,
    RoleBook,
    RoleFact,
    rights_for,
)
from services.compliance.handlers.verdicts import Known, Verdict, refused
from shared.messages.acts import ApproveRole, ProposeRole, RevokeRole, WithdrawParameters
from shared.messages.acts.base import ActBase
from shared.messages.acts.roles import GrantStatus

RoleAct = ProposeRole | ApproveRole | RevokeRole


def judge_right(shard: int, act: ActBase, known: Known) -> Verdict | None:
    """Return why the actor may not do this, by name; None where they may.

    While no two administrators have been appointed, anybody may appoint them; all else waits for them where
    roles are required, and is anybody's where they are not.
    """
    book = known.roles.get(shard, RoleBook({}))
    if not book.is_founded:
        if isinstance(act, RoleAct) or not known.roles_required:
            return None
        return refused("roles_unfounded", "nobody may do anything before two administrators are appointed")
    needed = rights_for(type(act), is_own=_is_own(act, known))
    if needed & book.rights_of(act.actor, known.day(shard)):
        return None
    holders = sorted(role for role, rights in RIGHTS.items() if needed & rights)
    words = f"{act.actor} is no {' or '.join(holders)}" if holders else "no role has the right to do this"
    return refused("no_right", words, right=RIGHT_OF.get(type(act)))


def _is_own(act: ActBase, known: Known) -> bool:
    """Whether it is about what the actor has proposed."""
    if not isinstance(act, WithdrawParameters):
        return False
    proposal = known.rules.proposals.get(act.proposal_id)
    return proposal is not None and proposal.proposed_by == act.actor


def judge_role(shard: int, act: RoleAct, known: Known) -> Verdict:
    """Decide whether a role can be given or taken."""
    match act:
        case ProposeRole():
            return _judge_proposal(shard, act, known)
        case ApproveRole():
            return _judge_approval(shard, act, known)
        case RevokeRole():
            return _judge_revocation(shard, act, known)


def _judge_proposal(shard: int, act: ProposeRole, known: Known) -> Verdict:
    book = known.roles.get(shard, RoleBook({}))
    is_administrator = act.role == "administrator"
    if not book.is_founded and not is_administrator:
        return refused("roles_unfounded", "two administrators are appointed before anybody else")
    if act.officer == act.actor:
        return refused("own_role", "nobody gives themselves a role")
    if act.until is not None and act.until <= max(act.since, known.day(shard)):
        return refused("expired", f"{act.until} is no day to come after {act.since}")
    if is_administrator and act.until is not None:
        return refused("administrator_ends", "the last administrators would end by themselves; revoke one")
    if is_administrator and act.since > known.day(shard):
        return refused("administrator_waits", "an administrator is one from today on, so that there are two")
    held = book.apart_from(act.officer, act.role, act.since, act.until)
    if held is not None:
        return refused("roles_apart", f"{act.officer} is {held}, which {act.role} is kept apart from")
    fact = RoleFact(
        shard,
        act.act_id,
        "proposed",
        act.act_id,
        act.actor,
        act.reason,
        act.officer,
        act.role,
        act.since,
        act.until,
        act.actor,
    )
    return _done(known, fact, "another administrator has to approve it")


def _judge_approval(shard: int, act: ApproveRole, known: Known) -> Verdict:
    book = known.roles.get(shard, RoleBook({}))
    grant = book.grants.get(act.grant_id)
    if grant is None:
        return refused("no_such_grant", "nobody has proposed that")
    if grant.status != "proposed":
        return refused(f"already_{grant.status}", "it has been decided")
    if grant.proposed_by == act.actor:
        return refused("same_person", f"{act.actor} has proposed it; another person has to approve it")
    if grant.officer == act.actor:
        return refused("own_role", "nobody gives themselves a role")
    if grant.until is not None and grant.until <= known.day(shard):
        return refused("expired", f"it would have counted until {grant.until}")
    held = book.apart_from(grant.officer, grant.role, grant.since, grant.until)
    if held is not None:
        return refused("roles_apart", f"{grant.officer} is {held}, which {grant.role} is kept apart from")
    return _done(known, _of_grant(shard, act, "approved", book), f"{grant.officer} is {grant.role}")


def _judge_revocation(shard: int, act: RevokeRole, known: Known) -> Verdict:
    book = known.roles.get(shard, RoleBook({}))
    grant = book.grants.get(act.grant_id)
    if grant is None:
        return refused("no_such_grant", "nobody has proposed that")
    if act.seen not in (None, grant.status):
        return refused("version_old", f"it is {grant.status} by now", status=grant.status)
    if grant.is_revoked:
        return refused("already_revoked", "it has been revoked")
    fact = _of_grant(shard, act, "revoked", book)
    is_appointed = grant.role == "administrator" and grant.is_approved
    if is_appointed and len(book.after(fact).administrators(known.day(shard))) < ADMINISTRATORS_MIN:
        return refused("too_few_administrators", "two have to stay, since one alone can give nobody a role")
    return _done(known, fact, f"{grant.officer} is no {grant.role} by it any more")


def _of_grant(shard: int, act: ApproveRole | RevokeRole, what: GrantStatus, book: RoleBook) -> RoleFact:
    grant = book.grants[act.grant_id]
    return RoleFact(
        shard,
        act.grant_id,
        what,
        act.act_id,
        act.actor,
        act.reason,
        grant.officer,
        grant.role,
        grant.since,
        grant.until,
        grant.proposed_by,
    )


def _done(known: Known, fact: RoleFact, words: str) -> Verdict:
    """Remember what a fact has changed, for the acts after it, and answer."""
    known.roles[fact.shard] = known.roles.get(fact.shard, RoleBook({})).after(fact)
    result: dict[str, Any] = {
        "grant_id": str(fact.grant_id),
        "status": fact.what,
        "officer": fact.officer,
        "role": fact.role,
        "since": fact.since.isoformat(),
        "until": fact.until.isoformat() if fact.until is not None else None,
        "proposed_by": fact.proposed_by,
    }
    return Verdict(True, words, result, role=fact)
