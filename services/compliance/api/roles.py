"""Who may act in which role, and how administrators give and take roles."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from services.compliance.api import paging, shapes
from services.compliance.api.paging import Cursor, Limit, Page, page, rows_after
from services.compliance.api.performing import (
    ANSWERS,
    Key,
    Seen,
    common,
    perform_everywhere,
    require_seen,
)
from services.compliance.api.problems import Problem
from services.compliance.api.reading import READ, Way
from services.compliance.api.rights import Asking, authorise, right
from services.compliance.queries.roles import grants_list
from shared.messages.acts import ApproveRole, ProposeRole, RevokeRole
from shared.messages.acts.roles import GrantStatus, Role
from shared.messages.envelope import HOUSE, Code
from shared.messages.partitioner import shard_of
from shared.runtime.gateway import Gateway

PROPOSED: Final = (paging.moment, paging.identity)
GRANT: Final = right("grant")

router: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)])
acting: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)], responses=ANSWERS)


class GrantShown(BaseModel):
    """A role that an officer has, had, or may be given."""

    grant_id: UUID
    officer: str
    role: Role
    since: date
    until: date | None = None
    status: GrantStatus | Literal["mixed"]
    """Also the entity tag, for `If-Match`."""
    proposed_at: datetime
    proposed_by: str
    reason: str
    approved_by: str | None = None
    revoked_by: str | None = None
    revocation_reason: str | None = None


class NewGrant(shapes.Body):
    """A role to give an officer, once another administrator approves it."""

    officer: Code
    role: Role
    since: date
    until: date | None = None


@router.get("/roles", openapi_extra=READ, response_model=Page[GrantShown], response_model_exclude_none=True)
async def list_grants(
    officer: Asking, way: Way, of: Code | None = None, cursor: Cursor = None, limit: Limit = 100
) -> Any:
    """List who was given which role, by whom and until when, oldest first; of one officer if given."""
    del officer

    async def load(after: tuple[Any, ...] | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            return rows_after(await grants_list(connection, of), _place, after, most)

    return await page(cursor, limit, load, _place, PROPOSED)


@router.get(
    "/roles/{grant_id}",
    openapi_extra=READ,
    response_model=GrantShown,
    response_model_exclude_none=True,
)
async def show_grant(officer: Asking, way: Way, response: Response, grant_id: UUID) -> Any:
    """Show a grant; its entity tag is its status."""
    del officer
    found = await _grant(way, grant_id)
    response.headers["ETag"] = f'"{found["status"]}"'
    return found


@acting.post("/roles", openapi_extra=GRANT, response_model=shapes.Answer)
async def propose_role(officer: Asking, way: Way, response: Response, body: NewGrant, key: Key = None) -> Any:
    """Propose to give an officer a role; another administrator has to approve it."""
    act = ProposeRole(**common(officer, body, key), **body.model_dump(exclude={"reason"}))
    return await perform_everywhere(way, response, act, seen=None, done_as="proposed")


@acting.post("/roles/{grant_id}/approval", openapi_extra=GRANT, response_model=shapes.Answer)
async def approve_role(
    officer: Asking,
    way: Way,
    response: Response,
    grant_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Give the role; by another administrator than who proposed it."""
    status = (await _grant(way, grant_id))["status"]
    act = ApproveRole(**common(officer, body, key), grant_id=grant_id)
    await require_seen(way, act, shard_of(HOUSE, way.partitions), seen, status)
    return await perform_everywhere(way, response, act, seen=None, done_as="approved")


@acting.post("/roles/{grant_id}/revocation", openapi_extra=GRANT, response_model=shapes.Answer)
async def revoke_role(
    officer: Asking,
    way: Way,
    response: Response,
    grant_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Take a role away at once, or drop what was proposed."""
    found = await _grant(way, grant_id)
    act = RevokeRole(**common(officer, body, key), grant_id=grant_id)
    await require_seen(way, act, shard_of(HOUSE, way.partitions), seen, found["status"])
    told = None if found["status"] == "mixed" else found["status"]
    return await perform_everywhere(way, response, act, seen=told, done_as="revoked")


async def _grant(way: Gateway, grant_id: UUID) -> dict[str, Any]:
    async with way.reading() as connection:
        found = await grants_list(connection, None, grant_id)
    if not found:
        raise Problem(404, "no_such_grant", f"nobody has proposed {grant_id}")
    return found[0]


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["proposed_at"], row["grant_id"]
