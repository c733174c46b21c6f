"""Which periods of an entity's books are closed, and where in each shard's journal they were."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from asyncpg import Connection

from services.transactions.queries.moments import vector_now


async def periods_show(connection: Connection, entity: str | None = None) -> list[dict[str, Any]]:
    """Return what `backoffice ledger periods` prints: a line a period of each entity, the open one last.

    A period is `soft_closed` or `closed` when it is so in every shard; until then it is `soft_closing` or
    `closing`. The vectors say where each shard closed it: what is booked into it stands before `closed_at`.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        shards = len(await vector_now(connection))
        entities = await connection.fetch(
            """
            SELECT entity_id, code, first_booking_date
            FROM transactions.entity
            WHERE $1::text IS NULL OR code = $1
            ORDER BY entity_id
            """,
            entity,
        )
        steps = await connection.fetch(
            """
            SELECT shard, entity_id, first_day, last_day, state, seq
            FROM transactions.period
            WHERE entity_id = ANY($1::int[])
            ORDER BY entity_id, last_day, shard, seq
            """,
            [row["entity_id"] for row in entities],
        )
    lines: list[dict[str, Any]] = []
    for row in entities:
        own = [step for step in steps if step["entity_id"] == row["entity_id"]]
        lines += [_line(row["code"], own, last_day, shards) for last_day in _last_days(own)]
        lines.append(_open_line(row, own))
    return lines


def _last_days(steps: Iterable[Mapping[str, Any]]) -> list[date]:
    return sorted({step["last_day"] for step in steps})


def _line(entity: str, steps: list[Mapping[str, Any]], last_day: date, shards: int) -> dict[str, Any]:
    """Return a period's line; a shard that closed a longer one has closed this one too."""
    covering = [step for step in steps if step["last_day"] >= last_day]
    soft = _vector(step for step in covering if step["state"] == "soft_closed")
    closed = _vector(step for step in covering if step["state"] == "closed")
    if closed:
        state = "closed" if len(closed) == shards else "closing"
    else:
        state = "soft_closed" if len(soft) == shards else "soft_closing"
    return {
        "entity": entity,
        "first_day": min(step["first_day"] for step in steps if step["last_day"] == last_day).isoformat(),
        "last_day": last_day.isoformat(),
        "state": state,
        "soft_closed_at": soft,
        "closed_at": closed,
    }


def _vector(steps: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    vector: dict[str, int] = {}
    for step in sorted(steps, key=lambda each: (each["shard"], each["seq"])):
        vector.setdefault(str(step["shard"]), step["seq"])
    return vector


def _open_line(entity: Mapping[str, Any], steps: list[Mapping[str, Any]]) -> dict[str, Any]:
    days = _last_days(steps)
    first_day = days[-1] + timedelta(days=1) if days else entity["first_booking_date"]
    return {
        "entity": entity["code"],
        "first_day": first_day.isoformat(),
        "last_day": None,
        "state": "open",
        "soft_closed_at": {},
        "closed_at": {},
    }
