"""Acts of officers on alerts and cases, from triage to the report of a closed case."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.messages.acts.base import ActBase
from shared.messages.envelope import Code, Reference

CaseKind = Literal["suspicion", "unknown_suspect", "review", "continuing", "cash_report", "market_abuse"]
"""What a case is about; it decides how long it may take."""
Disposition = Literal["false_positive", "inconclusive", "confirmed"]
LinkKind = Literal["alert", "case", "document", "hold", "transaction"]
FilingForm = Literal["sar", "ctr", "goaml", "stor"]
"""FinCEN's suspicious activity and currency transaction reports, an authority's that runs goAML, and the
suspicious transaction and order report on market abuse."""
FilingAnswer = Literal["accepted", "rejected"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class OpenCase(ActBase):
    """Gather alerts of one owner into a new case; its id is the act's."""

    type: Literal["open_case"] = "open_case"
    owner: Code
    kind: CaseKind
    alert_ids: tuple[Code, ...] = ()
    """As `AlertRaised` names them; none for a case that began elsewhere, such as with a letter."""


class DismissAlert(ActBase):
    """Say that an alert needs no case; the reason says why."""

    type: Literal["dismiss_alert"] = "dismiss_alert"
    owner: Code
    alert_id: Code


class CaseAct(ActBase):
    """What every act on a case carries beside its id, actor and reason."""

    conditions: ClassVar[frozenset[str]] = frozenset({"version"})

    owner: Code
    case_id: UUID
    version: int
    """The case's version that the actor has seen; refused `version_old` where it has gone on since."""


class GatherAlerts(CaseAct):
    """Take more alerts of the owner into a case."""

    type: Literal["gather_alerts"] = "gather_alerts"
    alert_ids: Annotated[tuple[Code, ...], Field(min_length=1)]


class AssignCase(CaseAct):
    """Give a case to an officer; an open one is investigated from then on."""

    type: Literal["assign_case"] = "assign_case"
    officer: Code


class NoteCase(CaseAct):
    """Add a note to a case: the act's reason."""

    type: Literal["note_case"] = "note_case"


class LinkEvidence(CaseAct):
    """Add to a case what bears on it."""

    type: Literal["link_evidence"] = "link_evidence"
    kind: LinkKind
    reference: Reference
    """Its id, or of a document where it lies."""


class DecideCase(CaseAct):
    """Decide a case: closed at once, or proposed where it is confirmed, which takes two people."""

    type: Literal["decide_case"] = "decide_case"
    disposition: Disposition
    report: bool = False
    """Whether a report is to be filed; of a confirmed one only."""


class ApproveDecision(CaseAct):
    """Close a case as proposed; by somebody other than who proposed it."""

    type: Literal["approve_decision"] = "approve_decision"


class ReturnDecision(CaseAct):
    """Give a proposed decision back to the officer; the reason says what is missing."""

    type: Literal["return_decision"] = "return_decision"


class ReopenCase(CaseAct):
    """Investigate a closed case again; its time runs anew."""

    type: Literal["reopen_case"] = "reopen_case"


class FileReport(CaseAct):
    """Say that the report of a closed case is filed: the file, valid against its authority's schema."""

    type: Literal["file_report"] = "file_report"
    form: FilingForm
    sha256: Sha256
    """Of the file."""
    schema_sha256: Sha256
    """Of the schema that it was found valid against."""


class AcknowledgeReport(CaseAct):
    """Keep what the authority answered to a filed report."""

    type: Literal["acknowledge_report"] = "acknowledge_report"
    filing: int
    """The version of the case at which the report was filed."""
    status: FilingAnswer
    reference: Reference
    """The authority's own, such as FinCEN's BSA identifier."""
