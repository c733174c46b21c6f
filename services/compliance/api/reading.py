"""What may be looked at: alerts, holds, cases, whitelisted pairs, decision records, answers to acts."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.compliance.api import paging
from services.compliance.api.paging import Cursor, Limit, Page, page
from services.compliance.api.problems import Problem
from services.compliance.api.query import RuleCode
from services.compliance.api.rights import Asking, Officer, authorise, right
from services.compliance.api.shapes import (
    PERSONAL,
    AlertShown,
    Answer,
    CaseShown,
    CaseWithHistory,
    DecisionShown,
    HoldShown,
    PairShown,
)
from services.compliance.domain.cases import CaseStatus
from services.compliance.domain.records import HoldStatus
from services.compliance.domain.whitelist import WhitelistStatus
from services.compliance.domain.work_order import Scales
from services.compliance.queries.alerts import alerts_list
from services.compliance.queries.cases import case_show, cases_page
from services.compliance.queries.decisions import act_answer, decisions_page
from services.compliance.queries.holds import holds_list, holds_show
from services.compliance.queries.places import Place
from services.compliance.queries.whitelist import whitelist_list
from services.compliance.queries.work_order import AsOf, place_of, work_queue
from shared.messages.acts.cases import CaseKind
from shared.messages.topics import JOURNAL
from shared.runtime.gateway import Gateway

router: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)])

READ: Final = right("read")
WORK: Final = (
    paging.number,
    paging.numbers,
    paging.counts,
    paging.small,
    paging.weight,
    paging.ordinal,
    paging.text,
    paging.small,
    paging.number,
)
"""What the order of work is of, and where in it a row stands."""


def gateway_of(request: Request) -> Gateway:
    """The way to tables and topics."""
    gateway: Gateway = request.app.state.gateway
    return gateway


Way = Annotated[Gateway, Depends(gateway_of)]


@router.get("/alerts", openapi_extra=READ, response_model=Page[AlertShown], response_model_exclude_none=True)
async def list_alerts(
    officer: Asking,
    way: Way,
    rule: RuleCode | None = None,
    owner: str | None = None,
    new: bool = False,
    order: Literal["age", "work"] = "age",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """List alerts, oldest first; with `new` only those in no case and not dismissed.

    In the order of `work`: by priority, then the rarest lead first, then the oldest, each with why. All pages
    are of the alerts that there were when the first was asked for, as they stood then; with `new`, less those
    triaged since.
    """
    if order == "work":
        return await _list_work(officer, way, rule, owner, new, cursor, limit)

    async def load(after: Place | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            found = await alerts_list(connection, rule, owner, most, is_new=new, after=after)
        return [shown_to(officer, each) for each in found]

    return await page(cursor, limit, load, lambda row: (row["recorded_at"], row["shard"], row["seq"]))


async def _list_work(
    officer: Officer,
    way: Gateway,
    rule: str | None,
    owner: str | None,
    new: bool,
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    of: AsOf | None = None

    async def load(after: Any, most: int) -> Sequence[dict[str, Any]]:
        nonlocal of
        if after is not None:
            of, after = AsOf(after[1], Scales(after[2], after[0])), after[3:]
        async with way.reading() as connection:
            of, found = await work_queue(
                connection, JOURNAL.name, rule, owner, most, is_new=new, as_of=of, after=after
            )
        return [shown_to(officer, each) for each in found]

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        assert of is not None
        hits = [[*kind, alerts] for kind, alerts in sorted(of.scales.hits.items())]
        return (of.scales.events, of.seqs, hits, *place_of(row))

    return await page(cursor, limit, load, place, WORK)


@router.get("/holds", openapi_extra=READ, response_model=Page[HoldShown], response_model_exclude_none=True)
async def list_holds(
    officer: Asking, way: Way, status: HoldStatus | None = None, cursor: Cursor = None, limit: Limit = 100
) -> Any:
    """List holds, oldest first."""

    async def load(after: Place | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            found = await holds_list(connection, status, most, after)
        return [shown_to(officer, each) for each in found]

    return await page(cursor, limit, load, lambda row: (row["placed_at"], row["shard"], row["seq"]))


@router.get(
    "/holds/{instruction_id}",
    openapi_extra=READ,
    response_model=HoldShown,
    response_model_exclude_none=True,
)
async def show_hold(
    officer: Asking, way: Way, response: Response, instruction_id: UUID, owner: str | None = None
) -> Any:
    """Show the hold on an instruction; its entity tag is its status, or `proposed` while a release is."""
    hold = await hold_of(way, instruction_id, owner)
    response.headers["ETag"] = f'"{tag_of(hold)}"'
    return shown_to(officer, hold)


@router.get("/cases", openapi_extra=READ, response_model=Page[CaseShown], response_model_exclude_none=True)
async def list_cases(
    officer: Asking,
    way: Way,
    status: CaseStatus | Literal["waiting"] | None = None,
    owner: str | None = None,
    with_officer: Annotated[str | None, Query(alias="officer")] = None,
    kind: CaseKind | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """List cases in the order in which they were opened; `waiting` is every status but closed."""

    async def load(after: Place | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            return await cases_page(
                connection, status, owner=owner, officer=with_officer, kind=kind, limit=most, after=after
            )

    del officer
    return await page(cursor, limit, load, lambda row: (row["opened_at"], row["shard"], row["opened_seq"]))


@router.get(
    "/cases/{case_id}",
    openapi_extra=READ,
    response_model=CaseWithHistory,
    response_model_exclude_none=True,
)
async def show_case(officer: Asking, way: Way, response: Response, case_id: UUID) -> Any:
    """Show a case with its history; its entity tag is its version."""
    case = await case_of(way, case_id)
    response.headers["ETag"] = f'"{case["version"]}"'
    return {**case, "history": [shown_to(officer, fact) for fact in case["history"]]}


@router.get(
    "/whitelist", openapi_extra=READ, response_model=Page[PairShown], response_model_exclude_none=True
)
async def list_pairs(
    officer: Asking,
    way: Way,
    status: WhitelistStatus | None = None,
    owner: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """List whitelisted pairs, oldest first."""

    async def load(after: Place | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            found = await whitelist_list(connection, status, owner, limit=most, after=after)
        return [shown_to(officer, each) for each in found]

    return await page(cursor, limit, load, lambda row: (row["proposed_at"], row["shard"], row["seq"]))


@router.get(
    "/whitelist/{whitelisting_id}",
    openapi_extra=READ,
    response_model=PairShown,
    response_model_exclude_none=True,
)
async def show_pair(officer: Asking, way: Way, response: Response, whitelisting_id: UUID) -> Any:
    """Show a whitelisted pair; its entity tag is its status."""
    pair = await pair_of(way, whitelisting_id)
    response.headers["ETag"] = f'"{pair["status"]}"'
    return shown_to(officer, pair)


@router.get(
    "/decisions", openapi_extra=READ, response_model=Page[DecisionShown], response_model_exclude_none=True
)
async def list_decisions(
    officer: Asking,
    way: Way,
    decision: Literal["cleared", "released", "refused"] | None = None,
    owner: str | None = None,
    instruction_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """List decision records, oldest first, each with what it was decided by."""

    async def load(after: Any, most: int) -> Sequence[dict[str, Any]]:
        through = after[0] if after is not None else ()
        async with way.reading() as connection:
            found = await decisions_page(
                connection, decision, owner, instruction_id, limit=most, after=through
            )
        return [shown_to(officer, each) for each in found]

    return await page(cursor, limit, load, lambda row: (row["through"],), (paging.numbers,))


@router.get("/acts/{act_id}", openapi_extra=READ, response_model=Answer, response_model_exclude_none=True)
async def show_answer(officer: Asking, way: Way, act_id: UUID) -> Any:
    """Show how an act was answered; 404 while it was not."""
    del officer
    async with way.reading() as connection:
        found = await act_answer(connection, act_id)
    if found is None:
        raise Problem(404, "not_answered", f"nothing has answered an act {act_id}")
    return found


@router.get("/openapi.json", openapi_extra=READ)
async def describe(request: Request) -> dict[str, Any]:
    """Describe all of this."""
    return request.app.openapi()


def shown_to(officer: Officer, record: dict[str, Any]) -> dict[str, Any]:
    """Leave out personal data where they may not be seen."""
    if officer.may_see_people:
        return record
    return {name: value for name, value in record.items() if name not in PERSONAL}


async def case_of(way: Gateway, case_id: UUID) -> dict[str, Any]:
    """Return a case with its history; raises `Problem` 404."""
    async with way.reading() as connection:
        found = await case_show(connection, case_id)
    if found is None:
        raise Problem(404, "no_such_case", f"there is no case {case_id}")
    return found


async def hold_of(way: Gateway, instruction_id: UUID, owner: str | None) -> dict[str, Any]:
    """Return the hold on an instruction; raises `Problem` 404, or 409 where two owners have one."""
    async with way.reading() as connection:
        found = [
            each for each in await holds_show(connection, instruction_id) if owner in (None, each["owner"])
        ]
    if not found:
        raise Problem(404, "no_such_hold", f"nothing is or was held of the instruction {instruction_id}")
    if len(found) > 1:
        raise Problem(409, "hold_ambiguous", "several owners used this instruction id: name the owner")
    return found[0]


def tag_of(hold: dict[str, Any]) -> str:
    """What changes when something is done to a hold."""
    waits = hold["status"] == "held" and hold["proposed_by"] is not None
    return "proposed" if waits else hold["status"]


async def pair_of(way: Gateway, whitelisting_id: UUID) -> dict[str, Any]:
    """Return a whitelisted pair; raises `Problem` 404."""
    async with way.reading() as connection:
        found = await whitelist_list(connection, None, None, whitelisting_id)
    if not found:
        raise Problem(404, "no_such_whitelisting", f"there is no pair {whitelisting_id}")
    return found[0]
