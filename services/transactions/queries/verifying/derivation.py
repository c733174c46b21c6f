"""Walks a shard's journal, from the first event to the last, and hands each to what it does."""

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Findings, Shard
from services.transactions.queries.verifying.effects import APPLIED, KINDS
from services.transactions.queries.verifying.first_outcomes import (
    FIRST_OUTCOMES,
    PLACE_REASONS,
    Sum,
)
from services.transactions.queries.verifying.implied import complete
from services.transactions.queries.verifying.journal import TRAILER, Row, read_rows, row_at
from services.transactions.queries.verifying.plain import PlainWalk
from services.transactions.queries.verifying.seals import Anchor, Chain, hash_of_event
from services.transactions.queries.verifying.spelling import MOVING, body_of

PROGRESS_EVERY: Final = 10_000


async def derive(
    connection: Connection,
    chart: Books,
    number: int,
    last_seq: int,
    *,
    key: bytes,
    anchors: Sequence[Anchor] | None = None,
    progress: Callable[[int], None] | None = None,
    quick: bool = True,
) -> Findings:
    """Walk one shard's journal with its movements, with `anchors` its chain and seals too.

    `chart` has the accounts; `key` is what first outcomes are summed up by; `progress` is told again and
    again how many more rows were walked. With `quick` off nothing is walked at one go: the same is found,
    slowly.
    """
    firsts = await connection.fetch("SELECT entity_id, first_booking_date FROM transactions.entity")
    first_days = {row["entity_id"]: row["first_booking_date"] for row in firsts}
    shard = Shard(number, dict(first_days), first_days)
    books = chart.beside()
    chain = None if anchors is None else Chain(number, last_seq, anchors)
    if chain is not None:
        await chain.read(connection)
    walk = _Walk(books, shard, Sum(key), chain, quick=quick, progress=progress)
    await read_rows(connection, number, 0, last_seq, walk.take)
    walk.end(last_seq)
    await _see_strays(connection, books, number, last_seq, walk.several)
    return Findings(
        shard,
        list(books.checks.values()),
        books.first,
        books.instructions,
        books.movements,
        walk.plain_rows,
        None if chain is None else chain.difference,
        0 if chain is None else chain.seq,
        (walk.ids.count, walk.ids.total),
    )


class _Walk:
    """One shard's walk, row by row and, where they are plain, at one go."""

    def __init__(
        self,
        books: Books,
        shard: Shard,
        ids: Sum,
        chain: Chain | None,
        *,
        quick: bool,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.ids = ids
        self.several = 0
        """Movements met that are kept beside their journal rows."""
        self._books = books
        self._shard = shard
        self._chain = chain
        self._plain = PlainWalk(books, shard, ids, chain) if quick else None
        self._expected = 0
        self._progress = progress
        self._untold = 0

    @property
    def plain_rows(self) -> int:
        """How many rows were walked at one go."""
        return 0 if self._plain is None else self._plain.rows

    def take(self, chunk: bytes, at: int) -> None:
        """Walk the rows of which a chunk is made, from here on."""
        expected, rows, end = self._expected, 0, len(chunk)
        plain = None if self._plain is None else self._plain.take
        while at < end:
            try:
                next_at = 0 if plain is None else plain(chunk, at, expected + 1)
            except (struct.error, IndexError):
                # What is not plain may end before a plain row would.
                next_at = 0
            if next_at:
                at = next_at
                rows += 1
                expected += 1
                continue
            if chunk.startswith(TRAILER, at):
                break
            row, at = row_at(chunk, at)
            rows += 1
            self._see(row, expected + 1)
            expected = row["seq"]
        self._expected = expected
        self._untold += rows
        if self._untold >= PROGRESS_EVERY:
            self._tell()

    def _tell(self) -> None:
        if self._plain is not None:
            self._plain.count()
        if self._progress is not None:
            self._progress(self._untold)
        self._untold = 0

    def end(self, last_seq: int) -> None:
        """See that nothing is missing behind the last row."""
        self._tell()
        found, number = self._expected, self._shard.number
        self._books.see(
            "sequence", found == last_seq, expected=last_seq, found=found, shard=number, seq=found + 1
        )
        if self._chain is not None and self._chain.difference is None:
            if found != last_seq:
                self._chain.differ(found + 1, "an event", "none")
            else:
                self._chain.end()

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
            _walk(books, self._shard, row)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            at["seq"] = seq
            check = "movements" if row["kind"] in MOVING else "content"
            books.see(check, False, expected=f"a {row['kind']}", found=type(error).__name__, **at)
        if _is_first_outcome(row):
            books.instructions += 1
            self.ids.add(
                row["id_bytes"] or b"",
                b"\x00\x00\x00\x08"
                + seq.to_bytes(8, "big")
                + b"\x00\x00\x00\x04"
                + number.to_bytes(4, "big"),
            )
        chain = self._chain
        if chain is None or chain.difference is not None:
            return
        if seq != expected:
            chain.differ(expected, "an event", f"event {seq}")
            return
        try:
            body = body_of(row, books)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            chain.differ(seq, "an event that can be spelt", type(error).__name__)
            return
        chain.take(seq, hash_of_event(chain.head, body, row.sealed))


def _walk(books: Books, shard: Shard, row: Row) -> None:
    kind: str = row["kind"]
    if not books.see(
        "movements",
        bool(row.legs) == (kind in MOVING),
        expected="movements" if kind in MOVING else "none",
        found=f"{len(row.legs)} of a {kind}",
        shard=shard.number,
        seq=row["seq"],
    ):
        return
    known = APPLIED.get(row["instruction_type"]) if kind == "InstructionApplied" else KINDS.get(kind)
    if known is not None:
        known(books, shard, row, row.legs)


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
