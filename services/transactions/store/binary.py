"""Rows in PostgreSQL's binary COPY format, spelt by hand: the hot tables are written with nothing else.

See "COPY, File Formats, Binary Format" in PostgreSQL's manual: a header, then for each row the number of
fields and each field's length and bytes, then a trailer. All numbers are big-endian.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from asyncpg import Connection

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
NULL: Final = b"\xff\xff\xff\xff"

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(2000, 1, 1).toordinal()
_INT8: Final = struct.Struct(">iq").pack
_DATE: Final = struct.Struct(">ii").pack
_INT4: Final = struct.Struct(">ii").pack

length: Final = struct.Struct(">i").pack
"""Spell the length that stands before a field's bytes."""


def field_of(value: bytes) -> bytes:
    """Spell bytes, text or JSON."""
    return length(len(value)) + value


def bigint(value: int) -> bytes:
    """Spell a bigint."""
    return _INT8(8, value)


def integer(value: int) -> bytes:
    """Spell an int."""
    return _INT4(4, value)


def day(value: date) -> bytes:
    """Spell a date: days since 2000-01-01."""
    return _DATE(4, value.toordinal() - _EPOCH_DAY)


def microseconds(instant: datetime) -> int:
    """Return an instant as timestamptz holds it: microseconds since 2000-01-01 UTC."""
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


async def copy(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[bytes]) -> None:
    """Append rows that are spelt so to a table; no statement where there are none."""
    if rows:
        await connection.copy_to_table(
            table,
            # asyncpg would take bytes for a path; a view of them it copies as they are.
            source=memoryview(b"".join((HEADER, *rows, TRAILER))),
            columns=columns,
            format="binary",
        )
