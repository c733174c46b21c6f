"""A stack to measure on, in a folder of its own that is gone afterwards, and the ways to look at it."""

import asyncio
import shutil
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from backoffice.stack.schema import OWNER, READONLY
from backoffice.stack.stack import Stack
from bench import machine
from bench.load import Load
from services.transactions.queries import verify
from shared.messages.topics import INSTRUCTIONS
from shared.runtime.client import Client, Record
from shared.runtime.settings import KafkaSettings

SETTLE_SECONDS_MAX: Final = 30
PARTITIONS: Final = 4
SERVICES: Final = ("transactions", "compliance", "reporting")
LOOK_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 60.0
"""Without any progress for so long, a run has failed."""
FROM_SHARE: Final = 0.1
TO_SHARE: Final = 0.9
SESSION_SECONDS: Final = 10.0
STEP_SUM: Final = "backoffice_batch_step_seconds_sum{"
SEND_AT_ONCE: Final = 20_000

NO_LAG: Final = """
SELECT
    (SELECT coalesce(sum(next_offset), 0) FROM transactions.position WHERE topic = $1)::bigint AS taken,
    count(*) FILTER (WHERE last_seq <> taken) AS behind,
    coalesce(sum(taken), 0)::bigint AS events
FROM (
    SELECT consumer, last_seq, coalesce(taken, 0) AS taken
    FROM (
        SELECT 'compliance' AS consumer, sent.last_seq, mark.last_seq AS taken
        FROM transactions.sent LEFT JOIN compliance.source_mark AS mark
          ON (mark.topic, mark.partition, mark.source_shard) = (sent.topic, sent.partition, sent.shard)
        UNION ALL
        SELECT 'reporting', sent.last_seq, mark.last_seq
        FROM transactions.sent LEFT JOIN reporting.source_mark AS mark
          ON (mark.topic, mark.partition, mark.source_shard) = (sent.topic, sent.partition, sent.shard)
        UNION ALL
        SELECT 'reporting', sent.last_seq, mark.last_seq
        FROM compliance.sent LEFT JOIN reporting.source_mark AS mark
          ON (mark.topic, mark.partition, mark.source_shard) = (sent.topic, sent.partition, sent.shard)
        UNION ALL
        SELECT 'transactions', sent.last_seq, mark.last_seq
        FROM compliance.sent LEFT JOIN transactions.source_mark AS mark
          ON (mark.topic, mark.partition, mark.source_shard) = (sent.topic, sent.partition, sent.shard)
        WHERE sent.topic = 'compliance.decisions.v1'
    ) AS chain
    WHERE consumer = ANY($2)
) AS chain
"""
"""Instructions taken, how many chains of events some consumer has not taken to their heads, and how many
events are taken, by their numbers."""


class BenchError(Exception):
    """A run came to nothing."""


@dataclass(slots=True)
class Look:
    """What one look saw: progress, processor time, and the services' own step times."""

    at: float
    done: int
    usage: machine.Usage
    steps: dict[str, float] = field(default_factory=dict)
    wal: int = 0


class World:
    """A running stack, with a connection of the database's owner and a Kafka client."""

    def __init__(self, stack: Stack, owner: asyncpg.Connection, client: Client, kafka: KafkaSettings) -> None:
        self.stack = stack
        self.owner = owner
        self.client = client
        self.kafka = kafka
        self.partitions = stack.partitions
        self.loads: dict[tuple[type[Load], int], Load] = {}
        self.kills: Counter[str] = Counter()
        """How often each slot's process was killed on purpose."""

    # ── services ────────────────────────────────────────────────────────────────────────────────

    async def start(self, *names: str, processes: int = 1) -> list[str]:
        """Start processes of services without waiting for them, and return their slots."""
        return [await self.stack.start_service(name, number) for name in names for number in range(processes)]

    async def start_ready(self, *names: str) -> list[str]:
        """Start one process of each service and wait until all are ready."""
        slots = await self.start(*names)
        await self.stack.wait_ready()
        return slots

    async def stop(self, slots: Iterable[str]) -> None:
        """Stop processes in good order."""
        slots = list(slots)
        await asyncio.gather(*(self.stack.stop_service(slot) for slot in slots))
        for slot in slots:
            del self.kills[slot]
        if any(not slot.endswith("-0") for slot in slots):
            # A static member keeps its partitions until its session ends: not the next run's business.
            await asyncio.sleep(SESSION_SECONDS)

    def kill(self, slot: str) -> None:
        """Kill a process as a crash would; the supervisor starts it again."""
        self.kills[slot] += 1
        self.stack.supervisor.kill(slot)

    def roles(self) -> dict[str, list[int]]:
        """The process ids of everything that runs, by role; a service's processes together."""
        roles: dict[str, list[int]] = {}
        for slot, pid in self.stack.supervisor.pids.items():
            roles.setdefault(slot.rpartition("-")[0], []).append(pid)
        roles["kafka"] = machine.family(self.stack.kafka.pid)
        roles["postgres"] = machine.family(self.stack.postgres.pid)
        return roles

    def refuse_crashes(self) -> None:
        """Raise with a service's last words when its process has ended by itself."""
        for slot in self.stack.supervisor.slots:
            if self.stack.supervisor.exits(slot) > self.kills[slot]:
                words = self.stack.supervisor.last_words(slot)[-2000:]
                raise BenchError(f"{slot} has ended by itself:\n{words}")

    async def steps(self, name: str) -> dict[str, float]:
        """Seconds spent by step since the start, summed over a service's processes."""
        found: dict[str, float] = {}
        for slot, url in list(self.stack.health.items()):
            if slot.partition("-")[0] != name:
                continue
            text = await asyncio.to_thread(_get, url.replace("/health/ready", "/metrics"))
            for line in text.splitlines():
                if line.startswith(STEP_SUM):
                    step = line.partition('step="')[2].partition('"')[0]
                    found[step] = found.get(step, 0.0) + float(line.rpartition(" ")[2])
        return found

    # ── load ────────────────────────────────────────────────────────────────────────────────────

    async def send(self, records: Iterable[Record]) -> int:
        """Publish instructions, as fast as can be, and return how many."""
        sent = 0
        chunk: list[Record] = []
        for record in records:
            chunk.append(record)
            if len(chunk) == SEND_AT_ONCE:
                sent += len(await self.client.send(INSTRUCTIONS, chunk))
                chunk = []
        return sent + len(await self.client.send(INSTRUCTIONS, chunk))

    async def open_accounts(self, accounts: int, of: type[Load] = Load) -> Load:
        """Return a load whose accounts are open and filled; a ledger opens them if need be."""
        load = self.loads.get((of, accounts))
        if load is None:
            load = of(accounts, self.partitions, seed=accounts, prefix=f"B{len(self.loads)}")
            slots = await self.start("transactions")
            await self.send(load.openings())
            await self.wait_taken()
            await self.stop(slots)
            self.loads[of, accounts] = load
        return load

    # ── looks ───────────────────────────────────────────────────────────────────────────────────

    async def journalled(self) -> int:
        """How many events the ledger has committed."""
        return await self.number("SELECT coalesce(sum(last_seq), 0)::bigint FROM transactions.shard")

    async def look(self, service: str | None = None) -> Look:
        """Look at progress and processor time, and with `service` at its step times."""
        done = await self.journalled()
        at = time.perf_counter()
        look = Look(at, done, machine.usage(self.roles()))
        if service is not None:
            look.steps = await self.steps(service)
            look.wal = await self.number("SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint")
        return look

    async def watch_backlog(
        self, count: int, *, processes: int = 1
    ) -> tuple[Look, Look, list[tuple[float, int]]]:
        """Follow a ledger through a backlog of `count` records; the looks at 10 % and 90 % of it.

        The first one not before every process works shards: moving shards over is no part of the rate.
        """
        begun = await self.journalled()
        first: Look | None = None
        trace: list[tuple[float, int]] = []

        def step(done: int) -> bool:
            trace.append((time.perf_counter(), done - begun))
            return False

        async def look_when(share: float) -> Look:
            await self.wait_for(self.journalled, lambda done: step(done) or done - begun >= count * share)
            return await self.look("transactions")

        await self.wait_for(self.owners, lambda found: found >= processes)
        first = await look_when(FROM_SHARE)
        last = await look_when(TO_SHARE)
        await self.wait_for(self.journalled, lambda done: done - begun >= count)
        return first, last, trace

    async def owners(self) -> int:
        """How many processes work the ledger's shards."""
        return await self.number(
            "SELECT count(DISTINCT owner) FROM transactions.shard AS s JOIN pg_stat_activity AS a"
            " ON a.pid = s.session"
        )

    async def wait_taken(self) -> None:
        """Wait until the ledger has taken every instruction published and the journal rests."""
        ends = sum((await self.client.end_offsets(INSTRUCTIONS)).values())
        await self.wait_for(self.taken, lambda done: done >= ends)

    async def taken(self) -> int:
        """How many instructions the ledger has taken."""
        return await self.number(
            "SELECT coalesce(sum(next_offset), 0)::bigint FROM transactions.position WHERE topic = $1",
            INSTRUCTIONS.name,
        )

    async def lag(self, services: Sequence[str] = SERVICES) -> tuple[int, int, int]:
        """Instructions taken, how many chains of events wait for one of the services, and events taken."""
        row = await self.owner.fetchrow(NO_LAG, INSTRUCTIONS.name, list(services))
        assert row is not None
        return row["taken"], row["behind"], row["events"]

    async def wait_no_lag(self, services: Sequence[str] = SERVICES) -> float:
        """Wait until none of the services lags behind anything published; return when that was first seen."""
        ends = sum((await self.client.end_offsets(INSTRUCTIONS)).values())
        await self.wait_for(lambda: self.lag(services), lambda seen: seen[0] >= ends and seen[1] == 0)
        return time.perf_counter()

    async def wait_for(
        self, look: Callable[[], Any], enough: Callable[[Any], bool], *, every: float = LOOK_SECONDS
    ) -> Any:
        """Look again and again until it is enough; raises `BenchError` when nothing moves for a minute."""
        seen: Any = None
        moved = time.monotonic()
        while True:
            now = await look()
            if enough(now):
                return now
            if now != seen:
                seen, moved = now, time.monotonic()
            elif time.monotonic() - moved > PATIENCE_SECONDS:
                raise BenchError(f"nothing has moved for {PATIENCE_SECONDS:.0f} s; it stands at {now}")
            self.refuse_crashes()
            await asyncio.sleep(every)

    async def bytes_of(self, schema: str) -> int:
        """Bytes of a schema's tables with their indexes."""
        return await self.number(
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class AS c"
            " WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'm')",
            schema,
        )

    async def number(self, statement: str, *arguments: Any) -> int:
        """Ask the database for one whole number; 0 where there is none."""
        found = await self.owner.fetchval(statement, *arguments)
        return 0 if found is None else int(found)

    async def outcomes(self) -> dict[str, int]:
        """How many journal rows there are of each kind."""
        rows = await self.owner.fetch("SELECT kind::text, count(*) FROM transactions.journal GROUP BY 1")
        return {row["kind"]: row["count"] for row in rows}

    # ── whether it counts ───────────────────────────────────────────────────────────────────────

    async def objections(self) -> list[str]:
        """Why figures measured here would be worth nothing; none when books are right and disks honest."""
        found: list[str] = []
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            value = await self.owner.fetchval("SELECT current_setting($1)", setting)
            if value != "on":
                found.append(f"{setting} is {value}")
        try:
            found += await self._verify()
        except Exception as error:
            found.append(f"ledger verify could not be run: {type(error).__name__}: {error}")
        return found

    async def settle(self) -> None:
        """Let the database write down what is left of earlier work, so that it does not slow what follows."""
        superuser = await asyncpg.connect(self.stack.postgres.superuser_dsn)
        try:
            await superuser.execute("CHECKPOINT")
            for _ in range(SETTLE_SECONDS_MAX):
                busy = await superuser.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
                )
                if not busy:
                    return
                await asyncio.sleep(1)
        finally:
            await superuser.close(timeout=5)

    async def _verify(self) -> list[str]:
        verdict = await verify(self.stack.dsn(READONLY))
        return [] if verdict.ok else [f"ledger verify: {verdict.first_difference}"]


@asynccontextmanager
async def open_world(environment: Mapping[str, str] | None = None) -> AsyncIterator[World]:
    """Start a database and a broker in a temporary folder; stop them and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="backoffice-bench-"))
    stack = Stack(folder, partitions=PARTITIONS, processes_per_service={}, environment=environment)
    try:
        await stack.start_infrastructure()
        kafka = KafkaSettings(bootstrap=stack.kafka.bootstrap)
        owner = await asyncpg.connect(stack.dsn(OWNER))
        try:
            async with Client(kafka, PARTITIONS) as client:
                yield World(stack, owner, client, kafka)
        finally:
            await owner.close(timeout=5)
    finally:
        await stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()
