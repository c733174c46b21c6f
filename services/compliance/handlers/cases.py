"""Judges acts on alerts and cases: who may do what when, by name where it cannot be done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from services.compliance.domain.cases import (
    FILED_FIELDS,
    KIND_OF_FORM,
    WHEN,
    CaseFact,
    CaseFile,
    TriageRow,
    What,
    alert_number,
    needs_two_people,
)
from services.compliance.handlers.verdicts import Known, Verdict, refused
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
from shared.messages.acts.cases import CaseAct
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of


@dataclass(slots=True)
class CasesTold:
    """What a batch has done to cases and alerts, to be stored with it."""

    files: dict[tuple[int, UUID], CaseFile] = field(default_factory=dict[tuple[int, UUID], CaseFile])
    """As the batch leaves them."""
    facts: list[tuple[CaseFact, int, datetime]] = field(default_factory=list[tuple[CaseFact, int, datetime]])
    triaged: list[tuple[TriageRow, int, datetime]] = field(
        default_factory=list[tuple[TriageRow, int, datetime]]
    )

    def add(self, verdict: Verdict, said: ActDone) -> None:
        """Take what an act has done; `said` answers it."""
        if verdict.case is not None and verdict.fact is not None:
            self.files[verdict.case.shard, verdict.case.case_id] = verdict.case
            self.facts.append((verdict.fact, said.seq, said.recorded_at))
        self.triaged += [(row, said.seq, said.recorded_at) for row in verdict.triaged]

    @property
    def alerts(self) -> set[tuple[int, int]]:
        """Those triaged, by shard and number."""
        return {(row.shard, row.alert_seq) for row, _, _ in self.triaged}

    @property
    def owners_judged(self) -> set[tuple[int, str]]:
        """Of whom a case was closed by two people, or one is open again, with their shards."""
        return {
            (fact.shard, self.files[fact.shard, fact.case_id].owner)
            for fact, _, _ in self.facts
            if fact.what in ("approved", "reopened")
        }

    async def save(self, connection: Any) -> None:
        """Store it, in the batch's transaction."""
        await case_store.save_files(connection, list(self.files.values()), self.facts)
        await case_store.save_facts(connection, self.facts)
        await case_store.save_triage(connection, self.triaged)


def judge_opening(shard: int, act: OpenCase, known: Known) -> Verdict:
    """Decide whether a case can be opened with these alerts."""
    home = shard_of(act.owner, known.partitions)
    if home != shard:
        return refused("wrong_shard", f"the owner is at home in shard {home}")
    days = known.case_days.get(act.kind)
    if days is None:
        return refused("no_deadline", f"no parameters say how long a case of {act.kind} may take")
    numbers = _numbers(shard, act.owner, act.alert_ids, known)
    if isinstance(numbers, Verdict):
        return numbers
    since = min((known.alerts[shard, each].recorded_at for each in numbers), default=known.moments[shard])
    deadline = since + timedelta(days=days)
    case = CaseFile(shard, act.act_id, act.owner, act.kind, deadline)
    return _done(known, case, _fact(act, case, 1, "opened", deadline=deadline), numbers)


def judge_dismissal(shard: int, act: DismissAlert, known: Known) -> Verdict:
    """Decide whether an alert can be dismissed."""
    numbers = _numbers(shard, act.owner, (act.alert_id,), known)
    if isinstance(numbers, Verdict):
        return numbers
    [number] = numbers
    known.alerts[shard, number] = replace(known.alerts[shard, number], dismissed=True)
    row = TriageRow(shard, number, act.act_id, act.actor, act.reason)
    return Verdict(True, "the alert is dismissed", {"alert_id": act.alert_id}, triaged=(row,))


def judge_case(shard: int, act: CaseAct, known: Known) -> Verdict:
    """Decide whether something can be done to a case."""
    case = known.cases.get((shard, act.case_id))
    if case is None or case.owner != act.owner:
        return refused("no_such_case", "this owner has no such case")
    if act.version != case.version:
        return refused(
            "version_old",
            f"the case has gone on: it is at version {case.version}, the act was on {act.version}",
            version=case.version,
        )
    what = _what(act)
    if case.status not in WHEN[what]:
        return refused(f"case_{case.status}", f"nothing is {what} in a case that is {case.status}")
    judged = _of_its_kind(shard, act, case, known)
    if isinstance(judged, Verdict):
        return judged
    fields, numbers = judged
    return _done(known, case, _fact(act, case, case.version + 1, what, **fields), numbers)


def _of_its_kind(
    shard: int, act: CaseAct, case: CaseFile, known: Known
) -> tuple[dict[str, Any], Sequence[int]] | Verdict:
    """Return what the fact says beside actor and reason, and the alerts it takes; or why it cannot be."""
    match act:
        case GatherAlerts():
            numbers = _numbers(shard, act.owner, act.alert_ids, known)
            return numbers if isinstance(numbers, Verdict) else ({}, numbers)
        case AssignCase():
            return {"officer": act.officer}, ()
        case LinkEvidence():
            return {"link_kind": act.kind, "link": act.reference}, ()
        case DecideCase() if act.actor != case.officer:
            return refused("not_the_officer", f"the case is {case.officer}'s")
        case DecideCase() if act.report and not needs_two_people(act.disposition):
            return refused("report_unconfirmed", f"nothing is reported of a case that is {act.disposition}")
        case DecideCase():
            return {"disposition": act.disposition, "report": act.report}, ()
        case ApproveDecision() if act.actor == case.proposed_by:
            return refused("same_person", f"{act.actor} has proposed it; another person has to approve it")
        case ApproveDecision() | ReturnDecision():
            return {"proposal": case.proposal, "proposed_by": case.proposed_by}, ()
        case ReopenCase() if case.kind not in known.case_days:
            return refused("no_deadline", f"no parameters say how long a case of {case.kind} may take")
        case FileReport() if not case.report:
            return refused("nothing_to_report", "the case was closed without a report to be filed")
        case FileReport() if not case.owes_report:
            return refused(
                f"already_{case.filing_status}", f"the report filed at version {case.filing} stands"
            )
        case FileReport() if KIND_OF_FORM.get(act.form, case.kind) != case.kind:
            return refused(
                f"not_{KIND_OF_FORM[act.form]}", f"the case is one of {case.kind}, which has other forms"
            )
        case FileReport():
            return {"form": act.form, "sha256": act.sha256, "schema_sha256": act.schema_sha256}, ()
        case AcknowledgeReport() if (case.filing, case.filing_status) != (act.filing, "filed"):
            return refused("no_such_filing", f"no report filed at version {act.filing} waits for an answer")
        case AcknowledgeReport():
            return {"filing": act.filing, "answer": act.status, "reference": act.reference}, ()
        case ReopenCase():
            return {"deadline": known.moments[shard] + timedelta(days=known.case_days[case.kind])}, ()
        case _:
            return {}, ()


def _what(act: CaseAct) -> What:
    if isinstance(act, DecideCase):
        return "proposed" if needs_two_people(act.disposition) else "decided"
    return _WHAT[type(act)]


_WHAT: Final[Mapping[type[CaseAct], What]] = {
    GatherAlerts: "gathered",
    AssignCase: "assigned",
    NoteCase: "noted",
    LinkEvidence: "linked",
    ApproveDecision: "approved",
    ReturnDecision: "returned",
    ReopenCase: "reopened",
    FileReport: "filed",
    AcknowledgeReport: "acknowledged",
}


def _numbers(shard: int, owner: str, alert_ids: Sequence[str], known: Known) -> list[int] | Verdict:
    """Return the alerts' numbers, each once; or why one of them cannot be taken."""
    numbers: dict[int, None] = {}
    for alert_id in alert_ids:
        number = alert_number(shard, alert_id)
        alert = known.alerts.get((shard, number)) if number is not None else None
        if number is None or alert is None or alert.owner != owner:
            return refused("no_such_alert", f"this owner has no alert {alert_id}")
        if alert.dismissed:
            return refused("already_dismissed", f"the alert {alert_id} was dismissed")
        if alert.case_id is not None:
            return refused("already_in_case", f"{alert_id} is in a case", case_id=str(alert.case_id))
        numbers[number] = None
    return list(numbers)


def _fact(act: OpenCase | CaseAct, case: CaseFile, version: int, what: What, **fields: Any) -> CaseFact:
    return CaseFact(case.shard, case.case_id, version, act.act_id, what, act.actor, act.reason, **fields)


def _done(known: Known, case: CaseFile, fact: CaseFact, numbers: Sequence[int]) -> Verdict:
    """Remember what a fact has changed, for the acts after it, and answer."""
    after = known.cases[case.shard, case.case_id] = case.after(fact)
    for number in numbers:
        taken = known.alerts[case.shard, number]
        known.alerts[case.shard, number] = replace(taken, case_id=case.case_id)
    triaged = tuple(
        TriageRow(case.shard, number, fact.act_id, fact.actor, fact.reason, case.case_id, fact.version)
        for number in numbers
    )
    result = {
        "case_id": str(after.case_id),
        "version": after.version,
        "status": after.status,
        "officer": after.officer,
        "deadline": after.deadline.isoformat().replace("+00:00", "Z"),
        **{name: said for name in FILED_FIELDS if (said := getattr(fact, name)) is not None},
    }
    words = f"the case is {after.status}, at version {after.version}"
    return Verdict(True, words, result, case=after, fact=fact, triaged=triaged)
