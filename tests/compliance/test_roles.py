"""Who may do what, by whichever way the act comes: given by two people, kept apart, refused by name."""

import json
from datetime import date, timedelta
from typing import Any, get_args
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.checks.cases import cases_follow_from_their_facts
from audit.evidence import ALERTS, Evidence, Record
from audit.examination import Examination
from audit.readers.casework import read_cases
from audit.roles import MAY, MAY_WITH_OWN
from services.compliance.domain.roles import APART, RIGHT_OF, RIGHT_OF_OWN, RIGHTS, RoleBook, RoleFact
from services.compliance.domain.rule import RuleParameter
from services.compliance.domain.rule_changes import Proposal, RuleChange, RuleSets, RuleTimeline
from services.compliance.handlers.acts import OwnAct, judge_act
from services.compliance.handlers.verdicts import Known, KnownRules
from services.compliance.queries.roles import roles_list
from services.compliance.store import roles as role_store
from shared.messages.acts import (
    ApproveRole,
    DismissAlert,
    OpenCase,
    ProposeParameters,
    ProposeRole,
    RevokeRole,
    WithdrawParameters,
)
from shared.messages.acts.base import ActBase
from shared.messages.acts.cases import CaseAct
from shared.messages.acts.roles import Role
from shared.messages.journal import ActDone
from tests.compliance.conftest import READONLY, Harness
from tests.compliance.ledger import ALICE
from tests.compliance.tables import table
from tests.compliance.test_case_acts import MOMENT, known
from tests.support.infrastructure import Database

TODAY = MOMENT.date()
ROLES: tuple[Role, ...] = get_args(Role)


def kinds_of_acts() -> set[type[ActBase]]:
    """Every act that compliance's writer judges."""
    own = set(get_args(OwnAct)) - {CaseAct}
    return own | set(CaseAct.__subclasses__())


def test_every_act_takes_a_right_and_every_right_is_somebodys():
    """One that is forgotten here is nobody's, which is found by this and not by an officer."""
    assert kinds_of_acts() == set(RIGHT_OF)
    given = set().union(*RIGHTS.values())
    assert set(RIGHT_OF.values()) <= given
    assert {
        name for name, fields in ((each, each.model_fields) for each in RIGHT_OF) if "type" not in fields
    } == set()


def test_the_auditor_has_the_same_account_of_who_may_do_what():
    """Written down twice, by hand: a change in one place alone is found."""
    for rights, theirs in ((RIGHT_OF, MAY), (RIGHT_OF_OWN, MAY_WITH_OWN)):
        ours = {
            kind.model_fields["type"].default: {role for role in RIGHTS if right in RIGHTS[role]}
            for kind, right in rights.items()
        }
        assert ours == {act: set(roles) for act, roles in theirs.items()}


def test_nobody_holds_both_sides_of_what_takes_two():
    """Whoever has the right to decide, author or grant, has not the right to approve, publish or audit."""
    for one in ROLES:
        for other in ROLES:
            both = RIGHTS[one] | RIGHTS[other]
            if {"investigate", "approve"} <= both or {"author", "publish"} <= both:
                assert frozenset({one, other}) in APART
    assert {role for role in ROLES if "grant" in RIGHTS[role]} == {"administrator"}


def grant(number: int, officer: str, role: Role, **fields: Any) -> list[RoleFact]:
    """A role proposed and approved, from the day before on."""
    fields = {"since": TODAY - timedelta(days=1), "until": None, "proposed_by": "x"} | fields
    return [
        RoleFact(0, UUID(int=number), "proposed", UUID(int=number), "x", "r", officer, role, **fields),
        RoleFact(0, UUID(int=number), "approved", UUID(int=number + 500), "y", "r", officer, role, **fields),
    ]


OFFICE = [
    *grant(901, "ada", "administrator"),
    *grant(902, "abe", "administrator"),
    *grant(903, "ann", "analyst"),
    *grant(904, "otto", "investigator"),
    *grant(905, "lena", "approver"),
    *grant(906, "rita", "rule_author"),
    *grant(907, "paul", "rule_publisher"),
    *grant(908, "gus", "auditor"),
    *grant(909, "past", "investigator", until=TODAY),
    *grant(910, "soon", "investigator", since=TODAY + timedelta(days=1)),
    *grant(911, "last", "investigator", until=TODAY + timedelta(days=1)),
    *grant(912, "gone", "investigator"),
    RoleFact(
        0, UUID(int=912), "revoked", UUID(int=999), "ada", "r", "gone", "investigator", TODAY, None, "x"
    ),
    grant(913, "hope", "investigator")[0],
]


def judged_by(facts: list[RoleFact] = OFFICE, *, required: bool = False, status: str = "-") -> Known:
    """What acts are judged by, with these roles."""
    by = known(status)
    by.roles = {0: RoleBook.of(facts)}
    by.roles_required = required
    return by


def outcome(act: ActBase, by: Known) -> str:
    """Done, or the reason's name."""
    verdict = judge_act(0, act, by)  # pyright: ignore[reportArgumentType]
    return "done" if verdict.done else verdict.result["refused"]


FIELDS: dict[str, Any] = {
    "owner": ALICE,
    "case_id": UUID(int=1),
    "version": 5,
    "kind": "suspicion",
    "alert_id": "0-1",
    "alert_ids": ("0-1",),
    "officer": "otto",
    "reference": "x",
    "disposition": "false_positive",
    "instruction_id": UUID(int=5),
    "whitelisting_id": UUID(int=5),
    "name": "x",
    "list_code": "L",
    "entry_id": "1",
    "until": TODAY + timedelta(days=9),
    "since": TODAY,
    "part": 1,
    "parts": 1,
    "sha256": "0" * 64,
    "schema_sha256": "0" * 64,
    "entries": (),
    "file": "x",
    "why": "x",
    "role": "analyst",
    "grant_id": UUID(int=5),
    "form": "sar",
    "filing": 1,
    "status": "accepted",
    "proposal_id": UUID(int=5),
    "rule": "CTR-1",
    "values": {"over": "5000"},
    "valid_from": TODAY,
    "risk_class": "high",
    "rating_id": UUID(int=5),
    "snooze_id": UUID(int=5),
    "legal_hold_id": UUID(int=5),
    "removal_id": UUID(int=5),
    "through": TODAY,
}
HOLDERS = {
    "ada": "administrator",
    "ann": "analyst",
    "otto": "investigator",
    "lena": "approver",
    "rita": "rule_author",
    "paul": "rule_publisher",
    "gus": "auditor",
}


BY_NAME = {each.__name__: each for each in sorted(RIGHT_OF, key=lambda each: each.__name__)}


def made(kind: type[ActBase], actor: str) -> ActBase:
    """Make an act of a kind; whether it can be done does not matter."""
    fields = {name: value for name, value in FIELDS.items() if name in kind.model_fields}
    if kind.__name__ == "LinkEvidence":
        fields["kind"] = "document"
    if kind.__name__ == "ProposeWhitelisting":
        fields["kind"] = None
    if kind.__name__ in ("LoadList", "ActivateList"):
        fields["version"] = "1"
    return kind(act_id=UUID(int=7000), actor=actor, reason="x", **fields)


@pytest.mark.parametrize("kind", BY_NAME.values(), ids=BY_NAME)
@pytest.mark.parametrize("actor", [*HOLDERS, "past", "soon", "gone", "hope", "nobody"])
def test_an_act_is_judged_only_where_a_role_in_force_has_the_right(kind: type[ActBase], actor: str):
    """Whatever is wrong besides: without the right, nothing is said of what there is."""
    may = actor in HOLDERS and HOLDERS[actor] in MAY[kind.model_fields["type"].default]
    assert (outcome(made(kind, actor), judged_by()) != "no_right") == may
    assert outcome(made(kind, actor), judged_by([])) != "no_right", "nobody keeps roles yet"


WITHDRAWALS = table(
    """
    actor  proposed_by  status    outcome
    rita   rita         proposed  done
    rita   rita         shadow    done
    rita   rita         live      same_person   # what counts takes two to change
    rita   rose         proposed  no_right
    paul   rita         proposed  done          # so it is rejected
    paul   rita         live      done
    paul   paul         live      same_person
    lena   lena         proposed  no_right      # who was an author once
    nobody rita         proposed  no_right
    """
)


@pytest.mark.parametrize("row", WITHDRAWALS, ids=lambda row: " ".join(list(row.values())[:3]))
def test_authors_withdraw_what_they_have_proposed_and_publishers_whatever_there_is(row: dict[str, str]):
    """But for what is live, which its author does not take back alone."""
    proposal_id = UUID(int=5)
    values = RuleParameter("CTR-1", 1001, "*", {}, TODAY, None, "x")
    proposal = Proposal(proposal_id, values, row["proposed_by"])
    timeline = RuleTimeline(RuleSets((), ()))
    if row["status"] != "proposed":
        timeline = timeline.with_change(
            RuleChange(0, proposal, "proposed", row["status"], 0)  # pyright: ignore[reportArgumentType]
        )
    by = judged_by()
    by.rules = KnownRules(proposals={proposal_id: proposal}, timelines={0: timeline})
    act = WithdrawParameters(act_id=UUID(int=1), actor=row["actor"], reason="x", proposal_id=proposal_id)
    assert outcome(act, by) == row["outcome"]


async def test_the_auditor_knows_whose_proposal_was_withdrawn(database: Database, harness: Harness):
    """In every shard, though it was proposed in the house's alone."""
    await found(harness, ("rita", "rule_author", "ada", "abe"), ("rose", "rule_author", "ada", "abe"))
    proposing: dict[str, Any] = {"rule": "CTR-1", "values": {"over": "5000"}, "valid_from": TODAY}
    proposed = ProposeParameters(act_id=UUID(int=700), actor="rita", reason="x", **proposing)
    assert [each.done for each in await harness.act(proposed)] == [True]
    for actor, act_id in (("rose", 701), ("rita", 702)):
        act = WithdrawParameters(
            act_id=UUID(int=act_id), actor=actor, reason="x", proposal_id=proposed.act_id
        )
        said = [each for each in await harness.everywhere(act) if isinstance(each, ActDone)]
        assert [each.done for each in said] == [actor == "rita"] * 4
    connection = await asyncpg.connect(database.dsn(READONLY))
    try:
        cases = await read_cases(connection)
    finally:
        await connection.close()
    bodies = [each.model_dump(mode="json") for each in harness.published]
    assert examined(bodies, cases) == ()
    forged = [
        {**each, "actor": "rose"} if each.get("act") == "propose_parameters" else each for each in bodies
    ]
    assert any("rita did withdraw_parameters as ['rule_author']" in each for each in examined(forged, cases))


def test_a_role_counts_from_its_first_day_to_the_day_before_its_end():
    """Half-open, as all times are."""
    act = OpenCase(act_id=UUID(int=7000), actor="last", reason="x", owner=ALICE, kind="suspicion")
    assert outcome(act, judged_by()) == "done"


def test_before_two_administrators_nothing_is_done_where_roles_are_required():
    """Deny by default, but for appointing them; where they are not required, as on a desk, anybody may."""
    one = grant(901, "ada", "administrator")
    dismissal = DismissAlert(act_id=UUID(int=1), actor="newt", reason="x", owner=ALICE, alert_id="0-1")
    for facts in ([], one, [*one, *grant(902, "ada", "administrator")]):
        assert outcome(dismissal, judged_by(facts, required=True)) == "roles_unfounded"
        assert outcome(dismissal, judged_by(facts)) == "done"
    assert outcome(dismissal, judged_by(required=True)) == "no_right"
    appointing = ProposeRole(
        act_id=UUID(int=2), actor="x", reason="x", officer="ada", role="administrator", since=TODAY
    )
    assert outcome(appointing, judged_by([], required=True)) == "done"
    assert outcome(appointing, judged_by()) == "no_right", "once there are two, only they"


OUTCOMES = table(
    """
    what     actor  officer  role           since  until  outcome
    propose  ada    newt     analyst            0     90  done
    propose  ada    newt     analyst            5     90  done
    propose  ada    ada      analyst            0     90  own_role
    propose  ada    newt     analyst            0      0  expired
    propose  ada    newt     analyst            5      5  expired
    propose  ada    newt     administrator      0      -  done
    propose  ada    newt     administrator      0     90  administrator_ends
    propose  ada    newt     administrator      1      -  administrator_waits
    propose  ada    otto     approver           0      -  roles_apart
    propose  ada    otto     analyst            0      -  done
    propose  ada    rita     rule_publisher     0      -  roles_apart
    propose  ada    gus      analyst            0      -  roles_apart
    propose  ada    abe      analyst            0      -  roles_apart          # who gives roles has no other
    propose  ada    last     approver           0      -  roles_apart
    propose  ada    last     approver           1      -  done                 # the day after the other ends
    propose  ada    past     approver           0      -  done
    propose  ada    gone     approver           0      -  done
    propose  otto   newt     analyst            0     90  no_right
    """
)


@pytest.mark.parametrize("row", OUTCOMES, ids=lambda row: " ".join(list(row.values())[1:6]))
def test_a_role_is_proposed_or_refused_by_name(row: dict[str, str]):
    """Nobody gives themselves anything, and nobody holds what is kept apart on the same day."""
    until = None if row["until"] == "-" else TODAY + timedelta(days=int(row["until"]))
    act = ProposeRole(
        act_id=UUID(int=1),
        actor=row["actor"],
        reason="x",
        officer=row["officer"],
        role=row["role"],  # pyright: ignore[reportArgumentType]
        since=TODAY + timedelta(days=int(row["since"])),
        until=until,
    )
    assert outcome(act, judged_by()) == row["outcome"]


NEW: tuple[tuple[int, str, Role], ...] = (
    (1, "newt", "analyst"),
    (2, "newt", "approver"),
    (3, "abe2", "administrator"),
)


def test_a_role_takes_two_of_whom_neither_is_the_officer():
    """And one that was proposed twice is not given beside what it is kept apart from."""
    by = judged_by()
    first, second, third = (
        ProposeRole(act_id=UUID(int=number), actor="ada", reason="x", officer=officer, role=role, since=TODAY)
        for number, officer, role in NEW
    )

    def approve(number: int, actor: str, grant_id: int) -> str:
        return outcome(
            ApproveRole(act_id=UUID(int=number), actor=actor, reason="x", grant_id=UUID(int=grant_id)), by
        )

    assert [outcome(each, by) for each in (first, second, third)] == ["done"] * 3
    assert approve(11, "ada", 1) == "same_person"
    assert approve(12, "otto", 1) == "no_right"
    assert approve(13, "abe", 77) == "no_such_grant"
    assert approve(14, "abe", 1) == "done"
    assert approve(15, "abe", 1) == "already_approved"
    assert approve(16, "abe", 2) == "roles_apart"
    assert approve(17, "abe", 3) == "done"
    assert approve(18, "abe2", 2) == "roles_apart"


def test_two_administrators_stay():
    """One alone can give nobody a role, and nobody could help."""
    by = judged_by([*OFFICE, *grant(920, "amy", "administrator")])

    def revoke(number: int, actor: str, grant_id: int) -> str:
        return outcome(
            RevokeRole(act_id=UUID(int=number), actor=actor, reason="x", grant_id=UUID(int=grant_id)), by
        )

    assert revoke(1, "ada", 920) == "done"
    assert revoke(2, "ada", 920) == "already_revoked"
    assert revoke(3, "ada", 902) == "too_few_administrators"
    assert revoke(4, "ada", 903) == "done", "at once, by one"
    dismissal = DismissAlert(act_id=UUID(int=5), actor="ann", reason="x", owner=ALICE, alert_id="0-1")
    assert outcome(dismissal, by) == "no_right"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["propose", "approve", "revoke"]),
        st.sampled_from(["ada", "abe", "amy", "otto"]),
        st.sampled_from(["ada", "abe", "amy", "otto"]),
        st.sampled_from(ROLES),
        st.integers(0, 9),
    ),
    max_size=30,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_whatever_is_tried_roles_stay_apart_and_two_administrators_stay(
    steps: list[tuple[str, str, str, Role, int]],
):
    """From an empty book on; a role is never its holder's own doing."""
    by = judged_by([])
    facts: list[RoleFact] = []
    for number, (what, actor, officer, role, target) in enumerate(steps):
        common: dict[str, Any] = {"act_id": UUID(int=number + 100), "actor": actor, "reason": "x"}
        grant_id = facts[target].grant_id if target < len(facts) else UUID(int=9999)
        act = (
            ProposeRole(**common, officer=officer, role=role, since=TODAY)
            if what == "propose"
            else {"approve": ApproveRole, "revoke": RevokeRole}[what](**common, grant_id=grant_id)
        )
        was_founded = by.roles[0].is_founded
        verdict = judge_act(0, act, by)  # pyright: ignore[reportArgumentType]
        if verdict.role is not None:
            facts.append(verdict.role)
        book = by.roles[0]
        assert book.is_founded or not was_founded
        if book.is_founded:
            assert len(book.administrators(TODAY)) >= 2
        for each in ("ada", "abe", "amy", "otto"):
            held = book.roles_of(each, TODAY)
            assert not any(pair <= held for pair in APART)
    assert by.roles[0] == RoleBook.of(facts)
    assert all(each.actor != each.officer for each in facts if each.what != "revoked")


async def found(harness: Harness, *more: tuple[str, Role, str, str]) -> None:
    """Appoint two administrators in every shard, who give people their roles."""
    appointed: tuple[tuple[str, Role, str, str], ...] = (
        ("ada", "administrator", "x", "y"),
        ("abe", "administrator", "x", "y"),
        ("ann", "analyst", "ada", "abe"),
        ("otto", "investigator", "ada", "abe"),
        ("lena", "approver", "abe", "ada"),
        *more,
    )
    for number, (officer, role, proposed_by, approved_by) in enumerate(appointed, start=1):
        for shard in range(4):
            proposed = ProposeRole(
                act_id=UUID(int=number),
                actor=proposed_by,
                reason="x",
                officer=officer,
                role=role,
                since=date(2026, 3, 1),
            )
            approved = ApproveRole(
                act_id=UUID(int=number + 50), actor=approved_by, reason="x", grant_id=UUID(int=number)
            )
            assert [each.done for each in await harness.act(proposed, approved, shard=shard)] == [True, True]


async def test_roles_are_kept_from_one_process_to_the_next_and_the_auditor_agrees(
    database: Database, harness: Harness
):
    """By record, as the command sends it: denied by name, done by who may, folded alike by the auditor."""
    await found(harness)
    await harness.restart()
    opening: dict[str, Any] = {"owner": ALICE, "kind": "suspicion", "reason": "x"}
    [refused] = await harness.act(OpenCase(act_id=UUID(int=600), actor="lena", **opening))
    assert (refused.done, refused.result) == (False, {"refused": "no_right", "right": "triage"})
    [done] = await harness.act(OpenCase(act_id=UUID(int=601), actor="ann", **opening))
    assert done.done
    connection = await asyncpg.connect(database.dsn(READONLY))
    try:
        listed = await roles_list(connection)
        assert [(each["officer"], each["status"], each["shards"]) for each in listed] == [
            (each, "approved", 4) for each in ("ada", "abe", "ann", "otto", "lena")
        ]
        assert [each["role"] for each in await roles_list(connection, "otto")] == ["investigator"]
        cases = await read_cases(connection)
    finally:
        await connection.close()
    bodies = [each.model_dump(mode="json") for each in harness.published]
    assert examined(bodies, cases) == ()
    forged = [{**each, "actor": "lena"} if each["act_id"] == str(UUID(int=601)) else each for each in bodies]
    assert any("lena did open_case as ['approver']" in each for each in examined(forged, cases))
    alone = [{**each, "actor": "ada"} if each["act_id"] == str(UUID(int=53)) else each for each in bodies]
    assert any("by who proposed it" in each for each in examined(alone, cases))


def examined(bodies: list[dict[str, Any]], cases: Any) -> tuple[str, ...]:
    """What the auditor finds in these events."""
    records = [
        Record(ALERTS, each["shard"], each["seq"], 0, b"", json.dumps(each).encode()) for each in bodies
    ]
    evidence = Evidence(topics={ALERTS: records}, cases=cases)
    return cases_follow_from_their_facts(Examination(evidence)).examples


FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "by who proposed it": ({"actor": "ada"}, "a_role_takes_two_people"),
    "by the officer": ({"actor": "newt"}, "nobody_gives_themselves"),
    "of what nobody proposed": ({"grant_id": UUID(int=78)}, "names_its_proposal"),
    "of another role": ({"role": "approver"}, "names_its_proposal"),
    "for another officer": ({"officer": "newt2"}, "names_its_proposal"),
}


@pytest.mark.parametrize(("fields", "constraint"), FORGED.values(), ids=FORGED)
async def test_the_database_holds_that_a_role_takes_two(
    fields: dict[str, Any], constraint: str, harness: Harness
):
    """Whatever the code does."""
    proposed: dict[str, Any] = {
        "shard": 0,
        "grant_id": UUID(int=77),
        "what": "proposed",
        "act_id": UUID(int=77),
        "actor": "ada",
        "reason": "x",
        "officer": "newt",
        "role": "analyst",
        "since": TODAY,
        "until": None,
        "proposed_by": "ada",
    }
    approved: dict[str, Any] = {
        **proposed,
        "what": "approved",
        "act_id": UUID(int=79),
        "actor": "abe",
        **fields,
    }
    await role_store.save_facts(harness.connection, [(RoleFact(**proposed), 1, MOMENT)])
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=constraint):
        await role_store.save_facts(harness.connection, [(RoleFact(**approved), 2, MOMENT)])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await harness.connection.execute("DELETE FROM role_fact")
