"""Alerts are triaged and gathered into cases, whose history is facts; confirming one takes two people."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from audit.checks.cases import cases_follow_from_their_facts
from audit.evidence import ALERTS, Evidence, Record
from audit.examination import Examination
from audit.readers.casework import read_cases
from services.compliance.domain.cases import CaseFact
from services.compliance.queries.alerts import alert_find, alerts_list
from services.compliance.queries.cases import case_show, cases_list, loads
from services.compliance.store import cases as case_store
from shared.messages.acts import (
    AcknowledgeReport,
    ApproveDecision,
    AssignCase,
    DecideCase,
    DismissAlert,
    FileReport,
    GatherAlerts,
    LinkEvidence,
    NoteCase,
    OpenCase,
    ReopenCase,
    ReturnDecision,
)
from tests.compliance.conftest import READONLY, Harness, kinds
from tests.compliance.ledger import ALICE, DAY, Ledger
from tests.support.infrastructure import Database

ACTS = {
    "open": OpenCase,
    "dismiss": DismissAlert,
    "gather": GatherAlerts,
    "assign": AssignCase,
    "note": NoteCase,
    "link": LinkEvidence,
    "decide": DecideCase,
    "approve": ApproveDecision,
    "return": ReturnDecision,
    "reopen": ReopenCase,
    "file": FileReport,
    "answer": AcknowledgeReport,
}


NO_CASE = UUID(int=0)


@dataclass
class Office:
    """People who work cases about Alice."""

    harness: Harness
    acts: int = 0
    case_id: UUID = NO_CASE
    version: int = 0

    def act(self, what: str, actor: str = "ann", **fields: Any) -> Any:
        """Make an act on the case at hand, at its version, with an id of its own."""
        self.acts += 1
        fields = {"owner": ALICE, **fields}
        if what not in ("open", "dismiss"):
            fields = {"case_id": self.case_id, "version": self.version, **fields}
        return ACTS[what](act_id=UUID(int=8000 + self.acts), actor=actor, reason="seen", **fields)

    async def do(self, what: str, actor: str = "ann", **fields: Any) -> Any:
        """Do something; return the answer."""
        act = self.act(what, actor, **fields)
        [done] = await self.harness.act(act)
        if done.done and "case_id" in done.result:
            self.case_id, self.version = UUID(done.result["case_id"]), done.result["version"]
        return done

    async def open(self, *alert_ids: str, **fields: Any) -> Any:
        """Open a case."""
        return await self.do("open", alert_ids=alert_ids, kind=fields.pop("kind", "suspicion"), **fields)


@pytest.fixture
def office(harness: Harness) -> Office:
    """Make the people."""
    return Office(harness)


async def alerted(harness: Harness, ledger: Ledger, days: int = 1, owner: str = ALICE) -> list[str]:
    """Let an owner bring much cash on some days, and return the ids of the alerts."""
    found: list[str] = []
    for number in range(days):
        moved = ledger.moved("deposit", "10000.01", day=DAY + timedelta(days=number), owner=owner)
        found += [each.alert_id for each in await harness.take(*moved)]
    return found


async def test_a_confirmed_case_is_closed_by_two_people(harness: Harness, office: Office):
    """From the alert to a decision that a second person approves, each answered with the case's state."""
    [alert] = await alerted(harness, Ledger())
    opened = await office.open(alert)
    assert (opened.done, opened.result["status"], opened.result["version"]) == (True, "open", 1)
    assert (await office.do("assign", officer="otto")).result["status"] == "investigating"
    await office.do("note", "otto")
    await office.do("link", "otto", kind="document", reference="archive/slip-1.pdf")
    proposed = await office.do("decide", "otto", disposition="confirmed", report=True)
    assert proposed.result["status"] == "proposed"
    assert (await office.do("approve", "otto")).result["refused"] == "same_person"
    approved = await office.do("approve", "lena")
    assert (approved.result["status"], approved.result["version"]) == ("closed", 6)
    assert (await office.do("note", "otto")).done, "a closed case still takes notes"


async def test_one_person_closes_what_is_not_confirmed(harness: Harness, office: Office):
    """Most alerts are about nothing; two people on each would look at none."""
    await office.open()
    await office.do("assign", officer="otto")
    done = await office.do("decide", "otto", disposition="false_positive")
    assert (done.done, done.result["status"]) == (True, "closed")
    reopened = await office.do("reopen", "lena")
    assert (reopened.result["status"], reopened.result["officer"]) == ("investigating", "otto")


async def test_a_returned_decision_is_investigated_on(office: Office):
    """The approver says what is missing, and the officer proposes again."""
    await office.open()
    await office.do("assign", officer="otto")
    await office.do("decide", "otto", disposition="confirmed")
    assert (await office.do("return", "lena")).result["status"] == "investigating"
    assert (await office.do("decide", "otto", disposition="inconclusive")).result["status"] == "closed"


MOMENT = datetime(2026, 3, 2, 19, tzinfo=UTC)


async def test_of_two_officers_one_is_told_that_the_case_has_gone_on(harness: Harness, office: Office):
    """In one batch or in two: nobody overwrites what he has not seen."""
    await office.open()
    first, second = office.act("assign", officer="otto"), office.act("assign", officer="lena")
    done = await harness.act(first, second)
    assert [(each.done, each.result.get("refused")) for each in done] == [
        (True, None),
        (False, "version_old"),
    ]
    assert done[1].result["version"] == 2
    assert await harness.connection.fetchval("SELECT officer FROM case_file") == "otto"


async def test_an_alert_is_triaged_once(harness: Harness, office: Office):
    """Into one case or none; the list of what is new does not show it again."""
    ledger = Ledger()
    one, two = await alerted(harness, ledger, days=2)
    assert (await office.do("dismiss", alert_id=one)).done
    assert (await office.open(two)).done
    assert (await office.open(two)).result["refused"] == "already_in_case"
    assert (await office.do("gather", alert_ids=(one,))).result["refused"] == "already_dismissed"
    found = {each["alert_id"]: each["triage"] for each in await alerts_list(harness.connection)}
    assert found == {one: "dismissed", two: "in_case"}
    assert await alerts_list(harness.connection, is_new=True) == []
    assert await alert_find(harness.connection, two) == (0, ALICE)


async def test_an_act_sent_twice_is_one_fact(harness: Harness, office: Office):
    """The second is answered as the first was."""
    await office.open()
    act = office.act("note")
    first, second = await harness.act(act, act)
    [third] = await harness.act(act)
    assert (first.result["version"], second.result["version"], third.result["repeat"]) == (2, 2, True)
    assert await harness.connection.fetchval("SELECT count(*) FROM case_fact") == 2


async def test_a_case_overdue_is_announced_once_and_stays(harness: Harness, office: Office):
    """Each clock once: a case reopened has another."""
    await office.open()
    await office.do("assign", officer="otto")
    deadline = await harness.connection.fetchval("SELECT deadline FROM case_file")
    assert kinds(await harness.tick(deadline - timedelta(seconds=1))) == []
    [said] = await harness.tick(deadline)
    assert (type(said).__name__, said.owner, said.case_id) == ("CaseOverdue", ALICE, office.case_id)
    await office.do("note")
    assert kinds(await harness.tick(deadline)) == []
    await office.do("decide", "otto", disposition="false_positive")
    await office.do("reopen")
    later = await harness.connection.fetchval("SELECT deadline FROM case_file")
    assert kinds(await harness.tick(later)) == ["CaseOverdue"]


FILING = {"form": "sar", "sha256": "0" * 64, "schema_sha256": "1" * 64}


async def confirmed(office: Office) -> None:
    """Let two people close a case with a report to be filed."""
    await office.open()
    await office.do("assign", officer="otto")
    await office.do("decide", "otto", disposition="confirmed", report=True)
    await office.do("approve", "lena")


async def test_the_time_of_a_case_runs_until_its_report_is_filed(harness: Harness, office: Office):
    """The law counts to the filing, not to the decision: closed without the report, a case is still due."""
    await confirmed(office)
    deadline = await harness.connection.fetchval("SELECT deadline FROM case_file")
    assert kinds(await harness.tick(deadline)) == ["CaseOverdue"]
    [waiting] = await cases_list(harness.connection)
    assert (waiting["status"], waiting["overdue"], waiting["filing_status"]) == ("closed", True, None)
    assert (await office.do("file", "otto", **FILING)).done
    assert await cases_list(harness.connection) == []
    filing = office.version
    await office.do("answer", "otto", filing=filing, status="rejected", reference="R1")
    [again] = await cases_list(harness.connection)
    assert (again["filing"], again["filing_status"]) == (filing, "rejected")
    await office.do("file", "otto", **FILING)
    await office.do("answer", "otto", filing=office.version, status="accepted", reference="31000123456789")
    assert await cases_list(harness.connection) == []
    shown = await case_show(harness.connection, office.case_id)
    assert shown is not None
    assert shown["history"][-1]["reference"] == "31000123456789"
    assert shown["history"][-2]["schema_sha256"] == "1" * 64


FORGED_FILINGS: dict[str, tuple[dict[str, Any], str]] = {
    "not validated": ({"what": "filed", "form": "sar", "sha256": "0" * 64}, "filing_is_validated"),
    "of no file": (
        {"what": "filed", "form": "sar", "sha256": "x", "schema_sha256": "1" * 64},
        "sha256_check",
    ),
    "an answer to what was not filed": (
        {"what": "acknowledged", "filing": 3, "answer": "accepted", "reference": "x"},
        "answers_a_filing",
    ),
    "an answer without a reference": (
        {"what": "acknowledged", "filing": 5, "answer": "accepted"},
        "an_answer_has_a_reference",
    ),
    "a note with a file": ({"what": "noted", "form": "sar"}, "filing_is_validated"),
}


@pytest.mark.parametrize(("fields", "constraint"), FORGED_FILINGS.values(), ids=FORGED_FILINGS)
async def test_the_database_holds_that_a_filing_was_valid(
    fields: dict[str, Any], constraint: str, harness: Harness, office: Office
):
    """Whatever the code does."""
    await confirmed(office)
    await office.do("file", **FILING)
    fact = CaseFact(0, office.case_id, 6, UUID(int=77), actor="otto", reason="x", **fields)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=constraint):
        await case_store.save_facts(harness.connection, [(fact, 99, MOMENT)])


async def test_the_database_holds_that_a_report_on_market_abuse_is_of_such_a_case(
    harness: Harness, office: Office
):
    """Whatever the code does; of a case of that kind it is filed as any other report."""
    await confirmed(office)
    stor: dict[str, Any] = {**FILING, "form": "stor"}
    forged = CaseFact(0, office.case_id, 5, UUID(int=77), "filed", "otto", "x", **stor)
    async with harness.connection.transaction():
        with pytest.raises(asyncpg.ForeignKeyViolationError, match="form_fits_the_kind"):
            async with harness.connection.transaction():
                await case_store.save_facts(harness.connection, [(forged, 99, MOMENT)])
    refused = await office.do("file", "otto", **stor)
    assert refused.result["refused"] == "not_market_abuse"
    await office.open(kind="market_abuse")
    await office.do("assign", officer="otto")
    await office.do("decide", "otto", disposition="confirmed", report=True)
    await office.do("approve", "lena")
    assert (await office.do("file", "otto", **stor)).done


FORGERIES: dict[str, tuple[str, int | None, str | None]] = {
    "by who proposed it": ("otto", 3, "otto"),
    "a proposal of somebody else": ("lena", 3, "lena2"),
    "a proposal that there is not": ("lena", 2, "ann"),
    "without a proposal": ("lena", None, None),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
async def test_the_database_holds_that_closing_takes_two(
    forgery: tuple[str, int | None, str | None], harness: Harness, office: Office
):
    """Whatever the code does."""
    await office.open()
    await office.do("assign", officer="otto")
    await office.do("decide", "otto", disposition="confirmed", report=True)
    actor, proposal, proposed_by = forgery
    fact = CaseFact(
        0,
        office.case_id,
        4,
        UUID(int=77),
        "approved",
        actor,
        "x",
        proposal=proposal,
        proposed_by=proposed_by,
    )
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=r"two_people|names_its_proposal"):
        await case_store.save_facts(harness.connection, [(fact, 99, MOMENT)])


async def test_the_database_holds_that_confirming_is_proposed_first(harness: Harness, office: Office):
    """One person's decision on a confirmed case is no fact that can be written down."""
    await office.open()
    await office.do("assign", officer="otto")
    fact = CaseFact(
        0, office.case_id, 3, UUID(int=77), "decided", "otto", "x", disposition="confirmed", report=True
    )
    with pytest.raises(asyncpg.CheckViolationError, match="confirming_is_proposed_first"):
        await case_store.save_facts(harness.connection, [(fact, 99, MOMENT)])


async def test_the_database_holds_one_fact_a_version(harness: Harness, office: Office):
    """Two writers who saw the same version cannot both go on from it."""
    await office.open()
    fact = CaseFact(0, office.case_id, 1, UUID(int=77), "noted", "otto", "x")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await case_store.save_facts(harness.connection, [(fact, 99, MOMENT)])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE case_fact SET reason = 'x'",
        "DELETE FROM case_fact",
        "UPDATE alert_triage SET case_id = NULL",
        "DELETE FROM alert_triage",
        "UPDATE case_file SET owner = 'x'",
        "DELETE FROM case_file",
    ],
)
async def test_the_history_of_a_case_cannot_be_changed(harness: Harness, statement: str):
    """Facts are added, never edited: the service's login has no such right."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await harness.connection.execute(statement)


async def test_cases_can_be_asked_for_with_their_history(
    database: Database, harness: Harness, office: Office
):
    """The read-only login finds them, the most urgent first."""
    ledger = Ledger()
    one, two = await alerted(harness, ledger, days=2)
    await office.open(one)
    await office.do("assign", officer="otto")
    await office.do("gather", "otto", alert_ids=(two,))
    first = office.case_id
    await office.open(kind="cash_report")
    connection = await asyncpg.connect(database.dsn(READONLY))
    try:
        found = await cases_list(connection)
        mine = await cases_list(connection, "investigating", officer="otto", owner=ALICE, kind="suspicion")
        shown = await case_show(connection, first)
        assert await case_show(connection, UUID(int=1)) is None
        assert await loads(connection) == {"otto": 1}
    finally:
        await connection.close()
    assert [each["kind"] for each in found] == ["cash_report", "suspicion"]
    assert [each["case_id"] for each in mine] == [str(first)]
    assert shown is not None
    assert (shown["alerts"], shown["version"], shown["overdue"]) == (2, 3, False)
    assert [(each["what"], each.get("alerts")) for each in shown["history"]] == [
        ("opened", [one]),
        ("assigned", None),
        ("gathered", [two]),
    ]


async def test_the_auditor_agrees(database: Database, harness: Harness, office: Office):
    """Its own account of a case, from the tables and the topic, comes to the same."""
    one, two, three = await alerted(harness, Ledger(), days=3)
    await office.do("dismiss", alert_id=three)
    await office.open(one)
    await office.do("note", version=9)
    await office.do("assign", officer="otto")
    await office.do("gather", alert_ids=(two,))
    await office.do("link", kind="case", reference=str(NO_CASE))
    for disposition, second in (("confirmed", "return"), ("confirmed", "approve")):
        await office.do("decide", "otto", disposition=disposition)
        await office.do(second, "lena")
    await office.do("reopen")
    await office.do("decide", "otto", disposition="confirmed", report=True)
    await office.do("approve", "lena")
    for answer in ("rejected", "accepted"):
        await office.do("file", **FILING)
        await office.do("file", **FILING)
        await office.do("answer", filing=office.version, status=answer, reference="R1")
    records = [
        Record(ALERTS, each.shard, each.seq, 0, b"", each.model_dump_json().encode())
        for each in harness.published
    ]
    connection = await asyncpg.connect(database.dsn(READONLY))
    try:
        evidence = Evidence(topics={ALERTS: records}, cases=await read_cases(connection))
    finally:
        await connection.close()
    result = cases_follow_from_their_facts(Examination(evidence))
    assert (result.ok, result.examples) == (True, ())
    assert result.counted > 35
