"""Kafka's default partitioner: which partition, and so which shard, a key belongs to."""

from functools import lru_cache
from typing import Final

_MASK: Final = 0xFFFFFFFF
_MULTIPLIER: Final = 0x5BD1E995
_SEED: Final = 0x9747B28C


def murmur2(data: bytes) -> int:
    """Hash as `org.apache.kafka.common.utils.Utils.murmur2` does: a signed 32-bit number."""
    length = len(data)
    state = _SEED ^ length
    whole = length & ~3
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        k = (k ^ k >> 24) * _MULTIPLIER & _MASK
        state = (state * _MULTIPLIER & _MASK) ^ k
    if whole < length:
        state = (state ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    state = (state ^ state >> 13) * _MULTIPLIER & _MASK
    state ^= state >> 15
    return state - (1 << 32) if state & 0x80000000 else state


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that Kafka's Java client, and ours, sends a record with this key to."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


@lru_cache(maxsize=131_072)
def shard_of(owner: str, partitions: int) -> int:
    """Return the home shard of an owner, remembered for owners met often."""
    return partition_of(owner.encode(), partitions)
