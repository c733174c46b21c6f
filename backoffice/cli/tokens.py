"""`backoffice compliance token`: a token for the HTTP API, for those who have no issuer of tokens."""

import os
from typing import Annotated

import typer

from backoffice.cli import acts, output
from backoffice.cli.acts import ActorOption
from backoffice.cli.connection import secret
from backoffice.cli.errors import USAGE, CommandError, require_one_of
from services.compliance.api.rights import RIGHTS
from shared.runtime import clock
from shared.runtime.settings import ServiceSettings
from shared.runtime.tokens import sign_token


def token(
    role: Annotated[list[str], typer.Option(help=f"One of {', '.join(RIGHTS)}; may be repeated.")],
    minutes: Annotated[int, typer.Option(min=1, max=24 * 60, help="How long it counts.")] = 60,
    actor: ActorOption = None,
) -> None:
    """Sign a token with the secret in BACKOFFICE_API_KEY; with a public key there, only its issuer can."""
    key = secret("BACKOFFICE_API_KEY")
    if key is None:
        raise CommandError(
            "key_missing", "BACKOFFICE_API_KEY is not set.", "Set it as the service has it.", USAGE
        )
    for each in role:
        require_one_of(each, list(RIGHTS), "role")
    fields = ServiceSettings.model_fields
    claims = {
        "iss": os.environ.get("BACKOFFICE_API_ISSUER", fields["api_issuer"].default),
        "aud": os.environ.get("BACKOFFICE_API_AUDIENCE", fields["api_audience"].default),
        "sub": acts.actor(actor),
        "roles": role,
        "exp": int(clock.now().timestamp()) + 60 * minutes,
    }
    signed = sign_token(key, claims)
    output.emit({"token": signed, **claims}, signed)
