"""The faults of mending: records parked and shards halted under load, and their acts cut off by kills."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from tests.campaign import operators
from tests.campaign.faults import Campaign, Fault, death
from tests.campaign.traffic.upstream import Account
from tests.campaign.world import ACTS, NotRecovered, World

COUNTS: Final[dict[str, tuple[int, int]]] = {
    "after_claim": (1, 1),
    "after_republish": (1, 1),
    "after_poll": (1, 1),
    "after_decode": (1, 1),
    "after_fence": (1, 4),
    "after_write": (2, 5),
    "before_commit": (2, 6),
    "after_commit": (1, 8),
    "mid_publish": (1, 3),
    "after_publish": (1, 3),
    "after_mirror": (3, 3),
}
"""Which time a process that starts on a pile of acts is killed at a point: from, to."""

PHASES: Final = ("before", "during", "after")
WAITING_MIN: Final = 4
SECONDS_MAX: Final = 30.0
SLOT: Final = "transactions-0"
STILL_BROKEN: Final = 0.3
"""How often acts come before the defect is mended."""


def cut_off(point: str) -> tuple[str, Fault]:
    """Park owners, pile up acts between records nobody can read, and kill the ledger at them."""
    kind = f"mending {point}"

    async def inject(campaign: Campaign) -> None:
        """Strike, park, pile up, kill, recover, mend."""
        world, rng = campaign.world, campaign.rng
        shard = rng.randrange(world.partitions)
        here = _at_home(campaign, shard, 2)
        there = _at_home(campaign, (shard + 1) % world.partitions, 1)
        owners = [account.owner for account in (*here, *there)]
        await _hold_payments(campaign, here)
        await world.defect.strike(owners)
        await world.decide_holds(rng, owners)
        await _park(campaign, [*here, *there])
        await world.stop_service(SLOT)
        if rng.random() >= STILL_BROKEN:
            await world.defect.mend(owners)
        await _surround(campaign, here)
        await world.publish(ACTS, (shard + 1) % world.partitions, [operators.replay(rng, there[0].owner)])
        pile = await _pile(campaign, shard, [account.owner for account in here])
        await _kill_at_the_pile(campaign, kind, point, shard, await world.publish(ACTS, shard, pile))
        await world.defect.mend(owners)
        await replay_until_none_waits(campaign, owners)

    return kind, inject


def halted(point: str) -> tuple[str, Fault]:
    """Let so many owners fail that a shard halts, and kill the ledger at the acts that let it go on."""
    kind = "mending a halted shard"

    async def inject(campaign: Campaign) -> None:
        """Strike, halt, pile up, kill, recover, mend."""
        world, rng = campaign.world, campaign.rng
        shard = rng.randrange(world.partitions)
        struck = _at_home(campaign, shard, 3)
        owners = [account.owner for account in struck]
        await world.stop_service(SLOT)
        await world.start_service("transactions", 0, BACKOFFICE_PARKINGS_PER_MINUTE_MAX="1")
        await world.defect.strike(owners)
        await _halt(campaign, shard, struck)
        await world.stop_service(SLOT)
        await world.defect.mend(owners)
        await _surround(campaign, struck)
        pile = [
            operators.no_act(rng),
            operators.replay(rng, owners[0]),
            operators.resume(rng, shard),
            operators.no_act(rng),
            operators.resume(rng, shard),
            operators.replay(rng, owners[1]),
            operators.no_act(rng),
        ]
        await _kill_at_the_pile(campaign, kind, point, shard, await world.publish(ACTS, shard, pile))
        await replay_until_none_waits(campaign, owners)

    return kind, inject


async def replay_until_none_waits(campaign: Campaign, owners: Sequence[str]) -> None:
    """Replay until nothing of these owners waits in any shard."""
    world = campaign.world
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        queues = {(each.shard, each.owner) for each in await world.waiting(owners)}
        if not queues:
            return
        if time.monotonic() > deadline:
            raise NotRecovered(f"still parked after {SECONDS_MAX:.0f} s: {sorted(queues)}")
        for shard, owner in sorted(queues):
            await world.publish(ACTS, shard, [operators.replay(campaign.rng, owner)])
        await _until(partial(_fewer, world, owners, len(queues)), seconds=5.0)


def standing_owners(campaign: Campaign, count: int) -> list[str]:
    """Owners to stay struck through the whole campaign: none of the busiest, each in another shard."""
    found: dict[int, str] = {}
    for account in campaign.load.workload.accounts[8:]:
        found.setdefault(campaign.world.home_of(account.owner), account.owner)
    return list(found.values())[:count]


async def _kill_at_the_pile(
    campaign: Campaign, kind: str, point: str, shard: int, offsets: Sequence[int]
) -> None:
    world, rng = campaign.world, campaign.rng
    waiting = len(await world.waiting())
    count = rng.randint(*COUNTS[point])
    await world.start_service("transactions", 0, BACKOFFICE_FAILPOINT=f"transactions:{point}:{count}")
    killed = await death(campaign, "transactions", point)
    await world.stop_service(SLOT)
    position = await world.position("transactions", ACTS, shard)
    begun = position > offsets[0] or len(await world.waiting()) < waiting
    phase = "after" if position > offsets[-1] else "during" if begun else "before"
    await world.start_service("transactions", 0)
    await _until(partial(_goes_on, world, shard, offsets[-1]))
    campaign.tally.note(kind, await world.recovered(["transactions"], killed))
    campaign.tally.phases[phase] += 1


async def _pile(campaign: Campaign, shard: int, owners: Sequence[str]) -> list[bytes | None]:
    """Acts back to back, between records nobody can read, with a repetition and some in vain."""
    world, rng = campaign.world, campaign.rng
    waiting = await world.waiting(owners)
    first, second = (operators.replay(rng, owner) for owner in owners)
    given_up = operators.discard(rng, next(each for each in waiting if each.owner == owners[0]))
    middle = operators.discard(rng, rng.choice([each for each in waiting if each.owner == owners[1]]))
    return [
        operators.no_act(rng),
        given_up,
        first,
        operators.no_act(rng),
        operators.in_vain(rng, shard),
        middle,
        second,
        first,
        given_up,
        operators.no_act(rng),
        operators.resume(rng, shard),
        operators.in_vain(rng, shard),
        operators.no_act(rng),
    ]


async def _surround(campaign: Campaign, accounts: Sequence[Account]) -> None:
    """In the instructions, too, what nobody can read stands before and behind the struck owners' records."""
    workload = campaign.load.workload
    for account in accounts:
        spoilt = workload.poison_for(account)
        await campaign.load.send([spoilt, *workload.business_of(account, 2), spoilt])


async def _hold_payments(campaign: Campaign, accounts: Sequence[Account]) -> None:
    """Have a payment of each held, where screening holds it, so that a decision can be parked as well."""
    for account in accounts:
        await campaign.load.send(campaign.load.workload.payment_to_be_held(account))
    await _until(partial(_are_held, campaign.world, {account.owner for account in accounts}), seconds=3.0)


async def _park(campaign: Campaign, accounts: Sequence[Account]) -> None:
    """Send business of each until enough of it waits."""
    world = campaign.world
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        waiting = await world.waiting([account.owner for account in accounts])
        counts = [sum(each.owner == account.owner for each in waiting) for account in accounts]
        if min(counts) >= WAITING_MIN:
            return
        if time.monotonic() > deadline:
            raise NotRecovered(f"only {counts} records were parked")
        for account in accounts:
            await campaign.load.send(campaign.load.workload.business_of(account, WAITING_MIN))
        await asyncio.sleep(0.3)


async def _halt(campaign: Campaign, shard: int, accounts: Sequence[Account]) -> None:
    """Send business of each until the shard is halted."""
    deadline = time.monotonic() + SECONDS_MAX
    while not (await campaign.world.worked("transactions"))[shard].halted:
        if time.monotonic() > deadline:
            raise NotRecovered(f"shard {shard} is not halted though every record of three owners fails")
        for account in accounts:
            await campaign.load.send(campaign.load.workload.business_of(account, 1))
        await asyncio.sleep(0.3)


def _at_home(campaign: Campaign, shard: int, count: int) -> list[Account]:
    """Customers of a shard who are not struck yet; one account of each."""
    found: dict[str, Account] = {}
    for account in campaign.rng.sample(campaign.load.workload.accounts, len(campaign.load.workload.accounts)):
        struck = account.owner in campaign.world.defect.struck
        if not struck and campaign.world.home_of(account.owner) == shard:
            found.setdefault(account.owner, account)
    return list(found.values())[:count]


async def _are_held(world: World, owners: set[str]) -> bool:
    return owners <= {owner for owner, _ in await world.holds(list(owners))}


async def _fewer(world: World, owners: Sequence[str], queues: int) -> bool:
    return len({(each.shard, each.owner) for each in await world.waiting(owners)}) < queues


async def _goes_on(world: World, shard: int, offset: int) -> bool:
    """Whether the shard is not halted, and all acts up to a place were taken."""
    position = await world.position("transactions", ACTS, shard)
    return position > offset and (await world.worked("transactions"))[shard].halted is None


async def _until(condition: Callable[[], Awaitable[bool]], seconds: float = SECONDS_MAX) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await condition():
            return
        await asyncio.sleep(0.1)
