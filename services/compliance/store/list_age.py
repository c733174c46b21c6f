"""When the lists that shards screen against were last read, and which were said to be too old."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.compliance.domain.list_age import ListCheck, Outdated

_CHECKS = """
SELECT DISTINCT ON (list_code) list_code, version, seq, recorded_at
FROM (
    SELECT list_code, version, seq, recorded_at FROM list_activation WHERE shard = $1
    UNION ALL
    SELECT list_code, version, seq, recorded_at FROM list_confirmation WHERE shard = $1
) AS checked
ORDER BY list_code, seq DESC
"""

_OUTDATED = """
SELECT list_code, checked_seq, days, days_max
FROM list_outdated WHERE shard = $1
"""

_SAVE_CONFIRMATIONS = """
INSERT INTO list_confirmation (shard, seq, list_code, version, recorded_at)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[])
"""

_SAVE_OUTDATED = """
INSERT INTO list_outdated (shard, seq, recorded_at, list_code, version, checked_seq, checked_at,
                           days, days_max)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::bigint[],
                     $7::timestamptz[], $8::int[], $9::int[])
"""


async def load_checks(connection: Any, shard: int) -> dict[str, ListCheck]:
    """Return when each list of a shard was last activated or confirmed, by its code."""
    return {
        row["list_code"]: ListCheck(row["version"], row["seq"], row["recorded_at"])
        for row in await connection.fetch(_CHECKS, shard)
    }


async def load_outdated(connection: Any, shard: int) -> dict[str, Outdated]:
    """Return the lists of a shard that were said to be too old and were not read since, by their codes."""
    checks = await load_checks(connection, shard)
    return {
        row["list_code"]: Outdated(row["list_code"], check, row["days"], row["days_max"])
        for row in await connection.fetch(_OUTDATED, shard)
        if (check := checks[row["list_code"]]).seq == row["checked_seq"]
    }


async def save_confirmations(connection: Any, rows: Sequence[tuple[int, int, str, str, datetime]]) -> None:
    """Append confirmations: shard, seq of the event, list code, version, recorded_at."""
    if rows:
        await connection.execute(_SAVE_CONFIRMATIONS, *[list(column) for column in zip(*rows, strict=True)])


async def save_outdated(connection: Any, rows: Sequence[tuple[int, int, datetime, Outdated]]) -> None:
    """Append what was said of lists that are too old: shard, seq of the event, recorded_at, the list."""
    if not rows:
        return
    await connection.execute(
        _SAVE_OUTDATED,
        [shard for shard, _, _, _ in rows],
        [seq for _, seq, _, _ in rows],
        [recorded_at for _, _, recorded_at, _ in rows],
        [found.list_code for _, _, _, found in rows],
        [found.check.version for _, _, _, found in rows],
        [found.check.seq for _, _, _, found in rows],
        [found.check.checked_at for _, _, _, found in rows],
        [found.days for _, _, _, found in rows],
        [found.days_max for _, _, _, found in rows],
    )
