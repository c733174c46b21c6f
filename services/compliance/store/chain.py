"""The audit chain: a hash an event, appended with it."""

from collections.abc import Sequence
from typing import Any

from services.compliance.domain.chain import Head, Link

_HEAD = "SELECT seq, hash FROM event_chain WHERE shard = $1 ORDER BY seq DESC LIMIT 1"

_SAVE = """
INSERT INTO event_chain (shard, seq, hash)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::bytea[])
"""


async def chain_head(connection: Any, shard: int) -> Head:
    """Return where a shard's chain ends."""
    row = await connection.fetchrow(_HEAD, shard)
    return Head(row["seq"], row["hash"]) if row is not None else Head()


async def save_links(connection: Any, links: Sequence[Link]) -> None:
    """Append hashes."""
    if links:
        await connection.execute(
            _SAVE,
            [each.shard for each in links],
            [each.seq for each in links],
            [each.hash for each in links],
        )
