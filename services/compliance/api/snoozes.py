"""Snoozes: which rules are silent about which customers, what they would have said, and acts on them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from services.compliance.api import shapes
from services.compliance.api.acting import APPROVE, TRIAGE
from services.compliance.api.paging import Cursor, Limit, Page, page
from services.compliance.api.performing import ANSWERS, Key, Seen, common, perform, require_seen
from services.compliance.api.problems import Problem
from services.compliance.api.query import RuleCode
from services.compliance.api.reading import READ, Way, shown_to
from services.compliance.api.rights import Asking, Officer, authorise
from services.compliance.domain.snoozes import SnoozeStatus
from services.compliance.queries.places import Place
from services.compliance.queries.snoozes import snoozed_list, snoozes_list
from shared.messages.acts import ApproveSnooze, EndSnooze, ProposeSnooze
from shared.messages.compliance import Finding
from shared.messages.envelope import Code, Number
from shared.messages.partitioner import shard_of
from shared.runtime.gateway import Gateway

router: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)])


class SnoozeShown(BaseModel):
    """A rule that is silent about a customer, or is to be."""

    snooze_id: UUID
    owner: str
    rule: str
    until: date
    """The first business day of which it alerts again."""
    status: SnoozeStatus
    alerts: int
    """How many it has silenced."""
    proposed_at: datetime
    proposed_by: str
    reason: shapes.Personal = None
    approved_by: str | None = None
    approval_reason: shapes.Personal = None
    since_offset: int | None = None
    """The first record of the journal's partition that it silences."""
    ended_by: str | None = None
    end_offset: int | None = None


class SnoozedShown(BaseModel):
    """What would have been an alert."""

    snooze_id: UUID
    owner: str
    rule: str
    business_date: date
    recorded_at: datetime
    findings: list[Finding]
    about: Number
    instruction_id: UUID | None = None


class NewSnooze(shapes.Body):
    """A rule to silence."""

    owner: Code
    rule: Code
    until: date


@router.get(
    "/snoozes", openapi_extra=READ, response_model=Page[SnoozeShown], response_model_exclude_none=True
)
async def list_snoozes(
    officer: Asking,
    way: Way,
    status: SnoozeStatus | None = None,
    owner: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """List snoozes, oldest first."""

    async def load(after: Place | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            found = await snoozes_list(connection, status, owner, limit=most, after=after)
        return [shown_to(officer, each) for each in found]

    return await page(cursor, limit, load, lambda row: (row["proposed_at"], row["shard"], row["seq"]))


@router.get(
    "/snoozes/{snooze_id}", openapi_extra=READ, response_model=SnoozeShown, response_model_exclude_none=True
)
async def show_snooze(officer: Asking, way: Way, response: Response, snooze_id: UUID) -> Any:
    """Show a snooze; its entity tag is its status."""
    snooze = await _snooze_of(way, snooze_id)
    response.headers["ETag"] = f'"{snooze["status"]}"'
    return shown_to(officer, snooze)


@router.get(
    "/snoozed-alerts",
    openapi_extra=READ,
    response_model=Page[SnoozedShown],
    response_model_exclude_none=True,
)
async def list_snoozed(
    officer: Asking,
    way: Way,
    owner: str | None = None,
    rule: RuleCode | None = None,
    snooze_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """List what would have been alerts, oldest first."""
    del officer

    async def load(after: Place | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            return await snoozed_list(connection, owner, rule, snooze_id, limit=most, after=after)

    return await page(cursor, limit, load, lambda row: (row["recorded_at"], row["shard"], row["seq"]))


@router.post("/snoozes", openapi_extra=TRIAGE, response_model=shapes.Answer, responses=ANSWERS)
async def propose_snooze(
    officer: Asking, way: Way, response: Response, body: NewSnooze, key: Key = None
) -> Any:
    """Propose to silence a rule for a customer; counts when another person has approved it."""
    act = ProposeSnooze(**common(officer, body, key), owner=body.owner, rule=body.rule, until=body.until)
    return await perform(way, response, act, body.owner, shard_of(body.owner, way.partitions))


@router.post(
    "/snoozes/{snooze_id}/approval", openapi_extra=APPROVE, response_model=shapes.Answer, responses=ANSWERS
)
async def approve_snooze(
    officer: Asking,
    way: Way,
    response: Response,
    snooze_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Let a proposed snooze count; by somebody other than who proposed it."""
    return await _on_snooze(officer, way, response, ApproveSnooze, snooze_id, body, seen, key)


@router.post(
    "/snoozes/{snooze_id}/end", openapi_extra=TRIAGE, response_model=shapes.Answer, responses=ANSWERS
)
async def end_snooze(
    officer: Asking,
    way: Way,
    response: Response,
    snooze_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Let the rule alert again, or withdraw what is only proposed."""
    return await _on_snooze(officer, way, response, EndSnooze, snooze_id, body, seen, key)


async def _on_snooze(
    officer: Officer,
    way: Gateway,
    response: Response,
    kind: type[ApproveSnooze | EndSnooze],
    snooze_id: UUID,
    body: shapes.Body,
    seen: str | None,
    key: UUID | None,
) -> Any:
    snooze = await _snooze_of(way, snooze_id)
    act = kind(**common(officer, body, key), owner=snooze["owner"], snooze_id=snooze_id)
    await require_seen(way, act, snooze["shard"], seen, snooze["status"])
    return await perform(way, response, act, snooze["owner"], snooze["shard"])


async def _snooze_of(way: Gateway, snooze_id: UUID) -> dict[str, Any]:
    async with way.reading() as connection:
        found = await snoozes_list(connection, snooze_id=snooze_id)
    if not found:
        raise Problem(404, "no_such_snooze", f"there is no snooze {snooze_id}")
    return found[0]
