"""However and wherever a process dies, each record takes effect once and each event is published."""

import asyncio
import json
import signal

import psutil
import pytest

from shared.runtime.failpoints import POINTS
from tests.runtime.conftest import Rig

pytestmark = pytest.mark.xdist_group("kafka")


async def published(rig: Rig, count: int) -> list[tuple[int, int]]:
    """(shard, seq) of every event on the journal in offset order, once `count` different ones are there."""
    found: list[tuple[int, int]] = []
    async with asyncio.timeout(30):
        async for records in rig.client.follow(rig.journal):
            for record in records:
                event = json.loads(record.value or b"")
                found.append((event["shard"], event["seq"]))
            if len(set(found)) >= count:
                return found
    return found


@pytest.mark.parametrize("point", POINTS)
async def test_a_process_killed_at_a_failpoint_leaves_each_effect_once(rig: Rig, point: str) -> None:
    """Every named place between claim and mirror: the next process carries on without a hole or a repeat."""
    words = [f"w{number}" for number in range(40)]
    await rig.send(*words[:20])
    rig.start("toy", BACKOFFICE_FAILPOINT=f"toy:{point}:1")

    async def died() -> bool:
        return rig.processes["toy-0"].poll() == -signal.SIGKILL

    await rig.until(died, f"the process to die at {point}")
    rig.start("toy")
    await rig.send(*words[20:])
    assert await rig.until_notes(40) == words
    events = await published(rig, 40)
    assert sorted(set(events)) == [(0, seq) for seq in range(1, 41)]


async def test_a_consumer_of_events_has_each_once_though_they_are_published_again(rig: Rig) -> None:
    """A kill after publishing makes the next owner publish again; marks skip what was had."""
    rig.start("folder")
    rig.start("toy", BACKOFFICE_FAILPOINT="toy:after_publish:2")
    await rig.send("a", "b", "c")
    await rig.until_notes(3)
    await rig.send("d", "e", partition=1)

    async def died() -> bool:
        return rig.processes["toy-0"].poll() is not None

    await rig.until(died, "the kill")
    rig.start("toy")
    await rig.send("f")
    await rig.until_notes(6)
    rig.kill("folder-0")
    rig.start("folder")
    await rig.send("g")
    await rig.until_notes(7, "folder")
    await asyncio.sleep(0.5)
    assert await rig.notes("folder") == ["InstructionRejected"] * 7


async def test_a_process_that_wakes_up_late_changes_nothing(rig: Rig) -> None:
    """Frozen past its session, its shards go to another; when it wakes, its epoch is over."""
    rig.start("toy", slot="0")
    await rig.send("a")
    await rig.until_notes(1)
    rig.kill("toy-0", signal.SIGSTOP)
    rig.start("toy", slot="1")
    await rig.send("b", "c")
    assert await rig.until_notes(3) == ["a", "b", "c"]
    rig.kill("toy-0", signal.SIGCONT)
    await rig.send("d")
    await rig.send("x", partition=1)
    assert await rig.until_notes(5) == ["a", "b", "c", "d", "x"]


async def test_a_process_frozen_with_records_in_hand_is_stopped_by_the_fence(rig: Rig) -> None:
    """Another has taken them meanwhile; when it wakes, it still believes that they are its own to take."""
    await rig.send("a", "b", "c")
    rig.start("toy", slot="0", BACKOFFICE_FAILPOINT="toy:after_decode:1:stop")

    async def frozen() -> bool:
        return psutil.Process(rig.processes["toy-0"].pid).status() == psutil.STATUS_STOPPED

    await rig.until(frozen, "the freeze")
    rig.start("toy", slot="1")
    await rig.until_notes(3)
    await rig.send("d")
    await rig.until_notes(4)
    rig.kill("toy-0", signal.SIGCONT)
    await rig.send("e")
    await rig.send("x", partition=1)
    assert await rig.until_notes(6) == ["a", "b", "c", "d", "e", "x"]

    async def fenced() -> bool:
        """Say whether it has noticed."""
        return '"event": "fenced"' in rig.log("toy-0")

    await rig.until(fenced, "the fence")


async def test_two_processes_share_the_shards_and_give_them_back(rig: Rig) -> None:
    """Each shard is worked by one process at a time; a graceful stop hands over without being careful."""
    rig.start("toy", slot="0")
    await rig.send("a")
    await rig.until_notes(1)
    rig.start("toy", slot="1")

    async def shared() -> bool:
        return {(await rig.shard(n))["owner"] for n in (0, 1)} == {"toy-0", "toy-1"}

    await rig.until(shared, "both processes to own a shard")
    await rig.send("b")
    await rig.send("c", partition=1)
    await rig.until_notes(3)
    rig.kill("toy-1", signal.SIGTERM)
    await rig.send("d")
    await rig.send("e", partition=1)
    assert await rig.until_notes(5) == ["a", "b", "d", "c", "e"]
    assert '"careful": [0' not in rig.log("toy-0")


async def test_every_process_of_three_works_complete_shards_or_none(rig: Rig) -> None:
    """All of a shard's partitions come to one process, however many there are; a spare one waits."""
    rig.start("toy", slot="0")
    await rig.send("a")
    await rig.until_notes(1)
    rig.start("toy", slot="1")
    rig.start("toy", slot="2")

    async def shared() -> bool:
        return len({(await rig.shard(n))["owner"] for n in (0, 1)}) == 2

    await rig.until(shared, "two processes to own a shard each")
    await rig.send("b")
    await rig.send("c", partition=1)
    await rig.until_notes(3)
    for slot in ("toy-0", "toy-1", "toy-2"):
        rig.kill(slot)
        rig.start("toy", slot=slot[-1])
    await rig.send("d")
    await rig.send("e", partition=1)
    assert await rig.until_notes(5) == ["a", "b", "d", "c", "e"]


async def test_a_claim_overtaken_by_a_rebalance_lets_go(rig: Rig) -> None:
    """Frozen while it claims, it must neither hold shards that are another's nor call them lost."""
    rig.start("toy", slot="0")
    await rig.send(*(f"w{number}" for number in range(50)))

    async def claiming() -> bool:
        return (await rig.shard(0))["epoch"] >= 1

    await rig.until(claiming, "the claim to begin")
    rig.kill("toy-0", signal.SIGSTOP)
    rig.start("toy", slot="1")
    assert len(await rig.until_notes(50)) == 50
    rig.kill("toy-0", signal.SIGCONT)
    await rig.send("x")
    await rig.send("y", partition=1)
    await rig.until_notes(52)
    assert [(await rig.shard(n))["halted"] for n in (0, 1)] == [None, None]
