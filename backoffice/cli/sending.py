"""Publishes a stream of records, at a rate if wanted, and follows what becomes of each; shows how it goes."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection
from backoffice.cli.outcomes import Outcomes
from shared.messages.topics import ALERTS, INSTRUCTIONS, JOURNAL
from shared.runtime.client import Client

CHUNK_RECORDS: Final = 2_000
TICK_SECONDS: Final = 0.02
AHEAD_RECORDS_MAX: Final = 100_000
"""Without a rate, how far publishing may run ahead of the outcomes, so that memory stays bounded."""
SPARSE_SECONDS: Final = 5.0
"""How often progress is told where there is no terminal."""


class Sendable(Protocol):
    """What can be published."""

    @property
    def key(self) -> bytes | None:
        """The record's key."""
        ...

    @property
    def value(self) -> bytes:
        """The record's value."""
        ...

    @property
    def partition(self) -> int | None:
        """Where it must go, or None: where the key says."""
        ...


@dataclass(slots=True)
class Sending:
    """How far a stream has come."""

    outcomes: Outcomes = field(default_factory=Outcomes)
    published: int = 0
    publishing_seconds: float = 0.0
    seconds: float = 0.0
    timed_out: bool = False
    last_recorded_at: str | None = None

    @property
    def rate(self) -> float:
        """Records published a second."""
        return self.published / self.publishing_seconds if self.publishing_seconds else 0.0

    def result(self) -> dict[str, Any]:
        """Return what is printed at the end."""
        return {
            "published": self.published,
            "outcomes": self.outcomes.tally(),
            "reasons": dict(self.outcomes.reasons.most_common()),
            "routed": dict(self.outcomes.routed.most_common()),
            "held": self.outcomes.held,
            "seconds": round(self.seconds, 3),
            "rate": round(self.rate, 1),
        }


async def send_all(
    connection: Connection,
    records: Iterable[Sendable],
    *,
    wait: bool,
    timeout: float,
    rate: float | None = None,
    sending: Sending | None = None,
) -> Sending:
    """Publish the records in order; with `wait` follow each to its end, or until somebody must decide.

    `timeout` counts in seconds from the last record published. Pass `sending` to watch it meanwhile.
    """
    state = sending or Sending()
    started = time.monotonic()
    async with sessions.open_client(connection) as client:
        offsets = await sessions.ends_of(client, [JOURNAL, ALERTS]) if wait else {}
        publishing = asyncio.create_task(_publish(client, iter(records), state, rate=rate, wait=wait))
        try:
            if wait:
                await _follow(client, offsets, state, publishing, timeout)
            await publishing
        finally:
            publishing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await publishing
            state.seconds = time.monotonic() - started
    return state


async def _publish(
    client: Client, records: Iterator[Sendable], state: Sending, *, rate: float | None, wait: bool
) -> None:
    started = time.monotonic()
    while True:
        due = _due(state, rate, time.monotonic() - started, wait=wait)
        if due <= 0:
            await asyncio.sleep(TICK_SECONDS)
            continue
        chunk = list(itertools.islice(records, min(due, CHUNK_RECORDS)))
        if not chunk:
            break
        places = await client.send(INSTRUCTIONS, [(each.key, each.value, each.partition) for each in chunk])
        state.published += len(chunk)
        state.publishing_seconds = time.monotonic() - started
        if wait:
            state.outcomes.expect(places)
        await asyncio.sleep(TICK_SECONDS if rate is not None else 0)


def _due(state: Sending, rate: float | None, seconds: float, *, wait: bool) -> int:
    """Return how many records to publish now: an open loop does not wait for what it has sent."""
    if rate is not None:
        return int(seconds * rate) + 1 - state.published
    return CHUNK_RECORDS if not wait or len(state.outcomes.open) < AHEAD_RECORDS_MAX else 0


async def _follow(
    client: Client,
    offsets: Mapping[tuple[str, int], int],
    state: Sending,
    publishing: asyncio.Task[None],
    timeout: float,
) -> None:
    published_at: float | None = None
    async with sessions.following(client, [JOURNAL, ALERTS], offsets) as stream:
        async for batch in stream:
            state.outcomes.take(batch)
            if publishing.done():
                state.outcomes.settle()
                published_at = published_at or time.monotonic()
                if publishing.exception() is not None:
                    return
                if not state.outcomes.open and not state.outcomes.undecided:
                    return
                if time.monotonic() - published_at > timeout:
                    state.timed_out = True
                    return


@contextlib.asynccontextmanager
async def shown(words: Callable[[], str]) -> AsyncIterator[None]:
    """Show `words()` on standard error while the block runs: live on a terminal, else now and then."""
    console = Console(stderr=True)

    async def show() -> None:
        if console.is_terminal:
            with Live(console=console, auto_refresh=False, transient=True) as live:
                while True:
                    live.update(Text(words()), refresh=True)
                    await asyncio.sleep(0.2)
        while True:
            await asyncio.sleep(SPARSE_SECONDS)
            output.say(words())

    task = asyncio.create_task(show())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def progress_words(state: Sending, total: int | None = None, lag: str = "") -> str:
    """Spell how far a stream has come."""
    of = f" of {total:,}" if total is not None else ""
    outcomes = ", ".join(
        f"{name} {count:,}" for name, count in state.outcomes.tally().items() if name != "timeout"
    )
    words = f"published {state.published:,}{of} at {state.rate:,.0f}/s"
    return ", ".join(part for part in (words, outcomes, lag) if part)
