"""Finds what an instruction has left outside the ledger's journal: in Kafka, compliance and reporting."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from backoffice.cli import sessions
from backoffice.cli.connection import Connection
from shared.messages.topics import JOURNAL
from shared.runtime.client import header

LOOK_SECONDS: Final = 5.0
EARLIER_MS: Final = 1_000
"""Clocks of broker and services may differ by so much."""

Record = ConsumerRecord[Any, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads single records of topics, wherever they stand."""

    consumer: AIOKafkaConsumer

    async def at(self, topic: str, partition: int, offset: int) -> Record | None:
        """Return the record at a place, if it is still kept."""
        place = TopicPartition(topic, partition)
        if not (await self._starts(place) <= offset < await self._end(place)):
            return None
        async for record in self._from(place, offset):
            return record if record.offset == offset else None
        return None

    async def published(self, topic: str, shard: int, seq: int, recorded_at: datetime) -> Record | None:
        """Return where an event stands in its primary partition, if it has been published."""
        place = TopicPartition(topic, shard)
        since = int(recorded_at.timestamp() * 1000) - EARLIER_MS
        found = (await self.consumer.offsets_for_times({place: since})).get(place)
        if found is None:
            return None
        async for record in self._from(place, found.offset):
            if header(record, "shard") == str(shard) and int(header(record, "seq") or 0) >= seq:
                return record if header(record, "seq") == str(seq) else None
        return None

    async def _from(self, place: TopicPartition, offset: int) -> AsyncGenerator[Record, None]:
        end = await self._end(place)
        self.consumer.assign([place])
        self.consumer.seek(place, offset)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                while await self.consumer.position(place) < end:
                    polled = await self.consumer.getmany(place, timeout_ms=200)
                    for record in polled.get(place, ()):
                        yield record

    async def _starts(self, place: TopicPartition) -> int:
        return (await self.consumer.beginning_offsets([place]))[place]

    async def _end(self, place: TopicPartition) -> int:
        return (await self.consumer.end_offsets([place]))[place]


@asynccontextmanager
async def open_reader(connection: Connection) -> AsyncGenerator[Reader, None]:
    """Open a reader of single records."""
    consumer = AIOKafkaConsumer(
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=50,
        **sessions.kafka_settings(connection).client_options(),
    )
    try:
        await consumer.start()
        yield Reader(consumer)
    finally:
        with contextlib.suppress(KafkaError, OSError):
            await consumer.stop()


def sent_at(record: Record) -> datetime:
    """Return the broker's time of a record."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


async def compliance_events(database: Any, instruction_id: UUID) -> list[dict[str, Any]]:
    """Return compliance's decisions, holds and alerts about an instruction, with time and number."""
    rows = await database.fetch(
        """
        SELECT 'HoldPlaced' AS event, shard, seq, recorded_at, 'compliance.alerts.v1' AS topic,
               status AS detail
        FROM compliance.hold
        WHERE instruction_id = $1
        UNION ALL
        SELECT 'DecisionMade', shard, seq, recorded_at, 'compliance.decisions.v1',
               decision || coalesce(' by ' || actor || ': ' || reason, '')
        FROM compliance.decision
        WHERE instruction_id = $1
        UNION ALL
        SELECT 'AlertRaised', shard, seq, recorded_at, 'compliance.alerts.v1', rule
        FROM compliance.alert
        WHERE instruction_id = $1
        UNION ALL
        SELECT 'AlertSnoozed', shard, seq, recorded_at, 'compliance.alerts.v1', rule
        FROM compliance.snoozed_alert
        WHERE instruction_id = $1
        ORDER BY recorded_at, seq
        """,
        instruction_id,
    )
    return [dict(row) for row in rows]


async def reporting_takes(database: Any, numbers: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return for each of the ledger's events (shard, seq) whether reporting has taken it, and its entries."""
    rows = await database.fetch(
        """
        SELECT asked.shard, asked.seq, coalesce(mark.last_seq >= asked.seq, false) AS taken,
               (SELECT count(*) FROM reporting.entry
                WHERE entry.shard = asked.shard AND entry.seq = asked.seq) AS entries
        FROM unnest($1::int[], $2::bigint[]) AS asked (shard, seq)
        LEFT JOIN reporting.source_mark AS mark
          ON mark.topic = $3 AND mark.partition = asked.shard AND mark.source_shard = asked.shard
        ORDER BY asked.shard, asked.seq
        """,
        [shard for shard, _ in numbers],
        [seq for _, seq in numbers],
        JOURNAL.name,
    )
    return [dict(row) for row in rows]
