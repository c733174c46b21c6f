"""The kinds of faults: each breaks something under load and says when all shards were worked on again."""

import asyncio
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

from audit.evidence import SERVICES
from tests.campaign.load import Load
from tests.campaign.world import NotRecovered, World, now

POINTS: Final = (
    "after_claim",
    "after_republish",
    "after_poll",
    "after_decode",
    "after_fence",
    "after_write",
    "before_commit",
    "after_commit",
    "mid_publish",
    "after_publish",
    "after_mirror",
)
ONCE_A_CLAIM: Final = frozenset({"after_claim", "after_republish"})
PUBLISHING: Final = frozenset({"mid_publish", "after_publish"})

POINT_SECONDS_MAX: Final = 25.0
SESSION_SECONDS: Final = 8.0
FROZEN_SECONDS: Final = 11.0


@dataclass(slots=True)
class Tally:
    """How often each kind of fault was injected, and how long recovery took."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    last: float = 0.0
    phases: Counter[str] = field(default_factory=Counter)
    """How often acts were cut off before, during and after they were carried out."""

    def note(self, kind: str, seconds: float) -> None:
        """Count one fault."""
        self.seconds[kind].append(seconds)
        self.last = seconds


@dataclass(slots=True)
class Campaign:
    """What every fault works on."""

    world: World
    load: Load
    rng: Random
    tally: Tally
    log: Callable[[str], None]


Fault = Callable[[Campaign], Awaitable[None]]


def kill_at(service: str, point: str) -> tuple[str, Fault]:
    """Kill a service at a named place in its own code, then start it again without the trap."""

    async def inject(campaign: Campaign) -> None:
        """Set the trap, wait until it has sprung, take it away."""
        world, slot = campaign.world, f"{service}-0"
        count = 1 if point in ONCE_A_CLAIM else campaign.rng.randint(1, 4)
        if service == "reporting" and point in PUBLISHING:
            count = 1
        await world.stop_service(slot)
        await world.start_service(service, 0, BACKOFFICE_FAILPOINT=f"{service}:{point}:{count}")
        killed = await death(campaign, service, point)
        await world.stop_service(slot)
        await world.start_service(service, 0)
        campaign.tally.note(f"{service} {point}", await world.recovered([service], killed))

    return f"{service} {point}", inject


async def death(campaign: Campaign, service: str, point: str) -> datetime:
    """Wait until the trap has sprung; whatever makes it spring is provoked meanwhile."""
    world, slot = campaign.world, f"{service}-0"
    deadline = time.monotonic() + POINT_SECONDS_MAX
    asked = 0.0
    while world.stack.supervisor.exits(slot) == 0:
        if time.monotonic() > deadline:
            raise NotRecovered(f"{service} never came to {point}")
        if point in PUBLISHING and service == "reporting" and time.monotonic() - asked > 3:
            asked = time.monotonic()
            await world.make_report(campaign.rng, campaign.load.workload.day.isoformat())
        await asyncio.sleep(0.01)
    return now()


def kill_at_random(service: str) -> tuple[str, Fault]:
    """Kill -9 whatever it is doing; its supervisor starts it again."""

    async def inject(campaign: Campaign) -> None:
        """Kill it at any moment."""
        await asyncio.sleep(campaign.rng.random())
        killed = now()
        campaign.world.stack.supervisor.kill(f"{service}-0")
        campaign.tally.note(f"{service} kill -9", await campaign.world.recovered([service], killed))

    return f"{service} kill -9", inject


def freeze(service: str, *, claiming: bool = False) -> tuple[str, Fault]:
    """Stop a process beyond its session while another is there to take over, then wake it.

    `claiming`: just as it claims shards, so that it wakes up with what it had read for that.
    """
    kind = f"{service} frozen while claiming" if claiming else f"{service} frozen"

    async def inject(campaign: Campaign) -> None:
        """Freeze, wait for the successor, wake."""
        world = campaign.world
        await world.start_service(service, 1)
        await held_by(world, service, 2)
        if not claiming:
            await world.recovered([service], now())
        frozen = now()
        world.stack.supervisor.kill(f"{service}-0", signal.SIGSTOP)
        try:
            seconds = await world.recovered([service], frozen)
            campaign.tally.note(kind, max(0.0, seconds - SESSION_SECONDS))
            await asyncio.sleep(max(0.0, FROZEN_SECONDS - seconds))
        finally:
            woken = now()
            world.stack.supervisor.kill(f"{service}-0", signal.SIGCONT)
        await asyncio.sleep(1)
        await world.recovered([service], now())
        campaign.tally.note(f"{service} woken", _since(woken))
        await world.stop_service(f"{service}-1")
        await world.recovered([service], now())

    return kind, inject


def rebalance(service: str) -> tuple[str, Fault]:
    """Let a second and a third process join and leave again."""

    async def inject(campaign: Campaign) -> None:
        """Two join, two leave."""
        world = campaign.world
        for number in (1, 2):
            joined = now()
            await world.start_service(service, number)
            await held_by(world, service, number + 1)
            campaign.tally.note(f"{service} joined by another", await world.recovered([service], joined))
        for number in (2, 1):
            left = now()
            await world.stop_service(f"{service}-{number}")
            campaign.tally.note(f"{service} left by another", await world.recovered([service], left))

    return f"{service} rebalance", inject


def kill_broker() -> tuple[str, Fault]:
    """Kill -9 Kafka under load and start it again."""

    async def inject(campaign: Campaign) -> None:
        """Kill it, wait, start it."""
        kafka = campaign.world.stack.kafka
        killed = now()
        kafka.kill()
        await kafka.wait()
        await kafka.start()
        await campaign.world.recovered(SERVICES, now())
        campaign.tally.note("Kafka kill -9", _since(killed))

    return "Kafka kill -9", inject


def kill_database() -> tuple[str, Fault]:
    """Kill -9 PostgreSQL under load and start it again."""

    async def inject(campaign: Campaign) -> None:
        """Kill it, wait, start it."""
        postgres = campaign.world.stack.postgres
        killed = now()
        postgres.kill()
        await postgres.wait()
        await postgres.start()
        await campaign.world.recovered(SERVICES, now())
        campaign.tally.note("PostgreSQL kill -9", _since(killed))

    return "PostgreSQL kill -9", inject


def everything_twice(seconds: float) -> tuple[str, Fault]:
    """For a while each record is delivered twice."""

    async def inject(campaign: Campaign) -> None:
        """Turn repetition up for a while."""
        before = campaign.load.sent["twice"]
        usual, campaign.load.twice = campaign.load.twice, 1.0
        await asyncio.sleep(seconds)
        campaign.load.twice = usual
        if campaign.load.sent["twice"] > before:
            campaign.tally.note("everything twice", await campaign.world.recovered(SERVICES, now()))

    return "everything twice", inject


def all_poison() -> tuple[str, Fault]:
    """One of each kind of input that must never stop the line."""

    async def inject(campaign: Campaign) -> None:
        """Throw it all in at once."""
        thrown = now()
        await campaign.load.send(campaign.load.workload.poisons())
        campaign.tally.note("all poison", await campaign.world.recovered(SERVICES, thrown))

    return "all poison", inject


async def held_by(world: World, service: str, processes: int) -> None:
    """Wait until so many processes hold shards."""
    deadline = time.monotonic() + 30
    while len(await world.owners(service)) != processes:
        if time.monotonic() > deadline:
            raise NotRecovered(
                f"{service}: {await world.owners(service)} hold shards, not {processes} processes"
            )
        await asyncio.sleep(0.1)


def _since(moment: datetime) -> float:
    return (now() - moment).total_seconds()
