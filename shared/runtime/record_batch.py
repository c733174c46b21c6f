"""Spells events as Kafka record batches, so that publishing costs a few pieces of bytes an event.

The format is Kafka's own, magic 2 ("Record Batch" in Kafka's protocol guide). aiokafka's builder spells
each of an event's dozen headers anew; here those that a batch's events share are spelt once. The batch
goes out through aiokafka's idempotent producer like any other.
"""

import struct
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from aiokafka.codec import snappy_encode
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.util import calc_crc32c

from shared.runtime import clock

BATCH_BYTES: Final = 512 * 1024
"""The most that is put together before compression, but for one record that is larger by itself."""

_SNAPPY: Final = 2
_MAGIC: Final = 2
_NO_LEADER_EPOCH: Final = -1
_AFTER_CRC: Final = struct.Struct(">hiqqqhii")
"""Attributes, last offset delta, first and last timestamp, producer id and epoch, base sequence, count."""
_BEFORE_CRC: Final = struct.Struct(">qiibI")
"""Base offset, length of all that follows it, leader epoch, magic, checksum."""
_LENGTH_FROM: Final = 12


def varint(number: int) -> bytes:
    """Spell a number from 0 on as a zigzag varint: 7 bits a byte, the lowest first."""
    return VARINTS[number] if number < len(VARINTS) else _varint(number)


def _varint(number: int) -> bytes:
    rest = number << 1
    spelt = bytearray()
    while rest > 0x7F:
        spelt.append(rest & 0x7F | 0x80)
        rest >>= 7
    spelt.append(rest)
    return bytes(spelt)


_SPELT: Final = 8192
VARINTS: Final = [_varint(number) for number in range(_SPELT)]


def header(name: str, value: bytes) -> bytes:
    """Spell one header of a record."""
    return b"".join((varint(len(name)), name.encode(), varint(len(value)), value))


class EventBatch(BatchBuilder):
    """A batch that aiokafka's producer takes in place of one it has made itself."""

    def __init__(self, records: Sequence[bytes], begun: int = 0) -> None:
        """Take the records from `begun` on that there is room for; each is spelt but for length and place."""
        # The builder it stands for is never made: what it would have kept is here.
        pieces: list[bytes] = []
        place = 0
        room = BATCH_BYTES
        for spelt in records if begun == 0 else islice(records, begun, None):
            size = len(spelt)
            if size > room and place:
                break
            room -= size
            number = VARINTS[place] if place < _SPELT else _varint(place)
            size += 2 + len(number)
            pieces += (VARINTS[size] if size < _SPELT else _varint(size), b"\0\0", number, spelt)
            place += 1
        self._pieces = pieces
        self._bytes = BATCH_BYTES - room
        self._count = place
        self._built: bytes | None = None
        self._producer = (-1, -1, -1)

    def append(self, **_: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take nothing from `producer.send`: the batch is whole as it is."""

    def record_count(self) -> int:
        return self._count

    def size(self) -> int:
        return self._bytes

    def closed(self) -> bool:
        return True

    def close(self) -> None:
        """Do nothing: it always is."""

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        self._producer = (producer_id, producer_epoch, base_sequence)

    def _build(self) -> bytes:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.build()

    def build(self) -> bytes:
        """Spell the whole batch, compressed."""
        if self._built is None:
            now = clock.now_ms()
            body = _AFTER_CRC.pack(_SNAPPY, self._count - 1, now, now, *self._producer, self._count)
            body += snappy_encode(b"".join(self._pieces))
            head = _BEFORE_CRC.pack(
                0, _BEFORE_CRC.size - _LENGTH_FROM + len(body), _NO_LEADER_EPOCH, _MAGIC, calc_crc32c(body)
            )
            self._built = head + body
            self._pieces = []
        return self._built
