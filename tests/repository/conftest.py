"""A migrated database and a running ledger, which the tests of guides, contract and tables share."""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from backoffice.stack import schema
from backoffice.stack.ports import free_port
from shared.messages.topics import TOPICS
from shared.runtime.client import create_topics
from shared.runtime.settings import KafkaSettings
from tests.repository.documents import ROOT
from tests.support import infrastructure
from tests.support.infrastructure import PARTITIONS, Database
from tests.support.keys import MASTER_KEY


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server, and the name of a migrated database there that is cloned and never written."""

    superuser_dsn: str
    template: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where the broker is, and what the service has written."""

    bootstrap: str
    log: Path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    """One server for all tests here."""
    template = f"repository_{secrets.token_hex(4)}"
    async with infrastructure.postgres(durable=False) as dsn:
        await infrastructure.make_template(dsn, template)
        yield Server(dsn, template)


@pytest_asyncio.fixture
async def database(server: Server) -> AsyncIterator[Database]:
    """A migrated database of the test's own."""
    async with infrastructure.cloned(server.superuser_dsn, server.template) as cloned:
        yield cloned


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ledger(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ledger]:
    """The transactions service as a process, on all topics."""
    folder = tmp_path_factory.mktemp("ledger")
    log = folder / "transactions.log"
    async with (
        infrastructure.kafka(folder) as bootstrap,
        infrastructure.cloned(server.superuser_dsn, server.template) as cloned,
    ):
        await create_topics(KafkaSettings(bootstrap=bootstrap), PARTITIONS, TOPICS)
        process = _start(bootstrap, cloned, log)
        try:
            yield Ledger(bootstrap, log)
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 30)


def _start(bootstrap: str, database: Database, log: Path) -> subprocess.Popen[bytes]:
    settings = {
        **clean_environment(),
        "BACKOFFICE_KAFKA_BOOTSTRAP": bootstrap,
        "BACKOFFICE_DATABASE_DSN": database.dsn("transactions_service"),
        "BACKOFFICE_PARTITIONS": str(PARTITIONS),
        "BACKOFFICE_STANDBY_REQUIRED": "false",
        "BACKOFFICE_ROLES_REQUIRED": "false",
        "BACKOFFICE_MASTER_KEY": MASTER_KEY,
        "BACKOFFICE_HTTP_PORT": str(free_port()),
    }
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "backoffice", "run", schema.SERVICES[0]],
            env=settings,
            cwd=ROOT,
            stdout=file,
            stderr=file,
        )


def clean_environment() -> dict[str, str]:
    """Return the environment without anybody's settings of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("BACKOFFICE_")}
