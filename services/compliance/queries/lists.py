"""Which watch lists are stored, how complete, and which version each shard screens against."""

import json
from datetime import date
from typing import Any

from services.compliance.domain.lists.party import ListedParty, stored_party
from services.compliance.domain.rule import RuleParameter

_SHOW = """
WITH active AS (
    SELECT DISTINCT ON (shard, list_code) shard, list_code, version
    FROM compliance.list_activation ORDER BY shard, list_code, seq DESC
),
checked AS (
    SELECT shard, list_code, max(recorded_at) AS checked_at
    FROM (SELECT shard, list_code, recorded_at FROM compliance.list_activation
          UNION ALL
          SELECT shard, list_code, recorded_at FROM compliance.list_confirmation) AS read
    GROUP BY shard, list_code
)
SELECT v.list_code, v.version, v.sha256, v.recorded_at AS loaded_at, v.parts,
       (SELECT count(*) FROM compliance.list_part AS p
        WHERE p.list_code = v.list_code AND p.version = v.version) AS parts_loaded,
       (SELECT count(*) FROM compliance.list_entry AS e
        WHERE e.list_code = v.list_code AND e.version = v.version) AS entries,
       (SELECT count(*) FROM compliance.list_name AS n
        WHERE n.list_code = v.list_code AND n.version = v.version) AS names,
       array(SELECT a.shard FROM active AS a
             WHERE a.list_code = v.list_code AND a.version = v.version ORDER BY a.shard) AS active_shards,
       (SELECT min(c.checked_at) FROM active AS a
        JOIN checked AS c ON c.shard = a.shard AND c.list_code = a.list_code
        WHERE a.list_code = v.list_code AND a.version = v.version) AS checked_at
FROM compliance.list_version AS v
ORDER BY v.list_code, v.recorded_at, v.version
"""


async def lists_show(connection: Any) -> list[dict[str, Any]]:
    """Return every stored version of every list, oldest first."""
    return [
        {**dict(row), "complete": row["parts_loaded"] == row["parts"]}
        for row in await connection.fetch(_SHOW)
    ]


_REFUSED = """
SELECT DISTINCT ON (r.list_code) r.list_code, r.file, r.line, r.why, r.stays, r.recorded_at AS refused_at
FROM compliance.list_refusal AS r
WHERE NOT EXISTS (
    SELECT FROM compliance.list_activation AS a
    WHERE a.shard = r.shard AND a.list_code = r.list_code AND a.seq > r.seq
    UNION ALL
    SELECT FROM compliance.list_confirmation AS c
    WHERE c.shard = r.shard AND c.list_code = r.list_code AND c.seq > r.seq
)
ORDER BY r.list_code, r.seq DESC
"""

_OUTDATED = """
WITH checked AS (
    SELECT shard, list_code, max(seq) AS seq
    FROM (SELECT shard, list_code, seq FROM compliance.list_activation
          UNION ALL
          SELECT shard, list_code, seq FROM compliance.list_confirmation) AS read
    GROUP BY shard, list_code
)
SELECT o.list_code, o.version, min(o.checked_at) AS checked_at, max(o.days_max) AS days_max,
       array_agg(o.shard ORDER BY o.shard) AS shards
FROM compliance.list_outdated AS o
JOIN checked AS c ON c.shard = o.shard AND c.list_code = o.list_code AND c.seq = o.checked_seq
GROUP BY o.list_code, o.version
ORDER BY o.list_code
"""

_RESCREENINGS = """
SELECT r.shard, r.list_code, r.version, r.replaced, cardinality(r.entries) AS entries, r.parties, r.alerts,
       (SELECT count(*) FROM compliance.party AS p
        WHERE p.shard = r.shard AND p.number > r.done_through AND p.number <= r.through
          AND r.finished_seq IS NULL) AS parties_left,
       r.finished_seq IS NOT NULL AS finished
FROM compliance.rescreening AS r
WHERE $1::text IS NULL OR r.list_code = $1
ORDER BY r.list_code, r.business_date, r.version, r.shard
"""


async def lists_refused(connection: Any) -> list[dict[str, Any]]:
    """Return the last refused file of each list of which no version was activated or confirmed since."""
    return [dict(row) for row in await connection.fetch(_REFUSED)]


async def lists_outdated(connection: Any) -> list[dict[str, Any]]:
    """Return the active lists that are said to be older than allowed and were not read since."""
    return [dict(row) for row in await connection.fetch(_OUTDATED)]


async def rescreenings(connection: Any, code: str | None = None) -> list[dict[str, Any]]:
    """Return how far parties are screened against what each version has changed, by shard."""
    return [dict(row) for row in await connection.fetch(_RESCREENINGS, code)]


_ACTIVE = """
SELECT list_code, max(version) AS version, count(DISTINCT version) AS versions
FROM (SELECT DISTINCT ON (shard, list_code) shard, list_code, version
      FROM compliance.list_activation ORDER BY shard, list_code, seq DESC) AS active
GROUP BY list_code ORDER BY list_code
"""

_PARTIES = """
SELECT e.entry_id, e.kind, e.programmes, e.birth_dates, e.countries, e.identifiers, e.addresses, e.remarks,
       array_agg(n.name ORDER BY n.number) FILTER (WHERE NOT n.is_weak) AS names,
       array_agg(n.name ORDER BY n.number) FILTER (WHERE n.is_weak) AS weak_names
FROM compliance.list_entry AS e
JOIN compliance.list_name AS n
    ON n.list_code = e.list_code AND n.version = e.version AND n.entry_id = e.entry_id
WHERE e.list_code = $1 AND e.version = $2
GROUP BY e.list_code, e.version, e.entry_id
ORDER BY e.entry_id
"""

_PARAMETERS = """
SELECT rule, version, asset, "values", valid_from, valid_until, source
FROM compliance.rule_parameter
WHERE rule = $1 AND asset = '*' AND valid_from <= $2 AND (valid_until IS NULL OR $2 < valid_until)
ORDER BY version DESC LIMIT 1
"""


async def lists_active(connection: Any) -> dict[str, str]:
    """Return the version of each list that shards screen against, by list code.

    While a new version is being activated shard by shard, the greater version's name counts.
    """
    return {row["list_code"]: row["version"] for row in await connection.fetch(_ACTIVE)}


async def list_parties(connection: Any, code: str, version: str) -> list[ListedParty]:
    """Return the entries of a list version, as far as they are stored."""
    return [stored_party(row) for row in await connection.fetch(_PARTIES, code, version)]


async def name_parameters(connection: Any, rule: str, day: date) -> RuleParameter | None:
    """Return the parameters of a rule about names that count on a day; None where it is not in force."""
    row = await connection.fetchrow(_PARAMETERS, rule, day)
    return RuleParameter(**{**dict(row), "values": json.loads(row["values"])}) if row is not None else None
