"""How long records are kept: classes, each with years from a record's own day and from a relationship's end.

A record's own day is the UTC day on which work on it ended: an alert's dismissal, the last fact of a closed
case whose report is filed, the decision on a payment; or on which it counted no more: a rating's successor,
the end of a whitelisted pair, a snooze, a legal hold or a run in shadow, for what is known of a customer the
end of the relationship. Its class follows from what stays for good: the rule that found it, and whether a
report was filed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal, get_args
from uuid import UUID

from services.compliance.domain.bounds import Bounds, count, or_none, read_values
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import ANY_ASSET, RuleParameter
from shared.messages.envelope import HOUSE

RETENTION: Final = "RETENTION"
"""The name under which the years stand among the rules' parameters."""
YEARS_MAX: Final = 100
REMOVED: Final = "(removed)"
"""What stands where words were."""

RecordClass = Literal["aml", "sanctions", "filing"]
AccountEvent = Literal["opened", "closed", "reopened"]
RecordKind = Literal[
    "alert",
    "snoozed_alert",
    "case",
    "hold",
    "decision",
    "rating",
    "rating_proposal",
    "whitelisting",
    "snooze",
    "snooze_change",
    "legal_hold",
    "answer",
    "party",
    "shadow_finding",
    "tier_shadow_finding",
]
RemovalStage = Literal["event", "party", "shadow_finding", "tier_shadow_finding"]
"""What a removal goes through, one after the other: records that an event names, and rows that none does."""

CLASSES: Final[tuple[RecordClass, ...]] = ("aml", "sanctions", "filing")
KINDS: Final[tuple[RecordKind, ...]] = get_args(RecordKind)
STAGES: Final[tuple[RemovalStage, ...]] = get_args(RemovalStage)
KINDS_OF: Final[Mapping[RemovalStage, tuple[RecordKind, ...]]] = {
    "event": tuple(each for each in KINDS if each not in STAGES),
    "party": ("party",),
    "shadow_finding": ("shadow_finding",),
    "tier_shadow_finding": ("tier_shadow_finding",),
}
WITH_WORDS: Final[tuple[RecordKind, ...]] = (
    "alert",
    "snoozed_alert",
    "hold",
    "decision",
    "rating",
    "snooze_change",
)
"""Kinds whose events have words; of the others they stand in tables alone."""


@dataclass(frozen=True, slots=True)
class AccountFact:
    """What became of a customer's account, by which it is known when the relationship ended."""

    seq: int
    """The ledger's event of the customer's shard that told it."""
    owner: str
    account: str
    what: AccountEvent
    day: date
    """Of a closing the booking date."""


LegalHoldStatus = Literal["placed", "lifted"]


@dataclass(frozen=True, slots=True)
class LegalHold:
    """What keeps all records about a customer, whatever their age."""

    shard: int
    legal_hold_id: UUID
    """The act that placed it."""
    owner: str
    placed_by: str
    status: LegalHoldStatus = "placed"


@dataclass(frozen=True, slots=True)
class LegalHoldFact:
    """One thing that was done to a legal hold, which is as it stands after it."""

    hold: LegalHold
    act_id: UUID
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Terms:
    """For how many years records are kept."""

    years: Mapping[RecordClass, int]
    """By class, from a record's own day."""
    years_from_end: int | None
    """From the end of the relationship with the customer; None where that does not count."""
    source: str
    version: int

    def told(self) -> dict[str, int | None]:
        """As acts and events spell it."""
        return {**self.years, "years_from_end": self.years_from_end}


RemovalStatus = Literal["proposed", "approved"]


@dataclass(frozen=True, slots=True)
class Removal:
    """What somebody wants removed from the records of a shard, and what became of it."""

    shard: int
    removal_id: UUID
    """The act that proposed it."""
    through: date
    customer: str
    """Empty for all."""
    terms: Mapping[str, int | None]
    """In force when it was proposed."""
    proposed_by: str
    status: RemovalStatus = "proposed"


@dataclass(frozen=True, slots=True)
class RemovalFact:
    """One thing that was done to a removal, which is as it stands after it."""

    removal: Removal
    act_id: UUID
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class OpenRemoval:
    """A removal that was approved, and how far it has come."""

    shard: int
    removal_id: UUID
    through: date
    customer: str
    terms: Mapping[str, int | None]
    proposed_by: str
    approved_by: str
    approved_seq: int
    stage: RemovalStage
    done_through: int
    """The last of the stage's events, or rows, that it has looked at."""
    is_finished: bool = False


@dataclass(frozen=True, slots=True)
class DueRecord:
    """A record to be removed, with the body of its event; None of a kind whose events have no words."""

    kind: RecordKind
    seq: int
    """Its event; of a kind that none tells of, the row's place."""
    record_id: str
    record_class: RecordClass
    body: bytes | None


def without_words(body: bytes) -> bytes:
    """Return an event's body without what people wrote and what rules saw: ids, dates and outcomes stay.

    Of a finding the rule and its version stay, by which a record's class is known.
    """
    event: dict[str, Any] = json.loads(body)
    if "findings" in event:
        event["findings"] = [_of_finding(each) for each in event["findings"]]
    if event.get("finding") is not None:
        event["finding"] = _of_finding(event["finding"])
    if event.get("reason") is not None:
        event["reason"] = REMOVED
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def _of_finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    stays = {name: finding[name] for name in ("rule", "rule_version")}
    return {**stays, "sentence": REMOVED, "values": {}}


RETENTION_BOUNDS: Final[Bounds] = {
    **{f"{each}_years": count(1, YEARS_MAX) for each in CLASSES},
    "years_from_end": or_none(count(1, YEARS_MAX), None, "what does not depend on it"),
}


def read_terms(row: RuleParameter) -> Terms:
    """Read a row of parameters; raises `ValueWrongError`."""
    said = read_values(row.values, RETENTION_BOUNDS)
    years: dict[RecordClass, int] = {each: said[f"{each}_years"] for each in CLASSES}
    return Terms(years, said["years_from_end"], row.source, row.version)


def terms_on(book: ParameterBook, day: date) -> Terms | None:
    """The terms in force on a day; None where there are none, so that everything is kept."""
    row = book.choose(RETENTION, ANY_ASSET, day)
    return read_terms(row) if row is not None else None


def due_on(
    terms: Terms, record_class: RecordClass, since: date | None, owner: str, ended: date | None
) -> date | None:
    """The first day on which a record need not be kept; None while it is not known to come.

    A period of years ends with the day of the same date, or the month's last where there is none such
    (Regulation (EEC, Euratom) 1182/71, article 3(2)(c)): the record is still kept on that day.
    """
    if since is None:
        return None
    last = _years_after(since, terms.years[record_class])
    if terms.years_from_end is not None and owner != HOUSE:
        if ended is None:
            return None
        last = max(last, _years_after(ended, terms.years_from_end))
    return last + timedelta(days=1)


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 2, 28)
