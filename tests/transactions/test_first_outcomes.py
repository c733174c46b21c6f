"""Ids that are taken and first outcomes are compared window by window, however they come."""

import random
import struct
from typing import Any

import asyncpg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transactions.queries.verifying import first_outcomes, verify
from services.transactions.queries.verifying.first_outcomes import WINDOW, Ids, same_ids
from services.transactions.queries.verifying.journal import HEADER_BYTES, TRAILER
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import StoredLedger, deposit, opening, owner_in, transfer

ALICE, BOB = owner_in(0, "alice"), owner_in(0, "bob")
SHARDS = (0, 1)
Key = tuple[int, int, bytes]
"""Shard, seq, id."""


class Copied:
    """Gives what binary `COPY` would of the ids that are taken, cut into pieces anywhere."""

    def __init__(self, keys: list[Key], chance: random.Random) -> None:
        rows = [struct.pack(">hi16siqii", 3, 16, id_, 8, seq, 4, shard) for shard, seq, id_ in keys]
        self._data = bytes(HEADER_BYTES) + b"".join(rows) + TRAILER
        self._chance = chance

    async def copy_from_query(self, *_: object, output: Any, **_format: str) -> None:
        """Give it away piece by piece."""
        at = 0
        while at < len(self._data):
            end = at + self._chance.choice((1, 7, 100, 5_000, 100_000))
            await output(bytearray(self._data[at:end]))
            at = end


def windows_of(keys: list[Key]) -> dict[int, dict[int, tuple[int, bytes]]]:
    """Take the first outcomes of all shards as the walk does: alone, or in runs."""
    found: dict[int, dict[int, tuple[int, bytes]]] = {}
    for shard in SHARDS:
        ids = Ids()
        own = sorted((seq, id_) for each, seq, id_ in keys if each == shard)
        for seq, id_ in own[::2]:
            ids.add(id_, seq)
            if run := [each for each in own if each[0] == seq + 1]:
                columns = np.array([list(id_) for _, id_ in run], np.uint8)
                ids.add_run(columns, np.array([seq for seq, _ in run], np.int64))
        found[shard] = ids.end()
    return found


def some_keys(chance: random.Random) -> list[Key]:
    """Make ids of two shards over a few windows, in about the order of their seqs."""
    seqs = sorted(chance.sample(range(1, 3 * WINDOW, 2), chance.randrange(1, 400)))
    keys = [
        (shard, seq + beside, chance.randbytes(16)) for seq in seqs for shard in SHARDS for beside in (0, 1)
    ]
    return sorted(keys, key=lambda each: each[1] + chance.randrange(50))


@settings(max_examples=25, deadline=None)
@given(st.integers(0))
async def test_the_same_ids_are_the_same_in_any_order_and_cut_anywhere(seed: int) -> None:
    """So that nothing is joined where nothing differs."""
    chance = random.Random(seed)
    keys = some_keys(chance)
    assert await same_ids(Copied(keys, chance), windows_of(keys))  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(st.integers(0), st.integers(0, 3))
async def test_one_other_id_is_told(seed: int, change: int) -> None:
    """Wherever it is: one bit of it, its seq, its shard; or that it is not there."""
    chance = random.Random(seed)
    keys = some_keys(chance)
    at = chance.randrange(len(keys))
    shard, seq, id_ = keys[at]
    flipped = (int.from_bytes(id_, "big") ^ 1 << chance.randrange(128)).to_bytes(16, "big")
    changes: list[list[Key]] = [[(shard, seq, flipped)], [(shard, seq + 4, id_)], [(1 - shard, seq, id_)], []]
    taken = [*keys[:at], *changes[change], *keys[at + 1 :]]
    assert not await same_ids(Copied(taken, chance), windows_of(keys))  # type: ignore[arg-type]


async def test_nothing_is_joined_where_ids_are_in_order(
    ledger: StoredLedger, ledger_database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The join takes longer than all else; it is for naming what differs."""
    joins: list[object] = []
    join = first_outcomes.name_keys

    async def counted(connection: asyncpg.Connection, *arguments: Any) -> None:
        """Count it."""
        joins.append(connection)
        await join(connection, *arguments)

    monkeypatch.setattr(first_outcomes, "name_keys", counted)
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "100.00"))
    await ledger.send(*(transfer(ALICE, BOB, "1.00") for _ in range(20)))
    assert (await verify(ledger_database.readonly)).ok
    assert not joins
    owner = await asyncpg.connect(ledger_database.owner)
    await owner.execute("DELETE FROM transactions.instruction_key WHERE shard = 0 AND seq = 5")
    await owner.close()
    difference = (await verify(ledger_database.readonly)).first_difference
    assert difference is not None
    assert (difference.check, difference.seq) == ("first_outcomes", 5)
    assert len(joins) == 1
