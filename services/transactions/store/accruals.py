"""Reads and writes how much has been posted of what accrues on accounts."""

from collections.abc import Mapping

from asyncpg import Connection

from services.transactions.domain.state import Series


async def accrued_at(connection: Connection, shard: int) -> dict[Series, int]:
    """Return what was posted of each series in this shard, in minor units."""
    rows = await connection.fetch(
        "SELECT account, series, asset, direction, posted_minor FROM accrual WHERE shard = $1", shard
    )
    return {Series(*row[:4]): row["posted_minor"] for row in rows}


async def accrue(connection: Connection, shard: int, accrued: Mapping[Series, tuple[int, int]]) -> None:
    """Write what has been posted of series, and the seq that did it last."""
    if accrued:
        await connection.execute(
            """
            INSERT INTO accrual AS stored (shard, account, series, asset, direction, posted_minor, seq)
            SELECT $1, * FROM unnest(
                $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[]
            )
            ON CONFLICT (account, series, asset, direction, shard) DO UPDATE SET
                posted_minor = excluded.posted_minor,
                seq = excluded.seq
            """,
            shard,
            *map(list, zip(*((*key, *each) for key, each in sorted(accrued.items())), strict=True)),
        )
