"""What may be asked for in a query: each route's own parameters, once each, and values that there are."""

from collections import Counter
from typing import Annotated, Any

from fastapi import Request
from pydantic import AfterValidator, WithJsonSchema

from services.compliance.api.problems import Problem
from services.compliance.api.rights import Asking
from services.compliance.rules import CODES, DATA_CODES


async def require_known_query(request: Request, officer: Asking) -> None:
    """Refuse a parameter that the route does not have, is given twice, or is no text; raises `Problem` 422.

    A misspelt one would be left out of the question, and the answer taken for what was asked. What a route
    has is what the OpenAPI document says of it.
    """
    del officer  # only who may use the route is told what it takes
    given = Counter(name for name, _ in request.query_params.multi_items())
    if not given:
        return
    known = sorted(_parameters_of(request))
    names = f"it takes {', '.join(known)}" if known else "it takes none"
    for name, times in given.items():
        if name not in known:
            raise Problem(422, "query_unknown", f"there is no parameter {name[:60]!r} here; {names}")
        if times > 1:
            raise Problem(422, "query_repeated", f"{name} is given {times} times")
    for name, value in request.query_params.items():
        if "\0" in value:
            raise Problem(422, "field_wrong", f"query.{name}: nothing has a null character in it")


def _parameters_of(request: Request) -> set[str]:
    route = request.scope["route"]
    described: dict[str, Any] = request.app.openapi()["paths"][route.path_format][request.method.lower()]
    return {each["name"] for each in described.get("parameters", ()) if each["in"] == "query"}


def _one_of(codes: tuple[str, ...]) -> tuple[AfterValidator, WithJsonSchema]:
    def require(code: str) -> str:
        if code not in codes:
            raise ValueError(f"there is none of this code; there are {', '.join(codes)}")
        return code

    return AfterValidator(require), WithJsonSchema({"type": "string", "enum": list(codes)})


RuleCode = Annotated[str, *_one_of(CODES)]
"""A rule's code."""
ParametersCode = Annotated[str, *_one_of((*CODES, *DATA_CODES))]
"""What has parameters: a rule, or data beside the rules."""
