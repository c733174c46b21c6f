"""A real PostgreSQL for the ledger's store tests: one server a session, one cloned database a test."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from services.transactions import data
from shared.runtime.migrate import create_login, migrate_schema, migrations_of
from tests.support import infrastructure
from tests.transactions.support import PARTITIONS, StoredLedger

PASSWORD = "secret"
LOGINS = ("transactions_service", "backoffice_readonly")
TEMPLATE = "ledger_template"
_numbers = itertools.count()


@dataclass(frozen=True)
class LedgerDatabase:
    """One test's own database, with an address for each login."""

    owner: str
    service: str
    readonly: str


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server, by its superuser's address."""

    superuser_dsn: str


@pytest.fixture(scope="session")
def ledger_server() -> Iterator[Server]:
    """A server whose template database is migrated and has the chart of accounts."""
    # What is tested here does not depend on fsync; what does (crashes) is tested in tests/runtime.
    running = infrastructure.postgres(durable=False)
    with asyncio.Runner() as runner:
        server = Server(runner.run(running.__aenter__()))
        try:
            runner.run(make_database(server, TEMPLATE))
            yield server
        finally:
            runner.run(running.__aexit__(None, None, None))


async def make_database(server: Server, name: str) -> None:
    """Create a database with the ledger's schema, logins and data."""
    connection = await asyncpg.connect(server.superuser_dsn)
    await connection.execute(f"CREATE DATABASE {name}")
    for login in LOGINS:
        await create_login(connection, login, PASSWORD, "transactions")
    await connection.close()
    connection = await asyncpg.connect(address(server, "postgres", name))
    folder = Path(data.__file__).with_name("migrations")
    await migrate_schema(
        connection, "transactions", migrations_of("transactions", folder), partitions=PARTITIONS
    )
    await data.load(connection, PARTITIONS)
    await connection.close()


def address(server: Server, login: str, database: str) -> str:
    """The address of a database for a login."""
    if login == "postgres":
        return server.superuser_dsn.rpartition("/")[0] + f"/{database}"
    there = urlsplit(server.superuser_dsn)
    return f"postgresql://{login}:{PASSWORD}@{there.hostname}:{there.port}/{database}"


@asynccontextmanager
async def database(
    server: Server, template: str, *, name: str | None = None, keep: bool = False
) -> AsyncIterator[LedgerDatabase]:
    """A database cloned from the template; it is dropped afterwards unless it is to be kept."""
    name = name or f"ledger_{os.getpid()}_{next(_numbers)}"
    admin = await asyncpg.connect(server.superuser_dsn)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield LedgerDatabase(
            owner=address(server, "postgres", name),
            service=address(server, "transactions_service", name),
            readonly=address(server, "backoffice_readonly", name),
        )
    finally:
        if not keep:
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest_asyncio.fixture
async def ledger_database(ledger_server: Server) -> AsyncIterator[LedgerDatabase]:
    """A database of the test's own."""
    async with database(ledger_server, TEMPLATE) as addresses:
        yield addresses


@pytest_asyncio.fixture
async def ledger(ledger_database: LedgerDatabase) -> AsyncIterator[StoredLedger]:
    """The service on the test's own database."""
    connection = await asyncpg.connect(ledger_database.service)
    yield await StoredLedger.started(connection)
    await connection.close()
