"""How does the ledger compare with a row at a time, with no logic at all, and with no database at all?"""

import asyncio
import io
import random
import time
import uuid
from pathlib import Path
from typing import Any, Final

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from backoffice.stack.schema import OWNER
from bench.ledger import best_rate
from bench.load import HOT_ACCOUNTS, HOT_SHARE
from bench.results import Bound, Findings, number
from bench.world import World
from shared.messages.topics import INSTRUCTIONS, Topic
from shared.runtime.client import create_topics

QUESTION: Final = "the ledger beside a row at a time, raw produce and consume, and raw COPY, in the same run"
OVER_ROWS: Final = Bound("over a row at a time", 4, 8, "×")
CLIENTS: Final = (1, 2, 4, 8, 16)
CLIENTS_QUICK: Final = (1, 4, 16)
ROWS: Final = {"row at a time": "bench_rows", "row at a time, bare": "bench_bare"}
"""The function most teams would write, and what is left of it without all that a benchmark can do without."""
SQL: Final = {"bench_rows": "row_at_a_time.sql", "bench_bare": "row_at_a_time_bare.sql"}
REFERENCE: Final = "INV-2026-000123"
ASKED: Final = (
    '{"instruction_id":"%s","type":"transfer","owner":"B%07d","debit_account":"B%07d-EUR","credit_account":'
    '"B%07d-EUR","amount":"%d.%02d","asset":"EUR","occurred_at":"2026-03-01T09:30:00Z","business_reference":"%s"}'
)
"""The instruction that the ledger is sent, too."""
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
TABLES: Final = {"journal": "seq", "instruction_key": "seq"}


async def measure(world: World, *, quick: bool, accounts: int, ledger: Findings) -> Findings:
    """Measure them on the broker and database that the ledger has just been measured on."""
    findings = Findings(columns=("what", "a second", "the ledger is"))
    rates: dict[str, float] = {}
    rows: dict[str, dict[str, float]] = {}
    for name, schema in ROWS.items():
        for spread, by_clients in (
            await _row_at_a_time(world, schema, quick=quick, accounts=accounts)
        ).items():
            rows[f"{name}, {spread}"] = by_clients
            rates[f"{name}, {spread}, best of clients"] = max(by_clients.values())
    findings.figures["row at a time, by clients"] = rows
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


# ── (a) a row at a time ──────────────────────────────────────────────────────────────────────────


async def _row_at_a_time(
    world: World, schema: str, *, quick: bool, accounts: int
) -> dict[str, dict[str, float]]:
    dsn = world.stack.dsn(OWNER)
    await world.owner.execute(Path(__file__).with_name(SQL[schema]).read_text(encoding="utf-8"))
    await world.owner.execute(
        f"INSERT INTO {schema}.account SELECT n, 10000000000, 0 FROM generate_series(1, $1::int) AS n",
        accounts,
    )
    await world.owner.execute(f"ANALYZE {schema}.account")
    connections = [await asyncpg.connect(dsn) for _ in range(max(CLIENTS))]
    found: dict[str, dict[str, float]] = {}
    try:
        for spread in ("uniform",) if quick else ("uniform", "ten hot accounts"):
            found[spread] = {}
            for clients in CLIENTS_QUICK if quick else CLIENTS:
                rate = await _call(
                    connections[:clients],
                    accounts,
                    schema,
                    hot=spread != "uniform",
                    seconds=1.5 if quick else 5.0,
                )
                found[spread][str(clients)] = round(rate, 1)
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))
    return found


async def _call(connections: list[Any], accounts: int, schema: str, *, hot: bool, seconds: float) -> float:
    begun = time.perf_counter()
    until = begun + seconds

    async def client(connection: Any, seed: int) -> int:
        rng = random.Random(seed)
        asked = ", $6" if schema == "bench_rows" else ""
        transfer = await connection.prepare(f"SELECT {schema}.transfer($1, $2, $3, $4, $5{asked})")
        done = 0
        while time.perf_counter() < until:
            among = HOT_ACCOUNTS if hot and rng.random() < HOT_SHARE else accounts
            debit = int(rng.random() * among)
            credit = (debit + 1 + int(rng.random() * (among - 1))) % among
            key = uuid.UUID(int=int(time.time() * 1000) << 80 | 0x7 << 76 | rng.getrandbits(70))
            cents = 100 + int(rng.random() * 9900)
            values = [key, debit + 1, credit + 1, cents, REFERENCE]
            if asked:
                values.append(ASKED % (key, debit, debit, credit, cents // 100, cents % 100, REFERENCE))
            await transfer.fetchval(*values)
            done += 1
        return done

    done = await asyncio.gather(*(client(each, seed) for seed, each in enumerate(connections)))
    return sum(done) / (time.perf_counter() - begun)


# ── (b) produce and consume, without a database ──────────────────────────────────────────────────


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


# ── (c) COPY, without logic ──────────────────────────────────────────────────────────────────────


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
