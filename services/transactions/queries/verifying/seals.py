"""Hashes a shard's events anew, and compares with its chain, its seals and the heads that somebody kept.

Shares no code with what seals; the form that is hashed is that of `docs/decisions/0021-seals.md`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from asyncpg import Connection

from services.transactions.queries.verifying.result import Difference

SEAL_EVERY: Final = 1_024
NOTHING: Final = bytes(32)
PLAIN_EVENT: Final = b"\x03"
"""Stands before what is hashed of an event whose row says all of it."""

Stand = tuple[int, bytes, bytes, bytes]
"""Where a chain ends: seq, head, the open tree's complete subtrees, the last seal's hash."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head of a shard's chain that somebody has kept: from a checkpoint, or from an event's header."""

    shard: int
    seq: int
    head: bytes


class Chain:
    """One shard's chain, event by event; nothing more is hashed after the first thing that differs.

    Events up to `after` are away: of them the seals are compared, and the last one's head is where it begins.
    """

    def __init__(self, shard: int, last_seq: int, anchors: Iterable[Anchor], after: int = 0) -> None:
        self.shard = shard
        self.head = NOTHING
        self.seq = self._after = after
        self.hashed = 0
        """How many events were."""
        self.difference: Difference | None = None
        self.kept = {each.seq: each.head for each in anchors if each.shard == shard}
        self._sealed: dict[int, tuple[int, bytes, bytes, bytes, bytes]] = {}
        self._stands: Stand = (0, NOTHING, b"", NOTHING)
        self._seal_hash = NOTHING
        self._leaves: list[bytes] = []
        self.is_lost = False
        """Whether an event since the last seal could not be spelt."""
        if self.kept and max(self.kept) > last_seq:
            self.differ(
                max(self.kept), "an event, since its head was kept", f"a journal that ends at {last_seq}"
            )

    async def read(self, connection: Connection) -> None:
        """Read what the shard's seals say, and where its chain stands."""
        rows = await connection.fetch(
            "SELECT first_seq, last_seq, previous_hash, root, hash, head FROM transactions.seal"
            " WHERE shard = $1",
            self.shard,
        )
        for first_seq, last_seq, *hashes in rows:
            self._sealed[last_seq] = (first_seq, *hashes)
        stands = await connection.fetchrow(
            "SELECT seq, head, open_nodes, seal_hash FROM transactions.seal_head WHERE shard = $1", self.shard
        )
        if stands is not None:
            self._stands = tuple(stands)
        if self._after:
            self._begin()

    def differ(self, seq: int, expected: str, found: str) -> None:
        """Keep the first difference."""
        if self.difference is None:
            self.difference = Difference("seals", self.shard, seq, None, expected, found)

    def _begin(self) -> None:
        """See that the seals of what is away hang together, and begin where the last one ends."""
        for seq in range(SEAL_EVERY, self._after + 1, SEAL_EVERY):
            self._adopt(seq)
        if self._after % SEAL_EVERY and self.difference is None:
            self.differ(self._after, "a seal that ends with what is away", "none")

    def _adopt(self, seq: int) -> None:
        """Take from a seal what cannot be derived: its root and head; all else of it must fit."""
        found = self._sealed.pop(seq, None)
        if found is None:
            return self.differ(seq, "a seal", "none")
        first_seq, previous, root, hash_, head = found
        expected = (
            seq - SEAL_EVERY + 1,
            self._seal_hash,
            hash_of_seal(self.shard, seq, self._seal_hash, root),
        )
        if (first_seq, previous, hash_) != expected:
            return self.differ(seq, "a seal that hangs on the one before it", "another seal")
        if self.kept.get(seq, head) != head:
            return self.differ(seq, f"the head that was kept, {self.kept[seq].hex()}", head.hex())
        self._seal_hash, self.head = hash_, head
        return None

    def lose(self, seq: int) -> None:
        """Go on by one event that cannot be spelt, since what it repeats is away; up to the next seal."""
        self.is_lost = True
        self._go_on(seq)

    def _go_on(self, seq: int) -> None:
        self.seq = seq
        if not seq % SEAL_EVERY:
            self._adopt(seq)
            self.is_lost = False
            self._leaves.clear()

    def take(self, seq: int, head: bytes) -> None:
        """Go on by one event, of the number expected, whose hash is the new head."""
        self.seq = seq
        self.head = head
        self.hashed += 1
        self._leaves.append(head)
        if self.kept and seq in self.kept and self.kept[seq] != head:
            self.differ(seq, f"the head that was kept, {self.kept[seq].hex()}", head.hex())
        if not seq % SEAL_EVERY:
            self._seal(seq)

    def extend(self, heads: Sequence[bytes]) -> None:
        """Go on by several events, as `take` does by one; up to the first difference."""
        at = 0
        while at < len(heads) and self.difference is None:
            part = heads[at : at + SEAL_EVERY - self.seq % SEAL_EVERY]
            if self.kept:
                for head in part:
                    if self.difference is None:
                        self.take(self.seq + 1, head)
            else:
                self._leaves += part
                self.hashed += len(part)
                self.seq += len(part)
                self.head = part[-1]
                if not self.seq % SEAL_EVERY:
                    self._seal(self.seq)
            at += len(part)

    def end(self) -> None:
        """Compare where it ends."""
        for seq in self._sealed:
            return self.differ(seq, "no seal", "a seal over events that are not there")
        if self.is_lost:
            return None
        expected = (self.seq, self.head, b"".join(subtrees_of(self._leaves)), self._seal_hash)
        if self._stands != expected:
            self.differ(self.seq, f"a chain that ends in {self.head.hex()}", "another end")
        return None

    def _seal(self, seq: int) -> None:
        root = root_of(self._leaves)
        self._leaves.clear()
        previous = self._seal_hash
        self._seal_hash = hash_of_seal(self.shard, seq, previous, root)
        expected = (seq - SEAL_EVERY + 1, previous, root, self._seal_hash, self.head)
        if self._sealed.pop(seq, None) != expected:
            self.differ(seq, f"a seal with root {root.hex()}", "another seal, or none")


def hash_of_event(previous: bytes, body: bytes, row: bytes) -> bytes:
    """Return the head of the chain after an event."""
    return sha256(b"\x00" + previous + len(body).to_bytes(4, "big") + body + row).digest()


def hash_of_plain(previous: bytes, row: bytes, said: bytes) -> bytes:
    """Return the head of the chain after a plain event, of which the row is whole."""
    return sha256(PLAIN_EVENT + previous + row + said).digest()


def hash_of_seal(shard: int, last_seq: int, previous: bytes, root: bytes) -> bytes:
    """Return the hash of the seal that ends with an event."""
    place = (
        shard.to_bytes(4, "big")
        + (last_seq - SEAL_EVERY + 1).to_bytes(8, "big")
        + last_seq.to_bytes(8, "big")
    )
    return sha256(b"\x02" + place + previous + root).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaves, as RFC 6962 section 2.1 defines it.

    Level by level: a node without a neighbour goes up as it is, which is the same tree.
    """
    nodes = list(leaves)
    # A copy of a hash that has taken its prefix is cheaper than a new one.
    begun = sha256(b"\x01").copy
    while len(nodes) > 1:
        above: list[bytes] = []
        for left, right in zip(nodes[::2], nodes[1::2], strict=False):
            node = begun()
            node.update(left + right)
            above.append(node.digest())
        nodes = above + nodes[-1:] if len(nodes) % 2 else above
    return nodes[0]


def path_of(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the audit path of a leaf, from its neighbour up, as RFC 6962 section 2.1.1 defines it."""
    if len(leaves) == 1:
        return []
    left = 1 << (len(leaves) - 1).bit_length() - 1
    if index < left:
        return [*path_of(index, leaves[:left]), root_of(leaves[left:])]
    return [*path_of(index - left, leaves[left:]), root_of(leaves[:left])]


def subtrees_of(leaves: Sequence[bytes]) -> list[bytes]:
    """Return the roots of the complete subtrees over leaves, the largest first."""
    found: list[bytes] = []
    start = 0
    for level in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> level & 1:
            found.append(root_of(leaves[start : start + (1 << level)]))
            start += 1 << level
    return found
