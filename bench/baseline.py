"""How does the ledger compare with other shapes, with no logic at all, and with no database at all?"""

import asyncio
import io
import time
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.ledger import best_rate
from bench.results import Bound, Findings, number
from bench.shapes import SHAPES, rates_of
from bench.world import World
from shared.messages.topics import INSTRUCTIONS, Topic
from shared.runtime.client import create_topics

QUESTION: Final = "the ledger beside other shapes, raw produce and consume, and raw COPY, in the same run"
OVER_ROWS: Final = Bound("over a row at a time", 4, 8, "×")
RAW: Final = Topic(
    name="bench.raw.v1",
    messages="",
    key="owner",
    owner="bench",
    producers=("bench",),
    consumers=("bench",),
    kind="events",
    retention_ms=3_600_000,
)
BATCH: Final = 2_000
BATCH_BYTES: Final = 512 * 1024
TABLES: Final = {"journal_row": "seq", "instruction_key": "seq"}


async def measure(world: World, *, quick: bool, accounts: int, ledger: Findings) -> Findings:
    """Measure them on the broker and database that the ledger has just been measured on."""
    findings = Findings(columns=("what", "a second", "the ledger is"))
    rows: dict[str, dict[str, float]] = {}
    for shape in SHAPES:
        rows.update(await rates_of(world, shape, quick=quick, accounts=accounts))
    rates = {f"{name}, best of clients": max(by_clients.values()) for name, by_clients in rows.items()}
    findings.figures["by clients"] = rows
    rates.update(await _raw_kafka(world, 50_000 if quick else 200_000))
    rates["raw COPY of the ledger's rows, indexes and commits"] = await _raw_copy(world, quick=quick)
    findings.figures.update(rates)
    if ledger.figures:
        ours = best_rate(ledger.figures)
        findings.figures["ledger"] = ours
        findings.ratios = {f"ledger ÷ {name}": ours / rate for name, rate in rates.items()}
        best_rows = max(rate for name, rate in rates.items() if name.startswith("row at a time, uniform"))
        findings.judged.append((OVER_ROWS, ours / best_rows))
    else:
        findings.void.append("the ledger's own rate is missing")
    for name, rate in rates.items():
        ratio = findings.ratios.get(f"ledger ÷ {name}")
        findings.rows.append((name, number(rate), "" if ratio is None else f"{ratio:.2f} ×"))
    for spread, by_clients in rows.items():
        words = ", ".join(f"{clients}: {number(rate)}" for clients, rate in by_clients.items())
        findings.notes.append(f"{spread}, transfers a second by clients: {words}")
    findings.ratios = findings.ratios if ledger.figures else {}
    return findings


# ── produce and consume, without a database ──────────────────────────────────────────────────


async def _raw_kafka(world: World, count: int) -> dict[str, float]:
    """Read the instructions there are and write the same bytes to another topic, then read those."""
    await create_topics(world.kafka, world.partitions, [RAW])
    options = world.kafka.client_options()
    producer = AIOKafkaProducer(
        enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES, linger_ms=0, **options
    )
    consumer = AIOKafkaConsumer(
        enable_auto_commit=False, max_partition_fetch_bytes=2 * 1024 * 1024, **options
    )
    await producer.start()
    await consumer.start()
    try:
        places = [TopicPartition(INSTRUCTIONS.name, number_of) for number_of in range(world.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        both, taken = 0.0, 0
        begun = time.perf_counter()
        while taken < count:
            polled = await consumer.getmany(timeout_ms=2000, max_records=BATCH)
            if not polled:
                break
            waits: list[Any] = []
            for place, records in polled.items():
                waits += await _send(producer, place.partition, records)
                taken += len(records)
            await asyncio.gather(*waits)
        both = taken / (time.perf_counter() - begun)
        consumer.assign([TopicPartition(RAW.name, number_of) for number_of in range(world.partitions)])
        await consumer.seek_to_beginning()
        begun, read = time.perf_counter(), 0
        while read < taken:
            polled = await consumer.getmany(timeout_ms=2000, max_records=BATCH)
            if not polled:
                break
            read += sum(len(records) for records in polled.values())
        only = read / (time.perf_counter() - begun)
    finally:
        await consumer.stop()
        await producer.stop()
    return {"raw consume and produce, no database": round(both, 1), "raw consume": round(only, 1)}


async def _send(producer: AIOKafkaProducer, partition: int, records: list[Any]) -> list[Any]:
    waits: list[Any] = []
    position = 0
    while position < len(records):
        batch = producer.create_batch()
        while position < len(records):
            record = records[position]
            if batch.append(key=record.key, value=record.value, timestamp=None) is None:
                break
            position += 1
        batch.close()
        waits.append(await producer.send_batch(batch, RAW.name, partition=partition))
    return waits


# ── COPY, without logic ──────────────────────────────────────────────────────────────────────


async def _raw_copy(world: World, *, quick: bool) -> float:
    """Append the rows of the ledger's transfers to tables of the same columns and indexes."""
    owner = world.owner
    await owner.execute("CREATE SCHEMA bench_copy")
    for table in TABLES:
        await owner.execute(f"CREATE TABLE bench_copy.{table} (LIKE transactions.{table} INCLUDING ALL)")
    most = await owner.fetchrow("SELECT shard, last_seq FROM transactions.shard ORDER BY last_seq DESC")
    assert most is not None
    shard, last = most
    batches: list[dict[str, bytes]] = []
    for first in range(max(1, last - (20_000 if quick else 100_000)), last - BATCH, BATCH):
        batch: dict[str, bytes] = {}
        for table in TABLES:
            rows = io.BytesIO()
            await owner.copy_from_query(
                f"SELECT * FROM transactions.{table} WHERE shard = $1 AND seq >= $2 AND seq < $3"
                " ORDER BY seq",
                shard,
                first,
                first + BATCH,
                output=rows,
                format="binary",
            )
            batch[table] = rows.getvalue()
        batches.append(batch)
    begun = time.perf_counter()
    for batch in batches:
        async with owner.transaction():
            for table, rows in batch.items():
                await owner.copy_to_table(
                    table, schema_name="bench_copy", source=io.BytesIO(rows), format="binary"
                )
    return round(len(batches) * BATCH / (time.perf_counter() - begun), 1)
