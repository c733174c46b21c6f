"""What is due by itself is done soon after its day: whether that was so of what still stands."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Open, Shard

LATE: Final = timedelta(minutes=10)
"""A writer at work has done by then what is due, but for a long queue of it."""
A_SECOND: Final = 500
"""So much of it is done at least, in one shard."""


class Standing(NamedTuple):
    """Something pending whose last day has passed, and that stands as if it had not."""

    shard: Shard
    seq: int
    opened: Open
    last_day: date


async def compare_late(
    connection: Connection,
    books: Books,
    check: str,
    standing: Sequence[Standing],
    *,
    expected: str,
    found: str,
) -> None:
    """What stands after its day may, if the next one has only begun or records of its owner are parked."""
    if not standing:
        return
    parked = await parked_owners(connection)
    begun = [_begun(books, each) for each in standing]
    worked = await worked_since(connection, [each.shard.number for each in standing], begun)
    allowed = LATE + timedelta(seconds=len(standing) / A_SECOND)
    for (shard, seq, opened, last_day), since in zip(standing, worked, strict=True):
        books.see(
            check,
            since <= allowed or (shard.number, opened.owner) in parked,
            expected=f"{expected}: it stood up to {last_day}",
            found=f"{found} {since} after the next day was opened",
            shard=shard.number,
            seq=seq,
        )


def _begun(books: Books, standing: Standing) -> int:
    """Return the event that opened the first day after its last one."""
    shard, _, opened, last_day = standing
    entity_id = books.accounts[opened.legs[0][0]].entity_id
    return min(
        seq
        for (_, of_entity, day), seq in shard.days_opened.items()
        if of_entity == entity_id and day > last_day
    )


async def parked_owners(connection: Connection) -> set[tuple[int, str]]:
    """Return whose records are parked: what is due for them waits too."""
    return {
        (row["shard"], row["owner"])
        for row in await connection.fetch(
            "SELECT DISTINCT shard, owner FROM transactions.parked WHERE resolved_at IS NULL"
        )
    }


async def worked_since(connection: Connection, shards: list[int], seqs: list[int]) -> list[timedelta]:
    """Return for how long the writers of these shards have worked since these events."""
    rows = await connection.fetch(
        """
        SELECT journal.recorded_at, shard.last_recorded_at
        FROM unnest($1::int[], $2::bigint[]) WITH ORDINALITY AS asked (shard, seq, place)
        JOIN transactions.journal USING (shard, seq)
        JOIN transactions.shard USING (shard)
        ORDER BY place
        """,
        shards,
        seqs,
    )
    moments: list[tuple[datetime, Any]] = [(row["recorded_at"], row["last_recorded_at"]) for row in rows]
    return [(last or recorded_at) - recorded_at for recorded_at, last in moments]
