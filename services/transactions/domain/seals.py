"""Chains the events of a shard by their hashes, and seals every 1,024 of them under a Merkle root.

The form that is hashed is written down in `docs/decisions/0021-seals.md`; all hashes are SHA-256:

- an event's hash covers the one before it, so it is the head of the chain after that event; a plain event's
  covers its row alone, which says all of it, and any other's what was published of it too;
- a seal's root is that of the Merkle tree of RFC 6962 (section 2.1) whose leaves are these hashes;
- a seal's own hash covers the seal before it.

A shard's chain and seals depend on its events alone, however they were cut into batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

SEAL_EVERY: Final = 1_024
"""Events under one seal: those numbered 1 to 1,024, 1,025 to 2,048 and so on."""
LEVELS: Final = 10
"""Of the tree over one seal's events."""
START: Final = bytes(32)
"""Stands before the first event and before the first seal."""

# A copy of a hash that has taken its prefix is cheaper than a new one.
_NODE: Final = sha256(b"\x01").copy
_PLAIN: Final = sha256(b"\x03").copy
_JOIN: Final = b"".join


class Seal(NamedTuple):
    """What stands for good over `SEAL_EVERY` events."""

    shard: int
    first_seq: int
    last_seq: int
    previous_hash: bytes
    root: bytes
    hash: bytes
    head: bytes
    """Of the chain, at `last_seq`."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One shard's chain up to an event: what the next one is chained and sealed on."""

    shard: int
    seq: int = 0
    head: bytes = START
    open_nodes: bytes = b""
    """Of the tree still open: the roots of its complete subtrees, the largest first (32 bytes each)."""
    seal_hash: bytes = START
    """Of the last seal."""

    def extended(self, heads: Sequence[bytes]) -> tuple["Chain", list[Seal]]:
        """Return the chain after events with these hashes, and the seals that became complete."""
        if not heads:
            return self, []
        waiting = _by_level(self.seq % SEAL_EVERY, self.open_nodes)
        nodes = list(heads)
        for level in range(LEVELS):
            before = waiting[level]
            if before:
                nodes.insert(0, before)
            waiting[level] = nodes.pop() if len(nodes) % 2 else b""
            nodes = _joined(nodes)
        seals: list[Seal] = []
        previous, last_seq = self.seal_hash, self.seq - self.seq % SEAL_EVERY
        for root in nodes:
            first_seq, last_seq = last_seq + 1, last_seq + SEAL_EVERY
            hashed = hash_of_seal(self.shard, first_seq, last_seq, previous, root)
            head = heads[last_seq - self.seq - 1]
            seals.append(Seal(self.shard, first_seq, last_seq, previous, root, hashed, head))
            previous = hashed
        open_nodes = b"".join(reversed(waiting))
        return Chain(self.shard, self.seq + len(heads), heads[-1], open_nodes, previous), seals


def chained(previous: bytes, body: bytes, *row: bytes) -> bytes:
    """Return an event's hash.

    `previous` is that of the event before it, `body` its value as published, `row` what the journal holds of
    it (`JournalRows.add` returns that).
    """
    return sha256(_JOIN((b"\x00", previous, len(body).to_bytes(4, "big"), body, *row))).digest()


def chained_plain(previous: bytes, *row: bytes) -> bytes:
    """Return the hash of a plain event: `row` is all that the journal holds of it, with its accounts."""
    hashed = _PLAIN()
    hashed.update(_JOIN((previous, *row)))
    return hashed.digest()


def hash_of_seal(shard: int, first_seq: int, last_seq: int, previous: bytes, root: bytes) -> bytes:
    """Return a seal's hash: over its place, the seal before it and its root."""
    place = shard.to_bytes(4, "big") + first_seq.to_bytes(8, "big") + last_seq.to_bytes(8, "big")
    return sha256(b"\x02" + place + previous + root).digest()


def _joined(nodes: list[bytes]) -> list[bytes]:
    """Join neighbours, an even number of them, to the nodes above them."""
    above: list[bytes] = []
    add = above.append
    pairs = iter(nodes)
    for left, right in zip(pairs, pairs, strict=True):
        hashed = _NODE()
        hashed.update(left + right)
        add(hashed.digest())
    return above


def _by_level(count: int, nodes: bytes) -> list[bytes]:
    """Return the root of the complete subtree of each size, from one leaf up; empty where there is none.

    A tree of `count` leaves has one for each bit that is set.
    """
    waiting = [b""] * LEVELS
    at = 0
    for level in reversed(range(LEVELS)):
        if count >> level & 1:
            waiting[level] = nodes[at : at + 32]
            at += 32
    return waiting
