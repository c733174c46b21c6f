"""Publishes what is committed, in order, and remembers how far every copy is acknowledged.

Events queue per shard in `seq` order. A round takes what is queued, sends every primary and waits for
the acknowledgements, then every secondary; after a failure the producer is thrown away and the whole
round is sent again, so that no chain ever has a hole. Consumers skip what they had.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.runtime.failpoints import failpoint
from shared.runtime.settings import KafkaSettings
from shared.runtime.telemetry import Telemetry
from shared.runtime.work import Outgoing

BATCH_BYTES: Final = 512 * 1024
ROUND_EVENTS_MAX: Final = 20_000
QUEUE_EVENTS_MAX: Final = 60_000
BACK_OFF_SECONDS: Final = (0.1, 0.3, 1.0, 2.0, 5.0)

Record = tuple[bytes, bytes, list[tuple[str, bytes]], int, int]
"""Key, value, headers, and the (shard, seq) it carries."""


@dataclass(slots=True)
class Progress:
    """How far one shard's events are out."""

    published_seq: int = 0
    heads: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    """(topic, partition) to the last acknowledged (seq, offset)."""


class Publisher:
    """One producer and one queue for all shards of a process."""

    def __init__(self, service: str, settings: KafkaSettings, telemetry: Telemetry) -> None:
        self._service = service
        self._source = f"/backoffice/{service}".encode()
        self._settings = settings
        self._telemetry = telemetry
        self._producer: AIOKafkaProducer | None = None
        self._queue: deque[Outgoing] = deque()
        self._in_flight: list[Outgoing] = []
        self._wake = asyncio.Event()
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self.progress: dict[int, Progress] = {}
        self.failing_since: float | None = None

    async def start(self) -> None:
        """Connect and begin to publish what is enqueued."""
        self._producer = await self._new_producer()
        self._task = asyncio.create_task(self._run(), name="publisher")

    async def stop(self, drain_seconds: float) -> None:
        """Publish what is queued within the time given, then stop; the next owner sends the rest."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(drain_seconds):
                await self.drained()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._producer is not None:
            with contextlib.suppress(Exception):
                await self._producer.stop()

    def begin(self, shard: int, published_seq: int, heads: dict[tuple[str, int], tuple[int, int]]) -> None:
        """Take up a shard just claimed: what its tables say is out."""
        self.progress[shard] = Progress(published_seq, dict(heads))

    def forget(self, shard: int) -> None:
        """Drop a shard's queue; whoever owns it now publishes the rest."""
        self._queue = deque(each for each in self._queue if each.shard != shard)
        self.progress.pop(shard, None)

    def enqueue(self, events: Iterable[Outgoing]) -> None:
        """Queue committed events; of one shard in `seq` order."""
        self._queue.extend(events)
        self._wake.set()

    @property
    def unpublished(self) -> int:
        """How many events are committed and not yet acknowledged."""
        return len(self._queue) + len(self._in_flight)

    async def room(self) -> None:
        """Wait until the queue has room again, so that memory stays bounded."""
        async with self._moved:
            await self._moved.wait_for(lambda: len(self._queue) < QUEUE_EVENTS_MAX)

    async def drained(self) -> None:
        """Wait until everything queued is acknowledged."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.unpublished == 0)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                while self._queue and len(self._in_flight) < ROUND_EVENTS_MAX:
                    self._in_flight.append(self._queue.popleft())
                await self._publish_until_acknowledged()

    async def _publish_until_acknowledged(self) -> None:
        attempt = 0
        started = time.monotonic()
        while True:
            try:
                if self._producer is None:
                    self._producer = await self._new_producer()
                await self._publish_round(self._in_flight)
                break
            except (KafkaError, OSError, TimeoutError) as error:
                self.failing_since = self.failing_since or time.monotonic()
                self._telemetry.warn("publish_failed", error=type(error).__name__, attempt=attempt)
                producer, self._producer = self._producer, None
                if producer is not None:
                    with contextlib.suppress(Exception):
                        await asyncio.wait_for(producer.stop(), 2)
                await asyncio.sleep(BACK_OFF_SECONDS[min(attempt, len(BACK_OFF_SECONDS) - 1)])
                attempt += 1
        self.failing_since = None
        for event in self._in_flight:
            progress = self.progress.get(event.shard)
            if progress is not None and event.seq > progress.published_seq:
                progress.published_seq = event.seq
        self._telemetry.published(len(self._in_flight), time.monotonic() - started)
        self._in_flight = []
        failpoint("after_publish")
        async with self._moved:
            self._moved.notify_all()

    async def _publish_round(self, events: list[Outgoing]) -> None:
        primaries: dict[tuple[str, int], list[Record]] = {}
        secondaries: dict[tuple[str, int], list[Record]] = {}
        times: dict[datetime, bytes] = {}
        for event in events:
            time_text = times.get(event.recorded_at)
            if time_text is None:
                time_text = times[event.recorded_at] = event.recorded_at.isoformat().encode()
            shared = self._headers(event, time_text)
            primaries.setdefault((event.topic, event.shard), []).append(
                (event.key, event.body, _with(shared, event.prev, b"primary"), event.shard, event.seq)
            )
            for partition, prev, key in event.copies:
                secondaries.setdefault((event.topic, partition), []).append(
                    (key, event.body, _with(shared, prev, b"secondary"), event.shard, event.seq)
                )
        await self._send_lanes(primaries)
        failpoint("mid_publish")
        if secondaries:
            await self._send_lanes(secondaries)

    def _headers(self, event: Outgoing, time_text: bytes) -> list[tuple[str, bytes]]:
        shard = b"%d" % event.shard
        seq = b"%d" % event.seq
        headers = [
            ("shard", shard),
            ("seq", seq),
            ("ce_id", b"%s-%s-%s" % (self._service.encode(), shard, seq)),
            ("ce_type", event.type.encode()),
            ("ce_source", self._source),
            ("ce_time", time_text),
            ("ce_specversion", b"1.0"),
            ("content-type", b"application/json"),
            ("epoch", b"%d" % event.epoch),
        ]
        if event.correlation_id is not None:
            headers.append(("correlation_id", event.correlation_id.encode()))
        if event.traceparent is not None:
            headers.append(("traceparent", event.traceparent.encode()))
        return headers

    async def _send_lanes(self, lanes: dict[tuple[str, int], list[Record]]) -> None:
        producer = self._producer
        if producer is None:
            raise ConnectionError("the producer is gone")
        waits: list[tuple[asyncio.Future[Any], tuple[str, int], list[Record]]] = []
        for (topic, partition), records in lanes.items():
            position = 0
            while position < len(records):
                batch = producer.create_batch()
                start = position
                while position < len(records):
                    key, value, headers, _, _ = records[position]
                    if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                        break
                    position += 1
                if position == start:  # one record larger than a batch
                    key, value, headers, _, _ = records[position]
                    single = await producer.send(topic, value, key=key, partition=partition, headers=headers)
                    position += 1
                    waits.append((single, (topic, partition), records[start:position]))
                    continue
                batch.close()
                acknowledged = await producer.send_batch(batch, topic, partition=partition)
                waits.append((acknowledged, (topic, partition), records[start:position]))
        results = await asyncio.gather(*(wait for wait, _, _ in waits), return_exceptions=True)
        for result, (_, lane, records) in zip(results, waits, strict=True):
            if isinstance(result, BaseException):
                raise result
            for step, (_, _, _, shard, seq) in enumerate(records):
                progress = self.progress.get(shard)
                if progress is not None:
                    progress.heads[lane] = (seq, result.offset + step)

    async def _new_producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            client_id=f"backoffice-{self._service}",
            enable_idempotence=True,
            acks="all",
            max_batch_size=BATCH_BYTES,
            max_request_size=4 * 1024 * 1024,
            linger_ms=0,
            compression_type="snappy",  # cheaper for everybody than none; lz4 here costs four times as much
            request_timeout_ms=10_000,
            **self._settings.client_options(),
        )
        await producer.start()
        return producer


def _with(headers: list[tuple[str, bytes]], prev: int, copy: bytes) -> list[tuple[str, bytes]]:
    return [*headers, ("prev", b"%d" % prev), ("copy", copy)]
