"""What does a day of 1.1 million instructions take: time, memory, bytes?"""

import asyncio
import time
from typing import Final

from bench import machine
from bench.everything import simulated
from bench.results import Findings
from bench.world import SERVICES, World

QUESTION: Final = "a day of a large settlement system in the simulator's mix, through all three services"
INSTRUCTIONS_A_DAY: Final = 1_100_000
"""About what TARGET2-Securities settles at its peaks (European Central Bank, T2S annual report)."""
LOOK_SECONDS: Final = 1.0


async def measure(world: World, *, quick: bool, accounts: int) -> Findings:
    """Publish a day, let the services work it off, and look at their memory all the while."""
    del accounts
    findings = Findings(columns=("process", "processor s", "most resident MB"))
    count = 20_000 if quick else INSTRUCTIONS_A_DAY
    sent = await world.send(await simulated(world, count, seed=11))
    log_before = await _sizes(world)
    before, begun = machine.usage(world.roles()), time.perf_counter()
    slots = await world.start(*SERVICES)
    most: dict[str, float] = {}
    watching = asyncio.create_task(_watch_memory(world, most))
    try:
        done_at = await world.wait_no_lag()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    used = machine.usage(world.roles()).since(before)
    outcomes = await world.outcomes()
    await world.stop(slots)
    sizes = {name: size - log_before[name] for name, size in (await _sizes(world)).items()}
    seconds = done_at - begun
    findings.figures = {
        "records": sent,
        "seconds": round(seconds, 1),
        "rate": round(sent / seconds, 1),
        "outcomes": outcomes,
        "cpu_seconds": {role: round(spent, 1) for role, spent in used.items()},
        "most_rss_mb": {role: round(value, 1) for role, value in most.items()},
        "bytes": sizes,
        "bytes_a_record": {name: round(size / sent, 1) for name, size in sizes.items()},
    }
    findings.rows = [(role, f"{used.get(role, 0.0):,.0f}", f"{most[role]:,.0f}") for role in most]
    megabytes = ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in sizes.items())
    findings.notes = [
        f"{sent:,} records in {seconds:,.0f} s, {sent / seconds:,.0f}/s, until nobody lagged",
        f"tables and indexes: {megabytes}",
        ", ".join(f"{kind} {count:,}" for kind, count in sorted(outcomes.items())),
    ]
    return findings


async def _sizes(world: World) -> dict[str, int]:
    return {name: await world.bytes_of(name) for name in SERVICES}


async def _watch_memory(world: World, most: dict[str, float]) -> None:
    """Keep the most that each role was seen to hold; PostgreSQL's shared pages count once."""
    while True:
        for role, pids in world.roles().items():
            kind = "pss_mb" if role == "postgres" else "rss_mb"
            seen = await asyncio.to_thread(machine.memory, pids)
            most[role] = max(most.get(role, 0.0), seen[kind])
        await asyncio.sleep(LOOK_SECONDS)
