"""Does the ledger stay as fast as it grows, and is it verified as fast?"""

import time
from dataclasses import replace
from typing import Any, Final

from bench.ledger import Case, run_case
from bench.load import Load
from bench.results import Bound, Findings, number
from bench.verify import verify_once
from bench.world import World

QUESTION: Final = "the ledger over 100,000 accounts, small and large"
ACCOUNTS: Final = 100_000
POINTS: Final = (1_000_000, 10_000_000, 20_000_000)
POINTS_QUICK: Final = (60_000, 120_000)
MEASURED: Final = 400_000
MEASURED_QUICK: Final = 40_000
FILL_AT_ONCE: Final = 250_000
AHEAD_MAX: Final = 500_000
CASES: Final = (
    Case("2 processes, uniform", 2, hot=False),
    Case("2 processes, ten hot accounts", 2, hot=True),
    Case("2 processes, payment data", 2, hot=False, payment=True),
)
RATE: Final = Bound("over 100,000 accounts, payment data on the wire", 25_000, 60_000, "tx/s")
KEPT: Final = Bound("rate at the largest size over rate at the smallest", 0.8, 0.95, "×")
HOT: Final = Bound("80 % on ten accounts over uniform", 1.0, 1.2, "×")
VERIFIED: Final = Bound("verified at the middle size, with seals", 200_000, 1_000_000, "movements/s")


async def measure(world: World, *, quick: bool, accounts: int) -> Findings:
    """Measure at each size, and fill the ledger up to the next one in between."""
    findings = Findings(
        columns=("size", "case", "tx/s", "service µs", "postgres µs", "kafka µs", "bytes", "WAL bytes")
    )
    load = await world.open_accounts(accounts if quick else ACCOUNTS)
    count = MEASURED_QUICK if quick else MEASURED
    points = POINTS_QUICK if quick else POINTS
    rates: list[float] = []
    for number_of, point in enumerate(points):
        cases = CASES if number_of == 0 else CASES[:1]
        begun = time.perf_counter()
        filled = await _fill(world, load, point - len(cases) * count)
        if filled:
            spent = time.perf_counter() - begun
            findings.notes.append(f"filled with {filled:,} in {spent:,.0f} s, publishing beside it")
        for case in cases:
            records = load.transfers(count, hot=case.hot, payment=case.payment)
            # A second process would find so few records done before it has its shards.
            processes = 1 if quick else case.processes
            figures = await run_case(world, replace(case, processes=processes), records, count)
            findings.figures[f"{point:,}, {case.name}"] = figures
            findings.rows.append((f"{point:,}", case.name, *_spelt(figures)))
            if case is CASES[0]:
                rates.append(figures["rate"])
        if number_of == min(1, len(points) - 1):
            await world.owner.execute("VACUUM ANALYZE")
            rate = await verify_once(world, findings, processes=2, seals=True)
            findings.rows.pop()
            findings.judged.append((VERIFIED, rate))
    first = {case.name: findings.figures[f"{points[0]:,}, {case.name}"]["rate"] for case in CASES}
    findings.judged += [
        (RATE, first[CASES[2].name]),
        (HOT, first[CASES[1].name] / first[CASES[0].name]),
        (KEPT, rates[-1] / rates[0]),
    ]
    return findings


async def _fill(world: World, load: Load, until: int) -> int:
    """Let two processes post transfers until so many records are journalled, never much ahead of them."""
    have = await world.journalled()
    missing = until - have
    if missing <= 0:
        return 0
    slots = await world.start("transactions", processes=2)
    for sent in range(0, missing, FILL_AT_ONCE):
        await world.send(load.transfers(min(FILL_AT_ONCE, missing - sent)))
        least = have + sent + FILL_AT_ONCE - AHEAD_MAX
        await world.wait_for(world.journalled, lambda done, least=least: done >= least)
    await world.wait_taken()
    await world.stop(slots)
    return missing


def _spelt(figures: dict[str, Any]) -> tuple[str, ...]:
    cpu = figures["cpu_us"]
    return tuple(
        number(value)
        for value in (
            figures["rate"],
            cpu["transactions"],
            cpu["postgres"],
            cpu["kafka"],
            figures["bytes"],
            figures["wal_bytes"],
        )
    )
