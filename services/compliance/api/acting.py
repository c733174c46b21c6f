"""What may be done: each request becomes an act, is carried out once by the shard's writer, and answered.

`If-Match` says what the officer has seen; without it nothing is changed that is there already.
`Idempotency-Key` is the act's id: what is sent again with it is done once, and answered as before.
"""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.compliance.api import shapes
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
from services.compliance.api.reading import Way, case_of, hold_of, pair_of, tag_of
from services.compliance.api.rights import Asking, authorise, right
from services.compliance.queries.alerts import alert_find
from shared.messages.acts import (
    AcknowledgeReport,
    ApproveDecision,
    ApproveWhitelisting,
    AssignCase,
    DecideCase,
    DismissAlert,
    FileReport,
    GatherAlerts,
    LinkEvidence,
    NoteCase,
    OpenCase,
    ProposeWhitelisting,
    RefuseHold,
    ReleaseHold,
    ReopenCase,
    ReturnDecision,
    RevokeWhitelisting,
)
from shared.messages.acts.cases import CaseAct
from shared.messages.partitioner import shard_of
from shared.runtime.gateway import Gateway

router: Final = APIRouter(
    prefix="/v1",
    dependencies=[Depends(authorise)],
    responses=ANSWERS,
)

TRIAGE: Final = right("triage")
INVESTIGATE: Final = right("investigate")
APPROVE: Final = right("approve")


@router.post("/alerts/{alert_id}/dismissal", openapi_extra=TRIAGE, response_model=shapes.Answer)
async def dismiss_alert(
    officer: Asking, way: Way, response: Response, alert_id: str, body: shapes.Body, key: Key = None
) -> Any:
    """Say that an alert needs no case."""
    async with way.reading() as connection:
        found = await alert_find(connection, alert_id)
    if found is None:
        raise Problem(404, "no_such_alert", f"there is no alert {alert_id}")
    shard, owner = found
    act = DismissAlert(**common(officer, body, key), owner=owner, alert_id=alert_id)
    return await perform(way, response, act, owner, shard)


@router.post("/cases", openapi_extra=TRIAGE, response_model=shapes.Answer)
async def open_case(
    officer: Asking, way: Way, response: Response, body: shapes.NewCase, key: Key = None
) -> Any:
    """Open a case about one owner; its id is in the answer."""
    act = OpenCase(**common(officer, body, key), owner=body.owner, kind=body.kind, alert_ids=body.alert_ids)
    return await perform(way, response, act, body.owner, shard_of(body.owner, way.partitions))


@router.post("/cases/{case_id}/alerts", openapi_extra=TRIAGE, response_model=shapes.Answer)
async def gather_alerts(
    officer: Asking,
    way: Way,
    response: Response,
    case_id: UUID,
    body: shapes.MoreAlerts,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Take more alerts of the owner into a case."""
    said = {"alert_ids": body.alert_ids}
    return await _on_case(way, response, GatherAlerts, case_id, seen, common(officer, body, key), **said)


@router.post("/cases/{case_id}/notes", openapi_extra=TRIAGE, response_model=shapes.Answer)
async def note_case(
    officer: Asking,
    way: Way,
    response: Response,
    case_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Add a note, the reason, to a case."""
    return await _on_case(way, response, NoteCase, case_id, seen, common(officer, body, key))


@router.post("/cases/{case_id}/evidence", openapi_extra=TRIAGE, response_model=shapes.Answer)
async def link_evidence(
    officer: Asking,
    way: Way,
    response: Response,
    case_id: UUID,
    body: shapes.Evidence,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Add to a case what bears on it."""
    link = {"kind": body.kind, "reference": body.reference}
    return await _on_case(way, response, LinkEvidence, case_id, seen, common(officer, body, key), **link)


@router.post("/cases/{case_id}/assignment", openapi_extra=INVESTIGATE, response_model=shapes.Answer)
async def assign_case(
    officer: Asking,
    way: Way,
    response: Response,
    case_id: UUID,
    body: shapes.Assignment,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Give a case to an officer."""
    said = {"officer": body.officer}
    return await _on_case(way, response, AssignCase, case_id, seen, common(officer, body, key), **said)


@router.post("/cases/{case_id}/decision", openapi_extra=INVESTIGATE, response_model=shapes.Answer)
async def decide_case(
    officer: Asking,
    way: Way,
    response: Response,
    case_id: UUID,
    body: shapes.CaseDecision,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Decide a case; what is confirmed waits for another person's approval."""
    said = {"disposition": body.disposition, "report": body.report}
    return await _on_case(way, response, DecideCase, case_id, seen, common(officer, body, key), **said)


@router.post("/cases/{case_id}/reopening", openapi_extra=INVESTIGATE, response_model=shapes.Answer)
async def reopen_case(
    officer: Asking,
    way: Way,
    response: Response,
    case_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Investigate a closed case again."""
    return await _on_case(way, response, ReopenCase, case_id, seen, common(officer, body, key))


@router.post("/cases/{case_id}/filing", openapi_extra=INVESTIGATE, response_model=shapes.Answer)
async def file_report(
    officer: Asking,
    way: Way,
    response: Response,
    case_id: UUID,
    body: shapes.Filing,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Say that the report of a closed case is filed."""
    said = {"form": body.form, "sha256": body.sha256, "schema_sha256": body.schema_sha256}
    return await _on_case(way, response, FileReport, case_id, seen, common(officer, body, key), **said)


@router.post("/cases/{case_id}/acknowledgement", openapi_extra=INVESTIGATE, response_model=shapes.Answer)
async def acknowledge_report(
    officer: Asking,
    way: Way,
    response: Response,
    case_id: UUID,
    body: shapes.Acknowledgement,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Keep what the authority answered to a filed report."""
    said = {"filing": body.filing, "status": body.status, "reference": body.reference}
    return await _on_case(way, response, AcknowledgeReport, case_id, seen, common(officer, body, key), **said)


@router.post("/cases/{case_id}/approval", openapi_extra=APPROVE, response_model=shapes.Answer)
async def approve_decision(
    officer: Asking,
    way: Way,
    response: Response,
    case_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Close a case as proposed; by somebody other than who proposed it."""
    return await _on_case(way, response, ApproveDecision, case_id, seen, common(officer, body, key))


@router.post("/cases/{case_id}/return", openapi_extra=APPROVE, response_model=shapes.Answer)
async def return_decision(
    officer: Asking,
    way: Way,
    response: Response,
    case_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Give a proposed decision back to the officer."""
    return await _on_case(way, response, ReturnDecision, case_id, seen, common(officer, body, key))


@router.post("/holds/{instruction_id}/decision", openapi_extra=APPROVE, response_model=shapes.Answer)
async def decide_hold(
    officer: Asking,
    way: Way,
    response: Response,
    instruction_id: UUID,
    body: shapes.HoldDecision,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Let a held payment go, for a listed name by two people, or stop it for good."""
    hold = await hold_of(way, instruction_id, body.owner)
    kind = ReleaseHold if body.decision == "released" else RefuseHold
    act = kind(**common(officer, body, key), owner=hold["owner"], instruction_id=instruction_id)
    await require_seen(way, act, hold["shard"], seen, tag_of(hold))
    return await perform(way, response, act, hold["owner"], hold["shard"])


@router.post("/whitelist", openapi_extra=TRIAGE, response_model=shapes.Answer)
async def propose_pair(
    officer: Asking, way: Way, response: Response, body: shapes.NewPair, key: Key = None
) -> Any:
    """Propose that a party and a listed entry are two; counts when another person has approved it."""
    pair = body.model_dump(exclude={"reason"})
    act = ProposeWhitelisting(**common(officer, body, key), **pair)
    return await perform(way, response, act, body.owner, shard_of(body.owner, way.partitions))


@router.post("/whitelist/{whitelisting_id}/approval", openapi_extra=APPROVE, response_model=shapes.Answer)
async def approve_pair(
    officer: Asking,
    way: Way,
    response: Response,
    whitelisting_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Let a proposed pair count."""
    return await _on_pair(
        way, response, ApproveWhitelisting, whitelisting_id, seen, common(officer, body, key)
    )


@router.post("/whitelist/{whitelisting_id}/revocation", openapi_extra=TRIAGE, response_model=shapes.Answer)
async def revoke_pair(
    officer: Asking,
    way: Way,
    response: Response,
    whitelisting_id: UUID,
    body: shapes.Body,
    seen: Seen = None,
    key: Key = None,
) -> Any:
    """Let a pair count no more."""
    return await _on_pair(
        way, response, RevokeWhitelisting, whitelisting_id, seen, common(officer, body, key)
    )


async def _on_case(
    way: Gateway,
    response: Response,
    act_type: type[CaseAct],
    case_id: UUID,
    seen: str | None,
    said: dict[str, Any],
    **fields: Any,
) -> Any:
    case = await case_of(way, case_id)
    act = act_type(**said, owner=case["owner"], case_id=case_id, version=read_version(seen), **fields)
    answer = await perform(way, response, act, case["owner"], case["shard"])
    if answer.get("result"):
        response.headers["ETag"] = f'"{answer["result"]["version"]}"'
    return answer


async def _on_pair(
    way: Gateway,
    response: Response,
    kind: type[ApproveWhitelisting | RevokeWhitelisting],
    whitelisting_id: UUID,
    seen: str | None,
    said: dict[str, Any],
) -> Any:
    pair = await pair_of(way, whitelisting_id)
    act = kind(**said, owner=pair["owner"], whitelisting_id=whitelisting_id)
    await require_seen(way, act, pair["shard"], seen, pair["status"])
    return await perform(way, response, act, pair["owner"], pair["shard"])
