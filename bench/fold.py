"""How long the ledger takes by step, in µs a transfer: from decoding to publishing, and the database.

    python bench/fold.py [--dsn DSN] [--transfers 20000] [--batch 2000] [--accounts 10000] [--partitions 4]
                         [--payment]

Without a DSN the pure steps alone. With one (the owner of an empty, migrated ledger schema, or the
service's login and accounts that may be opened) `handle` and the commit as well. The garbage collector
runs as by default, then frozen, so that the difference shows.
"""

import argparse
import asyncio
import base64
import gc
import json
import os
import random
import sys
import time
from binascii import hexlify
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from bench.load import PAYMENT
from services.transactions.app import TransactionsService
from services.transactions.domain.chart import (
    ACCOUNTS_PER_SHARD,
    Chart,
    ChartAsset,
    Entity,
    make_account,
)
from services.transactions.domain.decoding import decode_instruction
from services.transactions.domain.entries import Entries, Entry
from services.transactions.domain.ledger import fold
from services.transactions.domain.outside import Outside
from services.transactions.domain.seals import Chain, chained
from services.transactions.domain.state import ShardState
from services.transactions.handlers.announcing import announce
from services.transactions.handlers.memory import TYPES
from services.transactions.store.instruction_keys import key_rows
from services.transactions.store.journal_rows import JournalRows
from shared.messages.partitioner import shard_of
from shared.messages.sealing import SECRET_BYTES, PartyKey
from shared.messages.topics import INSTRUCTIONS
from shared.runtime import clock
from shared.runtime.publisher import Lanes, Publisher
from shared.runtime.record_batch import EventBatch
from shared.runtime.settings import KafkaSettings, ServiceSettings
from shared.runtime.telemetry import Telemetry
from shared.runtime.work import Received, ShardWork, UnitOfWork

START = datetime(2026, 3, 1, tzinfo=UTC)


def main() -> None:
    """Print a table of steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--dsn")
    parser.add_argument("--transfers", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=2_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--payment", action="store_true", help="with 600 bytes of payment data, sealed")
    options = parser.parse_args()
    random.seed(1)
    print(f"a step of a plain loop: {calibration():.1f} ns")
    made = transfers(options.transfers, options.accounts, payment=options.payment)
    values = [value for value, _ in made]
    for name in ("default gc", "frozen gc"):
        if name == "frozen gc":
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 50, 100)
        steps = pure_steps(values, options)
        print(f"{name}: " + ", ".join(f"{step} {value:.1f}" for step, value in steps.items()))
        if options.dsn:
            steps = asyncio.run(stored_steps(options))
            print(f"{name}: " + ", ".join(f"{step} {value:.1f}" for step, value in steps.items()))


def transfers(count: int, accounts: int, *, payment: bool = False) -> list[tuple[bytes, str]]:
    """Make transfers between random accounts, with payment data or without, each with its owner."""
    carried = json.loads("{" + PAYMENT + "}") if payment else {}
    made: list[tuple[bytes, str]] = []
    for _ in range(count):
        debit, credit = random.sample(range(accounts), 2)
        message = {
            "type": "transfer",
            "instruction_id": str(clock.new_id()),
            "owner": f"C{debit:07}",
            "debit_account": f"C{debit:07}-EUR",
            "credit_account": f"C{credit:07}-EUR",
            "amount": f"{random.randint(1, 99)}.{random.randint(10, 99)}",
            "asset": "EUR",
            "occurred_at": "2026-03-01T09:30:00Z",
            "business_reference": "INV-2026-000123",
            **carried,
        }
        made.append((json.dumps(message).encode(), message["owner"]))
    return made


def received(value: bytes, owner: str, partitions: int, offset: int) -> Received:
    """The record as the runtime hands it on."""
    shard = shard_of(owner, partitions)
    return Received(
        shard=shard,
        topic=INSTRUCTIONS.name,
        partition=shard,
        offset=offset,
        timestamp_ms=0,
        key=owner.encode(),
        message=decode_instruction(TYPES, value),
    )


def timed(call: Callable[[], Any], count: int) -> tuple[Any, float]:
    """Run something and return what it returned and the µs of processor time for each of `count`."""
    started = time.process_time()
    result = call()
    return result, (time.process_time() - started) / count * 1e6


def pure_steps(values: list[bytes], options: argparse.Namespace) -> dict[str, float]:
    """Time the steps without IO over batches of one shard."""
    chart = Chart()
    euro = ChartAsset(978, "EUR", "currency", 2)
    bank = Entity(1, "BANK", START.date())
    chart.add_asset(euro)
    chart.add_entity(bank)
    accounts = {}
    for number in range(options.accounts):
        owner = f"C{number:07}"
        home = shard_of(owner, options.partitions)
        account = make_account(
            account_id=home * ACCOUNTS_PER_SHARD + number + 1,
            code=f"{owner}-EUR",
            owner=owner,
            shard=home,
            entity=bank,
            asset=euro,
            account_class="cash",
            limit=None,
        )
        accounts[account.code] = account
    state = ShardState(
        shard=0,
        accounts=accounts,
        balances={each.account_id: [0, 10**9, 0, 0] for each in accounts.values()},
        days={1: START.date()},
    )
    total: dict[str, float] = dict.fromkeys(
        ("decode", "prepare", "fold", "keys", "announce", "of which seals", "publish"), 0.0
    )
    publisher = Publisher("transactions", KafkaSettings(), Telemetry("transactions", "bench"))
    by_shard = [
        (value, owner)
        for value in values
        if shard_of(owner := json.loads(value)["owner"], options.partitions) == 0
    ]
    count = len(by_shard)
    key = PartyKey(clock.new_secret(SECRET_BYTES)) if options.payment else None
    keys = {} if key is None else {owner: key for _, owner in by_shard}
    chain = Chain(0)
    for start in range(0, count, options.batch):
        batch = by_shard[start : start + options.batch]
        _, spent = timed(lambda: [decode_instruction(TYPES, value) for value, _ in batch], count)  # noqa: B023
        total["decode"] += spent
        records = [received(value, owner, options.partitions, 0) for value, owner in batch]
        entries, spent = timed(lambda: _prepared(records, keys), count)  # noqa: B023
        total["prepare"] += spent
        folded, spent = timed(
            lambda: fold(
                state,
                entries,  # noqa: B023
                chart=chart,
                types=TYPES,
                partitions=options.partitions,
                outside=Outside(),
                last_seq=start,  # noqa: B023
            ),
            count,
        )
        total["fold"] += spent
        assert all(each.kind == "TransactionPosted" for each in folded.decisions)
        folded.changes.lay_on(state)
        _, spent = timed(lambda: key_rows([(0, folded.changes.firsts.values())]), count)  # noqa: B023
        total["keys"] += spent
        part = ShardWork(0, 1, start, START, {})
        work = UnitOfWork(None, {0: part}, options.partitions)
        chain, spent = timed(lambda: announce(JournalRows(), work, chain, folded.decisions, []), count)  # noqa: B023
        total["announce"] += spent
        bodies = [(each.body, (bytes(230),)) for each in work.outgoing]
        _, spent = timed(lambda: _sealed(chain, bodies), count)  # noqa: B023
        total["of which seals"] += spent
        _, spent = timed(lambda: _built(publisher.spell(work.outgoing)), count)  # noqa: B023
        total["publish"] += spent
    return total


def _prepared(records: list[Received], keys: Mapping[str, PartyKey]) -> list[Entry]:
    entries = Entries()
    for each in records:
        entries.add(each, TYPES, keys)
    return entries.all


def _sealed(chain: Chain, events: list[tuple[bytes, tuple[bytes, ...]]]) -> None:
    """Hash, chain and seal events as `announce` does."""
    head, heads = chain.head, []
    for body, row in events:
        head = chained(head, body, *row)
        heads.append(head)
        hexlify(head)
    chain.extended(heads)


def _built(spelt: tuple[Lanes, Lanes]) -> None:
    """Put what is spelt into batches as the producer does before it sends them."""
    for lanes in spelt:
        for records, _ in lanes.values():
            begun = 0
            while begun < len(records):
                batch = EventBatch(records, begun)
                batch.build()
                begun += batch.record_count()


async def stored_steps(options: argparse.Namespace) -> dict[str, float]:
    """Time `handle` and the commit on a real database, over all shards at once."""
    connection = await asyncpg.connect(options.dsn, server_settings={"search_path": "transactions"})
    service = TransactionsService()
    master_key = base64.b64encode(clock.new_secret(SECRET_BYTES)).decode()
    service.configure(ServiceSettings(master_key=SecretStr(master_key)), KafkaSettings())
    await service.start(connection)
    last: dict[int, int] = {}
    heads: dict[int, dict[tuple[str, int], int]] = {}
    for shard in range(options.partitions):
        last[shard] = await connection.fetchval("SELECT max(seq) FROM journal WHERE shard = $1", shard) or 0
        heads[shard] = {}
        await service.load(connection, shard)
    now = START

    async def run(records: list[Received]) -> tuple[float, float]:
        nonlocal now
        now += timedelta(milliseconds=10)
        parts = {
            shard: ShardWork(shard, 1, last[shard], now, heads[shard]) for shard in range(options.partitions)
        }
        transaction = connection.transaction()
        await transaction.start()
        work = UnitOfWork(connection, parts, options.partitions)
        started = time.perf_counter()
        cpu = time.process_time()
        await service.handle(work, sorted(records, key=lambda each: each.shard))
        await transaction.commit()
        service.adopt(work)
        spent = time.perf_counter() - started
        for shard, part in parts.items():
            last[shard] = part.last_seq
        return spent, time.process_time() - cpu

    await run([received(value, owner, options.partitions, 0) for value, owner in openings(options.accounts)])
    made = transfers(options.transfers, options.accounts, payment=options.payment)
    wall = cpu = 0.0
    backend = await connection.fetchval("SELECT pg_backend_pid()")
    before = processor_seconds(backend)
    for start in range(0, len(made), options.batch):
        batch = [
            received(value, owner, options.partitions, start)
            for value, owner in made[start : start + options.batch]
        ]
        spent, used = await run(batch)
        wall += spent
        cpu += used
    served = processor_seconds(backend) - before
    outcomes = dict(await connection.fetch("SELECT kind::text, count(*) FROM journal GROUP BY kind"))
    print(outcomes, file=sys.stderr)
    await connection.close()
    count = len(made)
    return {
        "handle and commit": wall / count * 1e6,
        "processor: Python": cpu / count * 1e6,
        "processor: PostgreSQL": served / count * 1e6,
    }


def processor_seconds(pid: int) -> float:
    """What a process on this machine has used; 0 where it is on another one."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def calibration() -> float:
    """The ns of a step of a plain loop: how fast this machine is just now."""
    started = time.process_time()
    total = 0
    for number in range(1_000_000):
        total += number & 7
    return (time.process_time() - started) * 1e3


def openings(accounts: int) -> list[tuple[bytes, str]]:
    """Open each account, without a limit, so that every transfer is posted."""
    made: list[tuple[bytes, str]] = []
    for number in range(accounts):
        owner = f"C{number:07}"
        message = {
            "type": "open_account",
            "instruction_id": str(clock.new_id()),
            "owner": owner,
            "account": f"{owner}-EUR",
            "entity": "BANK",
            "asset": "EUR",
            "limit": None,
        }
        made.append((json.dumps(message).encode(), owner))
    return made


if __name__ == "__main__":
    main()
