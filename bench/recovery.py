"""How long after a service is killed are all its shards worked on again?"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Final

from bench.load import Load
from bench.results import Bound, Findings, percentile
from bench.world import SERVICES, World
from shared.messages.topics import INSTRUCTIONS

QUESTION: Final = (
    "seconds from kill -9 under load until every shard of the service has committed a batch again"
)
RECOVERY: Final = Bound("killed → worked on again", 10, 1, "s", upwards=False)
RATE: Final = 500
ROUNDS: Final = 5
HEALTHY_SECONDS: Final = 31.0
"""The supervisor waits longer before it starts again what has lived less than half a minute."""


async def measure(world: World, *, quick: bool, accounts: int) -> Findings:
    """Kill each service in turn while instructions come in, and watch its shards' fences."""
    findings = Findings(columns=("service", "p50", "max", "each"))
    load = await world.open_accounts(accounts)
    slots = await world.start_ready(*SERVICES)
    await world.wait_no_lag()
    taken: defaultdict[str, list[float]] = defaultdict(list)
    async with steady(world, load):
        await asyncio.sleep(2.0)
        for _ in range(1 if quick else ROUNDS):
            began = time.monotonic()
            for service in SERVICES:
                taken[service].append(await kill(world, service))
                await asyncio.sleep(1.0)
            if not quick:
                await asyncio.sleep(max(0.0, HEALTHY_SECONDS - (time.monotonic() - began)))
    await world.wait_no_lag()
    await world.stop(slots)
    for service, seconds in taken.items():
        ordered = sorted(seconds)
        findings.figures[service] = {
            "p50": round(percentile(ordered, 0.5), 3),
            "max": round(ordered[-1], 3),
            "each": [round(each, 3) for each in seconds],
        }
        findings.rows.append(
            (
                service,
                f"{percentile(ordered, 0.5):.2f}",
                f"{ordered[-1]:.2f}",
                " ".join(f"{each:.2f}" for each in seconds),
            )
        )
    findings.judged.append((RECOVERY, max(max(seconds) for seconds in taken.values())))
    findings.notes.append(
        f"under {RATE} transfers a second; the supervisor waits 0.2 s before it starts again"
    )
    return findings


async def kill(world: World, service: str) -> float:
    """Kill a service; return the seconds until every shard has a new epoch and a batch committed under it."""
    epochs = {
        row["shard"]: row["epoch"]
        for row in await world.owner.fetch(f"SELECT shard, epoch FROM {service}.shard ORDER BY shard")
    }
    world.kill(f"{service}-0")
    killed = time.perf_counter()

    async def worked_on() -> int:
        rows = await world.owner.fetch(
            f"SELECT shard, epoch FROM {service}.shard WHERE batch_no > claimed_batch_no"
        )
        return sum(1 for row in rows if row["epoch"] > epochs[row["shard"]])

    deadline = killed + 60.0
    while await worked_on() < len(epochs):
        if time.perf_counter() > deadline:
            return float("inf")
        await asyncio.sleep(0.01)
    return time.perf_counter() - killed


@contextlib.asynccontextmanager
async def steady(world: World, load: Load) -> AsyncIterator[None]:
    """Send transfers at a steady rate meanwhile."""

    async def send() -> None:
        begun, sent = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - begun) * RATE) - sent
            if due > 0:
                await world.client.send(INSTRUCTIONS, list(load.transfers(due)))
                sent += due
            await asyncio.sleep(0.01)

    task = asyncio.create_task(send())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
