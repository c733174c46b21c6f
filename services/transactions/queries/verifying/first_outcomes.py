"""Each id has one first outcome in its shard, and each first outcome its id.

Journal and ids stand in different orders, and either may be too large to be kept or sorted. So both are
summed up: of every (id, seq, shard) a keyed hash, added modulo 2^128 (an additive
multiset hash; the key is drawn anew for each run, so nobody can aim at it). Only where the sums differ are
the two joined, to name what does.
"""

import struct
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import PREFETCH, Books
from services.transactions.queries.verifying.journal import TRAILER

FIRST_OUTCOMES: Final = frozenset(
    {
        "TransactionPosted",
        "TransactionPending",
        "TransactionScheduled",
        "TransactionCancelled",
        "TransactionVoided",
        "InstructionApplied",
        "InstructionRejected",
        "BusinessDayOpened",
        "PeriodClosed",
    }
)
PLACE_REASONS: Final = frozenset({"wrong_key", "wrong_partition"})
KEY_BYTES: Final = 32
_KEY_ROW: Final = struct.Struct(">6x16s20s")
"""A row in binary `COPY`: a count, and three fields with their lengths; seq and shard are taken with them."""
_HEADER: Final = 19
_MODULUS: Final = 1 << 128


class Sum:
    """Sums up (id, seq, shard) by a key."""

    def __init__(self, key: bytes) -> None:
        self.total = 0
        self.count = 0
        self.keyed = blake2b(key=key, digest_size=16)

    def add(self, id_bytes: bytes, place: bytes) -> None:
        """Add one: the id's bytes, and seq and shard as `COPY` spells them."""
        hashed = self.keyed.copy()
        hashed.update(id_bytes + place)
        self.total = (self.total + int.from_bytes(hashed.digest(), "big")) % _MODULUS
        self.count += 1

    def join(self, count: int, total: int) -> None:
        """Add another sum by the same key."""
        self.count += count
        self.total = (self.total + total) % _MODULUS


async def sum_up_ids(connection: Connection, shards: Sequence[int], ids: Sum) -> None:
    """Sum up the ids that are taken in these shards."""
    rest = b""
    at_start = True

    async def take(chunk: bytearray) -> None:
        nonlocal rest, at_start
        page = rest + chunk
        at = 0
        if at_start:
            if len(page) < _HEADER:
                rest = page
                return
            at, at_start = _HEADER, False
        count = (len(page) - at) // _KEY_ROW.size
        end = at + count * _KEY_ROW.size
        copy, total = ids.keyed.copy, 0
        for id_bytes, place in _KEY_ROW.iter_unpack(page[at:end]):
            hashed = copy()
            hashed.update(id_bytes + place)
            total += int.from_bytes(hashed.digest(), "big")
        ids.join(count, total)
        rest = page[end:]

    await connection.copy_from_query(
        """
        SELECT instruction_id, seq, shard
        FROM transactions.instruction_key
        WHERE shard = ANY($1)
        """,
        list(shards),
        output=take,
        format="binary",
    )
    if len(rest) != len(TRAILER):
        # A row of another size cannot be told from the next ones: no sum is the right one.
        ids.join(1, 0)


async def compare_keys(connection: Connection, books: Books, journalled: Sum, taken: Sum) -> None:
    """See that both come to the same; otherwise name what differs."""
    elsewhere = await connection.fetchval(
        "SELECT count(*) FROM transactions.instruction_key WHERE shard <> ALL($1)", list(books.shards)
    )
    if not elsewhere and (journalled.count, journalled.total) == (taken.count, taken.total):
        books.see_many("first_outcomes", journalled.count)
        return
    await name_keys(connection, books)
    same = not books.checks["first_outcomes"].ok
    books.see("first_outcomes", same, expected="the same ids", found="another sum of them")


async def name_keys(connection: Connection, books: Books) -> None:
    """Join journal and ids, and see each."""
    async for row in connection.cursor(
        """
        SELECT coalesce(key.shard, first.shard) AS shard, coalesce(key.seq, first.seq) AS seq,
               key.instruction_id AS key_id, first.instruction_id
        FROM transactions.instruction_key AS key
        FULL JOIN (
            SELECT shard, seq, instruction_id
            FROM transactions.journal_row
            WHERE about_seq IS NULL
              AND kind IN ('TransactionPosted', 'TransactionPending', 'TransactionScheduled',
                           'TransactionCancelled', 'TransactionVoided', 'InstructionApplied',
                           'InstructionRejected', 'BusinessDayOpened', 'PeriodClosed')
              AND (reason IS NULL OR reason NOT IN ('wrong_key', 'wrong_partition'))
        ) AS first ON first.shard = key.shard AND first.seq = key.seq
        """,
        prefetch=PREFETCH,
    ):
        at: dict[str, Any] = {"shard": row["shard"], "seq": row["seq"]}
        books.see(
            "first_outcomes",
            row["key_id"] is not None
            and row["key_id"] == row["instruction_id"]
            and row["shard"] in books.shards,
            expected=row["instruction_id"],
            found=row["key_id"],
            **at,
        )
