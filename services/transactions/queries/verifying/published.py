"""Whether what stands on the topic is what the journal says."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from asyncpg import Connection

from services.transactions.queries.verifying.books import PREFETCH, Books
from services.transactions.queries.verifying.effects.opening import read_chart
from services.transactions.queries.verifying.implied import complete
from services.transactions.queries.verifying.journal import rows_between
from services.transactions.queries.verifying.result import Check, Difference
from services.transactions.queries.verifying.spelling import body_of

if TYPE_CHECKING:
    from shared.runtime.work import Outgoing


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """One of the ledger's events as it stands on the topic."""

    partition: int
    shard: int
    """From its headers: the shard and seq that numbered it, and the chain it hangs on."""
    seq: int
    prev: int
    body: bytes
    chain: bytes | None = None
    """The header of that name; not compared where it is absent."""


async def compare_published(
    connection: Connection,
    vector: Mapping[int, int],
    *,
    events: AsyncIterator[PublishedEvent],
    rebuild: Callable[[Connection, int, int, int], "Awaitable[list[Outgoing]]"],
) -> tuple[Check, Difference | None]:
    """Compare what stands on the topic with what the journal says should, byte for byte.

    `events` yields every event from the topic's start; one that was published twice may stand there
    twice. `rebuild` is the service's `events_after`; what it spells is held against the rows with a speller
    that is not the service's. Events up to each shard's `published_seq` must be
    there; later ones may be.
    """
    check = Check("published")
    first: Difference | None = None
    found: dict[tuple[int, int, int], tuple[int, bytes, bytes | None]] = {}

    def see(holds: bool, shard: int, seq: int, expected: str, what: str) -> None:
        nonlocal first
        check.checked += 1
        if not holds:
            check.ok = False
            first = first or Difference("published", shard, seq, None, expected, what)

    async for event in events:
        place = (event.shard, event.seq, event.partition)
        spelt = (event.prev, blake2b(event.body, digest_size=16).digest(), event.chain)
        if event.seq > vector.get(event.shard, 0):
            continue
        if place in found:
            see(found[place] == spelt, event.shard, event.seq, "the same bytes twice", "other bytes")
        found[place] = spelt
    books = Books()
    await read_chart(connection, books)
    rows = await connection.fetch("SELECT shard, published_seq FROM transactions.shard ORDER BY shard")
    for row in rows:
        shard, seq = row["shard"], 0
        while batch := await rebuild(connection, shard, seq, PREFETCH):
            spelt_anew = await _bodies(connection, books, shard, seq, batch[-1].seq)
            for event in batch:
                seq = event.seq
                if seq > vector.get(shard, 0):
                    break
                see(spelt_anew.get(seq) == event.body, shard, seq, "the event that its row says", "another")
                digest = blake2b(event.body, digest_size=16).digest()
                for partition, prev, _ in ((shard, event.prev, b""), *event.copies):
                    spelt = found.pop((shard, seq, partition), None)
                    if spelt is None:
                        see(seq > row["published_seq"], shard, seq, f"in partition {partition}", "missing")
                    else:
                        see(
                            spelt == (prev, digest, event.chain if spelt[2] else None),
                            shard,
                            seq,
                            digest.hex(),
                            spelt[1].hex(),
                        )
    for shard, seq, partition in found:
        see(False, shard, seq, "nothing", f"an event in partition {partition}")
    return check, first


async def _bodies(
    connection: Connection, books: Books, shard: int, after: int, last_seq: int
) -> dict[int, bytes]:
    """Spell the events of a stretch of a shard's journal, by seq; none that cannot be spelt."""
    found: dict[int, bytes] = {}
    for seq, row in (await rows_between(connection, shard, after, last_seq)).items():
        try:
            complete(row, books)
            found[seq] = body_of(row, books)
        except (LookupError, TypeError, ValueError, AttributeError):
            continue
    return found
