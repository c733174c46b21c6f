"""A real PostgreSQL with reporting's schema, cloned for each test, and the service on it without Kafka."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from services.reporting.app import ReportingService
from shared.messages.acts import MakeReport
from shared.messages.envelope import HOUSE
from shared.messages.reporting import PUBLISHED_EVENT
from shared.messages.topics import REPORTING_ACTS
from shared.runtime.migrate import create_login, migrate_schema, migrations_of
from shared.runtime.work import Received, ShardWork, UnitOfWork
from tests.reporting.books import PARTITIONS, Delivery, home
from tests.support.infrastructure import PASSWORD, postgres

MIGRATIONS = Path(__file__).resolve().parents[2] / "services" / "reporting" / "migrations"
OWNER, SERVICE, READONLY = "backoffice_owner", "reporting_service", "backoffice_readonly"
TEMPLATE = "reporting_template"
TABLES = (
    "account",
    "account_day",
    "owner_day",
    "activity",
    "compliance_day",
    "taken",
    "business_day",
    "period",
    "entry",
)


@dataclass(frozen=True)
class Database:
    """One test's database."""

    superuser_dsn: str

    def dsn(self, login: str) -> str:
        """Return a login's address."""
        parts = urlsplit(self.superuser_dsn)
        return urlunsplit(
            (parts.scheme, f"{login}:{PASSWORD}@{parts.hostname}:{parts.port}", parts.path, "", "")
        )

    async def connect(self, login: str) -> Any:
        """Open a connection."""
        return await asyncpg.connect(self.dsn(login))


@dataclass
class Harness:
    """Delivers records to the service as the runtime does: one transaction a batch, marks with it."""

    database: Database
    connection: Any
    service: ReportingService
    published: list[Any] = field(default_factory=list)
    seqs: dict[int, int] = field(default_factory=dict)
    batches: int = 0

    async def take(
        self,
        deliveries: Sequence[Delivery],
        *acts: MakeReport,
        shards: Iterable[int] = (),
        fail_before_commit: bool = False,
    ) -> list[Any]:
        """Take one batch and return what it published; acts go to the house's shard."""
        decoders = {each.topic.name: each.decode for each in self.service.inputs}
        records = [
            Received(
                shard=each.partition,
                topic=each.topic,
                partition=each.partition,
                offset=0,
                timestamp_ms=0,
                key=b"",
                message=decoders[each.topic](each.value),
                headers=[("copy", b"primary" if each.primary else b"secondary")],
            )
            for each in deliveries
        ]
        for act in acts:
            value = act.model_dump_json().encode()
            message = decoders[REPORTING_ACTS.name](value)
            house = home(HOUSE)
            records.append(Received(house, REPORTING_ACTS.name, house, 0, 0, HOUSE.encode(), message))
        held = {record.shard for record in records} | set(shards)
        return await self.handle(records, deliveries, held, fail_before_commit)

    async def handle(
        self,
        records: list[Received],
        deliveries: Sequence[Delivery],
        shards: set[int],
        fail_before_commit: bool = False,
    ) -> list[Any]:
        """Let records take effect in one transaction and commit it."""
        self.batches += 1
        at = datetime(2026, 3, 4, tzinfo=UTC) + timedelta(seconds=self.batches)
        async with self.connection.transaction():
            works = {shard: ShardWork(shard, 1, self.seqs.get(shard, 0), at, {}) for shard in shards}
            work = UnitOfWork(self.connection, works, PARTITIONS)
            await self.service.handle(work, records)
            await self._mark(deliveries)
            if fail_before_commit:
                raise ZeroDivisionError
        self.service.adopt(work)
        self.seqs |= {shard: each.last_seq for shard, each in works.items()}
        events = [PUBLISHED_EVENT.validate_json(each.outgoing.body) for each in work.stored]
        self.published += events
        return events

    async def _mark(self, deliveries: Sequence[Delivery]) -> None:
        marks = {(each.topic, each.partition, each.event.shard): each.event.seq for each in deliveries}
        await self.connection.executemany(
            """
            INSERT INTO source_mark (topic, partition, source_shard, last_seq) VALUES ($1, $2, $3, $4)
            ON CONFLICT (topic, partition, source_shard) DO UPDATE SET last_seq = excluded.last_seq
            """,
            [(*place, seq) for place, seq in marks.items()],
        )

    async def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Read every aggregate whole, in an order of its own."""
        return {
            name: [tuple(row) for row in await self.connection.fetch(f"SELECT * FROM {name} AS t ORDER BY t")]
            for name in TABLES
        }

    async def tamper(self, statement: str) -> None:
        """Do to the tables what no login of ours may."""
        admin = await asyncpg.connect(self.database.superuser_dsn)
        await admin.execute("SET search_path = reporting")
        await admin.execute(statement)
        await admin.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template() -> AsyncIterator[str]:
    """Yield the superuser's address of a server that has the template database."""
    async with postgres() as dsn:
        await _make_template(dsn)
        yield dsn


async def _make_template(dsn: str) -> None:
    admin = await asyncpg.connect(dsn)
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", OWNER):
        await admin.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
    await create_login(admin, SERVICE, PASSWORD, "reporting")
    await create_login(admin, READONLY, PASSWORD, "public")
    await admin.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
    await admin.execute(f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
    await admin.close()
    owner = await Database(_in_database(dsn, TEMPLATE)).connect(OWNER)
    await migrate_schema(owner, "reporting", migrations_of("reporting", MIGRATIONS), partitions=PARTITIONS)
    await owner.close()


@pytest.fixture
async def new_harness(template: str) -> AsyncIterator[Callable[[], Any]]:
    """Yield what makes a service on an empty database of its own; all are dropped afterwards."""
    admin = await asyncpg.connect(template)
    made: list[Harness] = []

    async def make() -> Harness:
        """Make one."""
        name = f"reporting_{secrets.token_hex(6)}"
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        database = Database(_in_database(template, name))

        async def connect() -> Any:
            """Open a connection as the service."""
            return await database.connect(SERVICE)

        harness = Harness(database, await connect(), ReportingService(connect))
        made.append(harness)
        return harness

    yield make
    for harness in made:
        await harness.connection.close()
        name = urlsplit(harness.database.superuser_dsn).path[1:]
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def harness(new_harness: Callable[[], Any]) -> Harness:
    """Make a service on an empty database."""
    made: Harness = await new_harness()
    return made


def _in_database(dsn: str, name: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", "", ""))
