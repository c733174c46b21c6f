"""Records that were lost before they were taken: what is kept of them is what two people's act has answered.

They never were in the journal, so nothing in it is missing for them, and none of them may be in it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Lost, Shard
from services.transactions.queries.verifying.effects.effect import Effect
from services.transactions.queries.verifying.journal import INSTRUCTIONS_TOPIC

ACT: Final = "pass_over_lost"


def walk_answer(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Note what an act has passed over; all other answers leave the books as they are."""
    del books, legs
    detail = json.loads(row["detail"])
    if detail["act"] != ACT or not detail["done"]:
        return
    said = detail["result"]
    shard.passed_over[detail["act_id"].lower()] = (
        row["seq"],
        Lost(
            said["topic"], said["partition"], said["from_offset"], said["until_offset"],
            detail["actor"], said["approved_by"],
        ),
    )  # fmt: skip


async def read_passed_over(connection: Connection) -> list[dict[str, Any]]:
    """Return what was ever passed over, oldest first, as `status --json` shows it."""
    rows = await connection.fetch(
        """
        SELECT shard, topic, partition, from_offset, until_offset, actor, approved_by, reason,
               act_id::text, recorded_at
        FROM transactions.passed_over
        ORDER BY recorded_at, topic, partition, from_offset
        """
    )
    return [{**row, "recorded_at": row["recorded_at"].isoformat()} for row in rows]


async def compare_passed_over(connection: Connection, books: Books) -> None:
    """Hold what is kept against the answers, and see that nothing of it had been taken by then."""
    answered = {
        (shard.number, act_id): answer
        for shard in books.shards.values()
        for act_id, answer in shard.passed_over.items()
    }
    for row in await read_passed_over(connection):
        found = Lost(*(row[name] for name in Lost.__dataclass_fields__))
        seq, said = answered.pop((row["shard"], row["act_id"]), (None, None))
        at: dict[str, Any] = {"shard": row["shard"], "seq": seq}
        if not books.see("passed_over", found == said, expected=said, found=found, **at):
            continue
        taken: int | None = await connection.fetchval(
            """
            SELECT min(seq)
            FROM transactions.journal_row
            WHERE shard = $1 AND seq < $2 AND coalesce(partition, shard) = $3 AND coalesce(topic, $4) = $5
              AND "offset" >= $6 AND "offset" < $7
            """,
            row["shard"],
            seq,
            found.partition,
            INSTRUCTIONS_TOPIC,
            found.topic,
            found.from_offset,
            found.until_offset,
        )
        books.see("passed_over", taken is None, expected="records never taken", found=f"event {taken}", **at)
    for (number, _), (seq, said) in sorted(answered.items()):
        books.see("passed_over", False, expected=said, found="nothing kept of it", shard=number, seq=seq)


PASSING_OVER: Final = Effect(compare=compare_passed_over, kinds={"ActDone": walk_answer})
