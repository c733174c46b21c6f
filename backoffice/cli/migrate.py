"""`backoffice migrate`: brings a database's schema, its logins and the topics up to date, once."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from backoffice.cli import output
from backoffice.cli.connection import kafka_address, partitions_wanted, running_stack, secret
from backoffice.cli.errors import USAGE, CommandError, stack_not_running
from backoffice.stack import schema


def migrate(
    topics: Annotated[bool, typer.Option(help="Create missing topics and check those that exist.")] = True,
) -> None:
    """Bring the database schema, the services' logins and the topics up to date; safe to repeat.

    It reads BACKOFFICE_OWNER_DSN, the four BACKOFFICE_…_PASSWORD settings (TRANSACTIONS, COMPLIANCE,
    REPORTING, READONLY) and BACKOFFICE_KAFKA_BOOTSTRAP, else it works on the stack that runs here.
    """
    dsn = owner_dsn()
    record = running_stack()
    passwords = _passwords(Path(record.data) if record is not None else None)
    asyncio.run(_migrate(dsn, passwords, partitions=partitions_wanted(record), topics=topics))


def owner_dsn() -> str:
    """Return the address of the database for the owner of the schemas."""
    dsn = secret("BACKOFFICE_OWNER_DSN")
    record = running_stack()
    if dsn is None and record is not None:
        dsn = record.dsn_owner
    if dsn is None:
        raise stack_not_running("BACKOFFICE_OWNER_DSN is not set either")
    return dsn


async def _migrate(dsn: str, passwords: Mapping[str, str], *, partitions: int, topics: bool) -> None:
    applied = await schema.migrate(dsn, passwords=passwords, partitions=partitions)
    for name in applied:
        output.say(f"applied {name}")
    created = await _create_topics(partitions) if topics else []
    output.emit(
        {"applied": applied, "topics_created": created, "partitions": partitions},
        f"{len(applied)} migrations applied." if applied else "The schema was up to date.",
    )


async def _create_topics(partitions: int) -> list[str]:
    from shared.runtime.client import create_topics
    from shared.runtime.settings import KafkaSettings

    bootstrap = kafka_address(running_stack())
    if bootstrap is None:
        output.say("No topics were made: BACKOFFICE_KAFKA_BOOTSTRAP is not set.")
        return []
    created = await create_topics(KafkaSettings(bootstrap=bootstrap), partitions)
    output.say(f"topics have {partitions} partitions each; created now: {', '.join(created) or 'none'}")
    return list(created)


def _passwords(data: Path | None) -> dict[str, str]:
    """Return the password of each login but the owner's, from the settings or the running stack's folder."""
    known: dict[str, str] = {}
    if data is not None and (data / "passwords.json").exists():
        known = json.loads((data / "passwords.json").read_text(encoding="utf-8"))
    passwords: dict[str, str] = {}
    for login in schema.LOGINS:
        setting = _setting_of(login)
        password = secret(setting) or known.get(login)
        if not password:
            raise CommandError(
                "setting_missing",
                f"The password of the login {login} is not set.",
                f"Set {setting}, or {setting}_FILE to a file that holds it.",
                USAGE,
            )
        passwords[login] = password
    return passwords


def _setting_of(login: str) -> str:
    bare = login.removeprefix("backoffice_").removesuffix("_service")
    return f"BACKOFFICE_{bare.upper()}_PASSWORD"
