"""Publishes what is committed, in order, and remembers how far every copy is acknowledged.

Events queue per shard in `seq` order. A round takes what is queued, sends every primary and waits for
the acknowledgements, then every secondary; after a failure the producer is thrown away and the whole
round is sent again, so that no chain ever has a hole. Consumers skip what they had.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.runtime.failpoints import failpoint
from shared.runtime.record_batch import BATCH_BYTES, VARINTS, EventBatch, header, varint
from shared.runtime.settings import KafkaSettings
from shared.runtime.telemetry import Telemetry
from shared.runtime.work import Ahead, Outgoing

ROUND_EVENTS_MAX: Final = 20_000
QUEUE_EVENTS_MAX: Final = 60_000
BACK_OFF_SECONDS: Final = (0.1, 0.3, 1.0, 2.0, 5.0)

Lanes = dict[tuple[str, int], tuple[list[bytes], dict[int, tuple[int, int]]]]
"""(topic, partition) → its records, spelt, and by shard the last seq and how many records it ends after."""


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
                last = await self._publish_round(self._in_flight)
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
        for shard, seq in last.items():
            progress = self.progress.get(shard)
            if progress is not None and seq > progress.published_seq:
                progress.published_seq = seq
        self._telemetry.published(len(self._in_flight), time.monotonic() - started)
        self._in_flight = []
        failpoint("after_publish")
        async with self._moved:
            self._moved.notify_all()

    async def _publish_round(self, events: list[Outgoing]) -> dict[int, int]:
        """Send what comes ahead of events, then every primary, then every secondary.

        Returns the last seq of each shard.
        """
        ahead = [(event.shard, each) for event in events if event.ahead for each in event.ahead]
        if ahead:
            await self._send_ahead(ahead)
        primaries, secondaries = self.spell(events)
        await self._send_lanes(primaries)
        failpoint("mid_publish")
        if secondaries:
            await self._send_lanes(secondaries)
        last: dict[int, int] = {}
        for _, heads in primaries.values():
            for shard, (seq, _) in heads.items():
                last[shard] = max(seq, last.get(shard, 0))
        return last

    def spell(self, events: Iterable[Outgoing]) -> tuple[Lanes, Lanes]:
        """Spell events as records: the primaries by lane, and the secondaries."""
        primaries: Lanes = {}
        secondaries: Lanes = {}
        spelt: dict[tuple[str, int, int, datetime], _Shared] = {}
        shared: _Shared | None = None
        kind = recorded_at = shard = epoch = None
        for event in events:
            if (
                shared is None
                or event.recorded_at is not recorded_at
                or event.type is not kind
                or event.shard != shard
                or event.epoch != epoch
            ):
                kind, shard, epoch, recorded_at = event.type, event.shard, event.epoch, event.recorded_at
                shared = spelt.get((kind, shard, epoch, recorded_at))
                if shared is None:
                    shared = spelt[kind, shard, epoch, recorded_at] = self._shared(event)
            assert shard is not None
            body = event.body
            size = varint(len(body))
            own, count = _own_headers(event, shared.id_prefix)
            lane = primaries.get((event.topic, shard))
            if lane is None:
                lane = primaries[event.topic, shard] = ([], {})
            records, heads = lane
            key = event.key
            prev = b"%d" % event.prev
            records.append(
                _JOIN(
                    (VARINTS[len(key)], key, size, body, count, shared.primary, own, VARINTS[len(prev)], prev)
                )
            )
            heads[shard] = (event.seq, len(records))
            for partition, before, key in event.copies:
                lane = secondaries.get((event.topic, partition))
                if lane is None:
                    lane = secondaries[event.topic, partition] = ([], {})
                records, heads = lane
                prev = b"%d" % before
                records.append(
                    _JOIN(
                        (
                            VARINTS[len(key)],
                            key,
                            size,
                            body,
                            count,
                            shared.secondary,
                            own,
                            VARINTS[len(prev)],
                            prev,
                        )
                    )
                )
                heads[shard] = (event.seq, len(records))
        return primaries, secondaries

    def _shared(self, event: Outgoing) -> "_Shared":
        """Spell what the events of one type, shard and batch have in common."""
        spelt = b"".join(
            (
                header("ce_specversion", b"1.0"),
                header("ce_type", event.type.encode()),
                header("ce_source", self._source),
                header("ce_time", event.recorded_at.isoformat().encode()),
                header("content-type", b"application/json"),
                header("shard", b"%d" % event.shard),
                header("epoch", b"%d" % event.epoch),
            )
        )
        return _Shared(
            spelt + header("copy", b"primary"),
            spelt + header("copy", b"secondary"),
            b"%b-%d-" % (self._service.encode(), event.shard),
        )

    async def _send_ahead(self, records: Sequence[tuple[int, Ahead]]) -> None:
        """Send records of compacted topics, in their order; sent twice, the last of a key still counts."""
        producer = self._producer
        if producer is None:
            raise ConnectionError("the producer is gone")
        waits = [
            await producer.send(
                each.topic,
                each.value,
                key=each.key,
                partition=shard,
                headers=[] if each.value is None else [("content-type", b"application/json")],
            )
            for shard, each in records
        ]
        await asyncio.gather(*waits)

    async def _send_lanes(self, lanes: Lanes) -> None:
        producer = self._producer
        if producer is None:
            raise ConnectionError("the producer is gone")
        waits: list[Any] = []
        sent: list[tuple[tuple[str, int], int, dict[int, tuple[int, int]]]] = []
        for lane, (records, heads) in lanes.items():
            begun = 0
            while begun < len(records):
                batch = EventBatch(records, begun)
                waits.append(await producer.send_batch(batch, lane[0], partition=lane[1]))
                sent.append((lane, begun, heads))
                begun += batch.record_count()
        results: list[Any] = await asyncio.gather(*waits, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        # In order, so that a lane's last batch stays: it holds no earlier record than its first one.
        for result, (lane, begun, heads) in zip(results, sent, strict=True):
            for shard, (seq, count) in heads.items():
                progress = self.progress.get(shard)
                if progress is not None and count > begun:
                    progress.heads[lane] = (seq, result.offset + count - 1 - begun)

    async def _new_producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            client_id=f"backoffice-{self._service}",
            enable_idempotence=True,
            acks="all",
            max_batch_size=BATCH_BYTES,
            max_request_size=4 * 1024 * 1024,
            linger_ms=0,
            request_timeout_ms=10_000,
            **self._settings.client_options(),
        )
        await producer.start()
        return producer


@dataclass(frozen=True, slots=True)
class _Shared:
    """Headers spelt once for many events."""

    primary: bytes
    secondary: bytes
    id_prefix: bytes
    """Service and shard, before the number in `ce_id`."""


_JOIN: Final = b"".join
_COUNTS: Final = [varint(number) for number in range(16)]
_SHARED_COUNT: Final = 8
_SEQ: Final = header("seq", b"")[:-1]
_ID: Final = header("ce_id", b"")[:-1]
_CORRELATION: Final = header("correlation_id", b"")[:-1]
_TRACE: Final = header("traceparent", b"")[:-1]
_CHAIN: Final = header("chain", bytes(64))[:-64]
_PREV: Final = header("prev", b"")[:-1]


def _own_headers(event: Outgoing, id_prefix: bytes) -> tuple[bytes, bytes]:
    """Spell an event's own headers, up to the value of `prev`, and count all it has."""
    seq = b"%d" % event.seq
    size = len(seq)
    pieces = [_SEQ, VARINTS[size], seq, _ID, VARINTS[len(id_prefix) + size], id_prefix, seq]
    count = _SHARED_COUNT + 3
    correlation_id = event.correlation_id
    if correlation_id is not None:
        spelt = correlation_id.encode()
        pieces += (_CORRELATION, VARINTS[len(spelt)], spelt)
        count += 1
    if event.traceparent is not None:
        spelt = event.traceparent.encode()
        pieces += (_TRACE, VARINTS[len(spelt)], spelt)
        count += 1
    if event.chain is not None:
        pieces += (_CHAIN, event.chain)
        count += 1
    pieces.append(_PREV)
    return _JOIN(pieces), _COUNTS[count]
