"""Brings the whole database up to date: the logins first, then each service's schema and data."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

SERVICES = ("transactions", "compliance", "reporting")
WITH_DATA = ("transactions", "compliance")
OWNER = "backoffice_owner"
READONLY = "backoffice_readonly"
LOGINS = (*(f"{name}_service" for name in SERVICES), READONLY)

_LOCK = 0x6C6F67696E  # "login": logins belong to the whole server, and two makers of one would collide
_SERVICES_FOLDER = Path(__file__).resolve().parents[2] / "services"


async def migrate(owner_dsn: str, *, passwords: Mapping[str, str], partitions: int) -> list[str]:
    """Apply what is missing in the owner's database and return the names of the migrations applied.

    `passwords` gives each of LOGINS its password. Safe to repeat, and two at once wait for each other.
    The chart of accounts and other data of the services are brought up to their files, too.
    Raises ConfigurationError when an applied migration has changed or `partitions` differs from before.
    """
    import asyncpg

    from shared.runtime.migrate import create_login, migrate_schema, migrations_of

    connection = await asyncpg.connect(owner_dsn)
    try:
        await connection.execute(f"SELECT pg_advisory_lock({_LOCK})")  # Held until the connection closes.
        for login in LOGINS:
            schema = login.removesuffix("_service") if login != READONLY else "public"
            await create_login(connection, login, passwords[login], schema)
        applied: list[str] = []
        for name in SERVICES:
            migrations = migrations_of(name, _SERVICES_FOLDER / name / "migrations")
            applied += await migrate_schema(connection, name, migrations, partitions=partitions)
            if name in WITH_DATA:  # Each service's own, with its schema as the search path.
                await import_module(f"services.{name}.data").load(connection, partitions)
        return applied
    finally:
        await connection.close()
