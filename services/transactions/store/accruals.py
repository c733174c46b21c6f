"""Reads and writes how much has been posted of what accrues on accounts."""

from collections.abc import Mapping

from asyncpg import Connection


async def accrued_at(connection: Connection, shard: int) -> dict[tuple[str, str], int]:
    """Return what was posted of each series in this shard, in minor units."""
    rows = await connection.fetch("SELECT account, series, posted_minor FROM accrual WHERE shard = $1", shard)
    return {(row["account"], row["series"]): row["posted_minor"] for row in rows}


async def accrue(
    connection: Connection, shard: int, accrued: Mapping[tuple[str, str], tuple[int, int]]
) -> None:
    """Write what has been posted of series, and the seq that did it last."""
    if accrued:
        await connection.execute(
            """
            INSERT INTO accrual AS stored (shard, account, series, posted_minor, seq)
            SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])
            ON CONFLICT (account, series, shard) DO UPDATE SET
                posted_minor = excluded.posted_minor,
                seq = excluded.seq
            """,
            shard,
            *map(list, zip(*((*key, *each) for key, each in sorted(accrued.items())), strict=True)),
        )
