"""Compliance's HTTP API: lists by cursor, and acts on the version seen. Whoever has no right is refused.

It reads with a read-only connection and writes nothing itself: what it is asked to do becomes an act, which
the shard's writer judges as any other and answers. Everything is below `/v1`; `/v1/openapi.json` says what.
"""

from typing import Any, Final

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError

from services.compliance.api import (
    acting,
    lists,
    parameters,
    persons,
    ratings,
    reading,
    retention,
    roles,
    snoozes,
)
from services.compliance.api.bodies import BoundedBody
from services.compliance.api.problems import (
    UNROUTED,
    Problem,
    ProblemDetails,
    answer_invalid,
    answer_problem,
    answer_unrouted,
)
from services.compliance.api.query import require_known_query
from shared.runtime.gateway import Gateway

PREFIX: Final = "/v1/"
TITLE: Final = "Compliance"
VERSION: Final = "1"
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ProblemDetails, "description": words}
    for status, words in {
        401: "Nobody knows who asks.",
        403: "Whoever asks may not.",
        404: "There is no such thing.",
        422: "A field is wrong.",
    }.items()
}

ROUTERS: Final = (
    reading.router,
    acting.router,
    parameters.router,
    parameters.acting,
    ratings.router,
    ratings.acting,
    lists.router,
    persons.router,
    roles.router,
    roles.acting,
    snoozes.router,
    retention.router,
)


def create_api(gateway: Gateway | None) -> FastAPI:
    """Make the application; without a gateway only to describe it."""
    api = FastAPI(
        title=TITLE,
        version=VERSION,
        description=(__doc__ or "").split("\n\n", 1)[1].strip().replace("\n", " "),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        responses=REFUSALS,
        dependencies=[Depends(require_known_query)],
        exception_handlers={
            Problem: answer_problem,
            RequestValidationError: answer_invalid,
            **dict.fromkeys(UNROUTED, answer_unrouted),
        },
    )
    api.state.gateway = gateway
    api.add_middleware(BoundedBody)
    for each in ROUTERS:
        api.include_router(each)
    return api
