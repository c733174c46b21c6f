"""What customers are rated: by which data or whom, what is proposed, and how people rate them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel

from services.compliance.api import paging, shapes
from services.compliance.api.paging import Cursor, Limit, Page, page
from services.compliance.api.performing import (
    ANSWERS,
    Key,
    Seen,
    common,
    perform,
    read_version,
    require_seen,
)
from services.compliance.api.problems import Problem
from services.compliance.api.reading import READ, Way, shown_to
from services.compliance.api.rights import Asking, authorise, right
from services.compliance.domain.ratings import UNRATED, RatingProposalStatus
from services.compliance.queries import ratings as queries
from services.compliance.queries.places import Place
from shared.messages.acts import ApproveRating, RateCustomer
from shared.messages.envelope import CODE_PATTERN, Code, RiskClass
from shared.messages.partitioner import shard_of
from shared.runtime.gateway import Gateway

RATING: Final = (paging.small, paging.text, paging.small)
HISTORY_MAX: Final = 1000

router: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)])
acting: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)], responses=ANSWERS)

Owner = Annotated[str, Path(pattern=CODE_PATTERN, description="The customer's code.")]


class RatingShown(BaseModel):
    """What a customer is or was rated, and by whom or by which data."""

    shard: int
    seq: int
    owner: str
    version: int
    risk_class: RiskClass
    previous: RiskClass
    rated_at: datetime
    rule: str | None = None
    """Of the data by which it was rated; absent where people did it."""
    sentence: str | None = None
    actor: str | None = None
    reason: shapes.Personal = None
    proposed_by: str | None = None


class RatingProposalShown(BaseModel):
    """A lower class that one person has proposed."""

    rating_id: UUID
    shard: int
    owner: str
    risk_class: RiskClass
    proposed_at: datetime
    proposed_by: str
    reason: shapes.Personal = None
    status: RatingProposalStatus
    """Also the entity tag, for `If-Match`; `superseded` where the customer was rated since."""


class CustomerRating(BaseModel):
    """What a customer is rated, and how it came to that."""

    owner: str
    risk_class: RiskClass
    version: int
    """Also the entity tag, for `If-Match`; 0 before the first rating."""
    history: list[RatingShown]
    proposed: list[RatingProposalShown]


class NewRating(shapes.Body):
    """A class to give a customer: a higher one at once, a lower one when another person approves it."""

    owner: Code
    risk_class: RiskClass


@router.get(
    "/ratings",
    openapi_extra=READ,
    response_model=Page[RatingShown],
    response_model_exclude_none=True,
)
async def list_ratings(
    officer: Asking,
    way: Way,
    owner: Code | None = None,
    history: bool = False,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """List what customers are rated now, by shard and owner; with `history` all that they were."""

    async def load(after: Any, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            found = await queries.ratings_list(connection, owner, history=history, limit=most, after=after)
        return [shown_to(officer, each) for each in found]

    return await page(cursor, limit, load, lambda row: (row["shard"], row["owner"], row["version"]), RATING)


@router.get(
    "/ratings/{owner:path}",
    openapi_extra=READ,
    response_model=CustomerRating,
    response_model_exclude_none=True,
)
async def show_rating(officer: Asking, way: Way, response: Response, owner: Owner) -> Any:
    """Show what a customer is rated and was; its entity tag is its version, 0 before the first rating."""
    async with way.reading() as connection:
        history = await queries.ratings_list(connection, owner, history=True, limit=HISTORY_MAX)
        proposed = await queries.proposals_list(connection, owner)
    version = history[-1]["version"] if history else 0
    response.headers["ETag"] = f'"{version}"'
    return {
        "owner": owner,
        "risk_class": history[-1]["risk_class"] if history else UNRATED,
        "version": version,
        "history": [shown_to(officer, each) for each in history],
        "proposed": [shown_to(officer, each) for each in proposed],
    }


@router.get(
    "/rating-proposals",
    openapi_extra=READ,
    response_model=Page[RatingProposalShown],
    response_model_exclude_none=True,
)
async def list_rating_proposals(
    officer: Asking, way: Way, owner: Code | None = None, cursor: Cursor = None, limit: Limit = 100
) -> Any:
    """List lower classes that wait for another person's approval, oldest first."""

    async def load(after: Place | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            found = await queries.proposals_list(connection, owner, limit=most, after=after)
        return [shown_to(officer, each) for each in found]

    return await page(cursor, limit, load, lambda row: (row["proposed_at"], row["shard"], row["seq"]))


@router.get(
    "/rating-proposals/{rating_id}",
    openapi_extra=READ,
    response_model=RatingProposalShown,
    response_model_exclude_none=True,
)
async def show_rating_proposal(officer: Asking, way: Way, response: Response, rating_id: UUID) -> Any:
    """Show a proposed class; its entity tag is its status."""
    found = await _proposal(way, rating_id)
    response.headers["ETag"] = f'"{found["status"]}"'
    return shown_to(officer, found)


@acting.post("/ratings", openapi_extra=right("investigate"), response_model=shapes.Answer)
async def rate_customer(
    officer: Asking,
    way: Way,
    response: Response,
    body: NewRating,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Give a customer a higher class at once, or propose a lower one, on the rating that was seen."""
    act = RateCustomer(
        **common(officer, body, key),
        owner=body.owner,
        risk_class=body.risk_class,
        seen=read_version(seen),
    )
    answer = await perform(way, response, act, body.owner, shard_of(body.owner, way.partitions))
    version = answer.get("result", {}).get("version")
    if version is not None:
        response.headers["ETag"] = f'"{version}"'
    return answer


@acting.post(
    "/rating-proposals/{rating_id}/approval", openapi_extra=right("approve"), response_model=shapes.Answer
)
async def approve_rating(
    officer: Asking,
    way: Way,
    response: Response,
    rating_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Let a lower class count; by somebody other than who proposed it, on the rating it was made on."""
    found = await _proposal(way, rating_id)
    act = ApproveRating(**common(officer, body, key), owner=found["owner"], rating_id=rating_id)
    await require_seen(way, act, found["shard"], seen, found["status"])
    return await perform(way, response, act, found["owner"], found["shard"])


async def _proposal(way: Gateway, rating_id: UUID) -> dict[str, Any]:
    async with way.reading() as connection:
        found = await queries.proposal_show(connection, rating_id)
    if found is None:
        raise Problem(404, "no_such_rating", f"nothing is proposed under {rating_id}")
    return found
