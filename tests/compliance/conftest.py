"""A real PostgreSQL with compliance's schema, cloned for each test, and the service on it without Kafka."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from services.compliance import data
from services.compliance.app import MIGRATIONS, ComplianceService
from shared.messages.acts.base import ActBase
from shared.messages.compliance import ALERT_EVENT, DECISION_EVENT
from shared.messages.partitioner import shard_of
from shared.messages.topics import COMPLIANCE_ACTS, DECISIONS, JOURNAL
from shared.runtime import outbox
from shared.runtime.migrate import create_login, migrate_schema, migrations_of
from shared.runtime.work import Received, ShardWork, UnitOfWork
from tests.compliance.ledger import PARTITIONS, Delivery
from tests.support.infrastructure import PASSWORD, Database, cloned, postgres

OWNER, SERVICE, READONLY = "backoffice_owner", "compliance_service", "backoffice_readonly"
QUIET = ["SAN-1", "CTR-1", "STR-1", "CASE"]
"""The only parameters in force, unless a test asks for `live`: others would say more of the same events."""
BESIDE = {"recorded_at", "number", "placed_seq"}
TABLES = (
    "cash_event",
    "decision",
    "hold",
    "alert",
    "list_activation",
    "act_answer",
    "alert_place",
    "alert_pile",
)


@dataclass
class Harness:
    """Delivers records to the service as the runtime does: one transaction a batch."""

    database: Database
    connection: Any
    service: ComplianceService = field(default_factory=ComplianceService)
    published: list[Any] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    seqs: dict[int, int] = field(default_factory=dict)
    batches: int = 0
    offsets: dict[int, int] = field(default_factory=dict[int, int])
    """How many records of the journal each partition has delivered."""

    async def begin(self) -> None:
        """Start the service and let it claim every shard."""
        await self.service.start(self.connection)
        for shard in range(PARTITIONS):
            await self.service.load(self.connection, shard)

    async def restart(self) -> None:
        """Put a new process in the place of this one."""
        self.service = ComplianceService()
        await self.begin()

    async def take(self, *deliveries: Delivery) -> list[Any]:
        """Take events of the ledger in one batch and return what was published."""
        return await self.handle(self.delivered(*deliveries))

    def delivered(self, *deliveries: Delivery) -> list[Received]:
        """Number events of the ledger in their partitions, and put them in the order of a batch."""
        decode = self.service.inputs[1].decode
        records: list[Received] = []
        for each in deliveries:
            offset = self.offsets.get(each.partition, 0)
            self.offsets[each.partition] = offset + 1
            record = Received(
                shard=each.partition,
                topic=JOURNAL.name,
                partition=each.partition,
                offset=offset,
                timestamp_ms=0,
                key=b"",
                message=decode(each.value),
                headers=[("copy", each.copy.encode())],
                value=each.value,
            )
            records.append(record)
        return sorted(records, key=lambda each: (each.shard, each.offset))

    def asked(self, *acts: ActBase, shard: int | None = None) -> list[Received]:
        """Put acts into the shard of each act's owner (else the house's)."""
        decode = self.service.inputs[0].decode
        records: list[Received] = []
        for act in acts:
            home = shard_of(getattr(act, "owner", "house"), PARTITIONS) if shard is None else shard
            message = decode(act.model_dump_json().encode())
            records.append(Received(home, COMPLIANCE_ACTS.name, home, 0, 0, b"", message))
        return records

    async def act(self, *acts: ActBase, shard: int | None = None) -> list[Any]:
        """Perform acts in one batch, in the shard of each act's owner (else the house's)."""
        await self._remember_positions()
        return await self.handle(self.asked(*acts, shard=shard))

    async def everywhere(self, act: Any, *deliveries: Delivery) -> list[Any]:
        """Send an act to every partition, in one batch with events of the ledger that come after it."""
        await self._remember_positions()
        acts = [record for shard in range(PARTITIONS) for record in self.asked(act, shard=shard)]
        batch = [*acts, *self.delivered(*deliveries)]
        return await self.handle(sorted(batch, key=lambda each: (each.shard, each.topic == JOURNAL.name)))

    async def _remember_positions(self) -> None:
        """Store how far the journal was read, as the runtime does with every batch."""
        await self.connection.executemany(
            "INSERT INTO position (topic, partition, next_offset) VALUES ($1, $2, $3)"
            " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset",
            [(JOURNAL.name, shard, offset) for shard, offset in self.offsets.items()],
        )

    async def handle(self, records: list[Received], *, commit: bool = True) -> list[Any]:
        """Let records take effect in one transaction and commit it, or roll it back."""
        return await self._do(
            lambda work: self.service.handle(work, records), self._next_time(), commit=commit
        )

    async def tick(self, at: datetime) -> list[Any]:
        """Let the time pass to an instant."""
        return await self._do(self.service.tick, at, commit=True)

    async def tick_with(self, do: Callable[[UnitOfWork], Awaitable[None]]) -> list[Any]:
        """Let something take effect at the head of a tick."""

        async def both(work: UnitOfWork) -> None:
            await do(work)
            await self.service.tick(work)

        return await self._do(both, self._next_time(), commit=True)

    async def tick_shards(self, shards: Iterable[int], at: datetime, *, commit: bool = True) -> list[Any]:
        """Let the time pass for some shards, as if others were held elsewhere; commit it, or roll it back."""
        return await self._do(self.service.tick, at, commit=commit, shards=shards)

    async def _do(
        self,
        do: Callable[[UnitOfWork], Awaitable[None]],
        at: datetime,
        *,
        commit: bool,
        shards: Iterable[int] = range(PARTITIONS),
    ) -> list[Any]:
        works = {shard: ShardWork(shard, 1, self.seqs.get(shard, 0), at, {}) for shard in shards}
        work = UnitOfWork(self.connection, works, PARTITIONS)
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            await do(work)
            await outbox.append(self.connection, [each.outgoing for each in work.stored])
        except BaseException:
            await transaction.rollback()
            raise
        if not commit:
            await transaction.rollback()
            return []
        await transaction.commit()
        self.service.adopt(work)
        self.seqs |= {shard: each.last_seq for shard, each in works.items()}
        events: list[Any] = []
        for stored in work.stored:
            adapter: Any = DECISION_EVENT if stored.outgoing.topic == DECISIONS.name else ALERT_EVENT
            events.append(adapter.validate_json(stored.outgoing.body))
            self.keys.append(stored.outgoing.key)
        self.published += events
        return events

    def _next_time(self) -> datetime:
        self.batches += 1
        return datetime(2026, 3, 2, 19, tzinfo=UTC) + timedelta(seconds=self.batches)

    async def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Read every table whole but for when and as which row it was recorded, in an order of its own."""
        return {
            name: [
                {column: value for column, value in row.items() if column not in BESIDE}
                for row in await self.connection.fetch(f"SELECT * FROM {name} AS t ORDER BY t.shard, t::text")
            ]
            for name in TABLES
        }


def kinds(events: Sequence[Any]) -> list[str]:
    """Name the events, in their order: decisions by their word, alerts by their rule."""
    return [
        getattr(each, "decision", None) or getattr(each, "rule", None) or type(each).__name__
        for each in events
    ]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template() -> AsyncIterator[tuple[str, str]]:
    """Yield a server's superuser address and the name of its template database."""
    name = f"compliance_template_{secrets.token_hex(4)}"
    async with postgres() as dsn:
        admin = await asyncpg.connect(dsn)
        if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", OWNER):
            await admin.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}'")
        await create_login(admin, SERVICE, PASSWORD, "compliance")
        await create_login(admin, READONLY, PASSWORD, "public")
        await admin.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        await admin.close()
        parts = urlsplit(dsn)
        database = Database(urlunsplit((parts.scheme, parts.netloc, f"/{name}", "", "")))
        owner = await asyncpg.connect(database.dsn(OWNER))
        migrations = migrations_of("compliance", MIGRATIONS)
        await migrate_schema(owner, "compliance", migrations, partitions=PARTITIONS)
        await owner.execute("SET search_path = compliance")
        await data.load(owner, PARTITIONS)
        await data.load(owner, PARTITIONS)
        await owner.execute("DELETE FROM rule_parameter WHERE rule <> ALL($1)", QUIET)
        await owner.close()
        yield dsn, name
        admin = await asyncpg.connect(dsn)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest.fixture
async def database(template: tuple[str, str]) -> AsyncIterator[Database]:
    """Yield a database of its own."""
    async with cloned(*template) as made:
        yield made


@pytest.fixture
async def live(database: Database, harness: Harness) -> Harness:
    """Yield the harness with all rules in force."""
    owner = await asyncpg.connect(database.dsn(OWNER))
    await owner.execute("SET search_path = compliance")
    await data.load(owner, PARTITIONS)
    await owner.close()
    await harness.restart()
    return harness


@pytest.fixture
async def harness(database: Database) -> AsyncIterator[Harness]:
    """Yield a service that holds every shard of an empty database."""
    connection = await asyncpg.connect(database.dsn(SERVICE))
    made = Harness(database, connection)
    await made.begin()
    yield made
    await connection.close()


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Any]:
    """Yield a connection that may empty tables, which the service may not."""
    connection = await asyncpg.connect(database.dsn(OWNER))
    yield connection
    await connection.close()
