"""`backoffice run SERVICE`: one service in the foreground, as a container or the supervisor starts it."""

import traceback
from typing import Annotated

import typer

from backoffice.cli.errors import DEFECT, USAGE, CommandError

SERVICES = ("transactions", "compliance", "reporting")


def run(service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")]) -> int | None:
    """Run one service in the foreground; it is told everything by BACKOFFICE_* settings."""
    if service not in SERVICES:
        raise CommandError(
            "service_unknown",
            f"There is no service {service!r}.",
            f"Type `backoffice run` with one of {', '.join(SERVICES)}.",
            USAGE,
        )
    from shared.runtime import service as runtime

    try:
        return runtime.main(service)
    except Exception:  # noqa: BLE001  # a service's log must say where it broke, unlike a person's screen
        traceback.print_exc()
        return DEFECT
