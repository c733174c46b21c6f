"""Asks the ledger's books which business day an entity is on (read-only)."""

from datetime import date
from typing import Any
from uuid import UUID


async def current_day(database: Any, entity: str) -> date | None:
    """Return the latest day that any shard has opened for the entity, else the first day of its books."""
    return await database.fetchval(
        """
        SELECT coalesce(max(day.booking_date), entity.first_booking_date)
        FROM transactions.entity
        LEFT JOIN transactions.business_day AS day USING (entity_id)
        WHERE entity.code = $1
        GROUP BY entity.entity_id
        """,
        entity,
    )


async def day_asked_for(database: Any, instruction_id: UUID) -> date | None:
    """Return the day that an `open_business_day` with this id named, if the ledger has had it."""
    text = await database.fetchval(
        """
        SELECT convert_from(journal.content, 'UTF8')::jsonb ->> 'booking_date'
        FROM transactions.instruction_key AS known
        JOIN transactions.journal USING (shard, seq)
        WHERE known.instruction_id = $1 AND journal.content IS NOT NULL
        LIMIT 1
        """,
        instruction_id,
    )
    return date.fromisoformat(text) if text else None


async def current_days(database: Any) -> dict[str, date]:
    """Return each entity's current business day: the latest that any shard has opened."""
    rows = await database.fetch(
        """
        SELECT entity.code, coalesce(max(day.booking_date), entity.first_booking_date) AS booking_date
        FROM transactions.entity
        LEFT JOIN transactions.business_day AS day USING (entity_id)
        GROUP BY entity.entity_id
        ORDER BY entity.entity_id
        """
    )
    return {row["code"]: row["booking_date"] for row in rows}


async def days_behind(database: Any) -> dict[str, dict[int, date]]:
    """Return by entity the shards that are on an earlier business day than another, and on which."""
    rows = await database.fetch(
        """
        SELECT entity.code, shard.shard, entity.first_booking_date,
               max(day.booking_date) AS booking_date
        FROM transactions.entity
        CROSS JOIN transactions.shard
        LEFT JOIN transactions.business_day AS day USING (entity_id, shard)
        GROUP BY entity.entity_id, shard.shard
        ORDER BY entity.entity_id, shard.shard
        """
    )
    days: dict[str, dict[int, date]] = {}
    for row in rows:
        day = row["booking_date"] or row["first_booking_date"]
        days.setdefault(row["code"], {})[row["shard"]] = day
    behind = {
        entity: {shard: day for shard, day in found.items() if day < max(found.values())}
        for entity, found in days.items()
    }
    return {entity: found for entity, found in behind.items() if found}


async def days_opened(database: Any, entity: str, partitions: int) -> set[date]:
    """Return the days that every shard has opened for the entity."""
    rows = await database.fetch(
        """
        SELECT day.booking_date
        FROM transactions.business_day AS day
        JOIN transactions.entity USING (entity_id)
        WHERE entity.code = $1
        GROUP BY day.booking_date
        HAVING count(*) = $2
        """,
        entity,
        partitions,
    )
    return {row["booking_date"] for row in rows}
