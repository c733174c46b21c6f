"""Reads many rows of a shard's journal at once into columns, where they are plain.

Plain is a posted single movement of a type in `PLAIN_TYPES`, with neither reason, detail, trace of other
shards nor anything else beside it. Nearly all rows are such. The form of a row is that of `journal.ROWS`. How
long a field is decides where the next one stands, so places are added up column by column; a row counts as
plain only if all its fields, so read, end where the next row begins.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.transactions.queries.verifying.effects.charging import SIGN as CHARGES
from services.transactions.queries.verifying.implied import CUT_BELOW, ENDINGS
from services.transactions.queries.verifying.journal import SEALED_FIELDS

PLAIN_TYPES: Final = ("transfer", "deposit", "withdrawal", "fee", "interest", "house_posting")
"""Instruction types that do nothing but move money, where nothing stands beside the movement."""
ASIDE: Final = (CHARGES,)
"""What makes a row other than plain wherever it stands in it."""
_LIST: Final = b"["
"""Stands once in each of them."""
WORD_BYTES: Final = 8
KIND_BYTES_MAX: Final = 2 * WORD_BYTES
"""Of the kind of a movement, as it stands in a column."""
PAD: Final = bytes(512)
"""Stands behind a block, so that what is read at any place within it is there."""

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_HEAD: Final = np.dtype(
    [
        ("fields", ">i2"),
        ("is_shard", ">i4"), ("shard", ">i4"),
        ("kind_length", ">i4"), ("kind", np.uint8, (17,)),
        ("topic_length", ">i4"),
        ("type_length", ">i4"),
    ]
)  # fmt: skip
_POSTED: Final = np.frombuffer(b"TransactionPosted", np.uint8)
_EVENT_KIND_MAX: Final = 63
"""Bytes of an enum's label, as PostgreSQL limits them."""
_DATE: Final = np.dtype([("length", ">i4"), ("day", ">i4")])
_KIND: Final = np.dtype([("partition_length", ">i4"), ("length", ">i4")])
_BESIDE: Final = np.dtype([("is_asset", ">i4"), ("asset", ">i4"), ("nulls", ">i4", (5,))])
"""Behind the asset: about_seq, reason, detail, seen, owner."""
_NUMBERS: Final = np.dtype(
    [
        ("is_seq", ">i4"), ("seq", ">i8"),
        ("is_recorded_at", ">i4"), ("recorded_at", ">i8"),
        ("is_epoch", ">i4"), ("epoch", ">i4"),
        ("is_offset", ">i4"), ("offset", ">i8"),
        ("is_id", ">i4"), ("id", np.uint8, (16,)),
        ("is_debit", ">i4"), ("debit", ">i8"),
        ("is_credit", ">i4"), ("credit", ">i8"),
        ("is_amount", ">i4"), ("amount", ">i8"),
        ("is_debit_after", ">i4"), ("debit_after", ">i8"),
        ("is_credit_after", ">i4"), ("credit_after", ">i8"),
        ("trace_length", ">i4"),
    ]
)  # fmt: skip
_LENGTH: Final = np.dtype(">i4")
_PRINCIPAL: Final = np.frombuffer(b"principal".ljust(KIND_BYTES_MAX, b"\0"), np.uint64)
_NAMES: Final = {
    size: tuple((place, name.encode()) for place, name in enumerate(PLAIN_TYPES) if len(name) == size)
    for size in {len(each) for each in PLAIN_TYPES}
}
_BY_MARK: Final = np.array(
    [PLAIN_TYPES.index(ENDINGS[each][0]) if each in ENDINGS else -1 for each in range(CUT_BELOW)]
)


@dataclass(slots=True)
class Block:
    """Rows that follow each other, as columns; those of a row that is not plain hold anything."""

    data: bytes
    """With `PAD` behind it."""
    size: int
    starts: Ints
    """Where rows may begin. Within a row that is not plain may be a place that only looks so."""
    plain: Bools
    seq: Ints
    recorded_at: Ints
    offset: Ints
    instruction_type: Ints
    """By its place in `PLAIN_TYPES`."""
    booking_day: Ints
    """Days since 2000-01-01, as `value_day`."""
    value_day: Ints
    instruction_id: NDArray[np.uint8]
    debit: Ints
    credit: Ints
    amount: Ints
    debit_after: Ints
    credit_after: Ints
    asset_id: Ints
    kind: NDArray[np.uint64]
    """Of the movement: its bytes as two words."""
    mark: Ints
    """The first byte of the content."""
    content_end: Ints


def read_block(data: bytes, size: int, shard: int) -> Block:
    """Read rows of a shard, of which the first begins where the bytes do; `PAD` stands behind the last."""
    starts = _starts(data, size, shard)
    head = _at(data, _HEAD, starts)
    plain: Bools = (head["kind_length"] == len(_POSTED)) & (head["kind"] == _POSTED).all(axis=1)
    plain &= head["topic_length"] == -1
    at = starts + _HEAD.itemsize
    named = _types(data, at, head["type_length"], plain)
    at = at + _bytes(head["type_length"])
    booking = _at(data, _DATE, _within(at, size, plain))
    plain &= booking["length"] == WORD_BYTES // 2
    at = at + _DATE.itemsize
    value = _at(data, _DATE, _within(at, size, plain))
    has_value_date = value["length"] == WORD_BYTES // 2
    plain &= has_value_date | (value["length"] == -1)
    at = at + np.where(has_value_date, _DATE.itemsize, _LENGTH.itemsize)
    kind = _at(data, _KIND, _within(at, size, plain))
    plain &= (kind["partition_length"] == -1) & (kind["length"] != 0) & (kind["length"] <= KIND_BYTES_MAX)
    at = at + _KIND.itemsize
    words = _words(data, _within(at, size, plain), kind["length"])
    at = at + _bytes(kind["length"])
    beside = _at(data, _BESIDE, _within(at, size, plain))
    plain &= (beside["is_asset"] == WORD_BYTES // 2) & (beside["nulls"] == -1).all(axis=1)
    at = at + _BESIDE.itemsize
    numbers = _at(data, _NUMBERS, _within(at, size, plain))
    for name in ("seq", "recorded_at", "offset", "debit", "credit", "amount", "debit_after", "credit_after"):
        plain &= numbers[f"is_{name}"] == WORD_BYTES
    plain &= (numbers["is_epoch"] == WORD_BYTES // 2) & (numbers["is_id"] == 2 * WORD_BYTES)
    at = at + _NUMBERS.itemsize + _bytes(numbers["trace_length"])
    copies_length = _at(data, _LENGTH, _within(at, size, plain))
    at = at + _LENGTH.itemsize + _bytes(copies_length)
    length = _at(data, _LENGTH, _within(at, size, plain))
    plain &= length > 0
    content_at = at + _LENGTH.itemsize
    content_end = content_at + _bytes(length)
    plain &= _at(data, np.dtype(">i8"), _within(content_end, size, plain)) == -1
    plain &= content_end + WORD_BYTES == np.append(starts[1:], size)
    mark = np.frombuffer(data, np.uint8)[_within(content_at, size, plain)].astype(np.int64)
    is_cut = mark < CUT_BELOW
    # Either the content names the type, or the row does.
    plain &= is_cut == (named < 0)
    instruction_type = np.where(is_cut, _BY_MARK[np.where(is_cut, mark, 0)], named)
    plain &= instruction_type >= 0
    for sign in ASIDE:
        _leave(data, starts, sign, plain)
    return Block(
        data, size, starts, plain,
        seq=_whole(numbers["seq"]),
        recorded_at=_whole(numbers["recorded_at"]),
        offset=_whole(numbers["offset"]),
        instruction_type=instruction_type,
        booking_day=_whole(booking["day"]),
        value_day=_whole(np.where(has_value_date, value["day"], booking["day"])),
        instruction_id=numbers["id"],
        debit=_whole(numbers["debit"]),
        credit=_whole(numbers["credit"]),
        amount=_whole(numbers["amount"]),
        debit_after=_whole(numbers["debit_after"]),
        credit_after=_whole(numbers["credit_after"]),
        asset_id=_whole(beside["asset"]),
        kind=words,
        mark=mark,
        content_end=content_end,
    )  # fmt: skip


def _starts(data: bytes, size: int, shard: int) -> Ints:
    """Find where rows begin: the number of fields, the shard, and the length of a kind."""
    count = SEALED_FIELDS + 2
    # The first byte of the kind's length is 0 too: labels are short.
    sign = b"".join(
        each.to_bytes(size) for each, size in ((count, 2), (WORD_BYTES // 2, 4), (shard, 4), (0, 3))
    )
    places: list[int] = []
    at = data.find(sign, 0, size)
    while at >= 0:
        places.append(at)
        at = data.find(sign, at + 1, size)
    starts = np.array(places, np.int64)
    length = _at(data, _HEAD, starts)["kind_length"]
    return starts[(length > 0) & (length <= _EVENT_KIND_MAX)]


def _leave(data: bytes, starts: Ints, sign: bytes, plain: Bools) -> None:
    """Rows with a sign in them are not plain."""
    # One byte is looked for ten times as fast as several.
    before = sign.index(_LIST)
    at = data.find(_LIST)
    while at >= 0 and len(starts):
        if data.startswith(sign, max(at - before, 0)):
            plain[max(int(np.searchsorted(starts, at, side="right")) - 1, 0)] = False
        at = data.find(_LIST, at + 1)


def _types(data: bytes, at: Ints, length: NDArray[Any], plain: Bools) -> Ints:
    """Read the types; -1 where none stands. A row of any other is not plain."""
    found = np.full(len(at), -1, np.int64)
    for size, names in _NAMES.items():
        rows = np.flatnonzero(plain & (length == size))
        if not len(rows):
            continue
        spelt = _at(data, np.dtype((np.uint8, (size,))), at[rows])
        for place, name in names:
            found[rows[(spelt == np.frombuffer(name, np.uint8)).all(axis=1)]] = place
    plain &= (found >= 0) | (length == -1)
    return found


def _words(data: bytes, at: Ints, length: NDArray[Any]) -> NDArray[np.uint64]:
    """Read the kinds of movements, principal where none stands."""
    spelt = _at(data, np.dtype((np.uint8, (KIND_BYTES_MAX,))), at).copy()
    spelt[np.arange(KIND_BYTES_MAX) >= length[:, None]] = 0
    words = spelt.view(np.uint64)
    words[length == -1] = _PRINCIPAL
    return words


def _at(data: bytes, kind: np.dtype[Any], at: Ints) -> NDArray[Any]:
    """Read the same from many places."""
    # Bytes without a meaning are copied at once, fields one by one.
    raw = np.ndarray(len(data) - kind.itemsize + 1, f"V{kind.itemsize}", data, strides=(1,))[at]
    if kind.subdtype is not None:
        return raw.view(np.uint8).reshape(len(at), kind.itemsize)
    return raw.view(kind)


def _bytes(lengths: NDArray[Any]) -> Ints:
    """Say how many bytes a field takes; none where it is null."""
    return np.maximum(lengths.astype(np.int64), 0)


def _within(at: Ints, size: int, plain: Bools) -> Ints:
    """Keep places within the bytes; a row that goes beyond is not plain."""
    plain &= at <= size
    return np.minimum(at, size)


def _whole(column: NDArray[Any]) -> Ints:
    return column.astype(np.int64)
