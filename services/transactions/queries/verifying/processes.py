"""Starts processes that walk shards beside this one, in the snapshot that this one looks at.

They speak through their pipes, so that neither where the database is nor its password stands in a list of
processes, and so that a process loads nothing but what it walks with.
"""

import asyncio
import os
import pickle
import sys
from asyncio import IncompleteReadError
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from services.transactions.queries.verifying.books import Findings
from services.transactions.queries.verifying.seals import Anchor

WALKER: Final = "services.transactions.queries.verifying.walker"
LENGTH_BYTES: Final = 8
"""Before each thing that a process tells: how long it is, big-endian."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one process walks."""

    shards: tuple[tuple[int, int], ...]
    """Each with its last seq."""
    anchors: tuple[Anchor, ...] | None
    runs_from: int | None
    after: int = 0
    """Events up to this number are away."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a process is told: where the ledger is, the name of the exported snapshot, and its task."""

    dsn: str
    snapshot: str
    task: Task


Told = tuple[list[Findings], bool]
"""What was found by shard, and whether the ids that are taken in these shards are those of their events."""


class WalkerEndedError(RuntimeError):
    """A process that walked shards has ended before it had told what it found."""

    def __init__(self, status: int) -> None:
        super().__init__(f"a process that walked shards has ended with status {status}")


@asynccontextmanager
async def started(count: int) -> AsyncGenerator[list[Process], None]:
    """Start so many processes, which load at once and wait for their orders; none is left at the end."""
    async with AsyncExitStack() as ends:
        yield [await ends.enter_async_context(_walker()) for _ in range(count)]


async def walk_beside(walker: Process, order: Order, progress: Callable[[int], None] | None) -> Told:
    """Give a process its order, pass on how many rows it has walked, and return what it found.

    Raises what was raised there, or `WalkerEndedError`.
    """
    assert walker.stdin is not None
    assert walker.stdout is not None
    try:
        walker.stdin.write(pickle.dumps(order))
        await walker.stdin.drain()
        walker.stdin.close()
        while True:
            length = int.from_bytes(await walker.stdout.readexactly(LENGTH_BYTES))
            # It comes from our own process, by a pipe that nobody else has.
            told: object = pickle.loads(await walker.stdout.readexactly(length))  # noqa: S301
            match told:
                case int():
                    if progress is not None:
                        progress(told)
                case BaseException():
                    raise told
                case _:
                    return told  # pyright: ignore[reportReturnType]
    except (IncompleteReadError, BrokenPipeError, ConnectionResetError) as problem:
        raise WalkerEndedError(await walker.wait()) from problem


def divided(vector: dict[int, int], processes: int) -> list[tuple[tuple[int, int], ...]]:
    """Divide shards among processes, the longest first to whoever has the least."""
    parts: list[list[tuple[int, int]]] = [[] for _ in range(max(1, min(processes, len(vector))))]
    for shard, last_seq in sorted(vector.items(), key=lambda each: -each[1]):
        min(parts, key=lambda part: sum(rows for _, rows in part)).append((shard, last_seq))
    return [tuple(sorted(part)) for part in parts]


def told_as(found: object) -> bytes:
    """Spell what a process tells: rows walked since it told last, what it found, or what it raised."""
    spelt = pickle.dumps(found)
    return len(spelt).to_bytes(LENGTH_BYTES) + spelt


@asynccontextmanager
async def _walker() -> AsyncGenerator[Process, None]:
    walker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        WALKER,
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(each or os.curdir for each in sys.path)},
    )
    try:
        yield walker
    finally:
        with suppress(ProcessLookupError):
            walker.kill()
        await walker.wait()
