"""Owners live where Kafka's own clients send their records."""

import pytest

from shared.messages.partitioner import murmur2, partition_of, shard_of

# From org.apache.kafka.common.utils.UtilsTest.testMurmur2.
VECTORS = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("key", "expected"), VECTORS)
def test_the_hash_is_kafkas(key: bytes, expected: int) -> None:
    """Kafka's test vectors."""
    assert murmur2(key) == expected
    assert partition_of(key, 12) == (expected & 0x7FFFFFFF) % 12
    assert shard_of(key.decode(), 12) == partition_of(key, 12)
