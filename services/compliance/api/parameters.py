"""What rules judge by: versions, their history, what those in shadow find, and how two people change it."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response

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
from services.compliance.api.reading import READ, Way
from services.compliance.api.rights import Asking, Officer, authorise, right
from services.compliance.domain.rule import RuleParameter
from services.compliance.queries import parameters as queries
from services.compliance.rules import RULES
from shared.messages.acts import ProposeParameters, PublishParameters, WithdrawParameters
from shared.messages.envelope import HOUSE, Code
from shared.messages.partitioner import shard_of
from shared.runtime.gateway import Gateway

VERSION: Final = (paging.text, paging.small, paging.text, paging.text, paging.text)
STEP: Final = (paging.moment, paging.small, paging.text)
FINDING: Final = (paging.day, paging.text, paging.text, paging.small)
CODES: Final = frozenset(rule.code for rule in RULES)

router: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)])
acting: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)], responses=ANSWERS)


@router.get(
    "/parameters",
    openapi_extra=READ,
    response_model=Page[shapes.VersionShown],
    response_model_exclude_none=True,
)
async def list_versions(
    officer: Asking,
    way: Way,
    rule: Code | None = None,
    status: shapes.VersionState | None = None,
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
    response_model=shapes.VersionShown,
    response_model_exclude_none=True,
)
async def show_version(officer: Asking, way: Way, response: Response, proposal_id: UUID) -> Any:
    """Show a version that was proposed; its entity tag is its status."""
    del officer
    found = await _proposal(way, proposal_id)
    response.headers["ETag"] = f'"{found["status"]}"'
    return _of_proposal(found)


@router.get("/rules/{rule}/history", openapi_extra=READ, response_model=Page[shapes.VersionStep])
async def show_history(
    officer: Asking, way: Way, rule: Code, cursor: Cursor = None, limit: Limit = 100
) -> Any:
    """Tell who has proposed, published and withdrawn which version of a rule, oldest first."""
    del officer
    if rule not in CODES:
        raise Problem(404, "no_such_rule", f"there is no rule {rule}; there are {', '.join(sorted(CODES))}")

    async def load(after: tuple[Any, ...] | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            return rows_after(await queries.steps_list(connection, rule), _step, after, most)

    return await page(cursor, limit, load, _step, STEP)


@router.get("/parameters/{proposal_id}/shadow-report", openapi_extra=READ, response_model=shapes.ShadowReport)
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
    response_model=Page[shapes.ShadowFindingShown],
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
    officer: Asking, way: Way, response: Response, body: shapes.NewVersion, key: Key = None
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
    body: shapes.Publication,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Let a version count from the next record of each shard on, or judge in shadow; by another person."""
    found = await _proposal(way, proposal_id)
    require_seen(seen, found["status"])
    act = PublishParameters(**common(officer, body, key), proposal_id=proposal_id, shadow=body.shadow)
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
    require_seen(seen, found["status"])
    act = WithdrawParameters(**common(officer, body, key), proposal_id=proposal_id)
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
