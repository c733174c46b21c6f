"""Which watch lists are stored, how complete, and which version each shard screens against."""

from typing import Any

_SHOW = """
WITH active AS (
    SELECT DISTINCT ON (shard, list_code) shard, list_code, version
    FROM compliance.list_activation ORDER BY shard, list_code, seq DESC
)
SELECT v.list_code, v.version, v.sha256, v.recorded_at AS loaded_at, v.parts,
       (SELECT count(*) FROM compliance.list_part AS p
        WHERE p.list_code = v.list_code AND p.version = v.version) AS parts_loaded,
       (SELECT count(*) FROM compliance.list_entry AS e
        WHERE e.list_code = v.list_code AND e.version = v.version) AS entries,
       (SELECT count(*) FROM compliance.list_name AS n
        WHERE n.list_code = v.list_code AND n.version = v.version) AS names,
       array(SELECT a.shard FROM active AS a
             WHERE a.list_code = v.list_code AND a.version = v.version ORDER BY a.shard) AS active_shards
FROM compliance.list_version AS v
ORDER BY v.list_code, v.recorded_at, v.version
"""


async def lists_show(connection: Any) -> list[dict[str, Any]]:
    """Return every stored version of every list, oldest first."""
    return [
        {**dict(row), "complete": row["parts_loaded"] == row["parts"]}
        for row in await connection.fetch(_SHOW)
    ]
