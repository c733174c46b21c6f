"""How fast does compliance give its verdicts beside the ledger, and how soon at 2,000 a second?"""

from dataclasses import dataclass, replace
from typing import Any, Final

from bench import machine
from bench.latency import LINGER_SECONDS, SHARES, Journey, Pace, elapsed_ms, open_loop
from bench.load import Customers, Load
from bench.results import Bound, Findings, number, percentile
from bench.world import LOOK_SECONDS, BenchError, World
from shared.messages.topics import INSTRUCTIONS, JOURNAL

QUESTION: Final = "from Kafka to the verdict in PostgreSQL, every transaction judged by all rules"
BOTH: Final = ("transactions", "compliance")
ROLES: Final = (*BOTH, "postgres", "kafka")
RATE: Final = Bound("compliance beside the ledger", 8_000, 20_000, "tx/s")
DECISION: Final = Bound("publish → decision read, 2,000/s, p99", 150, 50, "ms", upwards=False)
SCREENED_EVERY: Final = 20
"""One in so many waits for a verdict; of the others compliance keeps windows and raises alerts."""
PACE: Final = 2_000
SECONDS_APART: Final = 0.03
"""Of event time: 20,000 records, about what the ledger's shards are apart in a backlog, lie within the
lateness of windows (10 minutes), as what happens now does. 100,000 customers do 3 or 4 things each then."""
ACCOUNTS_MIN: Final = 100_000
"""Of 10,000 each would do 30 or 40 things, of which rules name one in ten: alerts would be measured."""


@dataclass(frozen=True, slots=True)
class Case:
    """Which services work on the backlog while the clock runs."""

    name: str
    is_restarted: bool
    """Whether the ledger has posted all before, and compliance starts with all windows in the database."""


CASES: Final = (
    Case("beside the ledger", is_restarted=False),
    Case("alone, after a restart", is_restarted=True),
)


async def measure(world: World, *, quick: bool, accounts: int) -> Findings:
    """Work a backlog off beside the ledger and alone, then follow decisions at a fixed rate."""
    findings = Findings(columns=("case", "tx/s", *(f"{role} µs" for role in ROLES), "others, cores"))
    load = await world.open_accounts(accounts if quick else max(accounts, ACCOUNTS_MIN), Customers)
    load.seconds_apart = SECONDS_APART
    slots = await world.start_ready(*BOTH)
    await world.wait_no_lag(BOTH)
    await world.stop([slots.pop(0)])
    count = 20_000 if quick else 150_000
    for case in CASES:
        figures = findings.figures[case.name] = await _run(world, load, case, count, slots)
        cpu = figures["cpu_us"]
        findings.rows.append(
            (
                case.name,
                number(figures["rate"]),
                *(number(cpu.get(role, 0.0)) for role in ROLES),
                f"{figures['others_cores']:.2f}",
            )
        )
        steps = ", ".join(f"{step} {value:.1f}" for step, value in figures["steps_us"].items())
        findings.notes.append(f"{case.name}, µs of compliance a transaction by step: {steps}")
    findings.judged.append((RATE, findings.figures["beside the ledger"]["rate"]))
    alerts = await world.number("SELECT count(*) FROM compliance.alert")
    findings.notes.append(f"alerts, openings included: {alerts:,}")
    findings.figures["alerts"] = alerts
    await _decisions(world, load, findings, seconds=6 if quick else 20)
    return findings


async def _run(world: World, load: Load, case: Case, count: int, compliance: list[str]) -> dict[str, Any]:
    """Publish a backlog, one in twenty of it to be screened first, and time it to the last verdict.

    Compliance, in the slots given, runs when this begins and when it ends.
    """
    decided_before = await _decided(world)
    await world.send(
        load.screened_withdrawal()[1] if number % SCREENED_EVERY == 0 else load.transfer()[1]
        for number in range(count)
    )
    steps_before = {} if case.is_restarted else await world.steps("compliance")
    if case.is_restarted:
        await world.stop(compliance)
        ledger = await world.start("transactions")
        await world.wait_taken()
        await world.stop(ledger)
        seen_before = await _seen(world)
        compliance[:] = await world.start("compliance")
        await world.wait_for(lambda: _seen(world), lambda seen: seen > seen_before, every=LOOK_SECONDS / 2)
        ledger = []
    else:
        taken_before = await world.taken()
        ledger = await world.start("transactions")
        await world.wait_for(world.taken, lambda taken: taken > taken_before, every=LOOK_SECONDS / 2)
    first = await world.look()
    screened = -(-count // SCREENED_EVERY)
    ends = sum((await world.client.end_offsets(INSTRUCTIONS)).values())
    await world.wait_for(
        lambda: _progress(world, ends),
        lambda seen: seen[0] <= 0 == seen[1] and seen[2] - decided_before >= screened,
    )
    last = await world.look()
    steps = await world.steps("compliance")
    ledger = ledger or await world.start("transactions")
    await world.wait_no_lag(BOTH)
    decided = await _decided(world) - decided_before
    await world.stop(ledger)
    if decided != screened:
        raise BenchError(f"of {screened} that waited {decided} were decided")
    seconds, used = last.at - first.at, last.usage.since(first.usage)
    return {
        "records": count,
        "screened": screened,
        "rate": round(count / seconds, 1),
        "seconds": round(seconds, 2),
        "cpu_us": {role: round(spent / count * 1e6, 2) for role, spent in used.items()},
        "others_cores": round(used["others"] / seconds, 2),
        "steps_us": {
            step: round((spent - steps_before.get(step, 0.0)) / count * 1e6, 2)
            for step, spent in sorted(steps.items())
        },
    }


async def _decisions(world: World, load: Load, findings: Findings, *, seconds: int) -> None:
    """Send 2,000 a second at fixed moments, and follow those that wait to their decisions.

    What falls due within an upstream's linger is sent together, and counts from its own moment: a request for
    each record would use half a core of the two before anything is decided.
    """
    slots = await world.start_ready("transactions")
    pace = Pace(PACE, 3, SCREENED_EVERY, linger_seconds=LINGER_SECONDS)
    await open_loop(world, load, pace)
    await world.wait_no_lag(BOTH)
    before = machine.usage(world.roles())
    journeys, _, late = await open_loop(world, load, replace(pace, seconds=seconds))
    used = machine.usage(world.roles()).since(before)
    await world.stop(slots)
    screened = [each for each in journeys.values() if each.screened_first]
    stages = {
        "reserved, read by a follower": sorted(elapsed_ms(each, each.pending_seen) for each in screened),
        "decision, read by a follower": sorted(elapsed_ms(each, each.decided_seen) for each in screened),
        "decision, from the reserve read": sorted(_from_reserve(each) for each in screened),
    }
    for name, values in stages.items():
        spread = {share: round(percentile(values, at), 1) for share, at in SHARES.items()}
        findings.figures[name] = {**spread, "max": round(values[-1], 1), "count": len(values)}
        words = ", ".join(f"{share} {value}" for share, value in spread.items())
        findings.notes.append(f"{PACE:,}/s, ms to {name}: {words}, max {values[-1]:.1f}, {len(values):,}")
    cpu_cores = {role: round(spent / seconds, 3) for role, spent in used.items()}
    findings.figures["pace"] = {
        "rate": PACE,
        "seconds": seconds,
        "linger_ms": LINGER_SECONDS * 1000,
        "sent_late_ms_p99": round(percentile(late, 0.99), 1),
        "cpu_cores": cpu_cores,
    }
    cores = ", ".join(f"{role} {value:.2f}" for role, value in cpu_cores.items())
    findings.notes.append(
        f"cores used at that rate: {cores}; sent late by p99 {percentile(late, 0.99):.1f} ms"
    )
    findings.judged.append((DECISION, findings.figures["decision, read by a follower"]["p99"]))


def _from_reserve(journey: Journey) -> float:
    if journey.decided_seen is None or journey.pending_seen is None:
        raise BenchError("an instruction that waits was never decided")
    return (journey.decided_seen - journey.pending_seen) * 1000


async def _decided(world: World) -> int:
    return await world.number("SELECT count(*) FROM compliance.decision")


async def _seen(world: World) -> int:
    """How many events of the ledger compliance has taken, by their numbers."""
    statement = "SELECT coalesce(sum(last_seq), 0)::bigint FROM compliance.source_mark WHERE topic = $1"
    return await world.number(statement, JOURNAL.name)


async def _progress(world: World, ends: int) -> tuple[int, int, int, int]:
    """What the ledger has not taken, chains that wait for compliance, decisions made, events taken."""
    taken, behind, events = await world.lag(("compliance",))
    return ends - taken, behind, await _decided(world), events
