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
    "same_person": 403,
    "not_the_officer": 403,
    "no_right": 403,
    "roles_unfounded": 403,
}
"""By what compliance's writer calls its refusal; 409 for all others."""


class ProblemDetails(BaseModel):
    """The body of every answer that is no success."""

    type: str
    """`urn:backoffice:refused:<reason>`."""
    title: str
    """The reason's stable name."""
    status: int
    detail: str
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
            result=result,
        )


async def answer_problem(request: Request, problem: Exception) -> JSONResponse:
    """Answer with problem details."""
    del request
    assert isinstance(problem, Problem)
    headers = {"WWW-Authenticate": "Bearer"} if problem.body.status == 401 else None
    content = problem.body.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, problem.body.status, headers, PROBLEM_TYPE)


async def answer_invalid(request: Request, error: Exception) -> JSONResponse:
    """Name the fields that are wrong, and never what stood in them."""
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    return await answer_problem(request, Problem(422, "field_wrong", wrong))
