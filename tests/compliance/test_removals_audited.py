"""The auditor on removals: by rules of its own, from topics, cases and what stays of events."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from audit.checks.removals import emptied, removed_as_the_law_allows, rows_emptied
from audit.checks.screening import screening_equals_recomputation
from audit.examination import Examination
from audit.readers.casework import read_cases
from audit.readers.keeping import read_kept_rows
from audit.readers.postgres import connect, read_service
from shared.messages.acts import (
    AssignCase,
    DecideCase,
    OpenCase,
    PlaceLegalHold,
    ProposeParameters,
    PublishParameters,
    WithdrawParameters,
)
from tests.compliance.auditing import evidence_of
from tests.compliance.conftest import READONLY, Harness
from tests.compliance.ledger import ALICE, ANNE
from tests.compliance.test_parties import RAGNA, TIBOR, Lists
from tests.compliance.test_removals import FIVE, SWAPPED, TEN, at, propose, removed
from tests.compliance.test_retention import TODAY, Office


@pytest.fixture
def office(live: Harness) -> Office:
    """Make the office, with all rules in force."""
    return Office(live)


async def examined(office: Office) -> Examination:
    """Give the auditor the topics, and what is in the tables."""
    evidence = await evidence_of(office.harness, office.delivered)
    connection = await connect(office.harness.database.dsn(READONLY))
    try:
        evidence.cases = await read_cases(connection)
        evidence.kept_rows = await read_kept_rows(connection)
        state = await read_service(connection, "compliance")
    finally:
        await connection.close()
    assert state is not None
    evidence.services["compliance"] = state
    return Examination(evidence)


async def audited(office: Office) -> list[str]:
    """Name what the auditor finds wrong with what was removed."""
    return list(removed_as_the_law_allows(await examined(office)).examples)


async def test_the_auditor_comes_to_the_same(office: Office):
    """From topics, cases and what is kept of events, by rules of its own."""
    await office.leave()
    await office.opened(ANNE)
    alert = await office.alert(ANNE)
    opened = await office.do(OpenCase, owner=ANNE, alert_ids=(alert.alert_id,), kind="suspicion")
    steps: list[tuple[type, dict[str, Any]]] = [
        (AssignCase, {"version": 1, "officer": "ann"}),
        (DecideCase, {"version": 2, "disposition": "inconclusive", "report": False}),
    ]
    for what, fields in steps:
        assert (await office.do(what, owner=ANNE, case_id=opened.act_id, **fields)).done
    await office.closed(TODAY, ANNE)
    assert await audited(office) == []
    [first] = await removed(office, FIVE)
    assert sorted(each.kind for each in first.records) == ["alert", "alert", "case", "party", "party"]
    assert len(await removed(office, TEN)) == 1
    examination = await examined(office)
    assert removed_as_the_law_allows(examination).examples == ()
    assert len(emptied(examination)) == 4, "two alerts, a hold and a decision; no event of a case has words"


async def test_the_auditor_finds_what_stays_otherwise(office: Office, owner: Any):
    """A word too few, or an outcome that is another."""
    await office.leave()
    await removed(office, TEN)
    await owner.execute(SWAPPED, "refused", "cleared", "DecisionMade")
    assert any("what stays" in each for each in await audited(office))


LIED: dict[str, tuple[dict[str, Any], str]] = {
    "by one person": ({"proposed_by": "ben"}, "one person had records removed"),
    "by terms of their own": (
        {"terms": {"aml": 1, "sanctions": 1, "filing": 1, "years_from_end": 1}},
        "years",
    ),
    "before its day": ({"through": date(2031, 3, 2)}, "removed before 2031-03-03"),
}


@pytest.mark.parametrize(("fields", "words"), LIED.values(), ids=LIED)
async def test_the_auditor_finds_a_removal_that_should_not_have_been(
    office: Office, fields: dict[str, Any], words: str
):
    """Whatever the service says of it."""
    await office.leave()
    [said] = await removed(office, FIVE)
    at_number = office.harness.published.index(said)
    office.harness.published[at_number] = said.model_copy(update=fields)
    assert any(words in each for each in await audited(office))


STEPS: dict[str, tuple[int, dict[str, Any], str]] = {
    "approved by who proposed it": (1, {"actor": "ann"}, "not the second step of two people"),
    "approved where nobody proposed it": (0, {"done": False}, "not the second step of two people"),
    "proposed of days to come": (0, {"through": "2050-01-01"}, "of days to come"),
    "proposed by terms of their own": (0, {"terms": {}}, "the law's years"),
}


@pytest.mark.parametrize(("step", "fields", "words"), STEPS.values(), ids=STEPS)
async def test_the_auditor_finds_what_people_should_not_have_been_let_do(
    office: Office, step: int, fields: dict[str, Any], words: str
):
    """Though nothing was due, so that nothing was removed."""
    assert await removed(office, FIVE) == []
    acts = [each for each in office.harness.published if getattr(each, "act", "").endswith("_removal")]
    said = acts[step]
    at_number = office.harness.published.index(said)
    result = {**said.result, **{name: value for name, value in fields.items() if name in said.result}}
    more = {name: value for name, value in fields.items() if name not in said.result}
    assert await audited(office) == []
    office.harness.published[at_number] = said.model_copy(update={"result": result, **more})
    assert any(words in each for each in await audited(office))


async def test_the_auditor_finds_a_customer_s_removal_proposed_under_a_legal_hold(office: Office):
    """The hold was placed before it, whatever the service says; and none is placed twice."""
    await at(office, FIVE)
    proposed = await propose(office, FIVE, customer=ALICE)
    placed = await office.do(PlaceLegalHold)
    assert removed_as_the_law_allows(await examined(office)).counted == 6
    later = proposed.model_copy(update={"seq": placed.seq + 100})
    office.harness.published[office.harness.published.index(proposed)] = later
    assert any("under a legal hold" in each for each in await audited(office))
    office.harness.published.append(placed.model_copy(update={"seq": placed.seq + 101}))
    assert any("done before" in each for each in await audited(office))


async def test_the_auditor_finds_a_removal_under_a_legal_hold_or_of_a_customer(office: Office):
    """By when each was told: here the service is made to have said it later than it did."""
    await office.leave()
    [said] = await removed(office, FIVE)
    await office.do(PlaceLegalHold)
    await office.take(*office.ledger.reopened())
    later = {"seq": said.seq + 100, "recorded_at": datetime(2031, 3, 3, 12, tzinfo=UTC)}
    office.harness.published[office.harness.published.index(said)] = said.model_copy(update=later)
    assert any("while C" in each and "customer" in each for each in await audited(office))
    office.delivered.pop()
    assert any("under a legal hold" in each for each in await audited(office))


async def test_the_auditor_s_recomputation_holds_when_what_a_shadow_found_is_gone(office: Office):
    """That it was found stays; what it saw the auditor cannot hold against anything any more."""
    await office.opened()
    values = {"over": "4999"}
    new = office.act(ProposeParameters, rule="CTR-1", values=values, valid_from=date(2020, 1, 1))
    [proposed] = await office.harness.act(new)
    steps = {PublishParameters: {"shadow": True}, WithdrawParameters: {}}
    for what, fields in steps.items():
        await office.harness.everywhere(office.act(what, "ben", proposal_id=proposed.act_id, **fields))
        await office.take(*office.ledger.moved("deposit", "5000"))
    await office.closed(TODAY)
    before = screening_equals_recomputation(await examined(office))
    assert before.examples == ()
    [said] = await removed(office, FIVE)
    assert "shadow_finding" in {each.kind for each in said.records}
    examination = await examined(office)
    assert {kind for kind, _, _ in rows_emptied(examination)} == {"party", "shadow_finding"}
    after = screening_equals_recomputation(examination)
    assert after.examples == ()
    screening = examination.evidence.screening
    assert screening is not None
    emptied_only = replace(screening.shadow_findings[0], place=777)
    examination.evidence.screening = replace(screening, shadow_findings=[emptied_only])
    assert any("in shadow" in each for each in screening_equals_recomputation(examination).examples)


async def test_the_auditor_asks_for_no_alert_about_a_party_whose_name_is_gone(office: Office):
    """A list that names them later is no reason to have kept the name; of who is on record it is asked."""
    lists = Lists(office.harness)
    await lists.activate("1", RAGNA)
    for owner in (ALICE, ANNE):
        await office.take(*office.ledger.opened("Tibor Anselm Morgenwasser", owner=owner))
    await office.closed(TODAY)
    assert [len(each.records) for each in await removed(office, FIVE)] == [1]
    await lists.activate("2", RAGNA, TIBOR)
    at_nine = datetime(2031, 3, 3, 10, tzinfo=UTC)
    said = await office.harness.tick(at_nine)
    assert [each.owner for each in said if each.type == "AlertRaised"] == [ANNE]
    examination = await examined(office)
    assert screening_equals_recomputation(examination).examples == ()
    examination.evidence.kept_rows = ()
    found = screening_equals_recomputation(examination).examples
    assert [("nobody was told" in each) for each in found] == [True]
