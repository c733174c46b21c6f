"""How often handling a record has been begun and not ended: a process that dies of it leaves the count."""

from typing import Any

from shared.runtime.work import Received


async def count(connection: Any, item: Received) -> int:
    return await connection.fetchval(
        'INSERT INTO attempt (topic, partition, "offset", shard, count) VALUES ($1, $2, $3, $2, 1)'
        ' ON CONFLICT (topic, partition, "offset") DO UPDATE SET count = attempt.count + 1'
        " RETURNING count",
        item.topic,
        item.shard,
        item.offset,
    )


async def forget(connection: Any, item: Received) -> None:
    await connection.execute(
        'DELETE FROM attempt WHERE topic = $1 AND partition = $2 AND "offset" = $3',
        item.topic,
        item.shard,
        item.offset,
    )
