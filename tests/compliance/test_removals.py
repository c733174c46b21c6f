"""Removal: words go from what is past its day, by two people; chain and outcomes stay, nothing held goes."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.compliance.domain.retention import REMOVED, without_words
from services.compliance.handlers import removals
from services.compliance.queries.verifying import verify_records
from services.compliance.store import removals as removal_store
from shared.messages.acts import (
    ApproveRemoval,
    AssignCase,
    DecideCase,
    DismissAlert,
    LiftLegalHold,
    NoteCase,
    OpenCase,
    PlaceLegalHold,
    ProposeRemoval,
)
from shared.messages.compliance import RecordsRemoved
from tests.compliance.api_desk import Desk
from tests.compliance.conftest import PARTITIONS, SERVICE, Harness
from tests.compliance.ledger import ALICE, ANNE
from tests.compliance.test_retention import LISTED, TODAY, Office

FIVE, TEN = date(2031, 3, 3), date(2036, 3, 3)
"""When what is of five years, or of ten, need not be kept any more."""


@pytest.fixture
def office(live: Harness) -> Office:
    """Make the office, with all rules in force."""
    return Office(live)


async def at(office: Office, day: date) -> None:
    """Let the clock of the shards go on to a day."""
    moment = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    office.harness._next_time = lambda: moment  # pyright: ignore[reportPrivateUsage]


async def propose(office: Office, through: date, actor: str = "ann", customer: str | None = None) -> Any:
    """Propose a removal in Alice's shard."""
    act = office.act(ProposeRemoval, actor, through=through, customer=customer)
    [done] = await office.harness.act(act, shard=0)
    return done


async def approve(office: Office, proposed: Any, actor: str = "ben") -> Any:
    """Approve what was proposed there."""
    act = office.act(ApproveRemoval, actor, removal_id=proposed.act_id)
    [done] = await office.harness.act(act, shard=0)
    return done


async def ticked(office: Office, day: date, times: int = 1) -> list[RecordsRemoved]:
    """Let the service go on, and return what it says it has removed."""
    moment = datetime(day.year, day.month, day.day, 10, tzinfo=UTC)
    said: list[Any] = []
    for _ in range(times):
        said += await office.harness.tick(moment)
    return [each for each in said if isinstance(each, RecordsRemoved)]


async def removed(office: Office, day: date) -> list[RecordsRemoved]:
    """Have everything removed that is past its day by a day."""
    await at(office, day)
    proposed = await propose(office, day)
    assert proposed.done, proposed.detail
    assert (await approve(office, proposed)).done
    return await ticked(office, day)


WORDS = ("seen", LISTED, "10000.01")
"""What people wrote, a listed name, and an amount that a rule saw."""


async def words_left(office: Office) -> set[str]:
    """Name the tables of the service in which any of the words still stands."""
    found: set[str] = set()
    for name in ("alert", "alert_triage", "hold", "decision", "case_fact", "act_answer", "outbox"):
        for row in await office.harness.connection.fetch(f"SELECT t.* FROM {name} AS t"):
            texts = [
                each.decode(errors="replace") if isinstance(each, bytes) else str(each)
                for each in row.values()
            ]
            if any(word in text for text in texts for word in WORDS):
                found.add(name)
    return found


async def test_words_go_in_the_order_of_their_years_and_outcomes_stay(office: Office):
    """An alert's after five years, a listed name's after ten; what was decided is still to be seen."""
    await office.leave()
    [first] = await removed(office, FIVE)
    assert {(each.kind, each.record_class) for each in first.records} == {("alert", "aml"), ("party", "aml")}
    assert (first.actor, first.proposed_by, first.through) == ("ben", "ann", FIVE)
    alert = await office.harness.connection.fetchrow("SELECT rule, owner, findings FROM alert")
    [finding] = json.loads(alert["findings"])
    assert (alert["rule"], alert["owner"]) == ("CTR-1", ALICE)
    assert finding == {"rule": "CTR-1", "rule_version": 1, "sentence": REMOVED, "values": {}}
    verified = await verify_records(office.harness.connection)
    assert (verified.examples, verified.removed, verified.removals) == ([], 1, 2), "no event names a party"
    [second] = await removed(office, TEN)
    assert {(each.kind, each.record_class) for each in second.records} == {
        ("hold", "sanctions"),
        ("decision", "sanctions"),
    }
    decision = await office.harness.connection.fetchrow("SELECT decision, actor, reason FROM decision")
    assert tuple(decision) == ("refused", "ann", REMOVED)
    verified = await verify_records(office.harness.connection)
    assert (verified.examples, verified.removed) == ([], 3)
    kinds = await office.harness.connection.fetch(
        "SELECT act FROM act_answer WHERE reason <> $1 ORDER BY seq", REMOVED
    )
    assert {each["act"] for each in kinds} == {"propose_removal", "approve_removal"}
    assert await words_left(office) == {"act_answer"}, "of the removals themselves"


async def test_a_second_removal_finds_nothing_left(office: Office):
    """What is gone is not removed twice; its class and day are still known."""
    await office.leave()
    await removed(office, FIVE)
    assert await removed(office, FIVE) == []
    kept = await office.kept(TEN)
    alert = kept["alert", "aml"]
    assert (alert["records"], alert["removed"], alert["due"], alert["first_due"]) == (1, 1, 0, None)
    assert kept["decision", "sanctions"]["due"] == 1


async def test_a_case_goes_with_its_notes_and_its_alerts(office: Office):
    """As one: they are of one class and one day."""
    await office.opened()
    alert = await office.alert()
    opened = await office.do(OpenCase, alert_ids=(alert.alert_id,), kind="suspicion")
    case_id = opened.act_id
    steps: list[tuple[type, dict[str, Any]]] = [
        (AssignCase, {"version": 1, "officer": "ann"}),
        (NoteCase, {"version": 2}),
        (DecideCase, {"version": 3, "disposition": "false_positive", "report": False}),
    ]
    for what, fields in steps:
        done = await office.do(what, case_id=case_id, **fields)
        assert done.done, done.detail
    await office.closed(TODAY)
    [said] = await removed(office, FIVE)
    assert [each.kind for each in said.records] == ["alert", "case", "party"]
    facts = await office.harness.connection.fetch(
        "SELECT what, actor, reason FROM case_fact ORDER BY version"
    )
    assert [each["reason"] for each in facts] == [REMOVED] * 4
    assert facts[2]["what"] == "noted"
    assert (await verify_records(office.harness.connection)).examples == []


async def test_nothing_goes_before_its_day_or_while_it_is_worked_on(office: Office):
    """Nor while the customer is one."""
    await office.opened()
    alert = await office.alert()
    assert await removed(office, TEN) == [], "nobody has looked at it"
    await office.do(DismissAlert, alert_id=alert.alert_id)
    assert await removed(office, date(2099, 1, 1)) == [], "Alice is a customer"


async def test_nobody_approves_their_own_removal(office: Office):
    """Nor one that nobody has proposed, nor twice, nor of a day to come."""
    await office.leave()
    await at(office, FIVE)
    early = await propose(office, date(2031, 3, 4))
    assert (early.done, early.result["refused"]) == (False, "not_due")
    proposed = await propose(office, FIVE)
    assert (await approve(office, proposed, "ann")).result["refused"] == "same_person"
    assert await ticked(office, FIVE) == []
    assert (await approve(office, proposed)).done
    assert (await approve(office, proposed)).result["refused"] == "already_approved"
    assert (await approve(office, early)).result["refused"] == "no_such_removal"


async def test_a_removal_under_a_legal_hold_is_refused_by_name(office: Office):
    """And one of all customers passes this one's by, until another person has lifted it."""
    await office.leave()
    await at(office, FIVE)
    placed = await office.do(PlaceLegalHold)
    refused = await propose(office, FIVE, customer=ALICE)
    assert (refused.done, refused.result["refused"]) == (False, "under_legal_hold")
    assert refused.result["legal_hold_id"] == str(placed.act_id)
    assert await removed(office, FIVE) == []
    assert (await office.do(LiftLegalHold, "ben", legal_hold_id=placed.act_id)).done
    [said] = await removed(office, FIVE)
    assert [each.kind for each in said.records] == ["alert", "party"]


async def test_a_legal_hold_counts_for_the_act_after_it_in_one_batch(office: Office):
    """How acts are cut into batches does not matter, neither of a hold just placed nor of one lifted."""
    await office.leave()
    await at(office, FIVE)
    placed = office.act(PlaceLegalHold, owner=ALICE)
    asked = office.act(ProposeRemoval, through=FIVE, customer=ALICE)
    _, refused = await office.harness.act(placed, asked, shard=0)
    assert (refused.done, refused.result["refused"]) == (False, "under_legal_hold")
    assert refused.result["legal_hold_id"] == str(placed.act_id)
    lifted = office.act(LiftLegalHold, "ben", owner=ALICE, legal_hold_id=placed.act_id)
    again = office.act(ProposeRemoval, through=FIVE, customer=ALICE)
    _, done = await office.harness.act(lifted, again, shard=0)
    assert done.done, done.detail


async def test_a_hold_placed_after_the_approval_still_keeps(office: Office):
    """It is asked for in each step."""
    await office.leave()
    await at(office, FIVE)
    proposed = await propose(office, FIVE, customer=ALICE)
    assert (await approve(office, proposed)).done
    await office.do(PlaceLegalHold, "cy")
    assert await ticked(office, FIVE) == []


async def test_a_removal_of_one_customer_leaves_the_others(office: Office):
    """Though they are past their day, too."""
    await office.leave()
    await office.opened(ANNE)
    alert = await office.alert(ANNE)
    await office.do(DismissAlert, owner=ANNE, alert_id=alert.alert_id)
    await office.closed(TODAY, ANNE)
    await at(office, FIVE)
    proposed = await propose(office, FIVE, customer=ANNE)
    await approve(office, proposed)
    [said] = await ticked(office, FIVE)
    row = await office.harness.connection.fetchval("SELECT number FROM party WHERE owner = $1", ANNE)
    assert [each.seq for each in said.records] == [int(alert.alert_id.split("-")[1]), row]


async def test_a_removal_that_dies_between_goes_on_where_it_was(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    """Step and progress are one commit; another process takes the rest, each record once."""
    monkeypatch.setattr(removals, "LOOKED_AT_A_TICK", 1)
    await office.leave()
    await at(office, FIVE)
    await approve(office, await propose(office, FIVE))
    moment = datetime(2031, 3, 3, 10, tzinfo=UTC)
    await office.harness.tick_shards(range(PARTITIONS), moment, commit=False)
    assert await office.harness.connection.fetchval("SELECT count(*) FROM removed_record") == 0
    assert "alert" in await words_left(office), "what was rolled back has removed nothing"
    await ticked(office, FIVE)
    await office.harness.restart()
    said = await ticked(office, FIVE, times=20)
    rows = await office.harness.connection.fetch("SELECT kind FROM removed_record ORDER BY kind")
    assert [row["kind"] for row in rows] == ["alert", "party"]
    assert len(said) <= 2
    progress = await office.harness.connection.fetchrow("SELECT records, is_finished FROM removal_progress")
    assert tuple(progress) == (2, True)
    assert (await verify_records(office.harness.connection)).examples == []


async def test_a_removal_whose_process_is_killed_is_finished_by_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    """The database loses the connection after rows were emptied and before the commit."""
    await office.leave()
    await at(office, FIVE)
    await approve(office, await propose(office, FIVE))
    harness = office.harness
    process = await harness.connection.fetchval("SELECT pg_backend_pid()")
    killer = await asyncpg.connect(harness.database.superuser_dsn)
    go_on = removal_store.go_on

    async def killed(connection: Any, *told: Any, **more: Any) -> None:
        """Die when the step is done, before it is committed."""
        assert await connection.fetchval("SELECT count(*) FROM removed_record") == 2
        await killer.execute("SELECT pg_terminate_backend($1)", process)
        await go_on(connection, *told, **more)

    monkeypatch.setattr(removal_store, "go_on", killed)
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await ticked(office, FIVE)
    monkeypatch.undo()
    await killer.close()
    harness.connection = await asyncpg.connect(harness.database.dsn(SERVICE))
    assert "alert" in await words_left(office), "nothing of it was committed"
    await harness.restart()
    [said] = await ticked(office, FIVE)
    assert [each.kind for each in said.records] == ["alert", "party"]
    assert (await verify_records(harness.connection)).examples == []


FORGED = {
    "by nobody": ("gen_random_uuid(), 999", "what_is_removed_was_approved"),
    "before its day": (
        "(SELECT removal_id FROM removal_fact LIMIT 1), 999", "nothing_is_removed_before_its_day"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("values", "guard"), FORGED.values(), ids=FORGED)
async def test_the_database_empties_nothing_that_is_not_due(office: Office, values: str, guard: str):
    """Whoever writes as the service: the hold and the decision are kept for ten years."""
    await office.leave()
    await removed(office, FIVE)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
        await office.harness.connection.execute(
            "INSERT INTO removed_record (shard, kind, removed_seq, body, removal_id, seq, recorded_at)"
            f" SELECT 0, 'decision', seq, 'x', {values}, now() FROM decision"
        )
    assert getattr(caught.value, "constraint_name", None) == guard


async def test_the_database_empties_nothing_under_a_legal_hold(office: Office):
    """Whatever the code does."""
    await office.leave()
    await at(office, FIVE)
    proposed = await propose(office, FIVE)
    await approve(office, proposed)
    await office.do(PlaceLegalHold)
    with pytest.raises(asyncpg.CheckViolationError, match="under a legal hold"):
        await office.harness.connection.execute(
            "INSERT INTO removed_record (shard, kind, removed_seq, body, removal_id, seq, recorded_at)"
            " SELECT 0, 'alert', seq, 'x', $1, 999, now() FROM alert",
            proposed.act_id,
        )


async def test_the_database_takes_no_approval_by_who_proposed(office: Office):
    """The keys and checks hold it whoever writes."""
    await office.leave()
    await at(office, FIVE)
    await propose(office, FIVE)
    with pytest.raises(asyncpg.CheckViolationError, match="removing_takes_two_people"):
        await office.harness.connection.execute(
            "INSERT INTO removal_fact (shard, removal_id, what, seq, recorded_at, act_id, actor, reason,"
            " through, customer, terms, proposed_by) SELECT shard, removal_id, 'approved', 999, recorded_at,"
            " $1, actor, 'x', through, customer, terms, proposed_by FROM removal_fact",
            UUID(int=1),
        )


SWAPPED = """
UPDATE compliance.outbox SET body = convert_to(replace(convert_from(body, 'UTF8'), $1, $2), 'UTF8')
WHERE type = $3
"""


async def test_a_body_that_goes_without_an_act_is_found(office: Office, owner: Any):
    """A row that says it was removed excuses nothing: only an event in the chain does."""
    await office.leave()
    await owner.execute(SWAPPED, "seen", "x", "DecisionMade")
    found = (await verify_records(office.harness.connection)).examples
    assert any("not the one that was chained" in each for each in found)
    await owner.execute("ALTER TABLE compliance.removed_record DISABLE TRIGGER removed_record_empties")
    await owner.execute("ALTER TABLE compliance.removed_record DROP CONSTRAINT what_is_removed_was_approved")
    await owner.execute(
        "INSERT INTO compliance.removed_record (shard, kind, removed_seq, body, removal_id, seq, recorded_at)"
        " SELECT shard, 'decision', seq, body, gen_random_uuid(), seq + 1, now() FROM compliance.outbox"
        " WHERE type = 'DecisionMade'"
    )
    found = (await verify_records(office.harness.connection)).examples
    assert any("not the one that was chained" in each for each in found)


async def test_what_stays_of_a_removed_record_cannot_be_changed(office: Office, owner: Any):
    """Its SHA-256 stands in the chain; so does the event that names it."""
    await office.leave()
    await removed(office, TEN)
    await owner.execute(SWAPPED, "refused", "cleared", "DecisionMade")
    found = (await verify_records(office.harness.connection)).examples
    assert any("not the one that was chained" in each for each in found)


async def test_an_event_that_says_what_was_removed_has_to_be_whole(office: Office, owner: Any):
    """One that was changed, or made up, excuses nothing."""
    await office.leave()
    await removed(office, TEN)
    assert (await verify_records(office.harness.connection)).examples == []
    await owner.execute(SWAPPED, '"ben"', '"bea"', "RecordsRemoved")
    found = " ".join((await verify_records(office.harness.connection)).examples)
    assert "is not what was chained" in found
    assert "no two people" in found


def test_what_stays_of_an_event_is_all_but_its_words():
    """Ids, dates, outcomes, rules; and nothing that a person wrote."""
    body = json.dumps(
        {
            "type": "DecisionMade",
            "seq": 7,
            "decision": "refused",
            "reason": "a cousin of the one on the list",
            "findings": [{"rule": "SAN-1", "rule_version": 3, "sentence": "x", "values": {"name": "Ä"}}],
        }
    ).encode()
    assert json.loads(without_words(body)) == {
        "type": "DecisionMade",
        "seq": 7,
        "decision": "refused",
        "reason": REMOVED,
        "findings": [{"rule": "SAN-1", "rule_version": 3, "sentence": REMOVED, "values": {}}],
    }
    assert without_words(without_words(body)) == without_words(body)


async def test_a_removal_is_proposed_and_approved_by_http(office: Office):
    """In every shard, on the status that was seen."""
    desk = Desk(office.harness)
    await office.leave()
    await at(office, FIVE)
    proposed = await desk.post("/v1/removals", "investigator", through="2031-03-03")
    assert (proposed.status, proposed.body["result"]["status"]) == (200, "proposed")
    path = f"/v1/removals/{proposed.body['result']['removal_id']}"
    shown = await desk.ask("GET", path)
    assert (shown.headers["etag"], shown.body["shards"]) == ('"proposed"', [0, 1, 2, 3])
    assert (await desk.post(f"{path}/approval", "approver", seen='"proposed"')).status == 403, "her own"
    assert (await desk.post(f"{path}/approval", "approver", "ben", seen='"proposed"')).status == 200
    await ticked(office, FIVE)
    [row] = (await desk.ask("GET", "/v1/removals")).body
    assert row["status"] == "approved", "one shard after the other"
    await ticked(office, FIVE, times=PARTITIONS - 1)
    [row] = (await desk.ask("GET", "/v1/removals")).body
    assert (row["status"], row["records"], row["approved_by"]) == ("finished", 2, "ben")
    await office.do(PlaceLegalHold)
    held = await desk.post("/v1/removals", "investigator", through="2031-03-03", customer=ALICE)
    assert (held.status, held.body["type"]) == (409, "urn:backoffice:refused:under_legal_hold")
    assert (await desk.ask("GET", f"/v1/removals/{UUID(int=1)}")).status == 404
