"""What is scheduled: it waits for its day, is executed once soon after that has come, or cancelled before."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Shard, Waiting
from services.transactions.queries.verifying.effects.effect import Effect
from services.transactions.queries.verifying.effects.late import A_SECOND, LATE, parked_owners, worked_since
from shared.messages.kinds import SCHEDULABLE

YEARS_AHEAD_MAX: Final = 3


def walk_scheduled(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Keep a request that waits for a later day of its entity, within three years."""
    del legs
    said = json.loads(row["detail"])
    entity_id = books.entities[said["entity"]]
    execute_on, today = date.fromisoformat(json.loads(row["content"])["execute_on"]), shard.days[entity_id]
    _see(
        books,
        shard,
        row,
        row["instruction_type"] in SCHEDULABLE
        and said["execute_on"] == execute_on.isoformat()
        and row["booking_date"] == today
        and today < execute_on
        and _date(execute_on) <= (today.year + YEARS_AHEAD_MAX, today.month, today.day),
        f"a day after {today}, and not long after",
        f"a {row['instruction_type']} for {said['execute_on']}, on {row['booking_date']}",
    )
    shard.scheduled[row["seq"]] = Waiting(row["instruction_id"], row["owner"], entity_id, execute_on)


def _date(day: date) -> tuple[int, int, int]:
    """A day as numbers, which can be held against a 29 February that there is not."""
    return day.year, day.month, day.day


def walk_cancelled(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Give up what waits, before its day."""
    del legs
    said: Mapping[str, int] = json.loads(row["detail"])["resolves"]
    waiting = shard.scheduled.get(said["seq"])
    holds = (
        waiting is not None
        and said["shard"] == shard.number
        and waiting.ended is None
        and waiting.owner == row["owner"]
        and waiting.execute_on > shard.days[waiting.entity_id]
        and row["instruction_type"] == "void_pending"
        and row["topic"] is not None
    )
    _see(books, shard, row, holds, "one that waits for a later day", f"{waiting}")
    if waiting is not None:
        waiting.ended = row["seq"]


def walk_refused(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """See of a rejection whether it is what came of something scheduled."""
    see_executed(books, shard, row, legs, {} if row["detail"] is None else json.loads(row["detail"]))


def see_executed(
    books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]
) -> None:
    """See that what says so, and all that no record asked for, is what came of something scheduled."""
    said: Mapping[str, int] | None = detail.get("executes")
    if said is None and row["topic"] is not None:
        return
    waiting = shard.scheduled.get(row["about_seq"] or 0)
    holds = (
        waiting is not None
        and said == {"shard": shard.number, "seq": row["about_seq"]}
        and row["topic"] is None
        and waiting.ended is None
        and waiting.execute_on <= shard.days[waiting.entity_id]
        and (waiting.instruction_id, waiting.owner) == (row["instruction_id"], row["owner"])
        and all(books.accounts[leg["debit_account"]].entity_id == waiting.entity_id for leg in legs)
    )
    _see(books, shard, row, holds, "the execution of what is due", f"about {row['about_seq']}: {waiting}")
    if waiting is not None:
        waiting.ended = row["seq"]


async def compare_scheduled(connection: Connection, books: Books) -> None:
    """What waits has its row, no row is without one, and nothing waits long after its day has come."""
    await _compare_due(connection, books)
    derived = {
        (shard.number, seq): waiting.row
        for shard in books.shards.values()
        for seq, waiting in shard.scheduled.items()
    }
    for row in await connection.fetch(
        "SELECT shard, seq, entity_id, execute_on, ended_seq FROM transactions.scheduled"
    ):
        number, seq, *said = row
        expected, found = derived.pop((number, seq), None), tuple(said)
        books.see("scheduled", expected == found, expected=expected, found=found, shard=number, seq=seq)
    for (number, seq), expected in derived.items():
        books.see("scheduled", False, expected=expected, found="no row", shard=number, seq=seq)


async def _compare_due(connection: Connection, books: Books) -> None:
    due = [
        (shard, seq, waiting)
        for shard in books.shards.values()
        for seq, waiting in shard.scheduled.items()
        if waiting.ended is None and waiting.execute_on <= shard.days[waiting.entity_id]
    ]
    if not due:
        return
    parked = await parked_owners(connection)
    begun = [
        min(
            seq
            for (_, entity_id, day), seq in shard.days_opened.items()
            if entity_id == waiting.entity_id and day >= waiting.execute_on
        )
        for shard, _, waiting in due
    ]
    worked = await worked_since(connection, [shard.number for shard, _, _ in due], begun)
    allowed = LATE + timedelta(seconds=len(due) / A_SECOND)
    for (shard, seq, waiting), since in zip(due, worked, strict=True):
        books.see(
            "scheduled",
            since <= allowed or (shard.number, waiting.owner) in parked,
            expected=f"executed: its day is {waiting.execute_on}",
            found=f"waiting {since} after that was opened",
            shard=shard.number,
            seq=seq,
        )


def _see(books: Books, shard: Shard, row: Mapping[str, Any], holds: bool, expected: str, found: str) -> None:
    books.see("scheduled", holds, expected=expected, found=found, shard=shard.number, seq=row["seq"])


SCHEDULING: Final = Effect(
    compare=compare_scheduled,
    kinds={
        "TransactionScheduled": walk_scheduled,
        "TransactionCancelled": walk_cancelled,
        "InstructionRejected": walk_refused,
    },
)
