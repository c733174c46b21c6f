"""Two of the ledger's processes, with its real runtime and database, on topics kept in memory.

A script is a list of steps, plain tuples that can be pasted into a test:

- `("send", message, twist)`: a record stands on its topic; as a dictionary, or as text that is none. `twist`
  is none, `wrong_key` or `wrong_partition`;
- `("again", number)`: what was sent before is sent once more;
- `("decide", number, verdict, how)`: compliance answers something pending, `once`, `twice`, `late` (after its
  next answer, as when a round is sent anew) or about `other` content;
- `("rate", owner, risk_class)`: compliance gives a customer a risk class;
- `("act", shard, kind, owner)`: an operator's act about an owner (else the house), or bytes that are none;
- `("work", shards, most, again, how, quick)`: each process takes at most so many records of each lane of the
  shards, and the last `again` that it had; `quick` lets plain instructions be judged at one go. `how` is one
  of `HOW`: the process is killed at a point, or its broker falls silent or refuses after some batches;
- `("tick",)`: what is due by itself is done;
- `("share", shards)`: a rebalance; the first process has these shards, the second the others;
- `("freeze", process, most, meanwhile)`: a process is frozen with a poll in hand, the other takes all its
  shards and works, and the frozen one wakes up.
"""

import asyncio
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid5

import pytest
from aiokafka import TopicPartition
from pydantic import SecretStr

from audit.runtime_rows import OutboxRow
from services.transactions.app import TransactionsService
from services.transactions.domain import decoding
from shared.messages.compliance import CustomerRated, DecisionMade
from shared.messages.envelope import HOUSE, Number
from shared.messages.kinds import BROADCAST
from shared.messages.partitioner import shard_of
from shared.messages.topics import DECISIONS, INSTRUCTIONS, JOURNAL, TRANSACTIONS_ACTS
from shared.runtime import claiming, effect, housekeeping, publisher
from shared.runtime.consumer import Worker
from shared.runtime.errors import ShardLost
from shared.runtime.settings import KafkaSettings, ServiceSettings
from shared.runtime.telemetry import Telemetry
from tests.stateful.broker import Broker, MemoryConsumer, MemoryProducer
from tests.support.keys import MASTER_KEY
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import PARTITIONS, START, named_id

Step = tuple[Any, ...]
Script = Sequence[Step]

KILLED_AT: Final = ("after_fence", "after_write", "before_commit", "after_commit")
SILENT_AFTER: Final = {"silent": 0, "silent_after_1": 1, "silent_after_2": 2}
REFUSES_AFTER: Final = {"refuses": 0, "refuses_after_1": 1}
HOW: Final = ("well", *KILLED_AT, *SILENT_AFTER, *REFUSES_AFTER)

ALL: Final = tuple(range(PARTITIONS))
ROUNDS_MAX: Final = 30
SECONDS_MAX: Final = 20


class Killed(BaseException):
    """The process is dead: no handler of ours catches this."""


class Witness(Telemetry):
    """Keeps what a process complains of, instead of printing it."""

    def __init__(self, instance: str) -> None:
        super().__init__("transactions", instance)
        self.errors: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        """Say nothing."""

    def warn(self, event: str, **fields: Any) -> None:
        """Say nothing: crashes and refusals are part of the script."""

    def error(self, event: str, **fields: Any) -> None:
        """Keep it: no script may lead to one, but for what the fence does to a process that was frozen."""
        if fields.get("error") != ShardLost.__name__:
            self.errors.append((event, fields))


@dataclass
class Process:
    """One of the ledger's processes."""

    worker: Worker
    consumer: MemoryConsumer

    @property
    def shards(self) -> set[int]:
        """Those it was assigned."""
        return {place.partition for place in self.consumer.positions}

    async def assign(self, shards: Collection[int]) -> None:
        """Assign it these shards and wait until it holds them."""
        self.consumer.positions.clear()
        self.consumer.paused.clear()
        self.worker.on_assigned(
            [TopicPartition(topic, shard) for topic in self.worker.inputs for shard in shards]
        )
        await self.settled()

    async def settled(self) -> None:
        """Wait until it holds what it was assigned."""
        async with asyncio.timeout(SECONDS_MAX):
            while self.worker.tasks:
                await asyncio.gather(*self.worker.tasks)


@dataclass
class Machine:
    """The processes, the topics, and compliance, which is played."""

    database: LedgerDatabase
    broker: Broker = field(default_factory=Broker)
    witness: Witness = field(default_factory=lambda: Witness("0"))
    processes: list[Process] = field(default_factory=list)
    sent: list[tuple[tuple[int, ...], bytes, bytes]] = field(default_factory=list)
    """Partitions, key and value of each instruction."""
    decisions: dict[int, list[OutboxRow]] = field(default_factory=dict)
    late: list[OutboxRow] = field(default_factory=list)
    acts: int = 0
    deadly: str | None = None

    def die_at(self, point: str) -> None:
        """Stand for `failpoint`."""
        if point == self.deadly:
            self.deadly = None
            raise Killed(point)

    async def start(self) -> None:
        """Start both processes; the first holds the shards 0 and 1, the second the others."""
        self.processes = [await self._process() for _ in range(2)]
        await self._share((0, 1))

    async def _process(self) -> Process:
        settings = ServiceSettings(
            database_dsn=SecretStr(self.database.service),
            partitions=PARTITIONS,
            heartbeat_interval_ms=1,
            master_key=SecretStr(MASTER_KEY),
        )
        worker = Worker(TransactionsService(), settings, KafkaSettings(), self.witness)
        consumer = MemoryConsumer(self.broker)
        worker.bind(lambda: consumer)  # pyright: ignore[reportArgumentType]
        worker.connection = await worker.connect()
        await worker.service.start(worker.connection)
        await worker.publisher.start()
        return Process(worker, consumer)

    async def play(self, script: Script) -> None:
        """Take the steps, one after the other."""
        for name, *arguments in script:
            await _STEPS[name](self, *arguments)

    async def finish(self) -> None:
        """Send what compliance still has, work until nothing is left, and publish all of it."""
        self._send_late()
        for _ in range(ROUNDS_MAX):
            found = [(process, process.consumer.poll(process.shards, 1000)) for process in self.processes]
            if not any(records for _, records in found):
                break
            for process, records in found:
                await process.worker.process(records)
                await process.settled()
        await self._tick()
        for process in self.processes:
            await process.worker.publisher.drained()

    async def stop(self) -> None:
        """Give everything up in good order."""
        for process in self.processes:
            await process.worker.stop()

    # ------------------------------------------------------------------ steps

    async def _send(self, message: dict[str, Any] | str, twist: str | None = None) -> None:
        owner = message.get("owner", HOUSE) if isinstance(message, dict) else HOUSE
        value = json.dumps(message).encode() if isinstance(message, dict) else message.encode()
        partitions = (shard_of(owner, PARTITIONS),)
        if isinstance(message, dict) and message["type"] in BROADCAST:
            partitions = ALL
        elif twist == "wrong_partition":
            partitions = ((partitions[0] + 1) % PARTITIONS,)
        key = b"another" if twist == "wrong_key" else owner.encode()
        self.sent.append((partitions, key, value))
        await self._again(len(self.sent) - 1)

    async def _again(self, number: int) -> None:
        if not self.sent:
            return
        partitions, key, value = self.sent[number % len(self.sent)]
        for partition in partitions:
            self.broker.append(INSTRUCTIONS.name, partition, key, value, ())

    async def _decide(self, number: int, verdict: str, how: str) -> None:
        asked = self._asked()
        if not asked and how != "other":
            return
        event = asked[number % len(asked)] if asked else _UNKNOWN
        row = self._decision(event, verdict, "00" if how == "other" else event["content_hash"])
        if how == "late":
            self.late.append(row)
            return
        if self.late:  # a round that was sent anew: what is ahead of its chain comes again
            self._publish_decision(row)
        self._send_late()
        for _ in range(2 if how == "twice" else 1):
            self._publish_decision(row)

    def _asked(self) -> list[dict[str, Any]]:
        """What compliance has been told is pending and waits for it."""
        found: dict[tuple[int, int], dict[str, Any]] = {}
        for record in self.broker.topic(JOURNAL.name):
            headers = dict(record.headers)
            if headers["ce_type"] == b"TransactionPending" and headers["copy"] == b"primary":
                event = json.loads(record.value or b"")
                if event.get("screening", True):
                    found[event["shard"], event["seq"]] = event
        return list(found.values())

    def _decision(self, event: dict[str, Any], verdict: str, content_hash: str) -> OutboxRow:
        shard = event["shard"]
        rows = self.decisions.setdefault(shard, [])
        seq = len(rows) + 1
        message = DecisionMade(
            shard=shard,
            seq=seq,
            recorded_at=START,
            instruction_id=UUID(event["instruction_id"]),
            content_hash=content_hash,
            owner=event["owner"],
            first=Number(shard=shard, seq=event["seq"]),
            decision=verdict,  # pyright: ignore[reportArgumentType]
        )
        body = message.model_dump_json(exclude_none=True).encode()
        key = event["owner"].encode()
        rows.append(OutboxRow(shard, seq, 1, DECISIONS.name, "DecisionMade", key, body, seq - 1))
        return rows[-1]

    async def _rate(self, owner: str, risk_class: str) -> None:
        self._send_late()
        shard = shard_of(owner, PARTITIONS)
        rows = self.decisions.setdefault(shard, [])
        message = CustomerRated(
            shard=shard,
            seq=len(rows) + 1,
            recorded_at=START,
            owner=owner,
            version=1,
            risk_class=risk_class,  # pyright: ignore[reportArgumentType]
            previous="medium",
        )
        body = message.model_dump_json(exclude_none=True).encode()
        row = OutboxRow(
            shard, len(rows) + 1, 1, DECISIONS.name, "CustomerRated", owner.encode(), body, len(rows)
        )
        rows.append(row)
        self._publish_decision(row)

    def _send_late(self) -> None:
        for row in self.late:
            self._publish_decision(row)
        self.late.clear()

    def _publish_decision(self, row: OutboxRow) -> None:
        headers = {
            "shard": b"%d" % row.shard,
            "seq": b"%d" % row.seq,
            "prev": b"%d" % row.prev,
            "epoch": b"%d" % row.epoch,
            "ce_type": row.type.encode(),
            "copy": b"primary",
        }
        self.broker.append(row.topic, row.shard, row.key, row.body, tuple(headers.items()))

    async def _act(self, shard: int, kind: str, owner: str = HOUSE) -> None:
        self.acts += 1
        act: dict[str, Any] = {
            "type": kind,
            "act_id": str(uuid5(UUID(int=0), str(self.acts))),
            "actor": "op:jane",
            "reason": "to see",
            **({"shard": shard} if kind == "resume_shard" else {"owner": owner}),
            **({"approved_by": "op:joe"} if kind == "erase_party" else {}),
        }
        value = b"no act" if kind == "unreadable" else json.dumps(act).encode()
        self.broker.append(TRANSACTIONS_ACTS.name, shard, None, value, ())

    async def _work(self, shards: Collection[int], most: int, again: int, how: str, quick: bool) -> None:
        for process in self.processes:
            records = process.consumer.poll(process.shards & set(shards), most, again)
            if not records:
                continue
            self.deadly = how if how in KILLED_AT else None
            self.broker.batches_left = SILENT_AFTER.get(how, REFUSES_AFTER.get(how))
            self.broker.refuses = how in REFUSES_AFTER
            try:
                with _judged(quick=quick):
                    await process.worker.process(records)
                await process.settled()
                killed = not await self._published(process)
            except Killed:
                killed = True
            self.deadly = None
            self.broker.speak()
            if killed:
                await self._restart(process)

    async def _published(self, process: Process) -> bool:
        """Wait until all is published or the broker falls silent; says whether it is."""
        waits: list[asyncio.Task[Any]] = [
            asyncio.create_task(process.worker.publisher.drained()),
            asyncio.create_task(self.broker.silent.wait()),
        ]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=SECONDS_MAX)
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        return not self.broker.silent.is_set()

    async def _restart(self, process: Process) -> None:
        shards = process.shards
        await process.worker.publisher.stop(drain_seconds=0)
        await process.worker.connection.close()
        fresh = await self._process()
        self.processes[self.processes.index(process)] = fresh
        await fresh.assign(shards)

    async def _tick(self) -> None:
        for process in self.processes:
            if process.worker.held:
                await housekeeping._tick(process.worker)
                await process.worker.publisher.drained()

    async def _share(self, shards: Collection[int]) -> None:
        for process in self.processes:
            await process.worker.on_revoked()
        first, second = self.processes
        await first.assign(sorted(shards))
        await second.assign([each for each in ALL if each not in shards])

    async def _freeze(self, number: int, most: int, meanwhile: int) -> None:
        frozen, other = self.processes[number], self.processes[1 - number]
        in_hand = frozen.consumer.poll(frozen.shards, most)
        await other.assign(ALL)
        await other.worker.process(other.consumer.poll(ALL, meanwhile))
        await frozen.worker.process(in_hand)
        await frozen.worker.on_revoked()
        await frozen.assign(())
        await other.settled()


_STEPS: Final = {
    "send": Machine._send,
    "again": Machine._again,
    "decide": Machine._decide,
    "rate": Machine._rate,
    "act": Machine._act,
    "work": Machine._work,
    "tick": Machine._tick,
    "share": Machine._share,
    "freeze": Machine._freeze,
}

_UNKNOWN: Final[dict[str, Any]] = {
    "shard": shard_of(HOUSE, PARTITIONS),
    "seq": 1,
    "instruction_id": named_id("never sent"),
    "owner": HOUSE,
    "content_hash": "00",
}


@contextmanager
def _judged(*, quick: bool) -> Iterator[None]:
    """Let plain instructions be judged at one go, or have all go up the ladder."""
    with pytest.MonkeyPatch.context() as patch:
        if not quick:
            patch.setattr(decoding, "read_plain", lambda *_: None)
        yield


@contextmanager
def in_memory(machine: Machine) -> Iterator[None]:
    """Put the machine's topics in Kafka's place, and let it say where processes die."""

    async def nothing_lost(*_: Any) -> dict[int, str]:
        """Kafka holds what the tables remember: it is kept in memory."""
        return {}

    class Producer(MemoryProducer):
        """The machine's."""

        broker = machine.broker

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effect, "failpoint", machine.die_at)
        patch.setattr(claiming, "verify_log", nothing_lost)
        patch.setattr(publisher, "AIOKafkaProducer", Producer)
        patch.setattr(publisher, "BACK_OFF_SECONDS", (0.0,))
        yield
