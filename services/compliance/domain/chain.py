"""The audit chain: each event of a shard hashed onto the one before, so that none is changed or taken away.

What is hashed, with SHA-256: the hash before (32 zero bytes before the first), the shard, the event's number,
the length of the topic's name and the name, and the event's bytes as they were published; numbers as 8 bytes,
the highest first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

START: Final = bytes(32)
NUMBER_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Head:
    """Where a shard's chain ends."""

    seq: int = 0
    hash: bytes = START


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it was published."""

    shard: int
    seq: int
    topic: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """What is kept of an event in the chain."""

    shard: int
    seq: int
    hash: bytes


def extend(head: Head, events: Iterable[Told]) -> tuple[Head, list[Link]]:
    """Chain a shard's next events onto a head. Raises `ValueError` where one is missing between."""
    links: list[Link] = []
    for event in events:
        if event.seq != head.seq + 1:
            raise ValueError(f"event {event.shard}-{event.seq} does not follow {event.shard}-{head.seq}")
        head = Head(event.seq, link(head.hash, event))
        links.append(Link(event.shard, event.seq, head.hash))
    return head, links


def link(previous: bytes, event: Told) -> bytes:
    """Hash an event onto the hash before it."""
    topic = event.topic.encode()
    numbers = (each.to_bytes(NUMBER_BYTES) for each in (event.shard, event.seq, len(topic)))
    return sha256(b"".join((previous, *numbers, topic, event.body))).digest()
