"""Cases as compliance keeps them, and the auditor's own account of what each thing done makes of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from audit.roles import RoleFactRow


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A row of compliance's `case_file`: a case as it is said to be now."""

    shard: int
    case_id: str
    owner: str
    kind: str
    version: int
    status: str
    deadline: datetime
    officer: str | None
    disposition: str | None
    report: bool | None
    proposal: int | None
    proposed_by: str | None
    filing: int | None = None
    filing_status: str | None = None


@dataclass(frozen=True, slots=True)
class CaseFactRow:
    """A row of `case_fact`: one thing that was done to a case."""

    shard: int
    case_id: str
    version: int
    seq: int
    act_id: str
    what: str
    actor: str
    deadline: datetime | None = None
    officer: str | None = None
    disposition: str | None = None
    report: bool | None = None
    proposal: int | None = None
    proposed_by: str | None = None
    schema_sha256: str | None = None
    filing: int | None = None
    answer: str | None = None
    form: str | None = None


@dataclass(frozen=True, slots=True)
class TriageRow:
    """A row of `alert_triage`: an alert taken into a case, or dismissed."""

    shard: int
    alert_seq: int
    seq: int
    act_id: str
    case_id: str | None = None
    case_version: int | None = None


@dataclass(frozen=True, slots=True)
class CaseData:
    """All of it."""

    files: Sequence[CaseRow] = ()
    facts: Sequence[CaseFactRow] = ()
    triage: Sequence[TriageRow] = ()
    roles: Sequence[RoleFactRow] = ()


ACT_OF: Final[Mapping[str, str]] = {
    "opened": "open_case",
    "gathered": "gather_alerts",
    "assigned": "assign_case",
    "noted": "note_case",
    "linked": "link_evidence",
    "proposed": "decide_case",
    "decided": "decide_case",
    "approved": "approve_decision",
    "returned": "return_decision",
    "reopened": "reopen_case",
    "filed": "file_report",
    "acknowledged": "acknowledge_report",
}
"""Which act does what."""


def told(facts: Sequence[CaseFactRow]) -> tuple[Mapping[str, object], str]:
    """Return what the facts of one case, in order, make of it, and the first thing wrong with them."""
    status, officer, deadline = "", None, None
    decision: tuple[str | None, bool | None] = (None, None)
    proposal: tuple[int | None, str | None] = (None, None)
    filing: tuple[int | None, str | None] = (None, None)
    for number, fact in enumerate(facts, start=1):
        wrong = f"version {number} is missing" if fact.version != number else _wrong(status, fact, proposal)
        wrong = wrong or _wrong_filing(fact, filing, reports=bool(decision[1]))
        if fact.what in ("proposed", "decided") and fact.actor != officer:
            wrong = wrong or f"version {number} is decided by {fact.actor}, the case is {officer}'s"
        if wrong:
            return {}, wrong
        match fact.what:
            case "opened":
                status, deadline = "open", fact.deadline
            case "assigned":
                status, officer = "investigating", fact.officer
            case "proposed" | "decided":
                status = "proposed" if fact.what == "proposed" else "closed"
                decision = (fact.disposition, fact.report)
                proposal = (number, fact.actor) if fact.what == "proposed" else (None, None)
            case "approved":
                status, proposal = "closed", (None, None)
            case "returned" | "reopened":
                status, decision, proposal = "investigating", (None, None), (None, None)
                deadline = fact.deadline or deadline
                filing = (None, None)
            case "filed":
                filing = (number, "filed")
            case "acknowledged":
                filing = (filing[0], fact.answer)
            case _:
                pass
    return {
        "version": len(facts),
        "status": status,
        "deadline": deadline,
        "officer": officer,
        "disposition": decision[0],
        "report": decision[1],
        "proposal": proposal[0],
        "proposed_by": proposal[1],
        "filing": filing[0],
        "filing_status": filing[1],
    }, ""


_BEFORE: Final[Mapping[str, tuple[str, ...]]] = {
    "opened": ("",),
    "gathered": ("open", "investigating"),
    "assigned": ("open", "investigating"),
    "noted": ("open", "investigating", "proposed", "closed"),
    "linked": ("open", "investigating", "proposed"),
    "proposed": ("investigating",),
    "decided": ("investigating",),
    "approved": ("proposed",),
    "returned": ("proposed",),
    "reopened": ("closed",),
    "filed": ("closed",),
    "acknowledged": ("closed",),
}


def _wrong(status: str, fact: CaseFactRow, proposal: tuple[int | None, str | None]) -> str:
    where = f"version {fact.version}"
    if status not in _BEFORE.get(fact.what, ()):
        return f"{where} is {fact.what} in a case that is {status or 'not there'}"
    if fact.what in ("approved", "returned") and (fact.proposal, fact.proposed_by) != proposal:
        return f"{where} is {fact.what} of another proposal than {proposal}"
    if fact.what == "approved" and fact.actor == fact.proposed_by:
        return f"{where}: {fact.actor} approved their own proposal"
    if fact.what == "decided" and (fact.disposition == "confirmed" or fact.report):
        return f"{where}: one person closed what takes two"
    return ""


def _wrong_filing(fact: CaseFactRow, filing: tuple[int | None, str | None], *, reports: bool) -> str:
    where = f"version {fact.version}"
    if fact.what == "filed" and not reports:
        return f"{where}: a report of a case that is not to be reported"
    if fact.what == "filed" and filing[1] not in (None, "rejected"):
        return f"{where}: a second report while the first is {filing[1]}"
    if fact.what == "filed" and not fact.schema_sha256:
        return f"{where}: filed without being validated"
    if fact.what == "acknowledged" and filing != (fact.filing, "filed"):
        return f"{where}: an answer to the filing {fact.filing}, where {filing} waits"
    if fact.what == "acknowledged" and fact.answer not in ("accepted", "rejected"):
        return f"{where}: an answer {fact.answer}"
    return ""
