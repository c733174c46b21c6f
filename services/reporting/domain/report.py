"""What a report is: columns, parameters, what it is held against; its canonical bytes and their checksum.

A report is made in one database snapshot from aggregates, never from the journal. Its canonical form is CSV
as in RFC 4180, with a header and line feeds: the same aggregates give the same bytes, whoever asks and when.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from shared.messages.reporting import Reconciliation

ColumnKind = Literal["text", "date", "instant", "integer", "amount"]
Row = tuple[str, ...]
Answer = Sequence[Mapping[str, Any]]
"""The rows one query gave; amounts in minor units."""

PARAMETER_LENGTH_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Column:
    """A column: amounts are decimal strings in the scale of the row's asset, dates ISO 8601."""

    name: str
    kind: ColumnKind
    description: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a report may be asked for besides its booking date."""

    name: str
    description: str
    required: bool = False
    is_date: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asked for; parameters are checked."""

    report: str
    booking_date: date
    parameters: Mapping[str, str]
    shards: int
    """How many shards the ledger has."""


@dataclass(frozen=True, slots=True)
class Made:
    """A report's content, and how it compares with what it must agree with."""

    rows: Sequence[Row]
    totals: Mapping[str, Any]
    reconciles_with: Sequence[Reconciliation]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a report cannot be made: a stable name, a sentence, and figures that go with it."""

    error: str
    sentence: str
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Report:
    """One kind of report. Its queries stand in the `.sql` file of its name."""

    code: str
    title: str
    period: str
    """What the booking date means to it."""
    columns: tuple[Column, ...]
    totals: str
    """What its totals are."""
    reconciles_with: tuple[str, ...]
    """What it must agree with, in words; unless all hold, it is refused."""
    arguments: Callable[[Question], tuple[Any, ...]]
    """The arguments that each of its queries takes."""
    make: Callable[[Question, Mapping[str, Answer]], Made | Problem]
    """Rows, totals and comparisons from the answers of its queries by name; pure."""
    parameters: tuple[Parameter, ...] = ()


def check_parameters(report: Report, parameters: Mapping[str, str]) -> Problem | None:
    """Say what is wrong with the parameters, if anything."""
    known = {parameter.name: parameter for parameter in report.parameters}
    for name, value in parameters.items():
        if name not in known:
            takes = ", ".join(known) or "none"
            brief = name[:PARAMETER_LENGTH_MAX]  # the answer must fit into its topic
            return Problem("parameter_unknown", f"{report.code} has no parameter {brief!r}; it takes {takes}")
        if not 0 < len(value) <= PARAMETER_LENGTH_MAX:
            return Problem("parameter_wrong", f"{name} must have 1 to {PARAMETER_LENGTH_MAX} characters")
        if known[name].is_date and not _is_date(value):
            return Problem("parameter_wrong", f"{name} must be a date such as 2026-03-01")
    for parameter in report.parameters:
        if parameter.required and parameter.name not in parameters:
            return Problem("parameter_missing", f"{report.code} needs the parameter {parameter.name}")
    return None


def canonical_csv(columns: Sequence[Column], rows: Sequence[Row]) -> bytes:
    """Spell a report's rows in the one way its checksum is taken over."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows(rows)
    return text.getvalue().encode()


def checksum(body: bytes) -> str:
    """Return the SHA-256 of a canonical body, hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def agree(name: str, expected: object, found: object) -> Reconciliation:
    """Compare two figures that must be the same."""
    return Reconciliation(name=name, expected=str(expected), found=str(found), ok=expected == found)


def completeness(vector: Mapping[int, int], taken: Mapping[int, int]) -> Reconciliation:
    """Compare the number of events taken from each shard with the last number read from it.

    The ledger numbers its events without gaps and sends each to its own partition, so a shard of which
    seq 17 was read has given exactly 17 events. Names the first shard that has not.
    """
    for shard in sorted(vector.keys() | taken.keys()):
        if vector.get(shard, 0) != taken.get(shard, 0):
            name = f"events taken = the ledger's numbers, shard {shard}"
            return agree(name, vector.get(shard, 0), taken.get(shard, 0))
    return agree("events taken = the ledger's numbers", sum(vector.values()), sum(taken.values()))


def instant(value: datetime) -> str:
    """Spell a time as RFC 3339 in UTC, always with microseconds."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
