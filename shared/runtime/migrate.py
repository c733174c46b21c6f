"""Brings a schema up to date: numbered files, forward only, each once and in one transaction.

Services may be at work meanwhile. A file never waits long for a lock, since whoever comes after it would
wait behind it: it gives up, lets them through, and tries again.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asyncpg.exceptions import DeadlockDetectedError, LockNotAvailableError

from shared.runtime.errors import ConfigurationError

RUNTIME_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_NAME: Final = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_LOCK: Final = 0x6261636B  # "back": one migration at a time in a database

LOCK_MS: Final = 1_000
"""So long a file waits for a lock, and with it everybody who wants the table; less than a batch may."""
ATTEMPTS_MAX: Final = 30
PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Migration:
    """One file, known by its set and name."""

    name: str
    sha256: str
    sql: str


def migrations_in(prefix: str, folder: Path) -> list[Migration]:
    """Read a folder's migrations in order; `prefix` tells sets with the same numbers apart."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        if not _NAME.fullmatch(path.name):
            raise ConfigurationError(f"{path.name} is not named NNNN_what_it_does.sql")
        text = path.read_text(encoding="utf-8")
        found.append(Migration(f"{prefix}/{path.name}", hashlib.sha256(text.encode()).hexdigest(), text))
    return found


def migrations_of(schema: str, folder: Path) -> list[Migration]:
    """All migrations of a service's schema: the runtime's, then its own."""
    return migrations_in("runtime", RUNTIME_MIGRATIONS) + migrations_in(schema, folder)


async def create_login(connection: Any, role: str, password: str, search_path: str) -> None:
    """Create a login, or give an existing one its password; it finds `search_path` first."""
    quoted_role = await connection.fetchval("SELECT quote_ident($1)", role)
    quoted_password = await connection.fetchval("SELECT quote_literal($1)", password)
    quoted_path = await connection.fetchval("SELECT quote_ident($1)", search_path)
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(f"CREATE ROLE {quoted_role} LOGIN")
    await connection.execute(f"ALTER ROLE {quoted_role} LOGIN PASSWORD {quoted_password}")
    await connection.execute(f"ALTER ROLE {quoted_role} SET search_path = {quoted_path}")


async def migrate_schema(
    connection: Any, schema: str, migrations: Sequence[Migration], *, partitions: int
) -> list[str]:
    """Apply what is missing, as the owner, and return the names applied.

    Raises `ConfigurationError` when an applied file has changed, the number of shards differs, or a lock is
    not to be had.
    """
    quoted = await connection.fetchval("SELECT quote_ident($1)", schema)
    applied: list[str] = []
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
        await connection.execute(f"SET search_path = {quoted}")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, sha256 text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        known = dict(await connection.fetch("SELECT name, sha256 FROM migration"))
        for each in migrations:
            if each.name in known:
                if known[each.name] != each.sha256:
                    raise ConfigurationError(
                        f"the migration {each.name} of schema {schema} was changed after it was applied;"
                        " restore it and write a new one"
                    )
                continue
            await _apply(connection, schema, each)
            applied.append(f"{schema}: {each.name}")
        for role in (f"{schema}_service", "backoffice_readonly"):
            await connection.execute(f"GRANT USAGE ON SCHEMA {quoted} TO {role}")
            await connection.execute(f"GRANT SELECT ON migration TO {role}")
        await _fix_partitions(connection, schema, partitions)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    return applied


async def _apply(connection: Any, schema: str, migration: Migration) -> None:
    """Apply one file, again and again while its locks are not to be had."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO migration (name, sha256) VALUES ($1, $2)", migration.name, migration.sha256
                )
        except (LockNotAvailableError, DeadlockDetectedError) as error:
            if attempt == ATTEMPTS_MAX:
                raise ConfigurationError(
                    f"the migration {migration.name} of schema {schema} found a table locked"
                    f" {ATTEMPTS_MAX} times; see who holds it (pg_locks), and run it again"
                ) from error
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return


async def check_schema(connection: Any, schema: str, migrations: Sequence[Migration]) -> None:
    """Raise `ConfigurationError` unless exactly these migrations are applied."""
    exists = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{schema}.migration")
    known = dict(await connection.fetch("SELECT name, sha256 FROM migration")) if exists else {}
    missing = [each.name for each in migrations if known.get(each.name) != each.sha256]
    if missing:
        raise ConfigurationError(
            f"the schema {schema} lacks the migration {missing[0]}; run `backoffice migrate`"
        )
    unknown = set(known) - {each.name for each in migrations}
    if unknown:
        raise ConfigurationError(
            f"the schema {schema} is newer than this program ({min(unknown)}); run the newer program"
        )


async def _fix_partitions(connection: Any, schema: str, partitions: int) -> None:
    stored = await connection.fetchval("SELECT partitions FROM topology")
    if stored is None:
        await connection.execute("INSERT INTO topology (partitions) VALUES ($1)", partitions)
        await connection.execute(
            "INSERT INTO shard (shard) SELECT generate_series(0, $1 - 1) ON CONFLICT DO NOTHING", partitions
        )
    elif stored != partitions:
        raise ConfigurationError(
            f"the schema {schema} was made for {stored} shards, not {partitions};"
            f" set BACKOFFICE_PARTITIONS={stored}"
        )
