"""Holds that stand for entries which a later version of their list has not got."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.compliance.domain.records import Delisting

_FIND = """
SELECT h.shard, h.instruction_id, h.owner, h.told, w.list_code, w.version,
       array_agg(DISTINCT f.entry_id ORDER BY f.entry_id) AS entries
FROM unnest($1::int[], $2::text[], $3::text[]) AS w (shard, list_code, version)
JOIN hold AS h ON h.shard = w.shard AND h.status = 'held'
CROSS JOIN LATERAL (
    SELECT x.finding -> 'values' ->> 'entry' AS entry_id
    FROM jsonb_array_elements(h.findings) AS x (finding)
    WHERE x.finding ->> 'rule' = 'SAN-1' AND x.finding -> 'values' ->> 'list' = w.list_code
) AS f
WHERE f.entry_id IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM list_entry AS e
        WHERE e.list_code = w.list_code AND e.version = w.version AND e.entry_id = f.entry_id
    )
    AND NOT EXISTS (
        SELECT FROM hold_delisting AS d
        WHERE d.shard = h.shard AND d.instruction_id = h.instruction_id AND d.list_code = w.list_code
            AND d.entry_id = f.entry_id
    )
GROUP BY h.shard, h.instruction_id, h.owner, h.told, w.list_code, w.version
ORDER BY h.shard, min(h.seq)
"""

_SAVE = """
INSERT INTO hold_delisting (shard, instruction_id, list_code, entry_id, version, seq, recorded_at)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                     $7::timestamptz[])
"""


async def find_delisted(connection: Any, versions: Mapping[int, tuple[str, str]]) -> list[Delisting]:
    """Return what waits for entries that a list (by shard, code and version) lacks, and was not told."""
    if not versions:
        return []
    rows = await connection.fetch(
        _FIND,
        list(versions),
        [code for code, _ in versions.values()],
        [each for _, each in versions.values()],
    )
    return [Delisting(*columns, entries=tuple(entries)) for *columns, entries in rows]


async def save_delistings(connection: Any, told: Sequence[tuple[Delisting, int, datetime]]) -> None:
    """Remember what was told, with the event that told it, and when."""
    rows = [
        (each.shard, each.instruction_id, each.list_code, entry_id, each.version, seq, at)
        for each, seq, at in told
        for entry_id in each.entries
    ]
    if rows:
        await connection.execute(_SAVE, *[list(column) for column in zip(*rows, strict=True)])
