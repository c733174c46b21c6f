"""The journal's topic, for `ledger verify`: its newest heads, and what compares it with the journal."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from backoffice.cli import sessions
from services.transactions.app import TransactionsService
from services.transactions.queries.verifying import (
    Anchor,
    Check,
    Difference,
    PublishedEvent,
    compare_published,
)
from shared.messages.topics import JOURNAL
from shared.runtime.client import Client, header

SILENT_SECONDS_MAX: Final = 2.0
"""After so long without a record it is asked whether Kafka is still there: its stop would never be seen."""
ANCHOR_RECORDS: Final = 200
"""So many records at the end of each partition are asked for the newest heads of chains."""


def comparison(client: Client) -> Callable[[Any, dict[int, int]], Awaitable[tuple[Check, Difference | None]]]:
    """Return what compares the topic, read up to its end now or later, with the journal."""

    async def compare(connection: Any, vector: dict[int, int]) -> tuple[Check, Difference | None]:
        await sessions.enter_schema(connection, "transactions")
        service = TransactionsService()
        await service.start(connection)
        return await compare_published(
            connection, vector, events=_events(client), rebuild=service.events_after
        )

    return compare


async def heads(client: Client) -> list[Anchor]:
    """Return the newest head of each shard's chain that stands at the topic's end."""
    ends = {partition: end for partition, end in (await client.reach(JOURNAL)).items() if end > 0}
    starts = {(JOURNAL.name, partition): max(0, end - ANCHOR_RECORDS) for partition, end in ends.items()}
    newest: dict[int, Anchor] = {}
    missing = set(ends)
    if not missing:
        return []
    async with sessions.following(client, [JOURNAL], starts, silent_seconds_max=SILENT_SECONDS_MAX) as stream:
        async for records in stream:
            for record in records:
                if record.offset >= ends[record.partition] - 1:
                    missing.discard(record.partition)
                shard, seq = int(header(record, "shard") or -1), int(header(record, "seq") or 0)
                head = header(record, "chain")
                if head is not None and (shard not in newest or newest[shard].seq < seq):
                    newest[shard] = Anchor(shard, seq, bytes.fromhex(head))
            if not missing:
                break
    return list(newest.values())


async def _events(client: Client) -> AsyncIterator[PublishedEvent]:
    ends = await client.reach(JOURNAL)
    missing = {partition for partition, end in ends.items() if end > 0}
    if not missing:
        return
    async with sessions.following(client, [JOURNAL], {}, silent_seconds_max=SILENT_SECONDS_MAX) as stream:
        async for records in stream:
            for record in records:
                if record.offset >= ends[record.partition] - 1:
                    missing.discard(record.partition)
                yield PublishedEvent(
                    record.partition,
                    int(header(record, "shard") or -1),
                    int(header(record, "seq") or 0),
                    int(header(record, "prev") or 0),
                    record.value or b"",
                    _chain_of(record),
                )
            if not missing:
                return


def _chain_of(record: "sessions.Record") -> bytes | None:
    head = header(record, "chain")
    return None if head is None else head.encode()
