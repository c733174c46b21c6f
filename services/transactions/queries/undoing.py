"""What was made of an event's movements since, and what an event has undone or is a part of."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncpg import Connection

from shared.money import format_amount

Number = tuple[int, int]
"""Shard and seq of an event."""


@dataclass(slots=True)
class Ties:
    """How an event hangs together with others: each with its number and the instruction it came of."""

    reverses: dict[str, Any] | None = None
    reversed_by: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    uses: dict[str, Any] | None = None
    """With the `leg` of it of which this came back."""
    used_by: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Each with the `leg` of this of which it is a part, and its `amount`."""


async def ties_of(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[Number, Ties]:
    """Return the ties of these rows of the journal, by number."""
    found = {(row["shard"], row["seq"]): Ties() for row in rows}
    for row in await _used_by(connection, found):
        ties = found[row["original_shard"], row["original_seq"]]
        if row["instruction_type"] != "reversal":
            part = {"leg": row["leg"], "amount": format_amount(row["amount"], row["scale"])}
            ties.used_by.append(_named(row) | part)
        elif _named(row) not in ties.reversed_by:
            ties.reversed_by.append(_named(row))
    said = {(row["shard"], row["seq"]): _said(row) for row in rows}
    numbers = {_number(each) for pair in said.values() for each in pair if each is not None}
    named = {_number(row): _named(row) for row in await _instructions_of(connection, numbers)}
    for number, (reverses, uses) in said.items():
        if reverses is not None:
            found[number].reverses = named.get(_number(reverses))
        if uses is not None and _number(uses) in named:
            found[number].uses = named[_number(uses)] | {"leg": uses["leg"]}
    return found


def _number(row: Mapping[str, Any]) -> Number:
    return row["shard"], row["seq"]


def _said(row: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    detail = {} if row["detail"] is None else json.loads(row["detail"])
    return detail.get("reverses"), detail.get("uses")


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"shard": row["shard"], "seq": row["seq"], "instruction_id": str(row["instruction_id"])}


async def _used_by(connection: Connection, numbers: Iterable[Number]) -> list[Any]:
    asked = list(numbers)
    return await connection.fetch(
        """
        SELECT reversed.original_shard, reversed.original_seq, reversed.leg, reversed.amount, journal.shard,
               journal.seq, journal.instruction_id, journal.instruction_type, asset.scale
        FROM unnest($1::int[], $2::bigint[]) AS asked (shard, seq)
        JOIN transactions.reversed
          ON reversed.original_shard = asked.shard AND reversed.original_seq = asked.seq
        JOIN transactions.journal ON journal.shard = reversed.shard AND journal.seq = reversed.seq
        LEFT JOIN transactions.asset ON asset.asset_id = journal.asset_id
        ORDER BY journal.shard, journal.seq, reversed.leg
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
