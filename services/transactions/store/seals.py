"""Keeps each shard's chain, and appends its seals."""

from collections.abc import Collection, Iterable

from asyncpg import Connection

from services.transactions.domain.seals import START, Chain, Seal


async def chains_at(connection: Connection, shards: Collection[int]) -> dict[int, Chain]:
    """Return where the chains of these shards stand; one without events stands at its start."""
    rows = await connection.fetch(
        "SELECT shard, seq, head, open_nodes, seal_hash FROM seal_head WHERE shard = ANY($1)", list(shards)
    )
    found = {row["shard"]: Chain(*row) for row in rows}
    return {shard: found.get(shard) or Chain(shard) for shard in shards}


async def head_before(connection: Connection, shard: int, seq: int) -> tuple[int, bytes]:
    """Return the last sealed event up to `seq` and the chain's head there; 0 where none is sealed."""
    row = await connection.fetchrow(
        """
        SELECT last_seq, head
        FROM seal
        WHERE shard = $1 AND last_seq <= $2
        ORDER BY last_seq DESC
        LIMIT 1
        """,
        shard,
        seq,
    )
    return (0, START) if row is None else (row["last_seq"], row["head"])


async def save_chains(connection: Connection, chains: Collection[Chain], seals: Iterable[Seal]) -> None:
    """Store where chains stand now, and append the seals that became complete."""
    if chains:
        await connection.execute(
            """
            INSERT INTO seal_head (shard, seq, head, open_nodes, seal_hash)
            SELECT * FROM unnest($1::int[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[])
            ON CONFLICT (shard) DO UPDATE
            SET seq = excluded.seq, head = excluded.head, open_nodes = excluded.open_nodes,
                seal_hash = excluded.seal_hash
            """,
            [each.shard for each in chains],
            [each.seq for each in chains],
            [each.head for each in chains],
            [each.open_nodes for each in chains],
            [each.seal_hash for each in chains],
        )
    columns = [list(column) for column in zip(*seals, strict=True)]
    if columns:
        await connection.execute(
            """
            INSERT INTO seal (shard, first_seq, last_seq, previous_hash, root, hash, head)
            SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bytea[],
                                 $7::bytea[])
            """,
            *columns,
        )
