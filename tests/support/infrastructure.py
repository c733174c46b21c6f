"""Real PostgreSQL and Kafka for tests: embedded, in containers, or whatever is named from outside.

`BACKOFFICE_STACK` chooses: `embedded` (default; nothing but Python is needed), `containers`
(testcontainers with the official images) or `external` (`BACKOFFICE_TEST_SUPERUSER_DSN` and
`BACKOFFICE_KAFKA_BOOTSTRAP`).
"""

import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from backoffice.stack import schema

PASSWORD = "for-tests-only"
PARTITIONS = 4


@dataclass(frozen=True, slots=True)
class Database:
    """A database of its own for one test, migrated, with every login."""

    superuser_dsn: str

    def dsn(self, login: str) -> str:
        """The DSN of one of our logins."""
        parts = urlsplit(self.superuser_dsn)
        host = f"{login}:{PASSWORD}@{parts.hostname}:{parts.port}"
        return urlunsplit((parts.scheme, host, parts.path, "", ""))


@asynccontextmanager
async def postgres(*, durable: bool = True) -> AsyncIterator[str]:
    """Yield the superuser's DSN of a PostgreSQL server; without fsync, if embedded, where not `durable`."""
    kind = os.environ.get("BACKOFFICE_STACK", "embedded")
    if kind == "external":
        yield os.environ["BACKOFFICE_TEST_SUPERUSER_DSN"]
    elif kind == "containers":
        from tests.support.containers import postgres_container

        with postgres_container() as dsn:
            yield dsn
    else:
        from backoffice.stack.postgres import EmbeddedPostgres

        # Not below pytest's own folder: every pytest that starts closes that one to other users again.
        with tempfile.TemporaryDirectory(prefix="backoffice-test-") as own:
            server = EmbeddedPostgres(
                Path(own) / "postgres",
                settings={"max_wal_size": "512MB", "fsync": "on" if durable else "off"},
            )
            await server.start()
            try:
                yield server.superuser_dsn
            finally:
                await server.stop()


@asynccontextmanager
async def kafka(folder: Path) -> AsyncIterator[str]:
    """Yield the address of a Kafka broker."""
    kind = os.environ.get("BACKOFFICE_STACK", "embedded")
    if kind == "external":
        yield os.environ["BACKOFFICE_KAFKA_BOOTSTRAP"]
    elif kind == "containers":
        from tests.support.containers import kafka_container

        with kafka_container() as bootstrap:
            yield bootstrap
    else:
        from backoffice.stack.kafka import EmbeddedKafka

        broker = EmbeddedKafka(folder / "kafka")
        await broker.start()
        try:
            yield broker.bootstrap
        finally:
            await broker.stop()


async def make_template(superuser_dsn: str, name: str, partitions: int = PARTITIONS) -> None:
    """Make a migrated database that tests clone (15-25 ms each)."""
    connection = await asyncpg.connect(superuser_dsn)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", schema.OWNER):
            await connection.execute(
                f"CREATE ROLE {schema.OWNER} LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}'"
            )
        await connection.execute(f'CREATE DATABASE "{name}" OWNER {schema.OWNER}')
    finally:
        await connection.close()
    await schema.migrate(
        Database(_with_database(superuser_dsn, name)).dsn(schema.OWNER),
        passwords=dict.fromkeys(schema.LOGINS, PASSWORD),
        partitions=partitions,
    )


@asynccontextmanager
async def cloned(superuser_dsn: str, template: str) -> AsyncIterator[Database]:
    """Yield a clone of the template; it is dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(superuser_dsn)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            yield Database(_with_database(superuser_dsn, name))
        finally:
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await admin.close()


def _with_database(dsn: str, name: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", "", ""))


__all__ = ["PARTITIONS", "PASSWORD", "Database", "cloned", "kafka", "make_template", "postgres"]
