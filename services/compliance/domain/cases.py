"""Cases: what may be done to one and when, and what each thing done makes of it.

A case is the fold of its facts, numbered from 1 without gaps; its version is the number of the last. An act
names the version that its officer saw, so that nobody decides what somebody else has changed meanwhile.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal, assert_never, get_args
from uuid import UUID

from services.compliance.domain.bounds import YEAR, Bounds, count, read_values
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import ANY_ASSET, RuleParameter
from shared.messages.acts.cases import CaseKind, Disposition, FilingAnswer, FilingForm, LinkKind

CaseStatus = Literal["open", "investigating", "proposed", "closed"]
What = Literal[
    "opened",
    "gathered",
    "assigned",
    "noted",
    "linked",
    "proposed",
    "decided",
    "approved",
    "returned",
    "reopened",
    "filed",
    "acknowledged",
]
FilingStatus = Literal["filed", "accepted", "rejected"]

KINDS: Final[tuple[CaseKind, ...]] = get_args(CaseKind)
KIND_OF_FORM: Final[Mapping[FilingForm, CaseKind]] = {"stor": "market_abuse"}
"""Forms that are of cases of one kind alone, which has a deadline and an authority of its own."""
DEADLINES: Final = "CASE"
"""The name under which the days that each kind may take stand among the rules' parameters."""

WHEN: Final[Mapping[What, frozenset[CaseStatus]]] = {
    "opened": frozenset(),
    "gathered": frozenset({"open", "investigating"}),
    "assigned": frozenset({"open", "investigating"}),
    "noted": frozenset({"open", "investigating", "proposed", "closed"}),
    "linked": frozenset({"open", "investigating", "proposed"}),
    "proposed": frozenset({"investigating"}),
    "decided": frozenset({"investigating"}),
    "approved": frozenset({"proposed"}),
    "returned": frozenset({"proposed"}),
    "reopened": frozenset({"closed"}),
    "filed": frozenset({"closed"}),
    "acknowledged": frozenset({"closed"}),
}
"""In which status of a case a thing may be done to it."""


FILED_FIELDS: Final = ("form", "sha256", "schema_sha256", "filing", "answer", "reference")
"""What a fact says of a report; the answer to its act says it, too, so that it stands in the audit chain."""


@dataclass(frozen=True, slots=True)
class CaseFact:
    """One thing that was done to a case. Fields that it does not need are None."""

    shard: int
    case_id: UUID
    version: int
    act_id: UUID
    what: What
    actor: str
    reason: str
    deadline: datetime | None = None
    officer: str | None = None
    disposition: Disposition | None = None
    report: bool | None = None
    link_kind: LinkKind | None = None
    link: str | None = None
    proposal: int | None = None
    """The version of the proposal that is approved or returned."""
    proposed_by: str | None = None
    form: FilingForm | None = None
    sha256: str | None = None
    schema_sha256: str | None = None
    filing: int | None = None
    """The version of the filing that the authority has answered."""
    answer: FilingAnswer | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case as its facts have left it."""

    shard: int
    case_id: UUID
    owner: str
    kind: CaseKind
    deadline: datetime
    version: int = 1
    status: CaseStatus = "open"
    officer: str | None = None
    disposition: Disposition | None = None
    report: bool | None = None
    proposal: int | None = None
    proposed_by: str | None = None
    filing: int | None = None
    """The version of the last filing of its report."""
    filing_status: FilingStatus | None = None

    @property
    def owes_report(self) -> bool:
        """Whether a report is still to be filed: its time runs on until it is."""
        return self.status == "closed" and bool(self.report) and self.filing_status in (None, "rejected")

    def after(self, fact: CaseFact) -> "CaseFile":
        """The case after one more fact."""
        case = replace(self, version=fact.version)
        match fact.what:
            case "assigned":
                return replace(case, status="investigating", officer=fact.officer)
            case "proposed":
                return replace(
                    case,
                    status="proposed",
                    disposition=fact.disposition,
                    report=fact.report,
                    proposal=fact.version,
                    proposed_by=fact.actor,
                )
            case "decided":
                return replace(case, status="closed", disposition=fact.disposition, report=fact.report)
            case "approved":
                return replace(case, status="closed", proposal=None, proposed_by=None)
            case "returned":
                return _undecided(case)
            case "reopened":
                assert fact.deadline is not None, "a reopened case has time anew"
                return replace(_undecided(case), deadline=fact.deadline, filing=None, filing_status=None)
            case "filed":
                return replace(case, filing=fact.version, filing_status="filed")
            case "acknowledged":
                return replace(case, filing_status=fact.answer)
            case "opened" | "gathered" | "noted" | "linked":
                return case
            case _:
                assert_never(fact.what)


def _undecided(case: CaseFile) -> CaseFile:
    return replace(
        case, status="investigating", disposition=None, report=None, proposal=None, proposed_by=None
    )


@dataclass(frozen=True, slots=True)
class AlertState:
    """An alert, and what people have made of it."""

    owner: str
    recorded_at: datetime
    case_id: UUID | None = None
    dismissed: bool = False


@dataclass(frozen=True, slots=True)
class TriageRow:
    """An alert is taken into a case, or dismissed where there is none."""

    shard: int
    alert_seq: int
    act_id: UUID
    actor: str
    reason: str
    case_id: UUID | None = None
    case_version: int | None = None


def needs_two_people(disposition: Disposition) -> bool:
    """Whether one person proposes the decision and another approves it; so every report takes two."""
    return disposition == "confirmed"


DEADLINE_BOUNDS: Final[Bounds] = {f"{kind}_days": count(1, 10 * YEAR) for kind in KINDS}


def read_days(row: RuleParameter) -> dict[CaseKind, int]:
    """Return how many days each kind of case may take; raises `ValueWrongError`."""
    said = read_values(row.values, DEADLINE_BOUNDS)
    return {kind: said[f"{kind}_days"] for kind in KINDS}


def days_on(book: ParameterBook, day: date) -> Mapping[CaseKind, int]:
    """How many days each kind of case may take that is opened on a day; none where nothing is in force."""
    row = book.choose(DEADLINES, ANY_ASSET, day)
    return read_days(row) if row is not None else {}


def alert_number(shard: int, alert_id: str) -> int | None:
    """Return the number of an alert of this shard by its id; None where it is no id of one."""
    home, _, seq = alert_id.partition("-")
    plain = home == str(shard) and seq.isascii() and seq.isdecimal() and len(seq) <= 18
    return int(seq) if plain else None


def alert_named(alert_id: str) -> tuple[int, int] | None:
    """Return shard and number of an alert by its id; None where it is no id of one."""
    home, _, seq = alert_id.partition("-")
    is_plain = all(each.isascii() and each.isdecimal() for each in (home, seq))
    return (int(home), int(seq)) if is_plain and len(home) <= 9 and len(seq) <= 18 else None


def numbers_of(shard: int, alert_ids: Iterable[str]) -> set[int]:
    """Return the numbers of those alerts that are of this shard."""
    return {number for each in alert_ids if (number := alert_number(shard, each)) is not None}
