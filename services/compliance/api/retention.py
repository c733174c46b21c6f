"""How long records are kept: counts by kind and class, what is past its day, legal holds, removals."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from services.compliance.api import shapes
from services.compliance.api.acting import APPROVE, INVESTIGATE
from services.compliance.api.paging import Cursor, Limit, Page, page
from services.compliance.api.performing import (
    ANSWERS,
    Key,
    Seen,
    common,
    perform,
    perform_everywhere,
    require_seen,
)
from services.compliance.api.problems import Problem
from services.compliance.api.reading import READ, Way, shown_to
from services.compliance.api.rights import Asking, authorise
from services.compliance.domain.retention import LegalHoldStatus, RecordClass, RecordKind
from services.compliance.queries.places import Place
from services.compliance.queries.retention import legal_holds_list, removals_list, retention
from shared.messages.acts import ApproveRemoval, LiftLegalHold, PlaceLegalHold, ProposeRemoval
from shared.messages.envelope import HOUSE, Code
from shared.messages.partitioner import shard_of
from shared.runtime import clock
from shared.runtime.gateway import Gateway

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
    """Never due, as nobody has decided, dismissed or closed them yet, or as they count: a rating that holds,
    a party of a customer."""
    related: int
    """Not due, as the customer is one still."""
    held: int
    """Never due, as a legal hold keeps all about the customer."""
    due: int
    """Past their day, neither held nor removed."""
    removed: int
    """They have lost their words."""
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


class LegalHoldShown(BaseModel):
    """A legal hold: all records about a customer are kept, whatever their age."""

    legal_hold_id: UUID
    owner: str
    status: LegalHoldStatus
    placed_at: datetime
    placed_by: str
    reason: shapes.Personal = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None


class NewLegalHold(shapes.Body):
    """Whose records to keep."""

    owner: Code


@router.get(
    "/legal-holds", openapi_extra=READ, response_model=Page[LegalHoldShown], response_model_exclude_none=True
)
async def list_legal_holds(
    officer: Asking,
    way: Way,
    status: LegalHoldStatus | None = None,
    owner: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """List legal holds, oldest first."""

    async def load(after: Place | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            found = await legal_holds_list(connection, status, owner, limit=most, after=after)
        return [shown_to(officer, each) for each in found]

    return await page(cursor, limit, load, lambda row: (row["placed_at"], row["shard"], row["seq"]))


@router.get(
    "/legal-holds/{legal_hold_id}",
    openapi_extra=READ,
    response_model=LegalHoldShown,
    response_model_exclude_none=True,
)
async def show_legal_hold(officer: Asking, way: Way, response: Response, legal_hold_id: UUID) -> Any:
    """Show a legal hold; its entity tag is its status."""
    hold = await _legal_hold_of(way, legal_hold_id)
    response.headers["ETag"] = f'"{hold["status"]}"'
    return shown_to(officer, hold)


@router.post("/legal-holds", openapi_extra=INVESTIGATE, response_model=shapes.Answer, responses=ANSWERS)
async def place_legal_hold(
    officer: Asking, way: Way, response: Response, body: NewLegalHold, key: Key = None
) -> Any:
    """Keep all records about a customer from now on."""
    act = PlaceLegalHold(**common(officer, body, key), owner=body.owner)
    return await perform(way, response, act, body.owner, shard_of(body.owner, way.partitions))


@router.post(
    "/legal-holds/{legal_hold_id}/lifting",
    openapi_extra=APPROVE,
    response_model=shapes.Answer,
    responses=ANSWERS,
)
async def lift_legal_hold(
    officer: Asking,
    way: Way,
    response: Response,
    legal_hold_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Let the customer's records go by their age again; by somebody other than who placed the hold."""
    hold = await _legal_hold_of(way, legal_hold_id)
    act = LiftLegalHold(**common(officer, body, key), owner=hold["owner"], legal_hold_id=legal_hold_id)
    await require_seen(way, act, hold["shard"], seen, hold["status"])
    return await perform(way, response, act, hold["owner"], hold["shard"])


async def _legal_hold_of(way: Gateway, legal_hold_id: UUID) -> dict[str, Any]:
    async with way.reading() as connection:
        found = await legal_holds_list(connection, legal_hold_id=legal_hold_id)
    if not found:
        raise Problem(404, "no_such_legal_hold", f"there is no legal hold {legal_hold_id}")
    return found[0]


class RemovalShown(BaseModel):
    """Words that go from records past their day, or are to."""

    removal_id: UUID
    through: date
    """Of records that need not be kept from this day on, or an earlier one."""
    customer: str
    """Empty for all."""
    status: Literal["proposed", "mixed", "approved", "finished"]
    """`mixed` while an act reaches the shards, one after the other."""
    shards: list[int]
    records: int
    """How many have lost their words so far."""
    proposed_at: datetime
    proposed_by: str
    reason: shapes.Personal = None
    approved_by: str | None = None
    approval_reason: shapes.Personal = None


class NewRemoval(shapes.Body):
    """What to remove."""

    through: date
    customer: Code | None = None


@router.get(
    "/removals", openapi_extra=READ, response_model=list[RemovalShown], response_model_exclude_none=True
)
async def list_removals(officer: Asking, way: Way) -> Any:
    """List removals, oldest first: there are few, as each is of all records up to a day."""
    async with way.reading() as connection:
        return [shown_to(officer, each) for each in await removals_list(connection)]


@router.get(
    "/removals/{removal_id}",
    openapi_extra=READ,
    response_model=RemovalShown,
    response_model_exclude_none=True,
)
async def show_removal(officer: Asking, way: Way, response: Response, removal_id: UUID) -> Any:
    """Show a removal; its entity tag is its status."""
    removal = await _removal_of(way, removal_id)
    response.headers["ETag"] = f'"{removal["status"]}"'
    return shown_to(officer, removal)


@router.post("/removals", openapi_extra=INVESTIGATE, response_model=shapes.Answer, responses=ANSWERS)
async def propose_removal(
    officer: Asking, way: Way, response: Response, body: NewRemoval, key: Key = None
) -> Any:
    """Propose to remove words from what is past its day; in every shard, or a customer's own."""
    act = ProposeRemoval(**common(officer, body, key), through=body.through, customer=body.customer)
    if body.customer is not None:
        return await perform(way, response, act, HOUSE, shard_of(body.customer, way.partitions))
    return await perform_everywhere(way, response, act, seen=None, done_as="proposed")


@router.post(
    "/removals/{removal_id}/approval", openapi_extra=APPROVE, response_model=shapes.Answer, responses=ANSWERS
)
async def approve_removal(
    officer: Asking,
    way: Way,
    response: Response,
    removal_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Let a proposed removal begin; by somebody other than who proposed it."""
    removal = await _removal_of(way, removal_id)
    act = ApproveRemoval(**common(officer, body, key), removal_id=removal_id)
    first = removal["shards"][0] if removal["customer"] else shard_of(HOUSE, way.partitions)
    await require_seen(way, act, first, seen, removal["status"])
    if removal["customer"]:
        return await perform(way, response, act, HOUSE, first)
    return await perform_everywhere(way, response, act, seen=None, done_as="approved")


async def _removal_of(way: Gateway, removal_id: UUID) -> dict[str, Any]:
    async with way.reading() as connection:
        found = await removals_list(connection, removal_id)
    if not found:
        raise Problem(404, "no_such_removal", f"nobody has proposed {removal_id}")
    return found[0]
