"""A record batch spelt by hand is one that Kafka's own formats describe: another reader finds all of it."""

from typing import Any

import pytest
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.runtime.record_batch import BATCH_BYTES, EventBatch, header, varint

names = st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=20)
records = st.lists(
    st.tuples(
        st.binary(min_size=1, max_size=100),
        st.binary(max_size=20_000),
        st.lists(st.tuples(names, st.binary(max_size=200)), max_size=12),
    ),
    min_size=1,
    max_size=30,
)


def spelt(key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> bytes:
    """One record, as a batch takes it."""
    parts = [varint(len(key)), key, varint(len(value)), value, varint(len(headers))]
    return b"".join((*parts, *(header(name, each) for name, each in headers)))


def read_back(built: bytes) -> list[Any]:
    """What aiokafka's reader finds, after it has checked the sum."""
    memory = MemoryRecords(built)
    batch = memory.next_batch()
    assert batch is not None
    assert batch.validate_crc()
    found = [(each.key, each.value, list(each.headers), each.offset) for each in batch]
    assert not memory.has_next()
    return found


@given(records)
@settings(deadline=None, max_examples=60)
def test_what_is_spelt_is_what_another_reader_reads(
    made: list[tuple[bytes, bytes, list[tuple[str, bytes]]]],
) -> None:
    """Keys, values, headers and offsets, in order."""
    batch = EventBatch([spelt(*each) for each in made])
    batch._set_producer_state(7, 2, 40)
    taken = made[: batch.record_count()]
    assert read_back(batch.build()) == [(*each, number) for number, each in enumerate(taken)]


def test_a_full_batch_takes_no_more_and_a_large_record_has_one_to_itself() -> None:
    """Or one that is too large for any batch would never go out."""
    large = spelt(b"k", b"x" * (BATCH_BYTES + 1), [])
    records = [large, spelt(b"k", b"v", [])]
    first, second = EventBatch(records), EventBatch(records, 1)
    assert [value for _, value, _, _ in read_back(first.build())] == [b"x" * (BATCH_BYTES + 1)]
    assert [value for _, value, _, _ in read_back(second.build())] == [b"v"]


def test_a_batch_sent_again_has_the_same_bytes() -> None:
    """The broker knows it by producer and sequence; its content must not have changed."""
    batch = EventBatch([spelt(b"k", b"v", [])])
    batch._set_producer_state(7, 2, 40)
    assert batch.build() is batch.build()


@pytest.mark.parametrize(
    ("number", "bytes_"),
    [(0, b"\x00"), (63, b"\x7e"), (64, b"\x80\x01"), (8191, b"\xfe\x7f"), (8192, b"\x80\x80\x01")],
)
def test_a_varint_is_zigzag_with_the_lowest_bits_first(number: int, bytes_: bytes) -> None:
    """As Protocol Buffers' sint32, which Kafka took over."""
    assert varint(number) == bytes_
