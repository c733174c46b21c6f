"""The tables of windows: what batches added, windows as they were stored, and how far all of them are."""

from collections.abc import Sequence
from typing import Any

from services.compliance.domain.windows.shard import Key, WindowState

_CHECKPOINT = "SELECT through FROM window_checkpoint WHERE shard = $1"

_BATCHES = "SELECT number, entries FROM window_batch WHERE shard = $1 AND number > $2 ORDER BY number"

_STATES = """
SELECT s.shard, s.owner, s.asset, s.form, s.through, s.checksum, s.state
FROM unnest($1::int[], $2::text[], $3::text[]) AS wanted (shard, owner, asset)
JOIN window_state AS s USING (shard, owner, asset)
"""

_SAVE_BATCHES = """
INSERT INTO window_batch (shard, number, count, entries)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::int[], $4::bytea[])
"""

_SAVE_STATES = """
INSERT INTO window_state AS s (shard, owner, asset, form, through, checksum, state)
SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bytea[])
ON CONFLICT (shard, owner, asset) DO UPDATE SET
    form = excluded.form, through = excluded.through, checksum = excluded.checksum, state = excluded.state
"""

_SAVE_CHECKPOINTS = """
INSERT INTO window_checkpoint AS c (shard, through)
SELECT * FROM unnest($1::int[], $2::bigint[])
ON CONFLICT (shard) DO UPDATE SET through = excluded.through
"""


async def load_checkpoint(connection: Any, shard: int) -> int:
    """Return the batch up to which every window of a shard is stored; 0 for none."""
    return await connection.fetchval(_CHECKPOINT, shard) or 0


async def load_batches(connection: Any, shard: int, after: int) -> list[tuple[int, bytes]]:
    """Read what batches after a number added, in their order."""
    return [(row["number"], row["entries"]) for row in await connection.fetch(_BATCHES, shard, after)]


async def load_states(
    connection: Any, wanted: Sequence[tuple[int, Key]]
) -> dict[tuple[int, Key], WindowState]:
    """Read stored windows, by shard and key."""
    rows = await connection.fetch(
        _STATES,
        [shard for shard, _ in wanted],
        [owner for _, (owner, _) in wanted],
        [asset for _, (_, asset) in wanted],
    )
    states = ((row["shard"], WindowState(*tuple(row)[1:])) for row in rows)
    return {(shard, (state.owner, state.asset)): state for shard, state in states}


async def save_batches(connection: Any, rows: Sequence[tuple[int, int, int, bytes]]) -> None:
    """Append what a batch adds: shard, number, count, entries."""
    if rows:
        await connection.execute(_SAVE_BATCHES, *(list(column) for column in zip(*rows, strict=True)))


async def save_states(connection: Any, states: Sequence[tuple[int, WindowState]]) -> None:
    """Store windows, each with its shard, in place of what was stored of them."""
    if not states:
        return
    await connection.execute(
        _SAVE_STATES,
        [shard for shard, _ in states],
        [each.owner for _, each in states],
        [each.asset for _, each in states],
        [each.form for _, each in states],
        [each.through for _, each in states],
        [each.checksum for _, each in states],
        [each.state for _, each in states],
    )


async def save_checkpoints(connection: Any, through: dict[int, int]) -> None:
    """Note up to which batch every window is stored, by shard."""
    if through:
        await connection.execute(_SAVE_CHECKPOINTS, list(through), list(through.values()))
