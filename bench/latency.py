"""How long from publishing until posted, screened, and in the reports, at 1,000 a second?

Then the ledger alone: at 5,000 a second, and one instruction at a time.
"""

import asyncio
import bisect
import time
from dataclasses import dataclass, field, replace
from typing import Final

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from backoffice.stack.schema import OWNER
from bench import machine
from bench.load import Load
from bench.results import Bound, Findings, percentile
from bench.upstream import Plan, upstream
from bench.world import SERVICES, BenchError, World
from shared.messages.topics import DECISIONS, JOURNAL
from shared.runtime.client import header

QUESTION: Final = "milliseconds from the intended moment of publishing, open loop, all three services"
POSTED: Final = Bound("publish → posted, p99", 150, 40, "ms", upwards=False)
ALONE: Final = (
    Bound("the ledger alone at 5,000/s, p50", 25, 10, "ms", upwards=False),
    Bound("the ledger alone at 5,000/s, p99", 100, 40, "ms", upwards=False),
    Bound("the ledger alone at 5,000/s, p99.9", 300, 120, "ms", upwards=False),
)
SINGLE: Final = Bound("one instruction on an idle system, p50", 25, 6, "ms", upwards=False)
RATE: Final = 1_000
RATE_ALONE: Final = 5_000
LINGER_SECONDS: Final = 0.005
"""KIP-1030: `linger.ms` of Kafka's client as it comes."""
SINGLE_EVERY_SECONDS: Final = 0.25
SCREENED_EVERY: Final = 20
SAMPLE_SECONDS: Final = 0.005
GRACE_SECONDS: Final = 30.0
SHARES: Final = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


@dataclass(frozen=True, slots=True)
class Pace:
    """How many instructions a second, for how long, and which of them are screened first."""

    rate: float
    seconds: int
    screened_every: int = 0
    """Every how many-th is a withdrawal that is screened first; 0 for none."""
    is_reported: bool = False
    """Whether reporting takes what is posted, and is waited for."""
    linger_seconds: float = 0.0
    """How long an upstream gathers what it sends; 5 ms is what Kafka's own client does since 4.0."""

    def screens(self, number: int) -> bool:
        """Say whether this instruction is one that is screened first."""
        return self.screened_every > 0 and number % self.screened_every == 0


@dataclass(slots=True)
class Journey:
    """One instruction's moments, by this machine's wall clock in seconds."""

    intended: float
    screened_first: bool
    posted_by_broker: float | None = None
    posted_seen: float | None = None
    pending_seen: float | None = None
    decided_seen: float | None = None
    place: tuple[int, int] | None = None
    """Shard and seq of the event that posted it."""


@dataclass(slots=True)
class Marks:
    """Reporting's progress as sampled: for each shard the moments and the seq it had taken by then."""

    at: dict[int, list[float]] = field(default_factory=dict)
    seq: dict[int, list[int]] = field(default_factory=dict)


async def measure(world: World, *, quick: bool, accounts: int) -> Findings:
    """Send at fixed times whatever the answers do, and follow each instruction to its end."""
    findings = Findings(columns=("from the intended moment to", *SHARES, "max", "count"))
    load = await world.open_accounts(accounts)
    slots = await world.start_ready(*SERVICES)
    await world.wait_no_lag()
    seconds = 6 if quick else 20
    pace = Pace(RATE, 2, SCREENED_EVERY, is_reported=True)
    await open_loop(world, load, pace)
    await world.wait_no_lag()
    before = machine.usage(world.roles())
    journeys, marks, late = await open_loop(world, load, replace(pace, seconds=seconds))
    used = machine.usage(world.roles()).since(before)
    await world.stop(slots)
    stages = _stages(journeys, marks)
    for name, values in stages.items():
        spread = {share: percentile(values, at) for share, at in SHARES.items()} | {"max": values[-1]}
        findings.figures[name] = {
            **{key: round(value, 1) for key, value in spread.items()},
            "count": len(values),
        }
        findings.rows.append((name, *(f"{value:,.1f}" for value in spread.values()), f"{len(values):,}"))
    findings.figures |= {
        "rate": RATE,
        "seconds": seconds,
        "sent_late_ms": {key: round(percentile(late, at), 1) for key, at in SHARES.items()}
        | {"max": round(late[-1], 1)},
        "cpu_cores": {role: round(spent / seconds, 3) for role, spent in used.items()},
    }
    findings.judged.append((POSTED, findings.figures["posted, its event read by a follower"]["p99"]))
    cores = ", ".join(f"{role} {value:.2f}" for role, value in findings.figures["cpu_cores"].items())
    findings.notes += [
        (
            f"{RATE:,}/s for {seconds} s, one in {SCREENED_EVERY} a withdrawal that is screened first;"
            f" sent later than intended: p99 {percentile(late, 0.99):.1f} ms, max {late[-1]:.1f} ms"
        ),
        f"cores used, waiting for the last answer included: {cores}",
    ]
    await _alone(world, load, findings, seconds=seconds)
    return findings


async def _alone(world: World, load: Load, findings: Findings, *, seconds: int) -> None:
    """The same with the ledger only: faster, and one at a time."""
    slots = await world.start_ready("transactions")
    await world.wait_taken()
    paces = {
        f"the ledger alone at {RATE_ALONE:,}/s": Pace(RATE_ALONE, seconds, linger_seconds=LINGER_SECONDS),
        "one instruction on an idle system": Pace(1 / SINGLE_EVERY_SECONDS, 2 * seconds),
    }
    spreads: dict[str, dict[str, float]] = {}
    for name, pace in paces.items():
        await open_loop(world, load, replace(pace, seconds=2))
        journeys, _, late = await open_loop(world, load, pace)
        values = sorted(elapsed_ms(each, each.posted_seen) for each in journeys.values())
        spread = {share: percentile(values, at) for share, at in SHARES.items()} | {"max": values[-1]}
        spreads[name] = spread
        findings.figures[name] = {
            **{key: round(value, 1) for key, value in spread.items()},
            "count": len(values),
            "sent_late_ms_p99": round(percentile(late, 0.99), 1),
        }
        findings.rows.append((name, *(f"{value:,.1f}" for value in spread.values()), f"{len(values):,}"))
    await world.stop(slots)
    fast, single = spreads.values()
    findings.judged += list(zip(ALONE, (fast[share] for share in SHARES), strict=True))
    findings.judged.append((SINGLE, single["p50"]))


def _stages(journeys: dict[str, Journey], marks: Marks) -> dict[str, list[float]]:
    plain = [each for each in journeys.values() if not each.screened_first]
    screened = [each for each in journeys.values() if each.screened_first]
    stages: dict[str, list[float]] = {
        "posted, by the broker's stamp on its event": [
            elapsed_ms(each, each.posted_by_broker) for each in plain
        ],
        "posted, its event read by a follower": [elapsed_ms(each, each.posted_seen) for each in plain],
        "reported, reporting's mark past its event": [
            elapsed_ms(each, _reported(each, marks)) for each in plain
        ],
        "reserved, its event read by a follower": [elapsed_ms(each, each.pending_seen) for each in screened],
        "screened, the decision read by a follower": [
            elapsed_ms(each, each.decided_seen) for each in screened
        ],
        "posted after screening, read by a follower": [
            elapsed_ms(each, each.posted_seen) for each in screened
        ],
    }
    return {name: sorted(values) for name, values in stages.items()}


def elapsed_ms(journey: Journey, moment: float | None) -> float:
    """Milliseconds from the intended moment; raises `BenchError` for a moment that never came."""
    if moment is None:
        raise BenchError("an instruction was never answered")
    return (moment - journey.intended) * 1000


def _reported(journey: Journey, marks: Marks) -> float | None:
    assert journey.place is not None
    shard, seq = journey.place
    index = bisect.bisect_left(marks.seq.get(shard, []), seq)
    return marks.at[shard][index] if index < len(marks.seq.get(shard, [])) else None


async def open_loop(world: World, load: Load, pace: Pace) -> tuple[dict[str, Journey], Marks, list[float]]:
    """Send at a pace, whatever comes of it; return journeys, reporting's marks, delays of sending."""
    options = world.kafka.client_options()
    follower = AIOKafkaConsumer(
        enable_auto_commit=False, isolation_level="read_committed", fetch_max_wait_ms=500, **options
    )
    sampler = await asyncpg.connect(world.stack.dsn(OWNER))
    await follower.start()
    journeys: dict[str, Journey] = {}
    marks = Marks()
    tasks: list[asyncio.Task[None]] = []
    try:
        ends = {
            JOURNAL.name: await world.client.end_offsets(JOURNAL),
            DECISIONS.name: await world.client.end_offsets(DECISIONS),
        }
        places = [TopicPartition(topic, partition) for topic, of in ends.items() for partition in of]
        follower.assign(places)
        for place in places:
            follower.seek(place, ends[place.topic][place.partition])
        tasks = [
            asyncio.create_task(_follow(follower, journeys)),
            asyncio.create_task(_sample(sampler, marks)),
        ]
        count = int(pace.rate * pace.seconds)
        made = [load.screened_withdrawal() if pace.screens(n) else load.transfer() for n in range(count)]
        plan = Plan(options, [record for _, record in made], pace.rate, pace.linger_seconds)
        async with upstream(plan) as sender:
            begin = await sender.begin()
            for n, (instruction_id, _) in enumerate(made):
                journeys[instruction_id] = Journey(begin + n / pace.rate, pace.screens(n))
            late = await sender.late_ms()
        deadline = time.monotonic() + GRACE_SECONDS
        while not all(
            each.posted_seen is not None and (not pace.is_reported or _reported(each, marks) is not None)
            for each in journeys.values()
        ):
            if time.monotonic() > deadline:
                raise BenchError("not every instruction was posted and reported within 30 s")
            world.refuse_crashes()
            await asyncio.sleep(0.2)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await follower.stop()
        await sampler.close()
    return journeys, marks, late


async def _follow(follower: AIOKafkaConsumer, journeys: dict[str, Journey]) -> None:
    while True:
        polled = await follower.getmany(timeout_ms=1000, max_records=500)
        now = time.time()
        for records in polled.values():
            for record in records:
                journey = journeys.get(header(record, "correlation_id") or "")
                if journey is None or header(record, "copy") == "secondary":
                    continue
                if record.topic == DECISIONS.name:
                    journey.decided_seen = now
                    continue
                match header(record, "ce_type"):
                    case "TransactionPosted":
                        journey.posted_seen = now
                        # The broker stamps whole milliseconds: count to the end of that one.
                        journey.posted_by_broker = (record.timestamp + 1) / 1000
                        journey.place = int(header(record, "shard") or -1), int(header(record, "seq") or -1)
                    case "TransactionPending":
                        journey.pending_seen = now
                    case other:
                        raise BenchError(f"an instruction has ended as {other}")


async def _sample(connection: asyncpg.Connection, marks: Marks) -> None:
    statement = await connection.prepare(
        "SELECT partition, last_seq FROM reporting.source_mark WHERE topic = $1 AND partition = source_shard"
    )
    while True:
        rows = await statement.fetch(JOURNAL.name)
        now = time.time()
        for partition, seq in rows:
            known = marks.seq.setdefault(partition, [])
            if not known or known[-1] < seq:
                known.append(seq)
                marks.at.setdefault(partition, []).append(now)
        await asyncio.sleep(SAMPLE_SECONDS)
