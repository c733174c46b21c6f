"""Periods: they follow each other without a gap in every shard, and nothing is booked into a closed one."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, PeriodStep, Shard
from services.transactions.queries.verifying.effects.effect import Effect
from services.transactions.queries.verifying.journal import Row

NAMES_ITS_DAY: Final = frozenset({"adjustment", "opening_balance"})
"""Types of which an instruction may say on which day it is booked."""


def walk_period(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Close a period, as it was asked for."""
    del legs
    asked = json.loads(row["content"])
    said = json.loads(row["detail"])
    entity_id = books.entities[said["entity"]]
    step = PeriodStep(
        date.fromisoformat(said["first_day"]), date.fromisoformat(said["last_day"]), said["state"], row["seq"]
    )
    asked.setdefault("state", "closed")
    steps = shard.periods.setdefault(entity_id, [])
    for holds, expected in (
        (all(asked[name] == said[name] for name in said), f"what was asked for: {asked}"),
        (row["booking_date"] == shard.days[entity_id], f"closed on {shard.days[entity_id]}"),
        (step.first_day <= step.last_day < shard.days[entity_id], f"over before {shard.days[entity_id]}"),
        (_is_next(steps, step, shard.first_days[entity_id]), "the next period"),
    ):
        books.see(
            "periods",
            holds,
            expected=expected,
            found=f"{step.state} from {step.first_day} to {step.last_day}, {row['booking_date']}",
            shard=shard.number,
            seq=row["seq"],
        )
    steps.append(step)


def _is_next(steps: list[PeriodStep], step: PeriodStep, first_day: date) -> bool:
    """Say whether a step may come after these: what is soft-closed is closed as it stands, in order."""
    closed = [each.last_day for each in steps if each.state == "closed"]
    waiting = [each for each in steps if each.state != "closed" and each.last_day not in closed]
    if step.state == "closed" and waiting:
        return (step.first_day, step.last_day) == (waiting[0].first_day, waiting[0].last_day)
    if not steps:
        return step.first_day <= first_day
    return step.first_day == max(each.last_day for each in steps) + timedelta(days=1)


def see_booked(
    books: Books, shard: Shard, row: Mapping[str, Any], entity_id: int, at: Mapping[str, Any]
) -> None:
    """See that a movement is booked on the open day, or on the day it names while that takes adjustments."""
    today: date = shard.days[entity_id]
    named = _day_named(row)
    steps = shard.periods.get(entity_id, ())
    is_closed = any(each.state == "closed" and row["booking_date"] <= each.last_day for each in steps)
    books.see("periods", not is_closed, expected="no closed period", found=row["booking_date"], **at)
    expected = today
    if row["instruction_type"] == "opening_balance":
        # What is too late, or too early, is booked today.
        is_shut = named is not None and any(
            named <= each.last_day and (each.state == "closed" or each.first_day <= named) for each in steps
        )
        expected = today if is_shut else min(named or today, today)
    elif named is not None and named != today:
        takes_it = any(
            each.state == "soft_closed" and each.first_day <= named <= each.last_day for each in steps
        ) and not any(each.state == "closed" and named <= each.last_day for each in steps)
        # Of what has been given up since, the period may have been closed meanwhile.
        if takes_it or row["kind"] != "TransactionVoided":
            expected = named
            books.see("periods", takes_it, expected="a soft-closed period", found=named, **at)
    found = row["booking_date"]
    books.see("booking_dates", found == expected, expected=expected, found=found, **at)


def _day_named(row: Mapping[str, Any]) -> date | None:
    if row["instruction_type"] not in NAMES_ITS_DAY:
        return None
    first = row.first_content if isinstance(row, Row) else None
    named = json.loads(row["content"] or first or b"{}").get("booking_date")
    return None if named is None else date.fromisoformat(named)


async def compare_periods(connection: Connection, books: Books) -> None:
    """Each step has its row, and no row is without one."""
    derived = {
        (shard.number, entity_id, each)
        for shard in books.shards.values()
        for entity_id, steps in shard.periods.items()
        for each in steps
    }
    for row in await connection.fetch(
        """
        SELECT shard, entity_id, first_day, last_day, state, seq
        FROM transactions.period
        ORDER BY shard, seq
        """
    ):
        step = PeriodStep(row["first_day"], row["last_day"], row["state"], row["seq"])
        found = (row["shard"], row["entity_id"], step)
        books.see(
            "periods", found in derived, expected="a step", found=step, shard=row["shard"], seq=row["seq"]
        )
        derived.discard(found)
    for number, _, step in sorted(derived, key=lambda each: (each[0], each[2].seq)):
        books.see("periods", False, expected=step, found="no row", shard=number, seq=step.seq)


PERIODS: Final = Effect(compare=compare_periods, kinds={"PeriodClosed": walk_period})
