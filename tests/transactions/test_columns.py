"""What is verified in columns is what is verified row by row, whatever was done to the rows."""

import asyncio
import random
import struct
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transactions.queries.verifying.books import RUNS_FROM, Books, Shard
from services.transactions.queries.verifying.derivation import Walk
from services.transactions.queries.verifying.effects.opening import read_chart
from services.transactions.queries.verifying.first_outcomes import Ids
from services.transactions.queries.verifying.journal import TRAILER, read_rows
from services.transactions.queries.verifying.plain import Ends, PlainWalk
from services.transactions.queries.verifying.seals import Anchor, Chain
from shared.messages.envelope import HOUSE
from tests.transactions.conftest import TEMPLATE, Server, database
from tests.transactions.support import (
    PARTITIONS,
    StoredLedger,
    deposit,
    instruction,
    limiting,
    opening,
    owner_in,
    received,
    reversal,
    transfer,
    withdrawal,
)

OWNERS = [owner_in(number % 2, f"owner{number}") for number in range(8)]
Row = list[bytes | None]
FIELDS = 29
NEVER_NULL = (0, 1, 14, 15, 16)
SEQ = 14
NUMBERS = (21, 22, 23)
LONG = (18, 24, 25, 26)
"""Fields by their place in `journal.ROWS`."""


@dataclass(frozen=True)
class Stream:
    """A shard's journal as it is read, with what is known before it is walked."""

    chart: Books
    ends: Ends
    first_days: dict[int, date]
    shard: int
    last_seq: int
    rows: list[Row]
    chain: Chain


def random_batches(chance: random.Random) -> Iterator[list[Any]]:
    """A ledger's life: mostly plain, with all that makes accounts and days more than plain among it."""
    amount = lambda: f"{chance.choice((0, 3, 40, 12345))}.{chance.randrange(1, 100):02d}"  # noqa: E731
    yield [opening(owner) for owner in OWNERS]
    yield [deposit(owner, "900.00") for owner in OWNERS]
    for number in range(12):
        batch: list[Any] = []
        for _ in range(chance.randrange(1, 60)):
            owner, other = chance.sample(OWNERS, 2)
            message = chance.choice((
                transfer(owner, other, amount()), transfer(owner, other, amount()),
                transfer(owner, other, amount()), deposit(owner, amount()), deposit(owner, amount()),
                withdrawal(owner, f"{chance.randrange(1, 30)}.00", value_date="2026-01-01"),
                instruction("fee", owner=owner, account=owner, amount=amount(), asset="EUR"),
            ))  # fmt: skip
            batch.append(message)
            if chance.random() < 0.02:
                batch.append(message)
            if chance.random() < 0.03:
                batch.append(
                    chance.choice((
                        reversal(message), transfer(owner, other, "99999.00"), b"{",
                        message | {"dry_run": True}, deposit(owner, "1.00", "nobody"),
                    ))
                )  # fmt: skip
        if number % 5 == 4:
            frozen = chance.choice(OWNERS)
            batch += [
                instruction("freeze_account", owner=frozen, account=frozen, freeze_id="f", authority="c"),
                limiting(chance.choice(OWNERS), "500.00"),
            ]
            day = instruction(
                "open_business_day", owner=HOUSE, entity="BANK", booking_date=f"2026-01-{number + 2:02d}"
            )
            batch += [received(day, partition=shard) for shard in range(PARTITIONS)]
        yield batch


@pytest.fixture(scope="session")
def streams(ledger_server: Server) -> list[Stream]:
    """The journals of a few random ledgers."""

    async def prepare() -> list[Stream]:
        found: list[Stream] = []
        for seed in range(3):
            async with database(ledger_server, TEMPLATE) as addresses:
                connection = await asyncpg.connect(addresses.service)
                ledger = await StoredLedger.started(connection)
                for batch in random_batches(random.Random(seed)):
                    await ledger.send(*batch)
                found += [await read_stream(connection, shard) for shard in (0, 1)]
                await connection.close()
        return found

    return asyncio.run(prepare())


async def read_stream(connection: asyncpg.Connection, shard: int) -> Stream:
    """Read a shard's journal, field by field."""
    chart = Books()
    async with connection.transaction(readonly=True):
        await read_chart(connection, chart)
        firsts = await connection.fetch("SELECT entity_id, first_booking_date FROM entity")
        last_seq: Any = await connection.fetchval("SELECT last_seq FROM shard WHERE shard = $1", shard)
        chain = Chain(shard, last_seq, ())
        await chain.read(connection)
        pages: list[bytes] = []
        await read_rows(connection, shard, 0, last_seq, lambda page, at: pages.append(bytes(page[at:])))
    days = {row["entity_id"]: row["first_booking_date"] for row in firsts}
    data = b"".join(pages).removesuffix(TRAILER)
    return Stream(chart, Ends(chart), days, shard, last_seq, list(fields_of(data)), chain)


def fields_of(data: bytes) -> Iterator[Row]:
    """Part rows of binary `COPY` into their fields."""
    at = 0
    while at < len(data):
        at += 2
        row: Row = []
        for _ in range(FIELDS):
            (length,) = struct.unpack_from(">i", data, at)
            at += 4
            row.append(None if length < 0 else data[at : at + length])
            at += max(length, 0)
        yield row


def spelt(row: Row) -> bytes:
    """Put a row together again."""
    fields = [b"\xff\xff\xff\xff" if each is None else struct.pack(">i", len(each)) + each for each in row]
    return struct.pack(">h", len(row)) + b"".join(fields)


def walked(stream: Stream, rows: list[Row], runs_from: int | None, cuts: int, anchors: list[Anchor]) -> Any:
    """Walk rows that come in pages of so many, and return all that came of it."""
    chart = deepcopy(stream.chart)  # nothing that one walk has learned is known to the next
    books, shard, ids = chart.beside(), Shard(stream.shard, dict(stream.first_days)), Ids()
    chain = deepcopy(stream.chain)
    chain.kept = {each.seq: each.head for each in anchors}
    plain = PlainWalk(books, Ends(chart), shard, ids, chain) if runs_from else None
    walk = Walk(books, shard, ids, chain, plain, runs_from=runs_from or 0, progress=None, block_bytes=1)
    pages = [b"".join(map(spelt, rows[at : at + cuts])) for at in range(0, len(rows), cuts)]
    try:
        for page in [*pages, TRAILER]:
            walk.take(page, 0)
        walk.end(stream.last_seq)
    except (ValueError, struct.error, OverflowError, AttributeError, TypeError, LookupError) as error:
        return type(error)
    return (
        list(books.checks.values()), books.first, books.instructions, books.movements,
        {key: own for key, own in shard.rows.items() if any(own)}, shard.days, shard.watched, shard.seen,
        chain.difference, chain.seq, chain.head, walk.several, ids.odd or ids.end(),
    )  # fmt: skip


def flip(chance: random.Random, rows: list[Row], at: int) -> None:
    """One bit of one field."""
    field = chance.choice([each for each in range(FIELDS) if rows[at][each]])
    found = bytearray(rows[at][field] or b"")
    found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    rows[at][field] = bytes(found)


def empty(chance: random.Random, rows: list[Row], at: int) -> None:
    """A field taken away."""
    rows[at][chance.choice([each for each in range(2, FIELDS - 2) if each not in NEVER_NULL])] = None


def borrow(chance: random.Random, rows: list[Row], at: int) -> None:
    """A field as another row has it."""
    field = chance.randrange(1, FIELDS)
    rows[at][field] = chance.choice(rows)[field]


def swap(chance: random.Random, rows: list[Row], at: int) -> None:
    """Two rows in each other's place, each with its own number or with the other's."""
    other = chance.randrange(len(rows))
    rows[at], rows[other] = rows[other], rows[at]
    if chance.random() < 0.5:
        rows[at][SEQ], rows[other][SEQ] = rows[other][SEQ], rows[at][SEQ]


def remove(chance: random.Random, rows: list[Row], at: int) -> None:
    """A row, or all from one on."""
    del rows[at : at + 1 if chance.random() < 0.7 else len(rows)]


def repeat(chance: random.Random, rows: list[Row], at: int) -> None:
    """A row once more, with its own number or pushing the others on."""
    rows.insert(at, list(rows[at]))
    if chance.random() < 0.5:
        for place in range(at + 1, len(rows)):
            rows[place][SEQ] = struct.pack(">q", place + 1)


def raise_by_one(chance: random.Random, rows: list[Row], at: int) -> None:
    """An amount or a balance."""
    field = chance.choice(NUMBERS)
    if (found := rows[at][field]) is not None:
        rows[at][field] = struct.pack(">q", chance.choice((struct.unpack(">q", found)[0] + 1, 2**63 - 1, -1)))


def hide(chance: random.Random, rows: list[Row], at: int) -> None:
    """Whole rows within a field of another, where no row begins."""
    field = chance.choice(LONG)
    first = chance.randrange(len(rows))
    rows[at][field] = (rows[at][field] or b"") + b"".join(map(spelt, rows[first : first + 3]))


CHANGES: list[Callable[[random.Random, list[Row], int], None]] = [
    flip, flip, empty, borrow, borrow, swap, remove, repeat, raise_by_one, hide,
]  # fmt: skip


def test_journals_in_order_are_walked_in_columns(streams: list[Stream]) -> None:
    """Many of their rows, and nothing is found; row by row neither."""
    in_columns = 0
    for stream in streams:
        books, shard, ids = stream.chart.beside(), Shard(stream.shard, dict(stream.first_days)), Ids()
        plain = PlainWalk(books, stream.ends, shard, ids, None)
        walk = Walk(books, shard, ids, None, plain, runs_from=RUNS_FROM, progress=None, block_bytes=1 << 20)
        walk.take(b"".join(map(spelt, stream.rows)) + TRAILER, 0)
        walk.end(stream.last_seq)
        assert books.first is None
        in_columns += plain.rows
        expected = walked(stream, stream.rows, None, 1, [])
        assert expected[1] is expected[8] is None
        assert expected == walked(stream, stream.rows, RUNS_FROM, 10_000, [])
    assert in_columns > sum(each.last_seq for each in streams) / 4


def verdict(of: Any) -> Any:
    """What is told of a journal: all that came of it where nothing is wrong, else what is wrong first.

    How much else was looked at by then depends on where pages end; so does whether a row that cannot be
    read is told of before or behind another mistake.
    """
    if isinstance(of, type):
        return "unreadable"
    checks, first, *_, difference = of[:9]
    if first is None and difference is None:
        return of
    return first, [each.name for each in checks if not each.ok], difference


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_both_walks_find_the_same(streams: list[Stream], data: st.DataObject) -> None:
    """In random ledgers with random damage, however they are cut, and wherever a head was kept."""
    stream = data.draw(st.sampled_from(streams))
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    rows = [list(row) for row in stream.rows]
    for change in data.draw(st.lists(st.sampled_from(CHANGES), max_size=3)):
        if rows:
            change(chance, rows, chance.randrange(len(rows)))
    heads = [Anchor(stream.shard, chance.randrange(1, stream.last_seq), bytes(32))]
    anchors = heads if data.draw(st.booleans()) else []
    runs_from, cuts = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 200))
    expected = verdict(walked(stream, rows, None, 10_000, anchors))
    found = verdict(walked(stream, rows, runs_from, cuts, anchors))
    if "unreadable" in (expected, found):
        assert not (isinstance(expected, tuple) and len(expected) > 3)
        assert not (isinstance(found, tuple) and len(found) > 3)
    else:
        assert found == expected
