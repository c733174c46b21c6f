"""Exports the journal's rows as they are under the seals, and where each shard's chain stood before."""

import json
from binascii import b2a_base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books
from services.transactions.queries.verifying.effects.opening import read_chart
from services.transactions.queries.verifying.implied import complete
from services.transactions.queries.verifying.journal import (
    HEADER_BYTES,
    ROWS,
    TRAILER,
    Row,
    extent_of,
    rows_between,
)
from services.transactions.queries.verifying.seals import NOTHING, SEAL_EVERY, hash_of_event, hash_of_plain
from services.transactions.queries.verifying.spelling import body_of, said_of

COLUMNS: Final = {"shard": "int4", "seq": "int8", "row": "text"}
"""Of the file, for Parquet; `row` is the whole row in base64, as PostgreSQL's binary `COPY` spells it."""


async def write_rows(
    connection: Connection,
    ranges: Sequence[tuple[int, int, int]],
    write: Callable[[bytes], Awaitable[None]],
) -> None:
    """Write a line for each event of these stretches: shard, after which event, up to which."""
    for shard, after, last_seq in ranges:
        at = HEADER_BYTES

        async def give(chunk: bytearray) -> None:
            nonlocal at
            rows, place, at = bytes(chunk), at, 0
            lines: list[bytes] = []
            while place < len(rows) and not rows.startswith(TRAILER, place):
                seq, end = extent_of(rows, place)
                row = b2a_base64(rows[place:end], newline=False)
                lines.append(b'{"shard":%d,"seq":%d,"row":"%b"}\n' % (shard, seq, row))  # noqa: B023
                place = end
            await write(b"".join(lines))

        await connection.copy_from_query(ROWS, shard, after, last_seq, output=give, format="binary")


async def heads_at(connection: Connection, vector: Mapping[int, int]) -> dict[int, bytes]:
    """Return the head of each shard's chain after an event; empty where it cannot be told any more."""
    books = Books()
    if any(seq % SEAL_EVERY for seq in vector.values()):
        await read_chart(connection, books)
    found: dict[int, bytes] = {}
    for shard, seq in vector.items():
        sealed = seq - seq % SEAL_EVERY
        head = await connection.fetchval(
            "SELECT head FROM transactions.seal WHERE shard = $1 AND last_seq = $2", shard, sealed
        )
        found[shard] = head or NOTHING
        for row in (await rows_between(connection, shard, sealed, seq)).values():
            if repeats_what_is_away(row) or not found[shard]:
                found[shard] = b""  # it cannot be spelt, so nobody can go on from here
            else:
                found[shard] = head_after(found[shard], row, books)
    return found


def head_after(head: bytes, row: Row, books: Books) -> bytes:
    """Return the head after an event.

    Raises `LookupError`, `TypeError`, `ValueError` or `AttributeError` where it cannot be spelt.
    """
    if row.is_plain:
        return hash_of_plain(head, row.sealed, said_of(row, books))
    complete(row, books)
    return hash_of_event(head, body_of(row, books), row.sealed)


def repeats_what_is_away(row: Row) -> bool:
    """Say whether an event repeats what was asked of one that is in a part that is detached."""
    repeats = row["kind"] in ("TransactionPosted", "TransactionVoided") and row["about_seq"] is not None
    return repeats and row["content"] is None and row.first_content is None


def line_of(row: Row) -> dict[str, Any]:
    """Return the journal's line that a row says, completed as `complete` does."""
    seq = row["seq"]
    copies = [int(each) for each in row["copies"].split()] if row["copies"] else None
    return {
        "shard": row["shard"],
        "seq": seq,
        "about_seq": row["about_seq"],
        "recorded_at": f"{row['recorded_at'].isoformat(timespec='microseconds')[:-6]}Z",
        "epoch": row["epoch"],
        "kind": row["kind"],
        "instruction_id": row["instruction_id"],
        "instruction_type": row["instruction_type"],
        "owner": row["owner"],
        "booking_date": _day(row["booking_date"]),
        "value_date": _day(row["value_date"]),
        "reason": row["reason"],
        "detail": None if row["detail"] is None else json.loads(row["detail"]),
        "seen": None if row["seen"] is None else json.loads(row["seen"]),
        "topic": row["topic"],
        "partition": row["partition"],
        "offset": row["offset"],
        "copies": copies and [seq - each if place % 2 else each for place, each in enumerate(copies)],
        "traceparent": row["traceparent"],
        "content": None if row["content"] is None else row["content"].decode(),
    }


def movements_of(row: Row) -> list[dict[str, Any]]:
    """Return the lines of its movements that a row says, by leg."""
    texts = ("amount", "debit_balance_after", "credit_balance_after")
    return [
        {"shard": row["shard"], **leg, **{name: str(leg[name]) for name in texts}}
        for leg in sorted(row.legs, key=lambda leg: leg["leg"])
    ]


def _day(day: Any) -> str | None:
    return None if day is None else day.isoformat()
