"""What rules judge by: versions, their history, what those in shadow find, and how two people change it."""

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
    perform,
    perform_everywhere,
    require_seen,
)
from services.compliance.api.problems import Problem
from services.compliance.api.query import ParametersCode
from services.compliance.api.reading import READ, Way
from services.compliance.api.rights import Asking, Officer, authorise, right
from services.compliance.domain.rule import RuleParameter
from services.compliance.queries import parameters as queries
from services.compliance.rules import CODES
from shared.messages.acts import ProposeParameters, PublishParameters, WithdrawParameters
from shared.messages.acts.parameters import Scope, VersionStatus
from shared.messages.envelope import HOUSE, Code
from shared.messages.partitioner import shard_of
from shared.runtime.gateway import Gateway

VERSION: Final = (paging.text, paging.small, paging.text, paging.text, paging.text)
STEP: Final = (paging.moment, paging.small, paging.text)
FINDING: Final = (paging.day, paging.text, paging.text, paging.small)

router: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)])
acting: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)], responses=ANSWERS)


VersionState = VersionStatus | Literal["product", "mixed"]
"""`mixed` while shards differ: for a moment, or where what was asked of all was cut off."""


class VersionShown(BaseModel):
    """A version of a rule's parameters: of the product, or proposed by somebody."""

    rule: str
    version: int
    asset: str
    segment: str
    jurisdiction: str
    values: dict[str, Any]
    """None of them where the rule is off there."""
    valid_from: date
    valid_until: date | None = None
    source: str
    """Where the values come from, or why they were proposed."""
    status: VersionState
    """Also the entity tag of one that was proposed, for `If-Match`."""
    proposal_id: UUID | None = None
    proposed_by: str | None = None
    proposed_at: datetime | None = None
    shards: dict[str, VersionStatus] | None = None
    """What became of it in each shard where anything did."""


class VersionStep(BaseModel):
    """One thing that was done to a version."""

    at: datetime
    version: int
    step: VersionStatus
    actor: str
    reason: str
    proposal_id: UUID
    journal_offsets: dict[str, int]
    """The first record of each shard for which it is so."""


class ShadowReport(BaseModel):
    """What a version has found in shadow."""

    proposal_id: UUID
    findings: int
    parties: int
    would_hold: int
    live_too: int
    """How many of the findings the live rule has told, too."""


class ShadowFindingShown(BaseModel):
    """What a version in shadow has found of an owner and a business day."""

    shard: int
    owner: str
    business_date: date
    subject: str
    would_hold: bool
    is_live: bool
    """Whether the live rule has told it, too."""
    events: list[str]


class NewVersion(shapes.Body):
    """A version of a rule's parameters, whole."""

    rule: Code
    asset: Scope = "*"
    segment: Scope = "*"
    jurisdiction: Scope = "*"
    values: dict[str, Any]
    """All of them, amounts as decimal strings of the asset; none to switch the rule off there."""
    scale: int = 0
    """The asset's number of decimals; 0 for `*`."""
    valid_from: date = date(1970, 1, 1)
    """The first business day that is judged by it; else every one from its record on."""
    valid_until: date | None = None


class Publication(shapes.Body):
    """From when on a version counts: now."""

    shadow: bool = False
    """Only keep what it finds."""


@router.get(
    "/parameters",
    openapi_extra=READ,
    response_model=Page[VersionShown],
    response_model_exclude_none=True,
)
async def list_versions(
    officer: Asking,
    way: Way,
    rule: ParametersCode | None = None,
    status: VersionState | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """List versions by rule and number: those that come with the product, and those that were proposed."""
    del officer

    async def load(after: tuple[Any, ...] | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            rows = [_of_product(row) for row in await queries.product_rows(connection)]
            rows += [_of_proposal(each) for each in await queries.proposals_list(connection)]
        chosen = [each for each in rows if rule in (None, each["rule"]) and status in (None, each["status"])]
        return rows_after(chosen, _version, after, most)

    return await page(cursor, limit, load, _version, VERSION)


@router.get(
    "/parameters/{proposal_id}",
    openapi_extra=READ,
    response_model=VersionShown,
    response_model_exclude_none=True,
)
async def show_version(officer: Asking, way: Way, response: Response, proposal_id: UUID) -> Any:
    """Show a version that was proposed; its entity tag is its status."""
    del officer
    found = await _proposal(way, proposal_id)
    response.headers["ETag"] = f'"{found["status"]}"'
    return _of_proposal(found)


@router.get("/rules/{rule}/history", openapi_extra=READ, response_model=Page[VersionStep])
async def show_history(
    officer: Asking, way: Way, rule: Code, cursor: Cursor = None, limit: Limit = 100
) -> Any:
    """Tell who has proposed, published and withdrawn which version of a rule, oldest first."""
    del officer
    if rule not in CODES:
        raise Problem(404, "no_such_rule", f"there is no rule {rule}; there are {', '.join(CODES)}")

    async def load(after: tuple[Any, ...] | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            return rows_after(await queries.steps_list(connection, rule), _step, after, most)

    return await page(cursor, limit, load, _step, STEP)


@router.get("/parameters/{proposal_id}/shadow-report", openapi_extra=READ, response_model=ShadowReport)
async def report_shadow(
    officer: Asking, way: Way, proposal_id: UUID, since: date | None = None, until: date | None = None
) -> Any:
    """Sum up what a version has found in shadow, on business days from `since` on, before `until`."""
    del officer
    await _proposal(way, proposal_id)
    async with way.reading() as connection:
        found = await queries.shadow_findings(connection, proposal_id, since, until)
    return queries.shadow_report(proposal_id, found)


@router.get(
    "/parameters/{proposal_id}/shadow-findings",
    openapi_extra=READ,
    response_model=Page[ShadowFindingShown],
)
async def list_shadow_findings(
    officer: Asking,
    way: Way,
    proposal_id: UUID,
    since: date | None = None,
    until: date | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """List what a version has found in shadow, by business day, owner and subject."""
    del officer
    await _proposal(way, proposal_id)

    async def load(after: Any, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            return await queries.shadow_findings(
                connection, proposal_id, since, until, limit=most, after=after
            )

    return await page(cursor, limit, load, _finding, FINDING)


@acting.post("/parameters", openapi_extra=right("author"), response_model=shapes.Answer)
async def propose_version(
    officer: Asking, way: Way, response: Response, body: NewVersion, key: Key = None
) -> Any:
    """Propose a version, whole; it counts nowhere until another person publishes it."""
    act = ProposeParameters(**common(officer, body, key), **body.model_dump(exclude={"reason"}))
    return await perform(way, response, act, HOUSE, shard_of(HOUSE, way.partitions))


@acting.post(
    "/parameters/{proposal_id}/publication", openapi_extra=right("publish"), response_model=shapes.Answer
)
async def publish_version(
    officer: Asking,
    way: Way,
    response: Response,
    proposal_id: UUID,
    body: Publication,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Let a version count from the next record of each shard on, or judge in shadow; by another person."""
    found = await _proposal(way, proposal_id)
    act = PublishParameters(**common(officer, body, key), proposal_id=proposal_id, shadow=body.shadow)
    await require_seen(way, act, shard_of(HOUSE, way.partitions), seen, found["status"])
    done_as = "shadow" if body.shadow else "live"
    return await perform_everywhere(way, response, act, seen=_told(found), done_as=done_as)


@acting.post(
    "/parameters/{proposal_id}/withdrawal",
    openapi_extra=right("publish", of_own="author"),
    response_model=shapes.Answer,
)
async def withdraw_version(
    officer: Asking,
    way: Way,
    response: Response,
    proposal_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Let a version count no more, or reject it: what counted before does.

    Authors take back what they have proposed until it is live; publishers withdraw what others have.
    """
    found = await _proposal(way, proposal_id)
    _require_own(officer, found["proposed_by"])
    act = WithdrawParameters(**common(officer, body, key), proposal_id=proposal_id)
    await require_seen(way, act, shard_of(HOUSE, way.partitions), seen, found["status"])
    return await perform_everywhere(way, response, act, seen=_told(found), done_as="withdrawn")


def _require_own(officer: Officer, proposed_by: str) -> None:
    if "publish" not in officer.rights and officer.name != proposed_by:
        raise Problem(
            403, "no_right", f"{proposed_by} has proposed it, and only a publisher withdraws it else"
        )


def _told(found: dict[str, Any]) -> str | None:
    """What the writer is told that the officer has seen; nothing where shards differ already."""
    return None if found["status"] == "mixed" else found["status"]


async def _proposal(way: Gateway, proposal_id: UUID) -> dict[str, Any]:
    async with way.reading() as connection:
        found = await queries.proposals_list(connection, None, proposal_id)
    if not found:
        raise Problem(404, "no_such_proposal", f"nobody has proposed {proposal_id}")
    return found[0]


def _of_product(row: RuleParameter) -> dict[str, Any]:
    names = ("rule", "version", "asset", "segment", "jurisdiction", "valid_from", "valid_until", "source")
    return {**{name: getattr(row, name) for name in names}, "values": dict(row.values), "status": "product"}


def _of_proposal(found: dict[str, Any]) -> dict[str, Any]:
    names = ("status", "proposal_id", "proposed_by", "proposed_at", "shards")
    return {**_of_product(queries.parameter_of(found)), **{name: found[name] for name in names}}


def _version(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["rule"], row["version"], row["asset"], row["segment"], row["jurisdiction"]


def _step(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["at"], row["version"], row["step"]


def _finding(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["business_date"], row["owner"], row["subject"], row["shard"]
