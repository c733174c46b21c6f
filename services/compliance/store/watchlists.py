"""Watch lists: their versions in parts, entries and names, and which version each shard screens against."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from services.compliance.domain.lists.party import ListedParty, stored_party
from services.compliance.domain.memory import ListVersion
from services.compliance.domain.records import ListPart, ListRefusalRow, ListState
from services.compliance.domain.watchlist import NamesIndex

_STATES = """
SELECT v.list_code, v.version, v.parts, v.sha256,
       array(SELECT p.part FROM list_part AS p
             WHERE p.list_code = v.list_code AND p.version = v.version) AS loaded
FROM unnest($1::text[], $2::text[]) AS wanted (list_code, version)
JOIN list_version AS v ON v.list_code = wanted.list_code AND v.version = wanted.version
"""

_SAVE_VERSIONS = """
INSERT INTO list_version (list_code, version, parts, sha256, recorded_at)
SELECT DISTINCT ON (list_code, version) list_code, version, parts, sha256, recorded_at
FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::timestamptz[])
    AS x (list_code, version, parts, sha256, recorded_at)
ON CONFLICT DO NOTHING
"""

_SAVE_PARTS = """
INSERT INTO list_part (list_code, version, part, entries, recorded_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::timestamptz[])
ON CONFLICT DO NOTHING
"""

_KNOWN_ENTRIES = """
SELECT e.list_code, e.version, e.entry_id
FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (list_code, version, entry_id)
JOIN list_entry AS e ON e.list_code = wanted.list_code AND e.version = wanted.version
    AND e.entry_id = wanted.entry_id
"""

_ACTIVE = """
SELECT DISTINCT ON (shard, list_code) shard, list_code, version
FROM list_activation WHERE shard = ANY($1)
ORDER BY shard, list_code, seq DESC
"""

_PARTIES = """
SELECT e.list_code, e.version, e.entry_id, e.kind, e.programmes, e.birth_dates, e.countries, e.identifiers,
       e.addresses, e.remarks,
       array_agg(n.name ORDER BY n.number) FILTER (WHERE NOT n.is_weak) AS names,
       array_agg(n.name ORDER BY n.number) FILTER (WHERE n.is_weak) AS weak_names
FROM unnest($1::text[], $2::text[]) AS wanted (list_code, version)
JOIN list_entry AS e ON e.list_code = wanted.list_code AND e.version = wanted.version
JOIN list_name AS n ON n.list_code = e.list_code AND n.version = e.version AND n.entry_id = e.entry_id
GROUP BY e.list_code, e.version, e.entry_id
ORDER BY e.list_code, e.version, e.entry_id
"""

_SAVE_ACTIVATIONS = """
INSERT INTO list_activation (shard, seq, list_code, version, recorded_at)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[])
ON CONFLICT DO NOTHING
"""


_SAVE_REFUSALS = """
INSERT INTO list_refusal (shard, seq, recorded_at, list_code, file, line, why, stays)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::int[],
                     $7::text[], $8::text[])
"""

_REFUSED = """
SELECT DISTINCT ON (r.list_code) r.shard, r.seq, r.recorded_at, r.list_code, r.file, r.line, r.why, r.stays
FROM list_refusal AS r
WHERE r.shard = $1 AND NOT EXISTS (
    SELECT FROM list_activation AS a
    WHERE a.shard = r.shard AND a.list_code = r.list_code AND a.seq > r.seq
    UNION ALL
    SELECT FROM list_confirmation AS c
    WHERE c.shard = r.shard AND c.list_code = r.list_code AND c.seq > r.seq
)
ORDER BY r.list_code, r.seq DESC
"""


async def save_refusals(connection: Any, rows: Sequence[ListRefusalRow]) -> None:
    """Append refused files."""
    if not rows:
        return
    await connection.execute(
        _SAVE_REFUSALS,
        [row.shard for row in rows],
        [row.seq for row in rows],
        [row.recorded_at for row in rows],
        [row.list_code for row in rows],
        [row.file for row in rows],
        [row.line for row in rows],
        [row.why for row in rows],
        [row.stays for row in rows],
    )


async def refused_lists(connection: Any, shard: int) -> dict[str, ListRefusalRow]:
    """Return the last refused file of each list of which no version was activated or confirmed since."""
    rows = await connection.fetch(_REFUSED, shard)
    return {row["list_code"]: ListRefusalRow(**row) for row in rows}


async def list_states(connection: Any, wanted: Collection[ListVersion]) -> dict[ListVersion, ListState]:
    """Return how much of each list version is stored; those of which nothing is are absent."""
    if not wanted:
        return {}
    rows = await connection.fetch(_STATES, [code for code, _ in wanted], [version for _, version in wanted])
    return {
        (row["list_code"], row["version"]): ListState(row["parts"], row["sha256"], frozenset(row["loaded"]))
        for row in rows
    }


async def known_entries(
    connection: Any, wanted: Collection[tuple[str, str, str]]
) -> set[tuple[str, str, str]]:
    """Return those (list code, version, entry id) that are stored."""
    if not wanted:
        return set()
    rows = await connection.fetch(
        _KNOWN_ENTRIES,
        [each[0] for each in wanted],
        [each[1] for each in wanted],
        [each[2] for each in wanted],
    )
    return {(row["list_code"], row["version"], row["entry_id"]) for row in rows}


async def save_parts(connection: Any, parts: Sequence[ListPart]) -> None:
    """Append parts of list versions with their entries and names; parts already there must be left out."""
    if not parts:
        return
    codes = [part.list_code for part in parts]
    versions = [part.version for part in parts]
    times = [part.recorded_at for part in parts]
    await connection.execute(
        _SAVE_VERSIONS,
        codes,
        versions,
        [part.parts for part in parts],
        [part.sha256 for part in parts],
        times,
    )
    await connection.execute(
        _SAVE_PARTS, codes, versions, [part.part for part in parts], [len(p.entries) for p in parts], times
    )
    await connection.copy_records_to_table(
        "list_entry",
        columns=(
            "list_code", "version", "entry_id", "part", "kind", "programmes",
            "birth_dates", "countries", "identifiers", "addresses", "remarks",
        ),
        records=[
            (
                part.list_code,
                part.version,
                entry.entry_id,
                part.part,
                entry.kind,
                list(entry.programmes),
                list(entry.birth_dates),
                list(entry.countries),
                list(entry.identifiers),
                list(entry.addresses),
                entry.remarks,
            )
            for part in parts
            for entry in part.entries
        ],
    )  # fmt: skip
    await connection.copy_records_to_table(
        "list_name",
        columns=("list_code", "version", "entry_id", "number", "name", "is_weak"),
        records=[
            (part.list_code, part.version, entry.entry_id, number, name, number >= len(entry.names))
            for part in parts
            for entry in part.entries
            for number, name in enumerate((*entry.names, *entry.weak_names))
        ],
    )


async def active_lists(connection: Any, shards: Collection[int]) -> dict[int, dict[str, str]]:
    """Return the version of each list that shards screen against, by shard and list code."""
    found: dict[int, dict[str, str]] = {shard: {} for shard in shards}
    for row in await connection.fetch(_ACTIVE, list(shards)):
        found[row["shard"]][row["list_code"]] = row["version"]
    return found


async def load_indexes(connection: Any, wanted: Collection[ListVersion]) -> dict[ListVersion, NamesIndex]:
    """Build the names indexes of list versions, from one statement.

    In a thread, since a list of 9,000 entries takes seconds, and Kafka takes who is silent so long for dead.
    """
    if not wanted:
        return {}
    parties: dict[ListVersion, list[ListedParty]] = {version: [] for version in wanted}
    rows = await connection.fetch(_PARTIES, [code for code, _ in wanted], [version for _, version in wanted])
    for row in rows:
        parties[row["list_code"], row["version"]].append(stored_party(row))
    return {
        (code, version): await asyncio.to_thread(NamesIndex, code, version, found)
        for (code, version), found in parties.items()
    }


async def save_activations(connection: Any, rows: Sequence[tuple[int, int, str, str, datetime]]) -> None:
    """Append activations: shard, seq of the event, list code, version, recorded_at."""
    if not rows:
        return
    await connection.execute(
        _SAVE_ACTIVATIONS,
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        [row[3] for row in rows],
        [row[4] for row in rows],
    )
