"""What is said of one kind of effect, so that the walk need not know it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Shard

Walk = Callable[[Books, Shard, Mapping[str, Any], list[Any]], None]
"""Takes an event's row and movements into the derivation, and sees whether it could be so."""


async def compare_nothing(connection: Connection, books: Books) -> None:
    """There is no row that it leaves."""
    del connection, books


@dataclass(frozen=True, slots=True)
class Effect:
    """One kind of effect: the events that have it, and the rows that it leaves."""

    compare: Callable[[Connection, Books], Awaitable[None]] = compare_nothing
    """Holds what was derived against the tables, when all shards have been walked."""
    kinds: Mapping[str, Walk] = field(default_factory=dict[str, Walk])
    """By the event's kind; not `InstructionApplied`."""
    applied: Mapping[str, Walk] = field(default_factory=dict[str, Walk])
    """By the instruction type of an `InstructionApplied`."""
