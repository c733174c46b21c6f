"""What reporting says: reports made, with the vector they are true at."""

from datetime import date
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from shared.messages.envelope import Code, Event, Message
from shared.messages.journal import ActDone


class Reconciliation(Message):
    """One figure a report must agree with."""

    name: str
    expected: str
    found: str
    ok: bool


class ReportPublished(Event):
    """A report was made and reconciles; its rows are stored under `run_id`."""

    type: Literal["ReportPublished"] = "ReportPublished"
    run_id: UUID
    report: Code
    booking_date: date
    parameters: dict[str, str]
    vector: dict[str, int]
    """Shard to the ledger's `seq` up to which it was made."""
    rows: int
    totals: dict[str, Any]
    reconciles_with: tuple[Reconciliation, ...]
    sha256: str


class ReportRefused(Event):
    """A report was asked for and does not reconcile; it is not published."""

    type: Literal["ReportRefused"] = "ReportRefused"
    run_id: UUID
    report: Code
    booking_date: date
    parameters: dict[str, str]
    vector: dict[str, int]
    reconciles_with: tuple[Reconciliation, ...]


PublishedEvent = ReportPublished | ReportRefused | ActDone

PUBLISHED_EVENT: Final[TypeAdapter[PublishedEvent]] = TypeAdapter(
    Annotated[PublishedEvent, Field(discriminator="type")]
)
