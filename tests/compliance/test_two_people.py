"""What takes two people takes them at the database, too: tried by plain SQL, with the service's own login."""

import json
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from shared.messages.acts import RefuseHold
from tests.compliance.conftest import Harness
from tests.compliance.ledger import ALICE
from tests.compliance.test_holds import act, listed

MOMENT: Final = datetime(2026, 3, 2, 19, tzinfo=UTC)
DAY: Final = date(2026, 3, 2)
ONE: Final = UUID(int=1)
REFUSED: Final = (asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)


class Tried:
    """Statements of whoever has the service's login, each with what a row has otherwise."""

    def __init__(self, connection: Any, table: str, **columns: Any) -> None:
        self.connection = connection
        self._table = table
        self._columns: dict[str, Any] = {"shard": 0, "recorded_at": MOMENT, "reason": "x", **columns}
        self._seq = 700

    async def put(self, **columns: Any) -> None:
        """Add a row, in a transaction of its own."""
        self._seq += 1
        values = {"seq": self._seq, "act_id": UUID(int=self._seq), **self._columns, **columns}
        row = {name: value for name, value in values.items() if value is not ...}
        names, places = '", "'.join(row), ", ".join(f"${n}" for n in range(1, len(row) + 1))
        async with self.connection.transaction():
            await self.connection.execute(
                f'INSERT INTO {self._table} ("{names}") VALUES ({places})', *row.values()
            )

    async def refused(self, by: str | None = None, **columns: Any) -> None:
        """See a row refused, by the constraint named."""
        with pytest.raises(REFUSED) as refused:
            await self.put(**columns)
        _is_by(refused.value, by)


async def refused(connection: Any, statement: str, *values: Any, by: str | None = None) -> None:
    """See a statement refused, by the constraint named; at the end of its transaction, at the latest."""
    with pytest.raises(REFUSED) as found:
        async with connection.transaction():
            await connection.execute(statement, *values)
    _is_by(found.value, by)


def _is_by(error: Any, name: str | None) -> None:
    if name is None:
        assert isinstance(error, asyncpg.InsufficientPrivilegeError)
    else:
        assert error.constraint_name == name


def decisions(connection: Any, **columns: Any) -> Tried:
    """Tried decisions on a payment of Alice's, by Ben."""
    about = {"content_hash": "x", "owner": ALICE, "first_shard": 0, "first_seq": 1, "lists": "{}"}
    return Tried(connection, "decision", **about, decision="released", actor="ben", **columns)


async def test_a_hold_ends_by_a_decision_only(harness: Harness):
    """Its status was free to be set by whoever had the service's login."""
    held, connection = await listed(harness), harness.connection
    for status, seq in (("released", 1), ("refused", 1), ("held", 1)):
        await refused(
            connection,
            "UPDATE hold SET status = $1, decided_seq = $2",
            status,
            seq,
            by="a_hold_ends_as_decided",
        )
    await refused(connection, "UPDATE hold SET findings = '[]'")
    await refused(
        connection,
        "INSERT INTO hold SELECT (h).* FROM (SELECT h FROM hold AS h) AS x (h)",
    )
    await harness.act(act("refuse", "ann", held))
    assert await connection.fetchval("SELECT status FROM hold") == "refused"
    for statement in (
        "UPDATE hold SET status = 'held', decided_seq = NULL",
        "UPDATE hold SET status = 'released'",
        "UPDATE hold SET decided_seq = 1",
    ):
        await refused(connection, statement, by="a_hold_ends_as_decided")


async def test_a_listed_name_is_not_left_out_of_a_decision(harness: Harness):
    """One person releases what is held for other reasons; so the reasons are those of the hold."""
    held, connection = await listed(harness), harness.connection
    findings = await connection.fetchval("SELECT findings FROM hold")
    tried = decisions(connection, instruction_id=held, findings=findings)
    await tried.refused("a_decision_is_of_its_hold", findings="[]")
    await tried.refused("a_decision_is_of_its_hold", instruction_id=UUID(int=99))
    await tried.refused("releasing_a_listed_name_is_proposed_first")
    await tried.refused("decision_names_its_proposal", proposed_by="ann")
    await harness.act(act("release", "ben", held))
    await tried.refused("releasing_takes_two_people", proposed_by="ben")
    await tried.put(proposed_by="ben", actor="ann", seq=800)
    await connection.execute("UPDATE hold SET status = 'released', decided_seq = 800")


async def test_a_decision_of_one_payment_ends_no_other_hold(harness: Harness):
    """Nor does one that says something else."""
    connection = harness.connection
    held = await listed(harness)
    await harness.act(RefuseHold(act_id=ONE, actor="ann", reason="x", owner=ALICE, instruction_id=held))
    seq = await connection.fetchval("SELECT seq FROM decision")
    await connection.execute(
        "INSERT INTO hold (shard, instruction_id, seq, recorded_at, content_hash, owner, first_shard,"
        " first_seq, asset, amount, deadline, findings, lists)"
        " SELECT shard, $1, seq + 50, recorded_at, content_hash, owner, first_shard, first_seq, asset,"
        " amount, deadline, findings, lists FROM hold",
        UUID(int=77),
    )
    await refused(
        connection,
        "UPDATE hold SET status = 'refused', decided_seq = $1 WHERE instruction_id = $2",
        seq,
        UUID(int=77),
        by="a_hold_ends_as_decided",
    )


async def test_a_pair_is_whitelisted_by_another_person_and_not_again_once_revoked(harness: Harness):
    """It is put down as proposed, and what was done to it stays."""
    connection = harness.connection
    entry = await connection.fetchrow("SELECT list_code, version, entry_id FROM list_entry LIMIT 1")
    pair = {"owner": ALICE, "list_code": entry[0], "list_version": entry[1], "entry_id": entry[2]}
    pair |= {"entry_digest": "x", "name": "Y", "until": date(2026, 9, 1), "proposed_by": "ann"}
    tried = Tried(connection, "whitelisting", whitelisting_id=ONE, act_id=..., **pair)
    approved = {"status": "approved", "approved_by": "ben", "approved_seq": 1, "approval_reason": "x"}
    await tried.refused(None, **approved)
    await tried.put()
    approve = "UPDATE whitelisting SET status = 'approved', approved_by = $1, approved_seq = 1"
    approve += ", approval_reason = ''"
    step = "a_pair_goes_on_step_by_step"
    await refused(connection, approve, "ann", by="whitelisting_takes_two_people")
    await refused(connection, "UPDATE whitelisting SET until = '2099-01-01'")
    await connection.execute(approve, "ben")
    await refused(connection, approve, "cleo", by=step)
    revoke = "UPDATE whitelisting SET status = 'revoked', revoked_by = 'ann', revoked_seq = 2"
    revoke += ", revocation_reason = ''"
    await refused(connection, revoke + ", approved_by = 'cleo'", by=step)
    await connection.execute(revoke)
    again = ", revoked_by = NULL, revoked_seq = NULL, revocation_reason = NULL"
    await refused(connection, approve + again, "ben", by=step)
    await refused(
        connection,
        "UPDATE whitelisting SET status = 'proposed', approved_by = NULL, approved_seq = NULL,"
        " approval_reason = NULL" + again,
        by=step,
    )


async def test_parameters_are_published_by_another_person_step_by_step(harness: Harness):
    """Who proposed a version may drop it before it is live; to say that it is not does not help."""
    connection = harness.connection
    proposals = Tried(connection, "rule_proposal", proposal_id=ONE, act_id=..., rule="CTR-1", asset="*")
    parameter = {"segment": "*", "jurisdiction": "*", "values": json.dumps({"over": "1"})}
    await proposals.put(version=1001, valid_from=DAY, proposed_by="ann", **parameter)
    step = {"proposal_id": ONE, "journal_offset": 0, "proposed_by": "ann", "before": "proposed"}
    changes = Tried(connection, "rule_change", after="live", **step)
    await changes.refused("publishing_takes_two_people", actor="ann")
    await changes.refused("rule_change_names_its_proposal", actor="ann", proposed_by="ben")
    await changes.refused("rule_change_follows_the_one_before", actor="ben", before="shadow")
    await changes.put(actor="ben")
    dropped = {"actor": "ann", "after": "withdrawn"}
    await changes.refused("rule_change_follows_the_one_before", before="shadow", **dropped)
    await changes.refused("publishing_takes_two_people", before="live", **dropped)
    await changes.refused("rule_change_shard_proposal_id_before_key", **dropped)
    await changes.put(before="live", after="withdrawn", actor="ben")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("UPDATE rule_proposal SET values = '{}'")


def case_of(connection: Any) -> tuple[Tried, Tried]:
    """Tried files and facts of one case of Alice's."""
    file = {"case_id": ONE, "opened_seq": 1, "opened_at": MOMENT, "owner": ALICE, "kind": "suspicion"}
    return (
        Tried(
            connection,
            "case_file",
            **file,
            deadline=MOMENT,
            officer="otto",
            seq=...,
            act_id=...,
            recorded_at=...,
            reason=...,
        ),
        Tried(connection, "case_fact", case_id=ONE, actor="otto"),
    )


CONFIRMED: Final[dict[str, Any]] = {"disposition": "confirmed", "report": True}


async def test_a_case_is_confirmed_and_reported_by_two_people(harness: Harness):
    """Neither is it closed without the facts that close it, nor a report filed that nobody approved."""
    connection = harness.connection
    files, facts = case_of(connection)
    await files.refused("a_case_is_closed_as_decided", version=1, status="closed", **CONFIRMED)
    await files.put(version=1, status="investigating")
    await facts.put(version=1, what="opened", deadline=MOMENT)
    close = "UPDATE case_file SET status = 'closed', disposition = 'confirmed', report = $1"
    await refused(connection, close, True, by="a_case_is_closed_as_decided")
    filing = {"what": "filed", "form": "fincen_sar", "sha256": "a" * 64, "schema_sha256": "b" * 64}
    await facts.refused("what_is_filed_was_decided", version=2, **filing)
    await facts.refused("confirming_is_proposed_first", version=2, what="decided", **CONFIRMED)
    await facts.put(version=2, what="proposed", **CONFIRMED)
    await refused(connection, close, True, by="a_case_is_closed_as_decided")
    await facts.refused("what_is_filed_was_decided", version=3, **filing)
    approval = {"version": 3, "what": "approved", "proposal": 2, "proposed_by": "otto"}
    await facts.refused("closing_takes_two_people", **approval)
    await facts.put(**approval, actor="ben")
    await refused(connection, close, False, by="a_case_is_closed_as_decided")
    await connection.execute(close, True)
    await facts.put(version=4, **filing)
    await refused(
        connection,
        "UPDATE case_file SET disposition = 'inconclusive', report = false",
        by="a_case_is_closed_as_decided",
    )


async def test_a_role_is_given_by_two_others_and_for_the_days_that_were_proposed(harness: Harness):
    """A longer time would be another grant."""
    grant = {"grant_id": ONE, "officer": "otto", "role": "approver", "since": DAY, "proposed_by": "ann"}
    facts = Tried(harness.connection, "role_fact", **grant)
    await facts.refused("nobody_gives_themselves_a_role", what="proposed", actor="ann", officer="ann")
    await facts.refused("a_role_takes_two_people", what="proposed", actor="ben")
    await facts.refused("role_fact_names_its_proposal", what="approved", actor="ben")
    await facts.put(what="proposed", actor="ann", until=date(2026, 4, 1))
    await facts.refused("a_role_takes_two_people", what="approved", actor="ann", until=date(2026, 4, 1))
    for days in ({}, {"until": date(2030, 1, 1)}, {"since": date(2020, 1, 1), "until": date(2026, 4, 1)}):
        await facts.refused("role_fact_names_its_proposal", what="approved", actor="ben", **days)
    await facts.put(what="approved", actor="ben", until=date(2026, 4, 1))


async def test_a_legal_hold_is_lifted_by_another_person(harness: Harness):
    """And only one that was placed."""
    facts = Tried(harness.connection, "legal_hold_fact", legal_hold_id=ONE, owner=ALICE, placed_by="ann")
    await facts.refused("a_lifted_hold_was_placed", what="lifted", actor="ben")
    await facts.put(what="placed", actor="ann")
    await facts.refused("lifting_takes_another_person", what="lifted", actor="ann")
    await facts.refused("a_lifted_hold_was_placed", what="lifted", actor="ann", placed_by="ben")
    await facts.put(what="lifted", actor="ben")


async def test_a_lower_risk_class_takes_two_people(harness: Harness):
    """A higher one takes one."""
    rating = {"owner": ALICE, "version": 1, "previous": "medium", "risk_class": "low", "actor": "ann"}
    ratings = Tried(harness.connection, "customer_rating", **rating)
    await ratings.refused("lowering_takes_two_people")
    await ratings.refused("rating_has_its_proposal", rating_id=ONE, proposed_by="ben")
    proposals = Tried(harness.connection, "rating_proposal", rating_id=ONE, act_id=...)
    await proposals.put(owner=ALICE, version=1, risk_class="low", proposed_by="ann")
    await ratings.refused("lowering_takes_two_people", rating_id=ONE, proposed_by="ann")
    await ratings.put(rating_id=ONE, proposed_by="ann", actor="ben")


async def test_a_rule_is_silenced_by_two_people_until_the_day_that_was_proposed(harness: Harness):
    """And names on lists never."""
    snooze = {"snooze_id": ONE, "owner": ALICE, "rule": "RND-1", "until": DAY, "proposed_by": "ann"}
    facts = Tried(harness.connection, "snooze_fact", **snooze)
    await facts.refused("names_are_never_snoozed", what="proposed", actor="ann", rule="SAN-1")
    await facts.put(what="proposed", actor="ann")
    await facts.refused("a_snooze_takes_two_people", what="approved", actor="ann", journal_offset=1)
    await facts.refused(
        "snooze_fact_names_its_proposal",
        what="approved",
        actor="ben",
        journal_offset=1,
        until=date(2099, 1, 1),
    )
    await facts.put(what="approved", actor="ben", journal_offset=1)
