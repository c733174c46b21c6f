"""The stack under the campaign's own supervisor: starting, breaking, watching and waiting for rest."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from audit.checks.running import INPUTS
from audit.evidence import SERVICES, TRANSACTIONS_ACTS, Sample
from audit.places import partition_of
from backoffice.stack.ports import free_port
from backoffice.stack.schema import OWNER
from backoffice.stack.stack import MASTER_KEY, Stack
from backoffice.stack.supervisor import Service
from tests.campaign.defect import Defect

ACTS: Final = TRANSACTIONS_ACTS
WATCH_SECONDS: Final = 0.05
QUIET_CHECKS: Final = 3
WORLD_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class NotRecovered(Exception):  # noqa: N818 - what the campaign is about
    """Shards were not worked on again within the time allowed, or stand halted."""


@dataclass(frozen=True, slots=True)
class Worked:
    """How a service's shard stands in its table."""

    shard: int
    epoch: int
    owner: str | None
    progress: datetime | None
    halted: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that is parked."""

    shard: int
    owner: str
    topic: str
    offset: int


class World:
    """One embedded stack whose processes the campaign starts and breaks itself."""

    def __init__(
        self, data: Path, *, partitions: int = 4, environment: Mapping[str, str] | None = None
    ) -> None:
        self.stack = Stack(
            data,
            partitions=partitions,
            processes_per_service={},
            environment={"BACKOFFICE_LOG_LEVEL": "INFO", **(environment or {})},
        )
        self.partitions = partitions
        self.defect = Defect(lambda: self.stack.dsn(OWNER))
        self.samples: list[Sample] = []
        self.begun = time.monotonic()
        self._connection: Any = None
        self._asking = asyncio.Lock()

    async def start(self) -> None:
        """Start PostgreSQL, Kafka and one process of each service."""
        await self.stack.start_infrastructure()
        for name in SERVICES:
            await self.start_service(name, 0)
        await self.stack.wait_ready()

    async def stop(self) -> None:
        """Stop everything."""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                await self._connection.close(timeout=1)
        await self.stack.stop()

    @property
    def master_key(self) -> Path:
        """Where the key is under which owners' keys are published."""
        return self.stack.data / MASTER_KEY

    @property
    def dsn(self) -> str:
        """The read-only address of the database."""
        return self.stack.dsn("backoffice_readonly")

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self.stack.kafka.bootstrap

    # ── services ──────────────────────────────────────────────────────────────────────────────────

    async def start_service(self, name: str, number: int, **environment: str) -> str:
        """Start a process of a service in its slot, with more environment where it is to break."""
        slot, port = f"{name}-{number}", free_port()
        told = {**self.stack.environment_of(name, slot=slot, port=port), **environment}
        self.stack.health[slot] = f"http://127.0.0.1:{port}/health/ready"
        await self.stack.supervisor.start(Service(name, slot, told))
        return slot

    async def stop_service(self, slot: str) -> None:
        """Stop a slot for good, in good order if its process lives."""
        self.stack.health.pop(slot, None)
        await self.stack.supervisor.stop_one(slot)

    # ── watching ──────────────────────────────────────────────────────────────────────────────────

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Ask the database with the read-only role; connects again after a restart."""
        async with self._asking:
            for attempt in range(3):
                try:
                    if self._connection is None or self._connection.is_closed():
                        self._connection = await asyncpg.connect(self.dsn, timeout=5)
                    return await self._connection.fetch(query, *arguments, timeout=10)
                except WORLD_ERRORS:
                    connection, self._connection = self._connection, None
                    if connection is not None:
                        connection.terminate()
                    if attempt == 2:
                        raise
                    await asyncio.sleep(0.2)
        raise AssertionError

    async def worked(self, service: str) -> list[Worked]:
        """How each shard of a service stands."""
        rows = await self.fetch(
            f"SELECT shard, epoch, owner, last_progress_at, halted FROM {service}.shard ORDER BY shard"
        )
        return [Worked(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    async def waiting(self, owners: Sequence[str] | None = None) -> list[Waiting]:
        """What is parked now, of some owners or of all, oldest first."""
        rows = await self.fetch(
            'SELECT shard, owner, topic, "offset" FROM transactions.parked'
            " WHERE resolved_at IS NULL AND ($1::text[] IS NULL OR owner = ANY($1)) ORDER BY parked_id",
            list(owners) if owners is not None else None,
        )
        return [Waiting(row[0], row[1], row[2], row[3]) for row in rows]

    async def position(self, service: str, topic: str, partition: int) -> int:
        """Where a service reads on."""
        rows = await self.fetch(
            f"SELECT next_offset FROM {service}.position WHERE topic = $1 AND partition = $2",
            topic,
            partition,
        )
        return rows[0][0] if rows else 0

    def home_of(self, owner: str) -> int:
        """An owner's shard."""
        return partition_of(owner.encode(), self.partitions)

    async def recovered(
        self, services: Iterable[str], since: datetime, timeout_seconds: float = 60.0
    ) -> float:
        """Wait until every shard of the services was worked on after the moment; return after how long."""
        waiting = set(services)
        slowest = 0.0
        deadline = time.monotonic() + timeout_seconds
        while waiting:
            for service in list(waiting):
                try:
                    shards = await self.worked(service)
                except WORLD_ERRORS:
                    continue
                halted = [shard for shard in shards if shard.halted]
                if halted:
                    raise NotRecovered(f"{service} shard {halted[0].shard} is halted: {halted[0].halted}")
                if all(shard.progress is not None and shard.progress > since for shard in shards):
                    waiting.discard(service)
                    slowest = max(slowest, (now() - since).total_seconds())
            if waiting and time.monotonic() > deadline:
                raise NotRecovered(
                    f"{', '.join(sorted(waiting))}: not worked on {timeout_seconds:.0f} s later"
                )
            await asyncio.sleep(WATCH_SECONDS)
        return slowest

    async def owners(self, service: str) -> set[str]:
        """The slots that hold a service's shards."""
        return {shard.owner for shard in await self.worked(service) if shard.owner}

    async def lag(self) -> dict[str, int]:
        """Records not yet taken, and events not yet published, by service."""
        ends = await self._ends(sorted({topic for topics in INPUTS.values() for topic in topics}))
        lag: dict[str, int] = {}
        for service, topics in INPUTS.items():
            rows = await self.fetch(f"SELECT topic, partition, next_offset FROM {service}.position")
            position = {(row[0], row[1]): row[2] for row in rows}
            unpublished = await self.fetch(f"SELECT sum(last_seq - published_seq) FROM {service}.shard")
            lag[service] = int(unpublished[0][0] or 0) + sum(
                max(0, end - position.get(place, 0)) for place, end in ends.items() if place[0] in topics
            )
        return lag

    async def rest(self, timeout_seconds: float) -> dict[str, int]:
        """Wait until nothing is left to do anywhere; return what is left if that takes too long."""
        deadline = time.monotonic() + timeout_seconds
        quiet, lag = 0, {"": 1}
        while quiet < QUIET_CHECKS and time.monotonic() < deadline:
            try:
                lag = await self.lag()
            except (*WORLD_ERRORS, KafkaError):
                lag = {"unreachable": 1}
            quiet = quiet + 1 if not any(lag.values()) else 0
            await asyncio.sleep(0.3)
        return lag

    async def sample(self) -> None:
        """Note lag, connections and memory as they are now."""
        try:
            lag = await self.lag()
            connections = await self.fetch(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'backoffice-%'"
            )
        except (*WORLD_ERRORS, KafkaError):
            return
        resident: dict[str, int] = {}
        for slot, pid in self.stack.supervisor.pids.items():
            with contextlib.suppress(psutil.Error):
                resident[slot] = psutil.Process(pid).memory_info().rss
        self.samples.append(Sample(time.monotonic() - self.begun, lag, int(connections[0][0]), resident))

    async def ends(self, topic: str) -> dict[int, int]:
        """Where each partition of a topic ends."""
        return {partition: end for (_, partition), end in (await self._ends([topic])).items()}

    async def _ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
        try:
            await asyncio.wait_for(consumer.start(), 5)
            places = [TopicPartition(topic, n) for topic in topics for n in range(self.partitions)]
            ends = await asyncio.wait_for(consumer.end_offsets(places), 5)
        finally:
            with contextlib.suppress(Exception):
                await consumer.stop()
        return {(place.topic, place.partition): end for place, end in ends.items()}

    # ── people ────────────────────────────────────────────────────────────────────────────────────

    async def publish(
        self, topic: str, partition: int, values: Sequence[bytes | None], *, key: bytes = b"house"
    ) -> list[int]:
        """Publish acts, or what is none, one directly behind the other; return their offsets."""
        return await self.send(topic, [(partition, key, value) for value in values])

    async def send(self, topic: str, records: Sequence[tuple[int, bytes, bytes | None]]) -> list[int]:
        """Publish records, each of a partition, key and value, in order; return their offsets."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, enable_idempotence=True, acks="all")
        try:
            await asyncio.wait_for(producer.start(), 5)
            sent = [
                await producer.send(topic, value, key=key, partition=partition)
                for partition, key, value in records
            ]
            return [(await each).offset for each in sent]
        finally:
            with contextlib.suppress(Exception):
                await producer.stop()

    async def act(
        self, topic: str, partition: int, owner: str, act: Mapping[str, Any], *, copies: int = 1
    ) -> None:
        """Publish an act, as an operator would; more than one copy to see it done once."""
        await self.publish(topic, partition, [json.dumps(act).encode()] * copies, key=owner.encode())

    async def holds(self, owners: Sequence[str] | None = None, most: int = 5) -> list[tuple[str, UUID]]:
        """A few of the payments that compliance holds, of some owners or of all: owner and instruction."""
        rows = await self.fetch(
            "SELECT owner, instruction_id FROM compliance.hold WHERE status = 'held'"
            " AND ($1::text[] IS NULL OR owner = ANY($1)) ORDER BY recorded_at LIMIT $2",
            list(owners) if owners is not None else None,
            most,
        )
        return [(row[0], row[1]) for row in rows]

    async def decide_holds(self, rng: Random, owners: Sequence[str] | None = None) -> int:
        """Release or refuse a few of the payments that compliance holds."""
        rows = await self.holds(owners)
        for owner, instruction_id in rows:
            act = {
                "type": rng.choice(("release_hold", "refuse_hold")),
                "act_id": str(UUID(int=rng.getrandbits(128))),
                "actor": rng.choice(("campaign", "campaign-2")),
                "reason": "looked at",
                "owner": owner,
                "instruction_id": str(instruction_id),
            }
            partition = partition_of(owner.encode(), self.partitions)
            await self.act("compliance.acts.v1", partition, owner, act, copies=rng.choice((1, 2)))
        return len(rows)

    async def make_report(self, rng: Random, booking_date: str) -> None:
        """Ask for a trial balance."""
        act = {
            "type": "make_report",
            "act_id": str(UUID(int=rng.getrandbits(128))),
            "actor": "campaign",
            "reason": "campaign",
            "report": "trial_balance",
            "booking_date": booking_date,
            "parameters": {},
            "at_least": {},
        }
        await self.act("reporting.acts.v1", partition_of(b"house", self.partitions), "house", act)


def now() -> datetime:
    """The time, as the services' `last_progress_at` has it."""
    return datetime.now(UTC)
