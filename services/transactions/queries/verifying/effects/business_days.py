"""Business days: each entity's goes on in every shard, and nothing is booked on another."""

import json
from collections.abc import Mapping
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Shard
from services.transactions.queries.verifying.effects.effect import Effect
from services.transactions.queries.verifying.effects.value_dates import begin_day, see_openings


def walk_day(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Go on to an entity's next business day."""
    del legs
    entity_id = books.entities[json.loads(row["detail"])["entity"]]
    day = row["booking_date"]
    books.see(
        "booking_dates",
        day > shard.days[entity_id],
        expected=f"after {shard.days[entity_id]}",
        found=day,
        shard=shard.number,
        seq=row["seq"],
    )
    see_openings(books, shard)
    begin_day(books, shard, row["seq"])
    shard.days[entity_id] = day
    shard.days_opened[shard.number, entity_id, day] = row["seq"]


async def compare_days(connection: Connection, books: Books) -> None:
    """Each day opened has its row, and no row is without one."""
    derived = {key: seq for shard in books.shards.values() for key, seq in shard.days_opened.items()}
    for row in await connection.fetch(
        "SELECT shard, entity_id, booking_date, seq FROM transactions.business_day"
    ):
        expected = derived.pop((row["shard"], row["entity_id"], row["booking_date"]), None)
        found = row["seq"]
        books.see(
            "booking_dates", expected == found, expected=expected, found=found, shard=row["shard"], seq=found
        )
    for (number, _, day), seq in derived.items():
        books.see("booking_dates", False, expected=day, found="no row", shard=number, seq=seq)


BUSINESS_DAYS: Final = Effect(compare=compare_days, kinds={"BusinessDayOpened": walk_day})
