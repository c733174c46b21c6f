"""The auditor's check of cases finds what is planted, and nothing where all is as it must be."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from audit.casework import CaseData, CaseFactRow, CaseRow, TriageRow
from audit.checks.cases import cases_follow_from_their_facts
from audit.evidence import ALERTS, Evidence, Record
from audit.examination import Examination
from audit.result import Result

DUE = datetime(2026, 4, 1, tzinfo=UTC)
CASE = "c1"
STEPS: list[tuple[str, str, dict[str, Any]]] = [
    ("opened", "ann", {"deadline": DUE}),
    ("assigned", "ann", {"officer": "otto"}),
    ("proposed", "otto", {"disposition": "confirmed", "report": True}),
    ("approved", "lena", {"proposal": 3, "proposed_by": "otto"}),
    ("filed", "otto", {"schema_sha256": "1" * 64, "form": "sar"}),
    ("acknowledged", "otto", {"filing": 5, "answer": "accepted"}),
]
ACTS = (
    "open_case",
    "assign_case",
    "decide_case",
    "approve_decision",
    "file_report",
    "acknowledge_report",
)
FILE = CaseRow(
    0, CASE, "alice", "suspicion", 6, "closed", DUE, "otto", "confirmed", True, None, None, 5, "accepted"
)


def _event(seq: int, **fields: Any) -> Record:
    body = {"shard": 0, "seq": seq, "owner": "alice", **fields}
    return Record(ALERTS, 0, seq, 0, b"", json.dumps(body).encode())


def honest() -> Evidence:
    """One case closed by two people, on an alert, and an alert dismissed."""
    facts = [
        CaseFactRow(0, CASE, version, 10 + version, f"a{version}", what, actor, **fields)
        for version, (what, actor, fields) in enumerate(STEPS, start=1)
    ]
    events = [_event(1, type="AlertRaised"), _event(2, type="AlertRaised")]
    events += [
        _event(
            fact.seq,
            type="ActDone",
            act=act,
            act_id=fact.act_id,
            actor=fact.actor,
            done=True,
            result={"version": fact.version},
        )
        for fact, act in zip(facts, ACTS, strict=True)
    ]
    events.append(
        _event(20, type="ActDone", act="dismiss_alert", act_id="d", actor="ann", done=True, result={})
    )
    triage = [TriageRow(0, 1, 11, "a1", CASE, 1), TriageRow(0, 2, 20, "d")]
    return Evidence(topics={ALERTS: events}, cases=CaseData([FILE], facts, triage))


def examined(evidence: Evidence) -> Result:
    """Run the check."""
    return cases_follow_from_their_facts(Examination(evidence))


def test_honest_cases_pass() -> None:
    """Else no finding would mean anything; and cases that were not read do not pass."""
    assert examined(honest()).examples == ()
    assert not examined(Evidence()).ok


def test_a_report_on_market_abuse_is_of_a_case_of_it() -> None:
    """Else the check would refuse all of them."""
    evidence = honest()
    assert evidence.cases is not None
    evidence.cases = _file(kind="market_abuse")(_fact(5, form="stor")(evidence.cases))
    assert examined(evidence).examples == ()


def _fact(number: int, **fields: Any) -> Callable[[CaseData], CaseData]:
    def change(data: CaseData) -> CaseData:
        facts = list(data.facts)
        facts[number - 1] = replace(facts[number - 1], **fields)
        return replace(data, facts=facts)

    return change


def _file(**fields: Any) -> Callable[[CaseData], CaseData]:
    return lambda data: replace(data, files=[replace(FILE, **fields)])


def _triage(number: int, **fields: Any) -> Callable[[CaseData], CaseData]:
    def change(data: CaseData) -> CaseData:
        rows = list(data.triage)
        rows[number] = replace(rows[number], **fields)
        return replace(data, triage=rows)

    return change


PLANTED: dict[str, tuple[Callable[[CaseData], CaseData], str]] = {
    "a fact is lost": (lambda data: replace(data, facts=[*data.facts[:1], *data.facts[2:]]), "missing"),
    "the last fact is lost": (lambda data: replace(data, facts=data.facts[:-1]), "version: expected 5"),
    "a case is lost": (lambda data: replace(data, files=[]), "and no case"),
    "one person closed it": (_fact(4, actor="otto"), "their own proposal"),
    "another proposal was approved": (_fact(4, proposal=2), "of another proposal"),
    "no second person was asked": (_fact(3, what="decided"), "takes two"),
    "somebody else decided": (_fact(3, actor="lena"), "the case is otto's"),
    "it was decided before anybody had it": (_fact(2, what="noted"), "in a case that is open"),
    "a fact that nobody asked for": (_fact(2, act_id="x"), "no fact of it"),
    "a fact that somebody else asked for": (_fact(2, actor="x"), "version 2: expected"),
    "the case says otherwise": (_file(status="investigating"), "status: expected 'closed'"),
    "a report of what is not to be reported": (_fact(3, report=False), "not to be reported"),
    "a report that nobody validated": (_fact(5, schema_sha256=None), "without being validated"),
    "a report on market abuse of another kind of case": (_fact(5, form="stor"), "a case of suspicion"),
    "a report filed twice": (_fact(6, what="filed", schema_sha256="1"), "a second report"),
    "an answer to another filing": (_fact(6, filing=4), "where (5, 'filed') waits"),
    "an answer that is none": (_fact(6, answer="maybe"), "an answer maybe"),
    "the case says that it was rejected": (_file(filing_status="rejected"), "filing_status: expected"),
    "the officer is another": (_file(officer="lena"), "officer: expected 'otto'"),
    "the alert is another's": (_file(owner="bob"), "whose it is"),
    "an alert that was never raised": (_triage(1, alert_seq=3), "never raised"),
    "an alert taken by a note": (_triage(0, case_version=2), "was taken by"),
    "dismissed by nobody": (_triage(1, seq=12), "its triage"),
}


@pytest.mark.parametrize(("plant", "words"), PLANTED.values(), ids=PLANTED)
def test_what_is_planted_is_found(plant: Callable[[CaseData], CaseData], words: str) -> None:
    """And named."""
    evidence = honest()
    assert evidence.cases is not None
    evidence.cases = plant(evidence.cases)
    result = examined(evidence)
    assert any(words in each for each in result.examples), result.examples
