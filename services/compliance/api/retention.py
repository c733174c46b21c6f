"""How long records are kept: counts by kind and class, and what of them is past its day."""

from datetime import date
from typing import Any, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.compliance.api.reading import READ, Way
from services.compliance.api.rights import Asking, authorise
from services.compliance.domain.retention import RecordClass, RecordKind
from services.compliance.queries.retention import retention
from shared.runtime import clock

router: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)])


class TermsShown(BaseModel):
    """For how many years records are kept."""

    years: dict[RecordClass, int]
    """From a record's own day, on which work on it ended."""
    years_from_end: int | None
    """From the end of the relationship with the customer; null where that does not count."""
    source: str
    version: int


class KeptShown(BaseModel):
    """Records of one kind and class."""

    kind: RecordKind
    record_class: RecordClass
    records: int
    worked_on: int
    """Never due, as nobody has decided, dismissed or closed them yet."""
    related: int
    """Not due, as the customer is one still."""
    due: int
    """Past their day."""
    first_due: date | None
    """The earliest day on which one need not be kept."""


class RetentionShown(BaseModel):
    """What is kept, as of a day."""

    as_of: date
    terms: TermsShown | None
    """In force on that day; null where there are none, so that nothing is ever due."""
    groups: list[KeptShown]


@router.get("/retention", openapi_extra=READ, response_model=RetentionShown)
async def show_retention(officer: Asking, way: Way, as_of: date | None = None) -> Any:
    """Tell how many records of which kind and class are kept, and how many are past their day."""
    del officer
    async with way.reading() as connection:
        return await retention(connection, as_of or clock.now().date())
