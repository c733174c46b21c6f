"""Walks a shard's journal, from the first event to the last, and hands each to what it does."""

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
from asyncpg import Connection

from services.transactions.queries.verifying.attached import see_whether_it_moves, walk_attached
from services.transactions.queries.verifying.books import RUNS_FROM, Books, Findings, Shard
from services.transactions.queries.verifying.columns import PAD, read_block
from services.transactions.queries.verifying.effects import APPLIED, KINDS
from services.transactions.queries.verifying.effects.grouping import members_taken
from services.transactions.queries.verifying.effects.value_dates import read_openings, see_openings
from services.transactions.queries.verifying.first_outcomes import (
    FIRST_OUTCOMES,
    PLACE_REASONS,
    Ids,
)
from services.transactions.queries.verifying.implied import complete
from services.transactions.queries.verifying.journal import TRAILER, Row, read_rows, row_at
from services.transactions.queries.verifying.plain import Ends, PlainWalk
from services.transactions.queries.verifying.seals import Anchor, Chain, hash_of_event, hash_of_plain
from services.transactions.queries.verifying.spelling import MOVING, body_of, said_of

BLOCK_BYTES: Final = 4 << 20
"""So much of a journal is walked at a time: a few thousand rows."""


async def derive(
    connection: Connection,
    chart: Books,
    ends: Ends,
    number: int,
    last_seq: int,
    *,
    after: int = 0,
    anchors: Sequence[Anchor] | None = None,
    progress: Callable[[int], None] | None = None,
    runs_from: int | None = RUNS_FROM,
    block_bytes: int = BLOCK_BYTES,
) -> Findings:
    """Walk one shard's journal with its movements, with `anchors` its chain and seals too.

    `chart` has the accounts, `ends` the same as columns; `progress` is told again and again how many more
    rows were walked. Plain rows are walked in columns where at least `runs_from` follow each
    other; if that is None none are, and the same is found, slowly. With `after` the events up to that number
    are away: what can be seen without them is, row by row (`attached`).
    """
    firsts = await connection.fetch("SELECT entity_id, first_booking_date FROM transactions.entity")
    first_days = {row["entity_id"]: row["first_booking_date"] for row in firsts}
    shard = Shard(number, dict(first_days), first_days)
    shard.openings = await read_openings(connection, number)
    books = chart.beside()
    chain = None if anchors is None else Chain(number, last_seq, anchors, after)
    if chain is not None:
        await chain.read(connection)
    ids = Ids()
    plain = PlainWalk(books, ends, shard, ids, chain) if runs_from and not after else None
    walk = Walk(
        books, shard, ids, chain, plain,
        runs_from=runs_from or 0, progress=progress, block_bytes=block_bytes, after=after,
    )  # fmt: skip
    await read_rows(connection, number, after, last_seq, walk.take)
    walk.end(last_seq)
    see_openings(books, shard)
    await _see_strays(connection, books, number, last_seq, walk.several)
    return Findings(
        shard,
        list(books.checks.values()),
        books.first,
        books.instructions,
        books.movements,
        0 if plain is None else plain.rows,
        None if chain is None else chain.difference,
        0 if chain is None else chain.hashed,
        None if ids.odd else ids.end(),
    )


class Walk:
    """One shard's walk, in columns and, where rows are not plain, row by row."""

    def __init__(
        self,
        books: Books,
        shard: Shard,
        ids: Ids,
        chain: Chain | None,
        plain: PlainWalk | None,
        *,
        runs_from: int,
        progress: Callable[[int], None] | None,
        block_bytes: int,
        after: int = 0,
    ) -> None:
        self.several = 0
        """Movements met that are kept beside their journal rows."""
        self._books = books
        self._shard = shard
        self._ids = ids
        self._chain = chain
        self._plain = plain
        self._runs_from = runs_from
        self._expected = self._after = after
        self._effects_of = walk_attached if after else _walk
        self._progress = progress
        self._chunks: list[bytes | bytearray] = []
        self._room = self._block_bytes = block_bytes

    def take(self, chunk: bytes | bytearray, at: int) -> None:
        """Walk the rows of which a chunk is made, from here on, as soon as there are enough."""
        if self._room <= 0:
            self._walk_block()
        self._chunks.append(chunk[at:] if at else chunk)
        self._room -= len(chunk) - at

    def end(self, last_seq: int) -> None:
        """Walk what is left, and see that nothing is missing behind the last row."""
        self._walk_block(trailer=TRAILER)
        if self._plain is not None:
            self._plain.give_back()
        found, number = self._expected, self._shard.number
        self._books.see(
            "sequence", found == last_seq, expected=last_seq, found=found, shard=number, seq=found + 1
        )
        if self._chain is not None and self._chain.difference is None:
            if found != last_seq:
                self._chain.differ(found + 1, "an event", "none")
            else:
                self._chain.end()

    def _walk_block(self, trailer: bytes = b"") -> None:
        """Walk the rows of the chunks that are held, but for the trailer that stands behind the last ones."""
        rows = b"".join((*self._chunks, PAD))
        size = len(rows) - len(PAD)
        if rows.endswith(trailer, 0, size):
            size -= len(trailer)
        self._chunks.clear()
        self._room = self._block_bytes
        if self._plain is None:
            walked = self._walk_rows(rows, 0, size)
        else:
            walked = self._walk_columns(self._plain, rows, size)
        if self._progress is not None:
            self._progress(walked)

    def _walk_columns(self, plain: PlainWalk, rows: bytes, size: int) -> int:
        """Walk rows: runs of plain ones in columns, the others one by one. Say how many."""
        block = read_block(rows, size, self._shard.number)
        plain.open(block)
        walked = at = place = 0
        is_wrong = False
        while at < size:
            if place >= len(block.starts) or block.starts[place] != at:
                # Where a row begins was not found, or something that looks so within another was.
                place = int(np.searchsorted(block.starts, at))
                if place >= len(block.starts) or block.starts[place] != at:
                    return walked + self._walk_rows(rows, at, size)
            end = place if is_wrong else plain.end_of_run(block, place, self._expected + 1)
            if end - place >= self._runs_from:
                held = plain.walk(block, place, end)
                # What follows upon something wrong often is, and is not tried again in this block.
                is_wrong = place + held < end
                walked += held
                place += held
                self._expected += held
                at = int(block.starts[place]) if place < len(block.starts) else size
                continue
            row, at = row_at(rows, at)
            if not _leaves_be(row):
                plain.give_back()
            self._see(row, self._expected + 1)
            self._expected = row["seq"]
            walked += 1
            place += 1
        return walked

    def _walk_rows(self, rows: bytes, at: int, size: int) -> int:
        """Walk rows one by one, and say how many."""
        walked = 0
        if self._plain is not None:
            self._plain.give_back()
        while at < size:
            row, at = row_at(rows, at)
            self._see(row, self._expected + 1)
            self._expected = row["seq"]
            walked += 1
        return walked

    def _see(self, row: Row, expected: int) -> None:
        books, number, seq = self._books, self._shard.number, row["seq"]
        at: dict[str, Any] = {"shard": number, "seq": expected}
        books.see("sequence", seq == expected, expected=expected, found=seq, **at)
        self.several += row.several
        try:
            complete(row, books)
            if row["content"] is not None:
                books.see_many("content", 1)
        except (LookupError, ValueError) as error:
            at["seq"] = seq
            books.see("content", False, expected="what was asked", found=type(error).__name__, **at)
        try:
            self._effects_of(books, self._shard, row)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            at["seq"] = seq
            check = "movements" if row["kind"] in MOVING else "content"
            books.see(check, False, expected=f"a {row['kind']}", found=type(error).__name__, **at)
        if _is_first_outcome(row):
            books.instructions += 1
            self._ids.add(row["id_bytes"] or b"", seq)
            for member_id in members_taken(row):
                books.instructions += 1
                self._ids.add(UUID(member_id).bytes, seq)
        chain = self._chain
        if chain is None or chain.difference is not None:
            return
        if seq != expected:
            chain.differ(expected, "an event", f"event {seq}")
            return
        if chain.is_lost or self._repeats_what_is_away(row):
            chain.lose(seq)
            return
        try:
            head = (
                hash_of_plain(chain.head, row.sealed, said_of(row, books))
                if row.is_plain
                else hash_of_event(chain.head, body_of(row, books), row.sealed)
            )
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            chain.differ(seq, "an event that can be spelt", type(error).__name__)
            return
        chain.take(seq, head)

    def _repeats_what_is_away(self, row: Row) -> bool:
        """Say whether an event repeats what was asked of one that is away."""
        about: int | None = row["about_seq"]
        return about is not None and about <= self._after and row["content"] is None and bool(row.legs)


def _walk(books: Books, shard: Shard, row: Row) -> None:
    kind: str = row["kind"]
    if not see_whether_it_moves(books, shard, row):
        return
    known = APPLIED.get(row["instruction_type"]) if kind == "InstructionApplied" else KINDS.get(kind)
    if known is not None:
        known(books, shard, row, row.legs)


def _leaves_be(row: Row) -> bool:
    """Say whether nothing that is derived depends on a row, or it on that."""
    kind = row["kind"]
    return (
        not row.legs
        and kind not in KINDS
        and not (kind == "InstructionApplied" and row["instruction_type"] in APPLIED)
    )


def _is_first_outcome(row: Row) -> bool:
    return row["kind"] in FIRST_OUTCOMES and row["about_seq"] is None and row["reason"] not in PLACE_REASONS


async def _see_strays(connection: Connection, books: Books, shard: int, last_seq: int, met: int) -> None:
    """See that no movement is kept beside a journal row that has none, or has its own."""
    kept = await connection.fetchval(
        "SELECT count(*) FROM transactions.movement_of_several WHERE shard = $1 AND seq <= $2",
        shard,
        last_seq,
    )
    if kept == met:
        return
    for row in await connection.fetch(
        """
        SELECT several.seq, several.leg
        FROM transactions.movement_of_several AS several
        LEFT JOIN transactions.journal_row AS row ON row.shard = several.shard AND row.seq = several.seq
        WHERE several.shard = $1 AND several.seq <= $2
          AND (row.seq IS NULL OR row.debit_account IS NOT NULL)
        ORDER BY several.seq, several.leg
        """,
        shard,
        last_seq,
    ):
        place = {"shard": shard, "seq": row["seq"], "leg": row["leg"]}
        books.see("movements", False, expected="a journal row of several", found="none", **place)
