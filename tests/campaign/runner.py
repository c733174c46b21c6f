"""Runs a campaign: load, faults one after the other, rest, audit, table, result line."""

import asyncio
import contextlib
import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from aiokafka.errors import KafkaError

from audit.__main__ import table
from audit.checks import examine
from audit.evidence import DECISIONS
from audit.examination import Examination
from audit.gathering import gather
from audit.result import Result, failed
from tests.campaign import mending, officers
from tests.campaign.faults import Campaign, Fault, Tally
from tests.campaign.load import Load
from tests.campaign.operators import operate
from tests.campaign.plan import full_plan, short_plan
from tests.campaign.workload import Workload
from tests.campaign.world import WORLD_ERRORS, NotRecovered, World

RESULTS: Final = Path(__file__).resolve().parents[2] / "bench" / "results" / "campaign.jsonl"
LISTED_QUERY: Final = (
    "SELECT n.name FROM compliance.list_name AS n JOIN compliance.list_activation AS a"
    " USING (list_code, version) WHERE n.name ~ '^[A-Za-z ]+$' ORDER BY n.name LIMIT 1"
)
HOUSE_QUERY: Final = (
    "SELECT account.class, asset.code, account.code FROM transactions.account"
    " JOIN transactions.asset USING (asset_id) JOIN transactions.entity USING (entity_id)"
    " WHERE account.owner = 'house' AND entity.code = 'BANK'"
)


PARKED_QUERY: Final = (
    "SELECT coalesce(resolution, 'waiting') || CASE topic WHEN $1 THEN ' decisions' ELSE '' END, count(*)"
    " FROM transactions.parked GROUP BY 1 ORDER BY 1"
)
ACTS_QUERY: Final = (
    "SELECT detail ->> 'act' || CASE WHEN (detail ->> 'done')::bool THEN '' ELSE ' refused' END, count(*)"
    " FROM transactions.journal WHERE kind = 'ActDone' GROUP BY 1 ORDER BY 1"
)
OFFICERS_QUERY: Final = (
    "SELECT act || CASE WHEN done THEN '' ELSE ' refused' END, count(*) FROM compliance.act_answer"
    " GROUP BY 1 ORDER BY 1"
)
MENDED: Final = ("replayed", "discarded")
MENDED_IN_FULL: Final = (*MENDED, "replayed decisions", "resume_shard", "discard_parked refused")
STANDING: Final = 3
"""So many owners' records wait from the beginning to the end, whatever is broken meanwhile."""


@dataclass(slots=True)
class Outcome:
    """What a campaign came to."""

    seed: int
    short: bool
    seconds: float
    records: int
    tally: Tally
    results: tuple[Result, ...] = ()
    problems: list[str] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    """Records sent, by kind of traffic."""
    mended: dict[str, int] = field(default_factory=dict)
    """Records parked, by what came of them, and the ledger's answers to acts."""
    officers: dict[str, int] = field(default_factory=dict)
    """Compliance's answers to acts."""

    @property
    def ok(self) -> bool:
        """Whether every kind was injected, all recovered and the auditor found nothing."""
        return not self.problems and not failed(self.results) and bool(self.results)


async def run(seed: int, *, short: bool, rate: float, keep: Path | None = None) -> Outcome:
    """Run one campaign from nothing and return what came of it."""
    begun = time.monotonic()
    plan = list(short_plan() if short else full_plan())
    rng = Random(f"faults {seed}")
    rng.shuffle(plan)
    with folder_for(keep) as folder:
        world = World(folder)
        load: Load | None = None
        outcome = Outcome(seed, short, 0.0, 0, Tally())
        try:
            await world.start()
            say(f"stack ready after {time.monotonic() - begun:.1f} s")
            load = await new_load(world, seed, folder, rate)
            people = Random(f"officers {seed}")
            await officers.appoint(world, people)
            load.start()
            campaign = Campaign(world, load, rng, outcome.tally, say)
            standing = mending.standing_owners(campaign, STANDING)
            await world.defect.strike(standing)
            watch = asyncio.create_task(_people_and_samples(world, load, standing, Random(f"people {seed}")))
            working = asyncio.create_task(_officers_at_work(world, load, people))
            for kind, inject in plan:
                await _inject(campaign, kind, inject, outcome)
            watch.cancel()
            working.cancel()
            await load.stop()
            await _settle(campaign, outcome)
            say(f"at rest after {time.monotonic() - begun:.1f} s; auditing")
            evidence = await gather(world.dsn, world.bootstrap, folder / "commands.jsonl", world.master_key)
            evidence.samples = world.samples
            outcome.results = examine(Examination(evidence))
            say(f"audited after {time.monotonic() - begun:.1f} s")
        finally:
            if load is not None:
                with contextlib.suppress(Exception):
                    await load.stop()
                outcome.records, outcome.sent = load.total, dict(load.sent.most_common())
            await world.stop()
        outcome.problems += [f"{kind}: never injected" for kind in _missing(plan, outcome.tally)]
        wanted = MENDED if short else MENDED_IN_FULL
        outcome.problems += [f"{what}: none" for what in wanted if not outcome.mended.get(what)]
        done = officers.DONE if short else officers.DONE_IN_FULL
        outcome.problems += [f"{what}: never done" for what in done if not outcome.officers.get(what)]
        outcome.seconds = time.monotonic() - begun
    return outcome


async def new_load(world: World, seed: int, folder: Path, rate: float) -> Load:
    """A load generator whose customers are there and have money."""
    listed = await world.fetch(LISTED_QUERY)
    workload = Workload(seed, world.partitions, *([listed[0][0]] if listed else []))
    workload.house_accounts = {(row[0], row[1]): row[2] for row in await world.fetch(HOUSE_QUERY)}
    load = Load(world.bootstrap, workload, folder / "commands.jsonl", rate)
    await load.send(workload.opening(40))
    return load


def report(outcome: Outcome) -> str:
    """Spell kind × kills × slowest recovery, then the auditor's table."""
    lines = [f"{'fault':<36} {'kills':>5}  {'slowest recovery':>16}"]
    for kind, seconds in sorted(outcome.tally.seconds.items()):
        lines.append(f"{kind:<36} {len(seconds):>5}  {max(seconds):>14.2f} s")
    lines.append(f"{'all':<36} {sum(map(len, outcome.tally.seconds.values())):>5}")
    kinds = ", ".join(f"{kind} {count}" for kind, count in outcome.sent.items())
    mended = ", ".join(f"{what} {count}" for what, count in outcome.mended.items())
    lines += ["", f"{outcome.records} records sent in {outcome.seconds:.0f} s: {kinds}"]
    cut_off = ", ".join(f"{phase} {outcome.tally.phases[phase]}" for phase in mending.PHASES)
    worked = ", ".join(f"{what} {count}" for what, count in outcome.officers.items())
    lines += [f"parked, and acts: {mended}; acts cut off {cut_off}", f"officers: {worked}", ""]
    lines.append(table(outcome.results))
    lines += [f"PROBLEM: {problem}" for problem in outcome.problems]
    lines.append("the campaign holds" if outcome.ok else "THE CAMPAIGN DOES NOT HOLD")
    return "\n".join(lines)


def keep_result(outcome: Outcome) -> None:
    """Append the result line."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    line: dict[str, Any] = {
        "seed": outcome.seed,
        "short": outcome.short,
        "ok": outcome.ok,
        "seconds": round(outcome.seconds, 1),
        "records": outcome.records,
        "sent": outcome.sent,
        "mended": outcome.mended,
        "officers": outcome.officers,
        "acts_cut_off": dict(outcome.tally.phases),
        "faults": {
            kind: {"count": len(seconds), "slowest_seconds": round(max(seconds), 2)}
            for kind, seconds in sorted(outcome.tally.seconds.items())
        },
        "audit": [
            {key: value for key, value in asdict(result).items() if key != "examples"}
            for result in outcome.results
        ],
        "problems": outcome.problems,
    }
    with RESULTS.open("a", encoding="utf-8") as results:
        results.write(json.dumps(line) + "\n")


def say(words: str) -> None:
    """Tell how far it is, on standard error."""
    print(words, file=sys.stderr, flush=True)


async def _inject(campaign: Campaign, kind: str, inject: Fault, outcome: Outcome) -> None:
    try:
        await inject(campaign)
    except (NotRecovered, *WORLD_ERRORS) as error:
        outcome.problems.append(f"{kind}: {type(error).__name__}: {error}")
        say(f"{kind}: NOT RECOVERED: {error}")
        await _restore(campaign.world)
    else:
        say(f"{kind}: {campaign.tally.last:.2f} s")


async def _restore(world: World) -> None:
    """After a fault that went wrong: a fresh broker and one plain process of each service, as at first."""
    for slot in world.stack.supervisor.slots:
        with contextlib.suppress(Exception):
            await world.stop_service(slot)
    await world.stack.kafka.stop()
    await world.stack.kafka.start()
    for name in ("transactions", "compliance", "reporting"):
        await world.start_service(name, 0)
    await asyncio.sleep(2)


async def _people_and_samples(world: World, load: Load, standing: Sequence[str], rng: Random) -> None:
    """Every second a sample; now and then people decide holds, ask for a report, or try to mend."""
    turn = 0
    while True:
        await asyncio.sleep(1)
        turn += 1
        with contextlib.suppress(Exception):
            await world.sample()
            if turn % 5 == 0:
                await world.decide_holds(rng)
            if turn % 3 == 0:
                await operate(world, rng, standing)
            if turn % 15 == 0:
                await world.make_report(rng, load.workload.day.isoformat())


async def _officers_at_work(world: World, load: Load, rng: Random) -> None:
    """Twice a second an officer of compliance does something."""
    owners = [account.owner for account in load.workload.accounts]
    while True:
        await asyncio.sleep(0.5)
        with contextlib.suppress(*WORLD_ERRORS, KafkaError):
            await officers.work(world, rng, owners)


async def _settle(campaign: Campaign, outcome: Outcome) -> None:
    """Let everything come to rest: first what flows, then what waits, with one report at the end."""
    world = campaign.world
    await world.rest(60)
    await world.defect.mend()
    waiting = sorted({each.owner for each in await world.waiting()})
    try:
        await mending.replay_until_none_waits(campaign, waiting)
    except NotRecovered as error:
        outcome.problems.append(str(error))
    await world.rest(30)
    days = await world.fetch("SELECT max(booking_date) FROM transactions.journal")
    await world.make_report(Random(f"last {outcome.seed}"), days[0][0].isoformat())
    left = await world.rest(30)
    await world.sample()
    if any(left.values()):
        outcome.problems.append(f"not at rest: {left}")
    parked = await world.fetch(PARKED_QUERY, DECISIONS)
    outcome.mended = {row[0]: row[1] for row in [*parked, *await world.fetch(ACTS_QUERY)]}
    outcome.officers = {row[0]: row[1] for row in await world.fetch(OFFICERS_QUERY)}


def _missing(plan: Sequence[tuple[str, Fault]], tally: Tally) -> list[str]:
    wanted = {kind.replace(" rebalance", " joined by another") for kind, _ in plan}
    missing = wanted - {kind for kind, seconds in tally.seconds.items() if seconds}
    if wanted >= {f"mending {point}" for point in mending.COUNTS}:
        missing |= {f"acts cut off {phase}" for phase in mending.PHASES if not tally.phases[phase]}
    return sorted(missing)


@contextlib.contextmanager
def folder_for(keep: Path | None) -> Iterator[Path]:
    """A folder for one stack's data: the one to keep, or one that goes away."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("backoffice").setLevel(logging.ERROR)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="campaign-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
