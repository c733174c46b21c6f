"""Kafka and PostgreSQL shared by the runtime's tests, and toy services as processes on top."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from backoffice.stack.ports import free_port
from shared.messages.topics import Topic
from shared.runtime.client import Client, create_topics
from shared.runtime.migrate import create_login, migrate_schema, migrations_of
from shared.runtime.settings import KafkaSettings
from tests.runtime.toy import MIGRATIONS, key_for, topics
from tests.support import infrastructure

PARTITIONS = 2
WAIT_SECONDS_MAX = 40


@dataclass
class Rig:
    """One test's database and topics, and the toy processes it starts."""

    dsn: str
    kafka: KafkaSettings
    prefix: str
    folder: Path
    database: Any
    client: Client
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    sent: int = 0

    @property
    def instructions(self) -> Topic:
        return topics(self.prefix)[0]

    @property
    def acts(self) -> Topic:
        return topics(self.prefix)[1]

    @property
    def journal(self) -> Topic:
        return topics(self.prefix)[2]

    def start(self, name: str, slot: str = "0", **settings: str) -> None:
        """Start a toy process; `settings` are environment variables."""
        self.ports[f"{name}-{slot}"] = port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BACKOFFICE_")},
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
            "BACKOFFICE_KAFKA_BOOTSTRAP": self.kafka.bootstrap,
            "BACKOFFICE_KAFKA_GROUP_PREFIX": self.prefix,
            "BACKOFFICE_PARTITIONS": str(PARTITIONS),
            "BACKOFFICE_STANDBY_REQUIRED": "false",
            "BACKOFFICE_ROLES_REQUIRED": "false",
            "BACKOFFICE_DATABASE_DSN": self.login(f"{name}_service"),
            "BACKOFFICE_HTTP_PORT": str(port),
            "BACKOFFICE_INSTANCE": f"{name}-{slot}",
            "BACKOFFICE_SESSION_TIMEOUT_MS": "6000",
            **settings,
        }
        with (self.folder / f"{name}-{slot}.log").open("ab") as log:
            self.processes[f"{name}-{slot}"] = subprocess.Popen(
                [sys.executable, "-m", "tests.runtime.toy", name, self.prefix],
                env=environment,
                stdout=log,
                stderr=log,
                cwd=Path(__file__).resolve().parents[2],
            )

    def login(self, role: str) -> str:
        """The DSN of one of the toys' logins."""
        return infrastructure.Database(self.dsn).dsn(role)

    def kill(self, slot: str, sent: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal and, if it ends the process, wait for that."""
        self.processes[slot].send_signal(sent)
        if sent in (signal.SIGKILL, signal.SIGTERM):
            self.processes[slot].wait(20)

    def log(self, slot: str) -> str:
        """What a process has written so far."""
        return (self.folder / f"{slot}.log").read_text(errors="replace")

    async def send(self, *words: str, partition: int = 0) -> list[tuple[int, int]]:
        """Publish `<word>:<owner>`; a word without a colon gets the partition's own owner."""
        owner = key_for(partition, PARTITIONS)
        values = [word if ":" in word or word == "bad" else f"{word}:{owner}" for word in words]
        return await self.client.send(
            self.instructions, [(owner.encode(), value.encode(), partition) for value in values]
        )

    async def notes(self, schema: str = "toy") -> list[str]:
        """The words noted, by partition and offset."""
        rows = await self.database.fetch(f'SELECT word FROM {schema}.note ORDER BY partition, "offset", word')
        return [row["word"] for row in rows]

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait until a condition holds; fails with the processes' logs."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not await condition():
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {slot}\n{self.log(slot)[-3000:]}" for slot in self.processes)
                pytest.fail(f"waited in vain for {what}\n{logs}")
            await asyncio.sleep(0.05)

    async def until_notes(self, count: int, schema: str = "toy") -> list[str]:
        """Wait for this many notes."""

        async def enough() -> bool:
            return len(await self.notes(schema)) >= count

        await self.until(enough, f"{count} notes in {schema}")
        return await self.notes(schema)

    async def shard(self, number: int, schema: str = "toy") -> Any:
        """A shard's row."""
        return await self.database.fetchrow(f"SELECT * FROM {schema}.shard WHERE shard = $1", number)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[str, str]]:
    """The superuser's DSN and the broker's address, for all tests here."""
    folder = tmp_path_factory.mktemp("servers")
    async with infrastructure.postgres() as dsn, infrastructure.kafka(folder) as bootstrap:
        admin = await asyncpg.connect(dsn)
        try:
            if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = 'backoffice_readonly'"):
                await admin.execute("CREATE ROLE backoffice_readonly")
            await admin.execute("CREATE DATABASE toy_template")
        finally:
            await admin.close()
        template = await asyncpg.connect(dsn.rsplit("/", 1)[0] + "/toy_template")
        try:
            for name in ("toy", "folder"):
                await create_login(template, f"{name}_service", infrastructure.PASSWORD, name)
                await migrate_schema(template, name, migrations_of(name, MIGRATIONS), partitions=PARTITIONS)
        finally:
            await template.close()
        yield dsn, bootstrap


@pytest_asyncio.fixture
async def rig(servers: tuple[str, str], tmp_path: Path) -> AsyncIterator[Rig]:
    """A database and topics of the test's own; every process is ended afterwards."""
    superuser, bootstrap = servers
    kafka = KafkaSettings(bootstrap=bootstrap)
    prefix = f"toy-{secrets.token_hex(4)}"
    async with infrastructure.cloned(superuser, "toy_template") as database:
        await create_topics(kafka, PARTITIONS, topics(prefix))
        connection = await asyncpg.connect(database.superuser_dsn)
        async with Client(kafka, PARTITIONS) as client:
            made = Rig(database.superuser_dsn, kafka, prefix, tmp_path, connection, client)
            try:
                yield made
            finally:
                for process in made.processes.values():
                    process.kill()
                    process.wait(20)
                await connection.close()
