"""What a request is told that cannot be done: problem details (RFC 9457) with the reason by name."""

from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

PROBLEM_TYPE: Final = "application/problem+json"

STATUS_OF: Final = {
    "version_old": 412,
    "no_such_case": 404,
    "no_such_alert": 404,
    "no_such_hold": 404,
    "no_such_whitelisting": 404,
    "no_such_proposal": 404,
    "no_such_rating": 404,
    "no_such_grant": 404,
    "no_such_snooze": 404,
    "no_such_legal_hold": 404,
    "no_such_removal": 404,
    "same_person": 403,
    "not_the_officer": 403,
    "no_right": 403,
    "own_role": 403,
    "roles_unfounded": 403,
    "rule_unknown": 422,
    "scope_unused": 422,
    "never_valid": 422,
    "segment_unknown": 422,
    "jurisdiction_unknown": 422,
    "asset_unknown": 422,
    "parameter_unknown": 422,
    "parameter_wrong": 422,
}
"""By what compliance's writer calls its refusal; 409 for all others."""

FIX_OF: Final = {
    "no_key": "Set BACKOFFICE_API_KEY or BACKOFFICE_API_KEY_FILE and start the service again.",
    "no_token": "Send `Authorization: Bearer`, with a token of your issuer's.",
    "token_refused": "Get another token from your issuer.",
    "no_right": "Ask somebody who has the right, or an administrator for the role.",
    "roles_unfounded": "Let two administrators be appointed: POST /v1/roles.",
    "own_role": "Ask another administrator.",
    "same_person": "Ask somebody else who has the right.",
    "if_match_missing": "GET it, look at it, and send its ETag in If-Match.",
    "version_old": "GET it again, decide by what it is now, and send its new ETag in If-Match.",
    "key_reused": "Send the request with a new Idempotency-Key.",
    "unanswered": "Send the request again with the act's id as Idempotency-Key: it is done once.",
    "cursor_unreadable": "Begin with the first page, without a cursor.",
    "body_unreadable": "Send JSON; /v1/openapi.json says what each route takes.",
    "no_such_route": "Look at /v1/openapi.json for what there is.",
    "method_wrong": "Look at /v1/openapi.json for what the route takes.",
    "field_wrong": "Mend the fields that are named; /v1/openapi.json says what each may be.",
    "under_legal_hold": "Look at GET /v1/legal-holds; another person than who placed it lifts it.",
    "query_unknown": "Leave it out or spell it so; /v1/openapi.json says what each route takes.",
    "query_repeated": "Give it once.",
    "superseded": "Propose these values anew.",
    "rating_changed": "Look at what the customer is rated now, and propose the class anew.",
}
"""What to do about a refusal, where its detail does not say so."""


class ProblemDetails(BaseModel):
    """The body of every answer that is no success."""

    type: str
    """`urn:backoffice:refused:<reason>`."""
    title: str
    """The reason's stable name."""
    status: int
    detail: str
    fix: str | None = None
    """What to do about it."""
    result: dict[str, Any] | None = None
    """What the writer said besides, such as the version a case is at."""


class Problem(Exception):  # noqa: N818  # an answer, not a fault
    """Ends a request with problem details."""

    def __init__(self, status: int, reason: str, detail: str, result: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.body = ProblemDetails(
            type=f"urn:backoffice:refused:{reason}",
            title=reason,
            status=status,
            detail=detail,
            fix=FIX_OF.get(reason),
            result=result,
        )


async def answer_problem(request: Request, problem: Exception) -> JSONResponse:
    """Answer with problem details."""
    del request
    assert isinstance(problem, Problem)
    headers = {"WWW-Authenticate": "Bearer"} if problem.body.status == 401 else None
    content = problem.body.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, problem.body.status, headers, PROBLEM_TYPE)


UNROUTED: Final = {
    400: "body_unreadable",
    404: "no_such_route",
    405: "method_wrong",
    413: "body_too_large",
}
"""What no route answers, by the framework's status."""


async def answer_unrouted(request: Request, error: Any) -> JSONResponse:
    """Answer what reaches no route with problem details, too; `error` is the framework's."""
    answer = await answer_problem(
        request, Problem(error.status_code, UNROUTED[error.status_code], error.detail)
    )
    answer.headers.update(error.headers or {})
    return answer


async def answer_invalid(request: Request, error: Exception) -> JSONResponse:
    """Name the fields that are wrong, and never what stood in them."""
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    return await answer_problem(request, Problem(422, "field_wrong", wrong))
