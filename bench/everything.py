"""How fast do all three services consume, until the last of them has no lag?"""

import time
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

from backoffice import simulator
from bench.results import Bound, Findings, number
from bench.world import LOOK_SECONDS, SERVICES, World
from services.compliance.data import demo_names
from shared.messages.partitioner import partition_of
from shared.messages.topics import JOURNAL
from shared.runtime.client import Record

QUESTION: Final = "records a second through all three services, from the first taken until nobody lags"
ROLES: Final = (*SERVICES, "postgres", "kafka")
RATE: Final = Bound("all three consuming, transfers", 4_000, 10_000, "tx/s")
RATE_MIX: Final = Bound("all three consuming, the simulator's mix", 4_000, 10_000, "tx/s")


async def measure(world: World, *, quick: bool, accounts: int) -> Findings:
    """Publish a backlog, start the three services on it, and time them to the end."""
    findings = Findings(
        columns=(
            "traffic", "tx/s", "ledger done at", *(f"{role} µs" for role in ROLES), "others, cores"
        )
    )  # fmt: skip
    load = await world.open_accounts(accounts)
    slots = await world.start_ready(*SERVICES)
    await world.wait_no_lag()
    await world.stop(slots)
    count = 20_000 if quick else 150_000
    cases: dict[str, tuple[Bound, Iterable[Record]]] = {
        "transfers": (RATE, load.transfers(count)),
        "the simulator's mix": (RATE_MIX, await simulated(world, count, seed=1)),
    }
    for name, (bound, records) in cases.items():
        figures = await _run(world, records)
        findings.figures[name] = figures
        findings.judged.append((bound, figures["rate"]))
        cpu = figures["cpu_us"]
        findings.rows.append(
            (
                name,
                number(figures["rate"]),
                f"{figures['ledger_seconds']:.1f} of {figures['seconds']:.1f} s",
                *(number(cpu.get(role, 0.0)) for role in ROLES),
                f"{figures['others_cores']:.2f}",
            )
        )
        for service, steps in figures["steps_us"].items():
            words = ", ".join(f"{step} {value:.1f}" for step, value in steps.items())
            findings.notes.append(f"{name}, {service}, µs a record published, by step: {words}")
    return findings


async def simulated(world: World, count: int, *, seed: int) -> list[Record]:
    """The simulator's stream, from the business day after the ledger's current one."""
    day = await world.owner.fetchval("SELECT max(booking_date) FROM transactions.business_day")
    start = simulator.first_day_after(day or date(2026, 1, 1) + timedelta(days=1))
    plan = simulator.plan(
        seed=seed, count=count, partitions=world.partitions, start=start, listed_names=demo_names()
    )
    return [
        (
            each.key,
            each.value,
            partition_of(each.key, world.partitions) if each.partition is None else each.partition,
        )
        for each in plan
    ]


async def _run(world: World, records: Iterable[Record]) -> dict[str, Any]:
    count = await world.send(records)
    begun_at = await world.taken()
    slots = await world.start(*SERVICES)
    await world.wait_for(world.taken, lambda taken: taken > begun_at, every=LOOK_SECONDS / 2)
    first = await world.look()
    await world.wait_taken()
    ledger_done = time.perf_counter()
    end = await world.wait_no_lag()
    last = await world.look()
    steps = {service: await world.steps(service) for service in SERVICES}
    await world.stop(slots)
    seconds = end - first.at
    used = last.usage.since(first.usage)
    return {
        "records": count,
        "rate": round(count / seconds, 1),
        "seconds": round(seconds, 2),
        "ledger_seconds": round(ledger_done - first.at, 2),
        "cpu_us": {role: round(spent / count * 1e6, 2) for role, spent in used.items()},
        "others_cores": round(used["others"] / seconds, 2),
        "steps_us": {
            service: {step: round(spent / count * 1e6, 2) for step, spent in sorted(of_service.items())}
            for service, of_service in steps.items()
        },
        "journal_records": sum((await world.client.end_offsets(JOURNAL)).values()),
    }
