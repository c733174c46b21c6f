"""Who may ask for what: a token's roles have the rights of `domain/roles.py`; all else is denied."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.compliance.api.problems import Problem
from services.compliance.domain.roles import RIGHTS, Right
from shared.messages.envelope import CODE_PATTERN
from shared.runtime.gateway import Gateway
from shared.runtime.tokens import TokenRefused

DECLARED: Final = "x-right"
"""Where a route says which right it asks for; it stands in the OpenAPI document, too."""
DECLARED_OF_OWN: Final = "x-right-of-own"
"""Where it says which right is enough about what whoever asks has proposed; the route looks whose it is."""

_CODE: Final = re.compile(CODE_PATTERN)
BEARER: Final = HTTPBearer(auto_error=False, bearerFormat="JWT", description="A signed token with `roles`.")


@dataclass(frozen=True, slots=True)
class Officer:
    """Who asks."""

    name: str
    rights: frozenset[Right]

    @property
    def may_see_people(self) -> bool:
        """Whether personal data may be shown."""
        return "read_personal" in self.rights


def right(needed: Right, *, of_own: Right | None = None) -> dict[str, Any]:
    """Declare the right that a route asks for; one that declares none is denied to everybody."""
    return {DECLARED: needed} | ({DECLARED_OF_OWN: of_own} if of_own is not None else {})


async def authorise(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]
) -> Officer:
    """Find out who asks, and whether they may use this route; raises `Problem` 401 or 403."""
    gateway: Gateway = request.app.state.gateway
    if gateway.tokens is None:
        raise Problem(401, "no_key", "this service has no key to read tokens with: BACKOFFICE_API_KEY")
    if credentials is None:
        raise Problem(401, "no_token", "the request carries no bearer token")
    try:
        claims = gateway.tokens.read(credentials.credentials)
    except TokenRefused as refusal:
        raise Problem(401, "token_refused", f"the token does not count: {refusal}") from None
    rights = frozenset[Right]().union(*(RIGHTS[role] for role in RIGHTS if role in claims.roles))
    said = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    needed = said.get(DECLARED)
    if needed is None or not {needed, said.get(DECLARED_OF_OWN)} & rights:
        raise Problem(403, "no_right", f"none of your roles has the right {needed!r}")
    if _CODE.fullmatch(claims.subject) is None:
        raise Problem(403, "subject_unusable", "the token's subject cannot be written down as who did it")
    return Officer(claims.subject, rights)


Asking = Annotated[Officer, Depends(authorise)]
