"""Each id has one first outcome in its shard, and each first outcome its id.

Neither journal nor ids may fit into memory, and of the ids there is no index by seq. But both were written in
one order, so a window of 4,096 seqs of a shard is whole soon on either side: of the journal's ids and seqs a
hash is kept for each window, and the ids that are taken are hashed window by window as they come. Only where
these differ, or where the ids stand in another order than they were written in, are the two joined, to name
what does.
"""

from hashlib import blake2b
from typing import Any, Final

import numpy as np
from asyncpg import Connection
from numpy.typing import NDArray

from services.transactions.queries.verifying.books import PREFETCH, Books
from services.transactions.queries.verifying.effects.grouping import FORM_REASONS
from services.transactions.queries.verifying.journal import HEADER_BYTES, TRAILER

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
WINDOW: Final = 4_096
WAITING_MAX: Final = 1_000_000
"""Ids of windows that are not whole yet; of so many 24 MB are held."""
_KEY: Final = np.dtype([("seq", ">i8"), ("id", "V16")])
_COPIED: Final = np.dtype(
    [
        ("fields", ">i2"),
        ("is_id", ">i4"), ("id", "V16"),
        ("is_seq", ">i4"), ("seq", ">i8"),
        ("is_shard", ">i4"), ("shard", ">i4"),
    ]
)  # fmt: skip
"""A row in binary `COPY`: a count, and three fields with their lengths."""


class Ids:
    """The ids of the first outcomes of one shard, window by window, in the order of the journal."""

    def __init__(self) -> None:
        self.windows: dict[int, tuple[int, bytes]] = {}
        """Of each that is whole: how many, and their hash."""
        self.odd = False
        """Whether one has no id, or stands out of order, so that the two must be joined."""
        self._window = 0
        self._keys: list[bytes] = []

    def add(self, id_bytes: bytes, seq: int) -> None:
        """Add one; an event may have several."""
        if len(id_bytes) != 16:
            self.odd = True
            return
        self._go_to(seq // WINDOW)
        self._keys.append(seq.to_bytes(8, "big", signed=True) + id_bytes)

    def add_run(self, ids: NDArray[np.uint8], seqs: NDArray[np.int64]) -> None:
        """Add several, whose seqs follow each other."""
        keys = np.empty((len(seqs), _KEY.itemsize), np.uint8)
        keys[:, :8] = seqs.astype(">i8")[:, None].view(np.uint8)
        keys[:, 8:] = ids
        at, seq = 0, int(seqs[0])
        while at < len(keys):
            self._go_to(seq // WINDOW)
            count = min(len(keys) - at, WINDOW - seq % WINDOW)
            self._keys.append(keys[at : at + count].tobytes())
            at, seq = at + count, seq + count

    def end(self) -> dict[int, tuple[int, bytes]]:
        """Return all windows."""
        self._go_to(-1)
        return self.windows

    def _go_to(self, window: int) -> None:
        if window == self._window:
            return
        if self._keys:
            # A window that was left already is met again only where the journal is out of order.
            self.odd |= self._window in self.windows
            keys = np.frombuffer(b"".join(self._keys), _KEY)
            self.windows[self._window] = len(keys), _hash_of(keys)
        self._window, self._keys = window, []


def _hash_of(keys: NDArray[Any]) -> bytes:
    """Return the hash of a window's ids, in the order of their seqs, and of one event in their own."""
    seqs = keys["seq"]
    order = np.argsort(seqs, kind="stable")
    keys, seqs = keys[order], seqs[order]
    if (seqs[1:] == seqs[:-1]).any():
        return blake2b(b"".join(sorted(each.tobytes() for each in keys))).digest()
    return blake2b(keys.tobytes()).digest()


class _Waiting:
    """The ids that are taken, as they are read: held until a window is whole."""

    def __init__(self, windows: dict[int, dict[int, tuple[int, bytes]]]) -> None:
        self.same = True
        self._expected = {shard: dict(each) for shard, each in windows.items()}
        self._held: dict[tuple[int, int], list[bytes]] = {}
        self._counts: dict[tuple[int, int], int] = {}
        self._waiting = 0

    def take(self, rows: NDArray[Any]) -> None:
        """Take rows, and compare the windows that become whole; nothing more once anything differs."""
        if not self.same:
            return
        same: Any = (rows["fields"] == 3) & (rows["is_id"] == 16)
        self.same = bool(same.all())
        place = np.stack((rows["shard"].astype(np.int64), rows["seq"].astype(np.int64) // WINDOW))
        order = np.lexsort((place[1], place[0]))
        rows, place = rows[order], place[:, order]
        begins = np.flatnonzero(np.append(True, (place[:, 1:] != place[:, :-1]).any(axis=0))).tolist()
        for begin, end in zip(begins, [*begins[1:], len(rows)], strict=True):
            self._hold(int(place[0, begin]), int(place[1, begin]), rows[begin:end])
        if self._waiting > WAITING_MAX:
            self.same = False

    def end(self) -> bool:
        """Say whether all was the same."""
        return self.same and not any(self._expected.values())

    def _hold(self, shard: int, window: int, rows: NDArray[Any]) -> None:
        key = np.empty(len(rows), _KEY)
        for name in ("id", "seq"):
            key[name] = rows[name]
        at = (shard, window)
        held = self._held.setdefault(at, [])
        held.append(key.tobytes())
        self._waiting += len(rows)
        count = self._counts[at] = self._counts.get(at, 0) + len(rows)
        expected, digest = self._expected.get(shard, {}).get(window, (0, b""))
        if count < expected:
            return
        # As bytes, since arrays that numpy joins come out in the machine's own byte order.
        whole = np.frombuffer(b"".join(held), _KEY)
        self._waiting -= count
        del self._held[at], self._counts[at]
        if count != expected or _hash_of(whole) != digest:
            self.same = False
            return
        del self._expected[shard][window]


async def same_ids(
    connection: Connection, windows: dict[int, dict[int, tuple[int, bytes]]], after: int = 0
) -> bool:
    """Say whether the ids taken in these shards behind an event are those of their first outcomes."""
    waiting = _Waiting(windows)
    rest: bytes = b""
    at_start = True

    async def take(chunk: bytearray) -> None:
        nonlocal rest, at_start
        page = rest + chunk
        if at_start and len(page) < HEADER_BYTES:
            rest = page
            return
        at = HEADER_BYTES if at_start else 0
        at_start = False
        count = (len(page) - at) // _COPIED.itemsize
        if count:
            waiting.take(np.frombuffer(page, _COPIED, count, at))
        rest = page[at + count * _COPIED.itemsize :]

    await connection.copy_from_query(
        """
        SELECT instruction_id, seq, shard
        FROM transactions.instruction_key
        WHERE shard = ANY($1) AND seq > $2
        """,
        list(windows),
        after,
        output=take,
        format="binary",
    )
    # Where a row of another size stands, the rest is not the trailer.
    return waiting.end() and bytes(rest) == TRAILER


async def compare_keys(connection: Connection, books: Books, *, same: bool, after: int = 0) -> None:
    """See that ids and first outcomes are the same, as all shards say; otherwise name what differs.

    Of events up to `after`, which are away, the ids are held against what is kept of their outcomes.
    """
    if after:
        await _compare_kept(connection, books, after)
    elsewhere = await connection.fetchval(
        "SELECT count(*) FROM transactions.instruction_key WHERE shard <> ALL($1)", list(books.shards)
    )
    if same and not elsewhere:
        books.see_many("first_outcomes", books.instructions)
        return
    await name_keys(connection, books, after)


async def _compare_kept(connection: Connection, books: Books, after: int) -> None:
    kept = await connection.fetchval("SELECT count(*) FROM transactions.detached_outcome")
    books.see_many("first_outcomes", kept or 0)
    async for row in connection.cursor(
        """
        SELECT shard, seq, key.instruction_id AS key_id, kept.instruction_id
        FROM (SELECT shard, seq, instruction_id FROM transactions.instruction_key WHERE seq <= $1) AS key
        FULL JOIN transactions.detached_outcome AS kept USING (shard, seq, instruction_id)
        WHERE key.instruction_id IS NULL OR kept.instruction_id IS NULL
        ORDER BY shard, seq
        """,
        after,
        prefetch=PREFETCH,
    ):
        place: dict[str, Any] = {"shard": row["shard"], "seq": row["seq"]}
        books.see("first_outcomes", False, expected=row["instruction_id"], found=row["key_id"], **place)


async def name_keys(connection: Connection, books: Books, after: int = 0) -> None:
    """Join journal and ids behind an event, and see each."""
    async for row in connection.cursor(
        """
        SELECT coalesce(key.shard, first.shard) AS shard, coalesce(key.seq, first.seq) AS seq,
               key.instruction_id AS key_id, first.instruction_id
        FROM (SELECT shard, seq, instruction_id FROM transactions.instruction_key WHERE seq > $2) AS key
        FULL JOIN (
            SELECT shard, seq, instruction_id, instruction_type
            FROM transactions.journal
            WHERE about_seq IS NULL
              AND kind IN ('TransactionPosted', 'TransactionPending', 'TransactionScheduled',
                           'TransactionCancelled', 'TransactionVoided', 'InstructionApplied',
                           'InstructionRejected', 'BusinessDayOpened', 'PeriodClosed')
              AND (reason IS NULL OR reason NOT IN ('wrong_key', 'wrong_partition'))
            UNION ALL
            SELECT shard, seq, (member ->> 'instruction_id')::uuid, instruction_type
            FROM transactions.journal
            CROSS JOIN json_array_elements(convert_from(content, 'UTF8')::json -> 'members') AS member
            WHERE instruction_type = 'group' AND about_seq IS NULL
              AND kind IN ('TransactionPosted', 'TransactionPending', 'InstructionRejected')
              AND (reason IS NULL OR reason <> ALL($1::text[] || '{wrong_key, wrong_partition}'))
        ) AS first
          ON first.shard = key.shard AND first.seq = key.seq
         AND (first.instruction_id = key.instruction_id OR first.instruction_type <> 'group')
        """,
        list(FORM_REASONS),
        after,
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
