"""Six planted bugs, each provoked and each to be caught: by the auditor, or because the shard halts."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import psutil

from audit.checks import examine
from audit.evidence import SERVICES
from audit.examination import Examination
from audit.gathering import gather
from audit.result import failed
from tests.campaign.faults import FROZEN_SECONDS, Campaign, Tally, death
from tests.campaign.load import Load
from tests.campaign.operators import no_act, resume
from tests.campaign.runner import RESULTS, folder_for, new_load, say
from tests.campaign.world import ACTS, WORLD_ERRORS, NotRecovered, World, now


@dataclass(slots=True)
class Caught:
    """How a planted bug showed."""

    bug: str
    checks: list[str] = field(default_factory=list)
    """Checks of the auditor that failed, with the first difference."""
    halted: str | None = None
    unrecovered: str | None = None

    @property
    def caught(self) -> bool:
        """Whether anything showed."""
        return bool(self.checks) or self.halted is not None


Provoke = Callable[[Campaign], Awaitable[None]]


async def _kill_while_writing(campaign: Campaign) -> None:
    """A position stored before its records' effect loses them when the process dies in between."""
    world = campaign.world
    for point in ("after_fence", "after_write", "before_commit"):
        await world.stop_service("transactions-0")
        bug = {"BACKOFFICE_PLANTED_BUG": "offset_first"}
        await world.start_service("transactions", 0, BACKOFFICE_FAILPOINT=f"transactions:{point}:3", **bug)
        await death(campaign, "transactions", point)
        await world.stop_service("transactions-0")
        killed = now()
        await world.start_service("transactions", 0, **bug)
        await world.recovered(["transactions"], killed)


async def _wake_zombies(campaign: Campaign) -> None:
    """A process that nobody fences writes on with what it had read before it was frozen.

    The ledger's numbered journal would stop it even so; reporting's sums and compliance's windows have
    nothing but the fence.
    """
    world = campaign.world
    campaign.load.rate *= 3
    bug = {"BACKOFFICE_PLANTED_BUG": "no_epoch_check"}
    for service in ("reporting", "compliance"):
        await world.stop_service(f"{service}-0")
        await world.start_service(service, 0, BACKOFFICE_FAILPOINT=f"{service}:after_decode:5:stop", **bug)
        pid = world.stack.supervisor.pids[f"{service}-0"]
        async with asyncio.timeout(30):  # frozen with records in hand
            while psutil.Process(pid).status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        frozen = now()
        await world.start_service(service, 1, **bug)
        with contextlib.suppress(NotRecovered):
            await world.recovered([service], frozen, 25)
        await asyncio.sleep(max(0.0, FROZEN_SECONDS - (now() - frozen).total_seconds()))
        world.stack.supervisor.kill(f"{service}-0", signal.SIGCONT)
        await asyncio.sleep(5)
        await world.stop_service(f"{service}-1")


async def _deliver_twice(campaign: Campaign) -> None:
    campaign.load.twice = 1.0
    await asyncio.sleep(5)


async def _just_load(campaign: Campaign) -> None:
    await asyncio.sleep(5)


async def _poison(campaign: Campaign) -> None:
    await campaign.load.send(campaign.load.workload.poisons())
    await asyncio.sleep(3)


async def _kill_at_acts_behind_bad_ones(campaign: Campaign) -> None:
    """An act performed before what stands in front of it moves the position past a record without effect."""
    world = campaign.world
    for shard in range(world.partitions):
        await world.stop_service("transactions-0")
        unreadable = [no_act(campaign.rng) for _ in range(2)]
        acts = [resume(campaign.rng, shard) for _ in range(2)]
        await world.publish(ACTS, shard, [unreadable[0], acts[0], unreadable[1], acts[1]])
        await world.start_service("transactions", 0, BACKOFFICE_FAILPOINT="transactions:after_commit:1")
        killed = await death(campaign, "transactions", "after_commit")
        await world.stop_service("transactions-0")
        await world.start_service("transactions", 0)
        await world.recovered(["transactions"], killed)


BUGS: Final[dict[str, Provoke]] = {
    "offset_first": _kill_while_writing,
    "no_epoch_check": _wake_zombies,
    "no_unique_id": _deliver_twice,
    "forgotten_leg": _just_load,
    "swallowed_decode_error": _poison,
    "act_before_its_turn": _kill_at_acts_behind_bad_ones,
}


async def run(seed: int, *, only: Sequence[str] | None = None, keep: Path | None = None) -> list[Caught]:
    """Plant each bug into a stack of its own, provoke it and audit."""
    return [
        await _one(seed, bug, provoke, keep / bug if keep else None)
        for bug, provoke in BUGS.items()
        if not only or bug in only
    ]


def report(caught: Sequence[Caught]) -> str:
    """Spell bug → how it was caught."""
    lines = [f"{'planted bug':<24} caught by"]
    for each in caught:
        by = [check.split(":")[0] for check in each.checks]
        by += [f"halted: {each.halted}"] if each.halted else []
        lines.append(f"{each.bug:<24} {'; '.join(by) if each.caught else 'NOTHING'}")
        lines += [f"{'':<24}   {check[:150]}" for check in each.checks]
        if each.unrecovered:
            lines.append(f"{'':<24}   not recovered: {each.unrecovered}")
    return "\n".join(lines)


def keep_result(seed: int, caught: Sequence[Caught]) -> None:
    """Append the result line."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    line = {
        "seed": seed,
        "planted": {
            each.bug: {
                "caught": each.caught,
                "checks": [check.split(":")[0] for check in each.checks],
                "halted": each.halted,
            }
            for each in caught
        },
    }
    with RESULTS.open("a", encoding="utf-8") as results:
        results.write(json.dumps(line) + "\n")


async def _one(seed: int, bug: str, provoke: Provoke, keep: Path | None) -> Caught:
    found = Caught(bug)
    with folder_for(keep) as folder:
        world = World(folder, environment={"BACKOFFICE_PLANTED_BUG": bug})
        load: Load | None = None
        try:
            await world.start()
            load = await new_load(world, seed, folder, 100.0)
            load.start()
            campaign = Campaign(world, load, Random(f"{bug} {seed}"), Tally(), say)
            try:
                await provoke(campaign)
            except (NotRecovered, *WORLD_ERRORS) as error:
                found.unrecovered = str(error)
            await load.stop()
            left = await world.rest(20)
            if any(left.values()):
                found.unrecovered = found.unrecovered or f"not at rest: {left}"
            for service in SERVICES:
                halted = [shard for shard in await world.worked(service) if shard.halted]
                if halted:
                    found.halted = f"{service}: {halted[0].halted}"
            evidence = await gather(world.dsn, world.bootstrap, folder / "commands.jsonl", world.master_key)
            results = examine(Examination(evidence))
            found.checks = [
                f"check {result.number} {result.name}: {result.first_difference}"
                for result in failed(results)
            ]
        finally:
            if load is not None:
                with contextlib.suppress(Exception):
                    await load.stop()
            await world.stop()
    say(f"{bug}: {'caught' if found.caught else 'NOT CAUGHT'}")
    return found
