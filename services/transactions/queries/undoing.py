"""What undid an event, and what an event has undone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncpg import Connection

Number = tuple[int, int]
"""Shard and seq of an event."""


@dataclass(slots=True)
class Ties:
    """How an event hangs together with others: each with its number and the instruction it came of."""

    reverses: dict[str, Any] | None = None
    reversed_by: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


async def ties_of(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[Number, Ties]:
    """Return the ties of these rows of the journal, by number."""
    found = {(row["shard"], row["seq"]): Ties() for row in rows}
    for row in await _undone_by(connection, found):
        original = (row["original_shard"], row["original_seq"])
        found[original].reversed_by.append(_named(row))
    mirrored = {number: original for row in rows if (original := _original(row)) for number in [_number(row)]}
    named = {_number(row): _named(row) for row in await _instructions_of(connection, mirrored.values())}
    for number, original in mirrored.items():
        found[number].reverses = named.get(original)
    return found


def _number(row: Mapping[str, Any]) -> Number:
    return row["shard"], row["seq"]


def _original(row: Mapping[str, Any]) -> Number | None:
    said = None if row["detail"] is None else json.loads(row["detail"]).get("reverses")
    return None if said is None else (said["shard"], said["seq"])


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"shard": row["shard"], "seq": row["seq"], "instruction_id": str(row["instruction_id"])}


async def _undone_by(connection: Connection, numbers: Iterable[Number]) -> list[Any]:
    asked = list(numbers)
    return await connection.fetch(
        """
        SELECT DISTINCT reversed.original_shard, reversed.original_seq, journal.shard, journal.seq,
               journal.instruction_id
        FROM unnest($1::int[], $2::bigint[]) AS asked (shard, seq)
        JOIN transactions.reversed
          ON reversed.original_shard = asked.shard AND reversed.original_seq = asked.seq
        JOIN transactions.journal ON journal.shard = reversed.shard AND journal.seq = reversed.seq
        ORDER BY journal.shard, journal.seq
        """,
        [shard for shard, _ in asked],
        [seq for _, seq in asked],
    )


async def _instructions_of(connection: Connection, numbers: Iterable[Number]) -> list[Any]:
    asked = list(numbers)
    return await connection.fetch(
        """
        SELECT journal.shard, journal.seq, journal.instruction_id
        FROM unnest($1::int[], $2::bigint[]) AS asked (shard, seq)
        JOIN transactions.journal USING (shard, seq)
        """,
        [shard for shard, _ in asked],
        [seq for _, seq in asked],
    )
