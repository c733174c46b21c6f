"""Parties on record, and how far they are screened again against what a new version of a list has changed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.compliance.domain.records import OpenRescreening, PartyRow, RescreeningRow

_SAVE_PARTIES = """
INSERT INTO party (shard, seq, recorded_at, owner, digest, instruction_id, field, name, kind, birth_date,
                   country, identifier)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[],
                     $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
ON CONFLICT DO NOTHING
"""

_SAVE_RESCREENINGS = """
INSERT INTO rescreening (shard, seq, list_code, version, replaced, business_date, entries, through)
SELECT x.shard, x.seq, x.list_code, x.version, x.replaced, x.business_date,
       CASE WHEN x.entries IS NOT NULL THEN array(SELECT jsonb_array_elements_text(x.entries)) END,
       coalesce((SELECT max(p.number) FROM party AS p WHERE p.shard = x.shard), 0)
FROM unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::date[], $7::jsonb[])
    AS x (shard, seq, list_code, version, replaced, business_date, entries)
"""

_OPEN = """
SELECT shard, seq, list_code, version, replaced, business_date, through, done_through, parties, alerts,
       cardinality(entries) AS entries
FROM rescreening WHERE shard = ANY($1) AND finished_seq IS NULL
ORDER BY shard, seq
"""

_ENTRIES = """
SELECT r.shard, r.seq, r.entries
FROM unnest($1::int[], $2::bigint[]) AS wanted (shard, seq)
JOIN rescreening AS r ON r.shard = wanted.shard AND r.seq = wanted.seq
"""

_PARTIES_AFTER = """
SELECT p.shard, p.number, p.seq, p.recorded_at, p.owner, p.digest, p.instruction_id, p.field, p.name, p.kind,
       p.birth_date, p.country, p.identifier
FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS wanted (shard, after, through)
CROSS JOIN LATERAL (
    SELECT * FROM party AS each
    WHERE each.shard = wanted.shard AND each.number > wanted.after AND each.number <= wanted.through
        AND (SELECT x.seq FROM removed_record AS x
             WHERE x.shard = each.shard AND x.kind = 'party' AND x.removed_seq = each.number) IS NULL
    ORDER BY each.number LIMIT $4
) AS p
ORDER BY p.shard, p.number
"""

_GO_ON = """
UPDATE rescreening AS r
SET done_through = x.done_through, parties = x.parties, alerts = x.alerts, finished_seq = x.finished_seq
FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::int[], $5::int[], $6::bigint[])
    AS x (shard, seq, done_through, parties, alerts, finished_seq)
WHERE r.shard = x.shard AND r.seq = x.seq
"""


async def save_parties(connection: Any, rows: Sequence[PartyRow]) -> None:
    """Append parties that are not on record yet."""
    if not rows:
        return
    await connection.execute(
        _SAVE_PARTIES,
        [row.shard for row in rows],
        [row.seq for row in rows],
        [row.recorded_at for row in rows],
        [row.owner for row in rows],
        [row.digest for row in rows],
        [row.instruction_id for row in rows],
        [row.field for row in rows],
        [row.name for row in rows],
        [row.kind for row in rows],
        [row.birth_date for row in rows],
        [row.country for row in rows],
        [row.identifier for row in rows],
    )


async def save_rescreenings(connection: Any, rows: Sequence[RescreeningRow]) -> None:
    """Note what is to be screened again: all parties that are on record now."""
    if not rows:
        return
    await connection.execute(
        _SAVE_RESCREENINGS,
        [row.shard for row in rows],
        [row.seq for row in rows],
        [row.list_code for row in rows],
        [row.version for row in rows],
        [row.replaced for row in rows],
        [row.business_date for row in rows],
        [None if row.entries is None else json.dumps(sorted(row.entries)) for row in rows],
    )


async def open_rescreenings(connection: Any, shards: Sequence[int]) -> list[OpenRescreening]:
    """Return what is not screened to the end yet, in the order of the activations of each shard."""
    return [OpenRescreening(**row) for row in await connection.fetch(_OPEN, list(shards))]


async def entries_of(
    connection: Any, wanted: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], frozenset[str] | None]:
    """Return the entries to screen against, by (shard, seq) of the activation; None for all."""
    if not wanted:
        return {}
    rows = await connection.fetch(_ENTRIES, [shard for shard, _ in wanted], [seq for _, seq in wanted])
    return {
        (row["shard"], row["seq"]): None if row["entries"] is None else frozenset(row["entries"])
        for row in rows
    }


async def parties_after(
    connection: Any, wanted: Mapping[int, tuple[int, int]], limit: int
) -> dict[int, list[tuple[int, PartyRow]]]:
    """Return the next parties, with their numbers, by shard; `wanted` says after which, and up to which.

    None whose name was removed.
    """
    found: dict[int, list[tuple[int, PartyRow]]] = {shard: [] for shard in wanted}
    rows = await connection.fetch(
        _PARTIES_AFTER,
        list(wanted),
        [after for after, _ in wanted.values()],
        [through for _, through in wanted.values()],
        limit,
    )
    for row in rows:
        columns = dict(row)
        number = columns.pop("number")
        found[row["shard"]].append((number, PartyRow(**columns)))
    return found


async def go_on(connection: Any, rows: Sequence[OpenRescreening], finished: Mapping[int, int]) -> None:
    """Store how far screenings have come; `finished` has the event that announced the end, by shard."""
    await connection.execute(
        _GO_ON,
        [row.shard for row in rows],
        [row.seq for row in rows],
        [row.done_through for row in rows],
        [row.parties for row in rows],
        [row.alerts for row in rows],
        [finished.get(row.shard) for row in rows],
    )
