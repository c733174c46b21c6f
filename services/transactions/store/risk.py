"""Reads and writes the risk classes of customers, as compliance has rated them."""

from collections.abc import Sequence

from asyncpg import Connection

from shared.messages.envelope import RiskClass


async def classes_at(connection: Connection, shard: int) -> dict[str, RiskClass]:
    """Return the class of each customer at home in this shard who has been rated."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (owner) owner, risk_class
        FROM risk_class
        WHERE shard = $1
        ORDER BY owner, seq DESC
        """,
        shard,
    )
    return {row["owner"]: row["risk_class"] for row in rows}


async def save_classes(
    connection: Connection, shard: int, rated: Sequence[tuple[str, RiskClass, int]]
) -> None:
    """Insert ratings taken: owner, class, seq."""
    if rated:
        await connection.execute(
            """
            INSERT INTO risk_class (shard, owner, risk_class, seq)
            SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[])
            """,
            shard,
            *map(list, zip(*rated, strict=True)),
        )
