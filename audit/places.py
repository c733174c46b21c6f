"""Where records stand; and Kafka's default partitioner, written again: its murmur2 of the key."""

from typing import Final

Place = tuple[str, int, int]
"""Topic, partition, offset."""

Numbered = tuple[int, int]
"""Shard and seq."""

_WORD: Final = 0xFFFFFFFF
_MULTIPLIER: Final = 0x5BD1E995
_SEED: Final = 0x9747B28C


def murmur2(data: bytes) -> int:
    """Hash a key as Java clients do; the result is unsigned."""
    mixed = (_SEED ^ len(data)) & _WORD
    whole = len(data) - len(data) % 4
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little")
        word = word * _MULTIPLIER & _WORD
        word ^= word >> 24
        word = word * _MULTIPLIER & _WORD
        mixed = (mixed * _MULTIPLIER & _WORD) ^ word
    rest = data[whole:]
    if rest:
        mixed ^= int.from_bytes(rest, "little")
        mixed = mixed * _MULTIPLIER & _WORD
    mixed ^= mixed >> 13
    mixed = mixed * _MULTIPLIER & _WORD
    return mixed ^ mixed >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """The partition a Java producer would choose for a key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
