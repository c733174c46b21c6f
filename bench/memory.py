"""How much memory does each process hold, idle and after load, and what does idling cost?"""

import asyncio
from typing import Final

from bench import machine
from bench.everything import simulated
from bench.results import Bound, Findings
from bench.world import SERVICES, World

QUESTION: Final = "megabytes by process, idle and after the simulator's load; processor time while idle"
SERVICE: Final = Bound("a service, resident", 250, 150, "MB", upwards=False)
KAFKA: Final = Bound("Kafka, resident", 450, 300, "MB", upwards=False)
POSTGRES: Final = Bound("PostgreSQL, each page once", 600, 300, "MB", upwards=False)
IDLE: Final = Bound("idle, a service", 5, 2, "% of a core", upwards=False)
SETTLE_SECONDS: Final = 3.0


async def measure(world: World, *, quick: bool, accounts: int) -> Findings:
    """Look at every process when it has just become ready, and again when a load has passed through."""
    del accounts
    findings = Findings(
        columns=("process", "idle RSS", "idle PSS", "loaded RSS", "loaded PSS", "idle, % of a core")
    )
    slots = await world.start_ready(*SERVICES)
    await asyncio.sleep(SETTLE_SECONDS)
    idle = {role: machine.memory(pids) for role, pids in world.roles().items()}
    before = machine.usage(world.roles())
    await asyncio.sleep(4.0 if quick else 10.0)
    after = machine.usage(world.roles())
    used = after.since(before)
    share = {role: spent / (after.at - before.at) * 100 for role, spent in used.items()}
    count = 20_000 if quick else 100_000
    await world.send(await simulated(world, count, seed=3))
    await world.wait_no_lag()
    await asyncio.sleep(SETTLE_SECONDS)
    loaded = {role: machine.memory(pids) for role, pids in world.roles().items()}
    await world.stop(slots)
    for role in loaded:
        findings.figures[role] = {
            "idle": idle[role],
            "loaded": loaded[role],
            "idle_percent": round(share[role], 2),
        }
        findings.rows.append(
            (
                role,
                *(
                    f"{each[kind]:.0f}"
                    for each in (idle[role], loaded[role])
                    for kind in ("rss_mb", "pss_mb")
                ),
                f"{share[role]:.1f}",
            )
        )
    findings.figures["records"] = count
    findings.judged = [
        (SERVICE, max(loaded[name]["rss_mb"] for name in SERVICES)),
        (KAFKA, loaded["kafka"]["rss_mb"]),
        (POSTGRES, loaded["postgres"]["pss_mb"]),
        (IDLE, max(share[name] for name in SERVICES)),
    ]
    findings.notes.append("PostgreSQL's processes share their buffers, which RSS counts in each of them")
    return findings
