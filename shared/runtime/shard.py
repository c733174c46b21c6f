"""Who works a shard and how far it is: claims, the compare-and-set, positions, marks and chain heads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from shared.runtime.errors import ShardLost
from shared.runtime.work import ShardWork

LOST: Final = "lost:"
"""How the reason of a halt begins when the database has lost committed events."""


@dataclass(slots=True)
class Position:
    """Where to read on in one topic's partition, and the record before it."""

    next_offset: int = 0
    last_offset: int | None = None
    last_timestamp: int | None = None
    last_hash: bytes | None = None


@dataclass(slots=True)
class Shard:
    """A shard this process holds, as its tables say since the last commit."""

    shard: int
    epoch: int
    batch_no: int
    last_seq: int
    published_seq: int
    last_recorded_at: datetime | None
    halted: str | None
    careful: bool
    """The predecessor died without getting anywhere: take one record at a time and count the deaths."""
    positions: dict[str, Position] = field(default_factory=dict)
    marks: dict[tuple[str, int], int] = field(default_factory=dict)
    """(topic, source shard) to the last seq taken."""
    heads: dict[tuple[str, int], int] = field(default_factory=dict)
    acknowledged: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    """(topic, partition) to the last (seq, offset) known to be in Kafka."""
    parked: set[str] = field(default_factory=set)

    @property
    def is_lost(self) -> bool:
        """Whether Kafka holds events of ours that the tables do not know: a new one would reuse a number."""
        return self.halted is not None and self.halted.startswith(LOST)

    def takes(self, kind: str) -> bool:
        """Whether it takes records of this kind of topic now: all, or acts alone, or none."""
        return self.halted is None or (kind == "acts" and not self.is_lost)

    def position(self, topic: str) -> Position:
        """The position in one input topic."""
        return self.positions.setdefault(topic, Position())


def record_hash(key: bytes | None, value: bytes | None) -> bytes:
    """Recognise a record again: BLAKE2b-64 over key and value."""
    digest = blake2b(key or b"", digest_size=8)
    digest.update(b"\0")
    digest.update(value or b"")
    return digest.digest()


async def claim(connection: Any, shards: Sequence[int], owner: str) -> list[Shard]:
    """Take shards over under a new epoch, in one transaction; older owners can no longer write.

    A predecessor that sits frozen on a row lock is ended after a second (its database session is
    stored with the shard); then this raises `LockNotAvailableError`, and the caller tries again.
    """
    wanted = sorted(shards)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '1s'")
            before = {
                row["shard"]: row
                for row in await connection.fetch(
                    "SELECT shard, released, batch_no, claimed_batch_no FROM shard"
                    " WHERE shard = ANY($1) ORDER BY shard FOR UPDATE",
                    wanted,
                )
            }
            rows = await connection.fetch(
                "UPDATE shard SET epoch = epoch + 1, owner = $2, session = pg_backend_pid(),"
                " released = false, claimed_batch_no = batch_no WHERE shard = ANY($1)"
                " RETURNING shard, epoch, batch_no, last_seq, published_seq, last_recorded_at, halted",
                wanted,
                owner,
            )
            claimed = {
                row["shard"]: Shard(
                    careful=not before[row["shard"]]["released"]
                    and before[row["shard"]]["batch_no"] == before[row["shard"]]["claimed_batch_no"],
                    **dict(row),
                )
                for row in rows
            }
            await _read(connection, claimed)
    except Exception as error:
        if getattr(error, "sqlstate", None) == "55P03":
            await _end_predecessors(connection, wanted)
        raise
    return [claimed[number] for number in wanted]


async def _read(connection: Any, shards: dict[int, Shard]) -> None:
    numbers = list(shards)
    for row in await connection.fetch(
        "SELECT topic, partition, next_offset, last_offset, last_timestamp, last_hash FROM position"
        " WHERE partition = ANY($1)",
        numbers,
    ):
        shards[row["partition"]].positions[row["topic"]] = Position(
            row["next_offset"], row["last_offset"], row["last_timestamp"], row["last_hash"]
        )
    for row in await connection.fetch(
        "SELECT topic, partition, source_shard, last_seq FROM source_mark WHERE partition = ANY($1)", numbers
    ):
        shards[row["partition"]].marks[row["topic"], row["source_shard"]] = row["last_seq"]
    for row in await connection.fetch(
        "SELECT shard, topic, partition, last_seq, published_seq, published_offset FROM sent"
        " WHERE shard = ANY($1)",
        numbers,
    ):
        shard = shards[row["shard"]]
        shard.heads[row["topic"], row["partition"]] = row["last_seq"]
        if row["published_offset"] >= 0:
            shard.acknowledged[row["topic"], row["partition"]] = (
                row["published_seq"],
                row["published_offset"],
            )
    for row in await connection.fetch(
        "SELECT DISTINCT shard, owner FROM parked WHERE shard = ANY($1) AND resolved_at IS NULL", numbers
    ):
        shards[row["shard"]].parked.add(row["owner"])


async def _end_predecessors(connection: Any, shards: Sequence[int]) -> None:
    await connection.fetch(
        "SELECT pg_terminate_backend(activity.pid) FROM shard JOIN pg_stat_activity AS activity"
        " ON activity.pid = shard.session WHERE shard.shard = ANY($1)"
        " AND activity.usename = current_user AND activity.application_name LIKE 'backoffice-%'"
        " AND activity.pid <> pg_backend_pid()",
        shards,
    )


FENCE: Final = """
WITH moved AS (
    UPDATE shard AS s
    SET batch_no = s.batch_no + 1, last_recorded_at = x.recorded_at,
        last_progress_at = x.recorded_at, published_seq = x.published_seq
    FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::bigint[])
        AS x (shard, epoch, batch_no, recorded_at, published_seq)
    WHERE s.shard = x.shard AND s.epoch = x.epoch AND s.batch_no = x.batch_no
    RETURNING s.shard
), placed AS (
    INSERT INTO position (topic, partition, next_offset, last_offset, last_timestamp, last_hash)
    SELECT y.topic, y.partition, y.last_offset + 1, y.last_offset, y.last_timestamp, y.last_hash
    FROM unnest($6::text[], $7::int[], $8::bigint[], $9::bigint[], $10::bytea[])
        AS y (topic, partition, last_offset, last_timestamp, last_hash)
    JOIN moved ON moved.shard = y.partition
    ON CONFLICT (topic, partition) DO UPDATE
    SET next_offset = excluded.next_offset, last_offset = excluded.last_offset,
        last_timestamp = excluded.last_timestamp, last_hash = excluded.last_hash
)
SELECT shard FROM moved
"""

UNFENCED: Final = FENCE.replace("AND s.epoch = x.epoch AND s.batch_no = x.batch_no", "")
"""The planted bug `no_epoch_check`."""

FINISH: Final = """
WITH numbered AS (
    UPDATE shard AS s SET last_seq = x.last_seq
    FROM unnest($1::int[], $2::bigint[]) AS x (shard, last_seq)
    WHERE s.shard = x.shard
), chained AS (
    INSERT INTO sent (shard, topic, partition, last_seq)
    SELECT * FROM unnest($3::int[], $4::text[], $5::int[], $6::bigint[])
    ON CONFLICT (shard, topic, partition) DO UPDATE SET last_seq = excluded.last_seq
), marked AS (
    INSERT INTO source_mark (topic, partition, source_shard, last_seq)
    SELECT * FROM unnest($7::text[], $8::int[], $9::int[], $10::bigint[])
    ON CONFLICT (topic, partition, source_shard) DO UPDATE SET last_seq = excluded.last_seq
)
SELECT 1
"""

REMEMBER: Final = """
WITH ours AS (
    UPDATE shard AS s SET published_seq = greatest(s.published_seq, x.published_seq)
    FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS x (shard, epoch, published_seq)
    WHERE s.shard = x.shard AND s.epoch = x.epoch
    RETURNING s.shard
), out AS (
    INSERT INTO sent (shard, topic, partition, last_seq, published_seq, published_offset)
    SELECT y.shard, y.topic, y.partition, y.seq, y.seq, y.at
    FROM unnest($4::int[], $5::text[], $6::int[], $7::bigint[], $8::bigint[])
        AS y (shard, topic, partition, seq, at)
    JOIN ours ON ours.shard = y.shard
    ON CONFLICT (shard, topic, partition) DO UPDATE
    SET published_seq = excluded.published_seq, published_offset = excluded.published_offset
)
SELECT shard FROM ours
"""

Place = tuple[str, int, int, int, bytes]
"""Topic, partition, and of the last record taken: offset, timestamp, hash."""


async def fence(
    connection: Any,
    held: Collection[Shard],
    works: dict[int, ShardWork],
    published: dict[int, int],
    places: Sequence[Place],
    *,
    unfenced: bool = False,
) -> set[int]:
    """Compare-and-set (epoch, batch_no) and move the positions; returns the shards that matched."""
    rows = await connection.fetch(
        UNFENCED if unfenced else FENCE,
        [shard.shard for shard in held],
        [shard.epoch for shard in held],
        [shard.batch_no for shard in held],
        [works[shard.shard].recorded_at for shard in held],
        [max(published.get(shard.shard, 0), shard.published_seq) for shard in held],
        [place[0] for place in places],
        [place[1] for place in places],
        [place[2] for place in places],
        [place[3] for place in places],
        [place[4] for place in places],
    )
    return {row["shard"] for row in rows}


async def finish(
    connection: Any,
    held: Collection[Shard],
    works: dict[int, ShardWork],
    marks: dict[tuple[str, int, int], int],
) -> None:
    """Store what the batch advanced: event numbers, chain heads, source marks."""
    numbered = [(s.shard, works[s.shard].last_seq) for s in held if works[s.shard].last_seq != s.last_seq]
    heads = [
        (shard.shard, topic, partition, seq)
        for shard in held
        for (topic, partition), seq in works[shard.shard].heads.items()
        if shard.heads.get((topic, partition)) != seq
    ]
    if not numbered and not heads and not marks:
        return
    await connection.execute(
        FINISH,
        [number for number, _ in numbered],
        [seq for _, seq in numbered],
        [head[0] for head in heads],
        [head[1] for head in heads],
        [head[2] for head in heads],
        [head[3] for head in heads],
        [topic for topic, _, _ in marks],
        [partition for _, partition, _ in marks],
        [source for _, _, source in marks],
        list(marks.values()),
    )


async def remember_published(
    connection: Any,
    shards: Sequence[Shard],
    published: dict[int, int],
    heads: dict[int, dict[tuple[str, int], tuple[int, int]]],
) -> set[int]:
    """Store how far shards' events are acknowledged; returns those that are still ours.

    Not waited for on the disk: whoever finds an older mark only publishes a little more again.
    """
    lanes = [
        (number, topic, partition, seq, offset)
        for number, of_shard in heads.items()
        for (topic, partition), (seq, offset) in of_shard.items()
    ]
    async with connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = off")
        rows = await connection.fetch(
            REMEMBER,
            [shard.shard for shard in shards],
            [shard.epoch for shard in shards],
            [published[shard.shard] for shard in shards],
            [lane[0] for lane in lanes],
            [lane[1] for lane in lanes],
            [lane[2] for lane in lanes],
            [lane[3] for lane in lanes],
            [lane[4] for lane in lanes],
        )
    return {row["shard"] for row in rows}


async def set_halted(connection: Any, shard: Shard, reason: str | None) -> None:
    """Store why a shard stands still, or that it goes on; raises `ShardLost` where it is no longer ours."""
    done = await connection.fetchval(
        "UPDATE shard SET halted = $3 WHERE shard = $1 AND epoch = $2 RETURNING true",
        shard.shard,
        shard.epoch,
        reason,
    )
    if not done:
        raise ShardLost(f"shard {shard.shard} was taken over")
    shard.halted = reason


async def lift_halt(connection: Any, number: int) -> None:
    """Let a shard go on, inside a transaction that has fenced it; the caller's memory follows its commit."""
    await connection.execute("UPDATE shard SET halted = NULL WHERE shard = $1", number)


async def release(connection: Any, shards: Collection[Shard]) -> None:
    """Say that shards were given up in good order, so that the next owner need not be careful."""
    await connection.execute(
        "UPDATE shard AS s SET released = true FROM unnest($1::int[], $2::bigint[]) AS x (shard, epoch)"
        " WHERE s.shard = x.shard AND s.epoch = x.epoch",
        [shard.shard for shard in shards],
        [shard.epoch for shard in shards],
    )
