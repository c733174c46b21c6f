"""How long records are kept: classes, each with years from a record's own day and from a relationship's end.

A record's own day is the UTC day on which work on it ended: an alert's dismissal, the last fact of a closed
case whose report is filed, the decision on a payment. Its class follows from what stays for good: the rule
that found it, and whether a report was filed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal
from uuid import UUID

from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import ANY_ASSET, RuleParameter
from shared.messages.envelope import HOUSE

RETENTION: Final = "RETENTION"
"""The name under which the years stand among the rules' parameters."""
YEARS_MAX: Final = 100

RecordClass = Literal["aml", "sanctions", "filing"]
AccountEvent = Literal["opened", "closed", "reopened"]
RecordKind = Literal["alert", "snoozed_alert", "case", "hold", "decision"]

CLASSES: Final[tuple[RecordClass, ...]] = ("aml", "sanctions", "filing")
KINDS: Final[tuple[RecordKind, ...]] = ("alert", "snoozed_alert", "case", "hold", "decision")


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


def read_terms(row: RuleParameter) -> Terms:
    """Read a row of parameters; raises `KeyError` or `ValueError` for a wrong one."""
    years: dict[RecordClass, int] = {each: int(row.values[f"{each}_years"]) for each in CLASSES}
    given = row.values["years_from_end"]
    years_from_end = None if given is None else int(given)
    for each in (*years.values(), years_from_end):
        if each is not None and not 0 < each <= YEARS_MAX:
            raise ValueError(f"{each} years are not from 1 to {YEARS_MAX}")
    return Terms(years, years_from_end, row.source, row.version)


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
