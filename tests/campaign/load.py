"""Sends the traffic at a steady rate through broker restarts, and logs what it sent and where it stands."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from audit.evidence import SentCommand
from audit.places import partition_of
from audit.readers.commands import command_line
from tests.campaign.traffic.upstream import INSTRUCTIONS, Sending
from tests.campaign.workload import Workload

CHUNK_SECONDS: Final = 0.05


class Load:
    """An open-loop load generator. `twice` is the share of records that are delivered twice."""

    def __init__(self, bootstrap: str, workload: Workload, log: Path, rate: float) -> None:
        self.workload = workload
        self.rate = rate
        self.twice = 0.08
        self.sent: Counter[str] = Counter()
        self.uncertain = 0
        """Records whose acknowledgement never came: they may stand in the topic or not."""
        self._bootstrap = bootstrap
        self._log = log
        self._producers: dict[str | None, AIOKafkaProducer] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def send(self, sendings: Iterable[Sending]) -> None:
        """Send records in order and wait until each is acknowledged; what fails is noted as uncertain."""
        waits: list[tuple[Sending, int, Any]] = []
        for sending in sendings:
            partition = sending.partition
            if partition is None:
                partition = partition_of(sending.key or b"", self.workload.partitions)
            try:
                producer = await self._producer("gzip" if sending.compressed else None)
                waits.append(
                    (
                        sending,
                        partition,
                        await producer.send(
                            INSTRUCTIONS,
                            sending.value,
                            key=sending.key,
                            partition=partition,
                            headers=list(sending.headers),
                        ),
                    )
                )
            except (KafkaError, OSError):
                self.uncertain += 1
                await self._drop_producers()
        lines: list[str] = []
        failed = False
        for sending, partition, acknowledged in waits:
            offset = None
            try:
                offset = (await acknowledged).offset
                self.sent[sending.kind] += 1
            except (KafkaError, OSError, asyncio.CancelledError):
                self.uncertain += 1
                failed = True
            lines.append(
                command_line(SentCommand(INSTRUCTIONS, partition, offset, sending.key, sending.value))
            )
        if failed:
            await self._drop_producers()
        if lines:
            with self._log.open("a", encoding="utf-8") as log:
                log.write("\n".join(lines) + "\n")

    def start(self) -> None:
        """Send from now on."""
        self._task = asyncio.create_task(self._run(), name="load")

    async def stop(self) -> None:
        """Stop sending; what was sent is acknowledged."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        await self._drop_producers()

    @property
    def total(self) -> int:
        """Records acknowledged."""
        return sum(self.sent.values())

    async def _run(self) -> None:
        due = time.monotonic()
        owed = 0.0
        while not self._stopping.is_set():
            due += CHUNK_SECONDS
            owed += self.rate * CHUNK_SECONDS
            chunk: list[Sending] = []
            while owed >= 1:
                made = self.workload.next()
                owed -= max(1, len(made))
                chunk += made
                if self.workload.rng.random() < self.twice:
                    chunk += [
                        Sending(m.key, m.value, "twice", m.partition, m.headers, m.compressed) for m in made
                    ]
            await self.send(chunk)
            late = time.monotonic() - due
            if late > 2:  # the broker was away: go on from here, not in one burst
                due = time.monotonic()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), max(0.0, due - time.monotonic()))

    async def _producer(self, compression: str | None) -> AIOKafkaProducer:
        producer = self._producers.get(compression)
        if producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                enable_idempotence=True,
                acks="all",
                linger_ms=2,
                request_timeout_ms=15_000,
                max_request_size=32 * 1024 * 1024,
                max_batch_size=32 * 1024 * 1024 if compression else 512 * 1024,
                compression_type=compression,
            )
            try:
                await producer.start()
            except BaseException:
                with contextlib.suppress(Exception):
                    await producer.stop()
                raise
            self._producers[compression] = producer
        return producer

    async def _drop_producers(self) -> None:
        producers, self._producers = list(self._producers.values()), {}
        for producer in producers:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(producer.stop(), 3)
