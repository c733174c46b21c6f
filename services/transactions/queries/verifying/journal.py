"""Reads a shard's journal in PostgreSQL's binary `COPY`, which is also the form that is sealed.

See "COPY, File Formats, Binary Format" in PostgreSQL's manual: after a header each row is the number of its
fields and each field's length and bytes; then comes a trailer. All numbers are big-endian.
"""

import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from asyncpg import Connection

HEADER_BYTES: Final = 19
TRAILER: Final = b"\xff\xff"
NULL: Final = b"\xff\xff\xff\xff"
SEALED_FIELDS: Final = 27
"""The row's own, in the order of `docs/decisions/0021-seals.md`; two more stand behind them here."""
SEALED_COUNT: Final = SEALED_FIELDS.to_bytes(2, "big")

_SEQ: Final = 14
"""Its place among the fields."""

INSTRUCTIONS_TOPIC: Final = "transactions.instructions.v1"

_POSTED: Final = b"TransactionPosted"
_LENGTH: Final = struct.Struct(">i").unpack_from
_BIGINT: Final = struct.Struct(">q").unpack
_INT: Final = struct.Struct(">i").unpack
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
EPOCH_DAY: Final = date(2000, 1, 1).toordinal()

Take = Callable[[bytes | bytearray, int], None]
"""Takes bytes that hold whole rows, and where the first begins."""

ROWS: Final = r"""
    SELECT shard, kind, topic, instruction_type, booking_date, value_date, partition, movement_kind, asset_id,
           about_seq, reason, detail, seen, owner, seq, recorded_at, epoch, "offset", instruction_id,
           debit_account, credit_account, amount, debit_balance_after, credit_balance_after, traceparent,
           copies, content,
           CASE WHEN content IS NULL AND about_seq IS NOT NULL
                     AND kind IN ('TransactionPosted', 'TransactionVoided') THEN (
               SELECT first.content
               FROM transactions.journal AS first
               WHERE first.shard = journal_row.shard AND first.seq = journal_row.about_seq
           ) END,
           CASE WHEN debit_account IS NULL THEN (
               SELECT string_agg(
                   '\x000a00000004'::bytea || int4send(each.shard)
                   || '\x00000004'::bytea || int4send(leg)
                   || '\x00000008'::bytea || int8send(each.seq)
                   || '\x00000008'::bytea || int8send(each.debit_account)
                   || '\x00000008'::bytea || int8send(each.credit_account)
                   || '\x00000008'::bytea || int8send(each.amount)
                   || '\x00000008'::bytea || int8send(each.debit_balance_after)
                   || '\x00000008'::bytea || int8send(each.credit_balance_after)
                   || '\x00000004'::bytea || int4send(each.asset_id)
                   || int4send(octet_length(each.kind)) || convert_to(each.kind, 'UTF8'), '' ORDER BY leg)
               FROM transactions.movement_of_several AS each
               WHERE each.shard = journal_row.shard AND each.seq = journal_row.seq
           ) END
    FROM transactions.journal_row
    WHERE shard = $1 AND seq > $2 AND seq <= $3
    ORDER BY seq
"""


async def read_rows(
    connection: Connection,
    shard: int,
    after: int,
    last_seq: int,
    take: Take,
) -> None:
    """Read a shard's journal behind an event and up to another, and give it away as it comes.

    What is given are bytes that hold whole rows and may be kept, and where these begin.
    PostgreSQL sends each row as a message of its own, and asyncpg hands on whole messages. The trailer comes
    behind the last row.
    """
    at = HEADER_BYTES

    async def give(chunk: bytearray) -> None:
        nonlocal at
        take(chunk, at)
        at = 0

    await connection.copy_from_query(ROWS, shard, after, last_seq, output=give, format="binary")


class Row(dict[str, Any]):
    """A journal row by its columns, with what an event needs beside it."""

    sealed: bytes = b""
    """What of it, and of its movements, is hashed: beside the body, or whole where it is plain."""
    is_plain: bool = False
    """Whether it says all of its event, but for what its accounts are called."""
    legs: list[dict[str, Any]]
    """Its movements, wherever they are kept, by leg."""
    several: int = 0
    """How many of them are kept beside the row."""
    first_content: bytes | None = None
    """Of the first outcome that it follows up, where an event repeats that."""


def row_at(chunk: bytes, at: int) -> tuple[Row, int]:
    """Read any row as it is kept, and say where the next one begins."""
    fields: list[bytes | None] = []
    place = at + 2
    content_at = place
    for number in range(SEALED_FIELDS + 2):
        length: int = _LENGTH(chunk, place)[0]
        place += 4
        if number == SEALED_FIELDS - 1:
            content_at = place
        fields.append(None if length < 0 else chunk[place : place + length])
        place += max(length, 0)
    (
        shard, kind, topic, code, booking_date, value_date, partition, movement_kind, asset_id, about_seq,
        reason, detail, seen, owner, seq, recorded_at, epoch, offset, instruction_id, debit, credit, amount,
        debit_after, credit_after, traceparent, copies, content, first_content, several,
    ) = fields  # fmt: skip
    row = Row(
        shard=_int(shard),
        seq=_bigint(seq),
        recorded_at=_EPOCH + timedelta(microseconds=_bigint(recorded_at) or 0),
        epoch=_int(epoch),
        offset=_bigint(offset),
        partition=_int(partition),
        kind=_text(kind),
        topic=_text(topic),
        instruction_type=_text(code),
        booking_date=_day(booking_date),
        value_date=_day(value_date),
        about_seq=_bigint(about_seq),
        reason=_text(reason),
        detail=_text(detail),
        seen=_text(seen),
        traceparent=_text(traceparent),
        copies=_text(copies),
        instruction_id=None if instruction_id is None else spelt_id(instruction_id),
        id_bytes=instruction_id,
        owner=_text(owner),
        content=content,
    )
    row.is_plain = kind == _POSTED and None not in (offset, instruction_id, debit, content)
    row.is_plain &= all(each is None for each in (topic, partition, about_seq, reason, detail, seen, owner))
    content_end = content_at + len(content or b"")
    row.sealed = SEALED_COUNT + chunk[at + 2 : content_end if row.is_plain else content_at] + (several or b"")
    row.first_content = first_content
    if debit is None:
        row.legs = _several(several or b"")
        row.several = len(row.legs)
    else:
        row.legs = [
            _leg(
                row["seq"], 0, debit, credit, amount, debit_after, credit_after, asset_id,
                movement_kind or b"principal",
            )
        ]  # fmt: skip
        row["value_date"] = row["value_date"] or row["booking_date"]
    if offset is not None:
        row["partition"] = row["shard"] if partition is None else row["partition"]
        row["topic"] = row["topic"] or INSTRUCTIONS_TOPIC
    return row, place


def extent_of(chunk: bytes, at: int) -> tuple[int, int]:
    """Return the seq of the row that begins here, and where the next one begins."""
    place, seq = at + 2, 0
    for number in range(SEALED_FIELDS + 2):
        length: int = _LENGTH(chunk, place)[0]
        place += 4
        if number == _SEQ:
            seq = int.from_bytes(chunk[place : place + length], "big")
        if length > 0:
            place += length
    return seq, place


async def rows_between(connection: Connection, shard: int, after: int, last_seq: int) -> dict[int, Row]:
    """Read a stretch of a shard's journal at once, by seq in its order."""
    found: dict[int, Row] = {}

    def take(chunk: bytes | bytearray, at: int) -> None:
        rows = bytes(chunk)
        while at < len(rows) and not rows.startswith(TRAILER, at):
            row, at = row_at(rows, at)
            found[row["seq"]] = row

    await read_rows(connection, shard, after, last_seq, take)
    return found


def spelt_id(value: bytes) -> str:
    """Spell a UUID."""
    digits = value.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def day_of(value: bytes) -> date:
    """Read a date's four bytes: days since 2000-01-01."""
    return date.fromordinal(EPOCH_DAY + _INT(value)[0])


def _several(rows: bytes) -> list[dict[str, Any]]:
    legs: list[dict[str, Any]] = []
    place = 0
    while place < len(rows):
        fields: list[bytes] = []
        place += 2
        for _ in range(10):
            length: int = _LENGTH(rows, place)[0]
            fields.append(rows[place + 4 : place + 4 + length])
            place += 4 + length
        _, leg, seq, debit, credit, amount, debit_after, credit_after, asset_id, kind = fields
        legs.append(
            _leg(
                _bigint(seq), _int(leg), debit, credit, amount, debit_after, credit_after, asset_id, kind
            )
        )  # fmt: skip
    return legs


def _leg(
    seq: int | None,
    leg: int | None,
    debit: bytes | None,
    credit: bytes | None,
    amount: bytes | None,
    debit_after: bytes | None,
    credit_after: bytes | None,
    asset_id: bytes | None,
    kind: bytes | None,
) -> dict[str, Any]:
    return {
        "seq": seq,
        "leg": leg,
        "kind": _text(kind),
        "debit_account": _bigint(debit),
        "credit_account": _bigint(credit),
        "amount": _bigint(amount),
        "asset_id": _int(asset_id),
        "debit_balance_after": _bigint(debit_after),
        "credit_balance_after": _bigint(credit_after),
    }


def _bigint(value: bytes | None) -> int | None:
    return None if value is None else _BIGINT(value)[0]


def _int(value: bytes | None) -> int | None:
    return None if value is None else _INT(value)[0]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _day(value: bytes | None) -> date | None:
    return None if value is None else day_of(value)
