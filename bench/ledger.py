"""How fast is the ledger alone, where does its time go, and how many bytes is a transaction?"""

from dataclasses import dataclass
from typing import Any, Final

from bench import machine
from bench.results import Bound, Findings, number
from bench.world import World

QUESTION: Final = "transfers a second, the ledger alone, database and broker on the same machine"
RATE: Final = Bound("ledger alone", 12_000, 25_000, "tx/s")


@dataclass(frozen=True, slots=True)
class Case:
    """One way to load the ledger."""

    name: str
    processes: int
    hot: bool
    payment: bool = False


CASES: Final = (
    Case("1 process, uniform", 1, hot=False),
    Case("1 process, ten hot accounts", 1, hot=True),
    Case("2 processes, uniform", 2, hot=False),
    Case("2 processes, ten hot accounts", 2, hot=True),
    Case("2 processes, payment data", 2, hot=False, payment=True),
)


async def measure(world: World, *, quick: bool, accounts: int) -> Findings:
    """Publish a backlog, start the ledger on it, and time it between 10 % and 90 %."""
    findings = Findings(
        columns=(
            "case",
            "tx/s",
            "service µs",
            "postgres µs",
            "kafka µs",
            "bytes",
            "WAL bytes",
            "others, cores",
        )
    )
    load = await world.open_accounts(accounts)
    count = 60_000 if quick else 400_000
    for case in CASES[:3] if quick else CASES:
        before = await world.outcomes()
        figures = await run_case(
            world, case, load.transfers(count, hot=case.hot, payment=case.payment), count
        )
        gained = {kind: now - before.get(kind, 0) for kind, now in (await world.outcomes()).items()}
        if gained.get("TransactionPosted") != count:
            findings.void.append(f"{case.name}: of {count} transfers came {gained}")
        findings.figures[case.name] = figures
        cpu = figures["cpu_us"]
        findings.rows.append(
            (
                case.name,
                number(figures["rate"]),
                number(cpu["transactions"]),
                number(cpu["postgres"]),
                number(cpu["kafka"]),
                number(figures["bytes"]),
                number(figures["wal_bytes"]),
                f"{figures['others_cores']:.2f}",
            )
        )
        steps = ", ".join(f"{name} {value:.1f}" for name, value in figures["steps_us"].items())
        findings.notes.append(f"{case.name}, µs a transaction by step: {steps}")
    findings.figures["accounts"] = accounts
    findings.figures["transfers"] = count
    findings.judged.append((RATE, best_rate(findings.figures)))
    return findings


def best_rate(figures: dict[str, Any]) -> float:
    """The best rate over uniform accounts, whatever the number of processes."""
    return max(
        figures[case.name]["rate"]
        for case in CASES
        if not (case.hot or case.payment) and case.name in figures
    )


async def run_case(world: World, case: Case, records: Any, count: int) -> dict[str, Any]:
    """Publish records, start the case's processes on them, and time them between 10 % and 90 %."""
    await world.send(records)
    size_before, done_before = await world.bytes_of("transactions"), await world.journalled()
    slots = await world.start("transactions", processes=case.processes)
    first, last, _ = await world.watch_backlog(count, processes=case.processes)
    await world.wait_taken()
    await world.stop(slots)
    size_after, done_after = await world.bytes_of("transactions"), await world.journalled()
    done, seconds = last.done - first.done, last.at - first.at
    used = last.usage.since(first.usage)
    steps = {
        name: (spent - first.steps.get(name, 0.0)) / done * 1e6 for name, spent in sorted(last.steps.items())
    }
    wall = seconds * case.processes / done * 1e6
    return {
        "rate": round(done / seconds, 1),
        "seconds": round(seconds, 3),
        "steps_us": {
            **{name: round(value, 2) for name, value in steps.items()},
            "waiting and polling": round(wall - sum(steps.values()), 2),
        },
        "cpu_us": {role: round(spent / done * 1e6, 2) for role, spent in used.items()},
        "others_cores": round(used["others"] / seconds, 2),
        "bytes": round((size_after - size_before) / (done_after - done_before), 1),
        "wal_bytes": round((last.wal - first.wal) / done, 1),
        "load": machine.facts()["load_before"],
    }
