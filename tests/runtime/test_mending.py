"""Acts that mend a shard: each in its turn and once, answered truly, whatever stands beside it or dies."""

import json
import signal

import psutil
import pytest

from shared.messages.acts import DiscardParked, ReleaseHold, ReplayParked, ResumeShard
from shared.messages.acts.base import ActBase
from shared.runtime.clock import new_id
from tests.runtime.conftest import PARTITIONS, Rig
from tests.runtime.toy import key_for

pytestmark = pytest.mark.xdist_group("kafka")

OWNER = key_for(0, PARTITIONS)
UNREADABLE = b"no act at all"


def release(reason: str, actor: str = "ann") -> ReleaseHold:
    """The toy's own act: its reason is noted."""
    return ReleaseHold(act_id=new_id(), actor=actor, reason=reason, owner=OWNER, instruction_id=new_id())


def replay(owner: str = OWNER) -> ReplayParked:
    """Take an owner's records again."""
    return ReplayParked(act_id=new_id(), actor="ann", reason="mended", owner=owner)


def discard(
    rig: Rig, offset: int, owner: str = OWNER, *, topic: str | None = None, partition: int = 0
) -> DiscardParked:
    """Give up one record of the toy's instructions, or of somewhere else."""
    return DiscardParked(
        act_id=new_id(),
        actor="ann",
        reason="nonsense",
        owner=owner,
        topic=topic or rig.instructions.name,
        partition=partition,
        offset=offset,
    )


def resume() -> ResumeShard:
    """Let the shard go on."""
    return ResumeShard(act_id=new_id(), actor="ann", reason="mended", shard=0)


async def act(rig: Rig, *acts: ActBase | bytes) -> None:
    """Publish acts, and bytes that are none, one directly behind the other."""
    values = [each if isinstance(each, bytes) else each.model_dump_json().encode() for each in acts]
    await rig.client.send(rig.acts, [(b"house", value, 0) for value in values])


async def answers(rig: Rig) -> list[tuple[str, bool, str]]:
    """What was answered: (act's id, done, detail), in the order of the journal."""
    rows = await rig.database.fetch("SELECT body FROM toy.outbox WHERE type = 'ActDone' ORDER BY seq")
    events = [json.loads(row["body"]) for row in rows]
    return [(each["act_id"], each["done"], each["detail"]) for each in events]


async def until_answered(rig: Rig, *acts: ActBase) -> list[tuple[bool, str]]:
    """Wait until each act is answered, and return its last answer."""

    async def all_of_them() -> bool:
        """Whether none is left without an answer."""
        return {str(each.act_id) for each in acts} <= {answer[0] for answer in await answers(rig)}

    await rig.until(all_of_them, "the answers")
    found = {act_id: (done, detail) for act_id, done, detail in await answers(rig)}
    return [found[str(each.act_id)] for each in acts]


async def until_dead(rig: Rig, slot: str = "toy-0") -> None:
    """Wait until the process has been killed at its failpoint."""

    async def died() -> bool:
        return rig.processes[slot].poll() == -signal.SIGKILL

    await rig.until(died, "the kill")


async def until_frozen(rig: Rig, slot: str = "toy-0") -> None:
    """Wait until the process stands still at its failpoint."""

    async def stopped() -> bool:
        """Whether the process stands still."""
        return psutil.Process(rig.processes[slot].pid).status() == psutil.STATUS_STOPPED

    await rig.until(stopped, "the freeze")


async def position(rig: Rig, topic: str) -> int:
    """Where shard 0 reads on in a topic."""
    query = "SELECT next_offset FROM toy.position WHERE topic = $1 AND partition = 0"
    return await rig.database.fetchval(query, topic) or 0


async def park(rig: Rig, *words: str) -> list[tuple[int, int]]:
    """Let records of one owner be parked, the first because it fails, and stop the process in good order."""
    rig.start("toy")
    places = await rig.send(*words)
    await rig.until_notes(len(words))
    rig.kill("toy-0", signal.SIGTERM)
    return places


# ── acts that fail ───────────────────────────────────────────────────────────────────────────────


async def test_an_act_whose_handling_fails_is_refused_and_those_behind_it_go_on(rig: Rig) -> None:
    """Acts never wait: the one behind may be what mends the shard."""
    failing, behind, mending = release("boom"), release("fine"), resume()
    await act(rig, failing, behind, mending)
    rig.start("toy")
    assert await rig.until_notes(1) == ["fine"]
    refused, resumed = await until_answered(rig, failing, mending)
    assert refused == (False, "failed: ZeroDivisionError")
    assert resumed == (False, "not_halted")
    assert (await rig.shard(0))["halted"] is None
    assert await position(rig, rig.acts.name) == 3
    assert await rig.database.fetchval("SELECT count(*) FROM toy.parked") == 0


async def test_a_mending_act_that_cannot_be_carried_out_is_refused_and_the_line_goes_on(rig: Rig) -> None:
    """No place Kafka could have, a name PostgreSQL cannot hold: a slip must not stop a process."""
    slips = [
        discard(rig, 2**70),
        discard(rig, 0, partition=2**40),
        discard(rig, 0, topic="a\u0000b"),
    ]
    await act(rig, *slips, release("fine"))
    rig.start("toy")
    assert await rig.until_notes(1) == ["fine"]
    assert [done for done, _ in await until_answered(rig, *slips)] == [False] * 3
    assert '"event": "batch_dropped"' not in rig.log("toy-0")


async def test_a_mending_act_whose_announcement_fails_halts_its_shard_and_no_other(rig: Rig) -> None:
    """It can be neither done nor refused; the other shards of the process must not notice."""
    mute = ReplayParked(act_id=new_id(), actor="mute", reason="x", owner=OWNER)
    await act(rig, mute)
    await rig.send("a", partition=1)
    rig.start("toy")

    async def halted() -> bool:
        return bool((await rig.shard(0))["halted"])

    await rig.until(halted, "the halt")
    assert await rig.until_notes(1) == ["a"]
    assert '"event": "batch_dropped"' not in rig.log("toy-0")


async def test_a_replay_that_kills_the_process_is_found_and_refused(rig: Rig) -> None:
    """Its record was parked for killing the process; asking for it again must not end it for ever."""
    await rig.send(f"die:{OWNER}", "b:other")
    asked = replay()
    for _ in range(8):
        rig.start("toy")

        async def settled() -> bool:
            return rig.processes["toy-0"].poll() is not None or len(await rig.notes()) == 2

        await rig.until(settled, "the process to die or to get through")
        if len(await rig.notes()) == 2:
            break
    await act(rig, asked)
    for _ in range(8):

        async def answered() -> bool:
            """Whether there is an answer, or another death."""
            return rig.processes["toy-0"].poll() is not None or bool(await answers(rig))

        await rig.until(answered, "the process to die or to answer")
        if await answers(rig):
            break
        rig.start("toy")
    assert await answers(rig) == [(str(asked.act_id), False, "failed: ProcessDied")]
    assert await rig.database.fetchval("SELECT resolved_at FROM toy.parked") is None


# ── what is left of a batch after a halt or a loss ────────────────────────────────────────────────


async def test_after_a_halt_the_acts_behind_wait_and_are_read_again(rig: Rig) -> None:
    """Taken at once, the resume would move the position past an act that has had no effect."""
    stuck, behind, mending = release("boom", actor="mute"), release("fine"), resume()
    await act(rig, stuck, behind, mending)
    rig.start("toy")

    async def halted() -> bool:
        return ((await rig.shard(0))["halted"] or "").startswith("handling")

    await rig.until(halted, "the halt")
    rig.kill("toy-0")
    assert await position(rig, rig.acts.name) == 0
    assert (await rig.notes(), await answers(rig)) == ([], [])
    rig.start("toy", TOY_MENDED="yes")
    assert await rig.until_notes(2) == ["boom", "fine"]
    assert await until_answered(rig, mending) == [(True, "resumed")]


async def test_after_a_halt_the_records_behind_wait_and_are_read_again(rig: Rig) -> None:
    """Also the other half of a batch that was divided, and only of that shard."""
    rig.start("toy", BACKOFFICE_PARKINGS_PER_MINUTE_MAX="0")
    await rig.send("a:o1", "boom:o2", "c:o3", "d:o4")
    await rig.send("x", partition=1)

    async def halted() -> bool:
        return bool((await rig.shard(0))["halted"])

    await rig.until(halted, "the halt")
    assert await rig.until_notes(2) == ["a", "x"]
    assert await position(rig, rig.instructions.name) == 1
    rig.kill("toy-0")
    rig.start("toy", TOY_MENDED="yes")
    await act(rig, resume())
    assert await rig.until_notes(5) == ["a", "boom", "c", "d", "x"]


async def test_records_of_a_shard_taken_over_inside_a_batch_are_read_again(rig: Rig) -> None:
    """One of a divided batch is committed, then the shard is another's: the rest is out of the batch."""
    await rig.send("a:o1", "boom:o2", "c:o3", "d:o4")
    rig.start("toy", BACKOFFICE_FAILPOINT="toy:after_commit:1:stop")
    await until_frozen(rig)
    assert await rig.notes() == ["a"]
    await rig.database.execute("UPDATE toy.shard SET epoch = epoch + 1 WHERE shard = 0")
    rig.kill("toy-0", signal.SIGCONT)
    assert await rig.until_notes(4) == ["a", "parked", "c", "d"]
    assert '"event": "fenced"' in rig.log("toy-0")
    assert await position(rig, rig.instructions.name) == 4


async def test_acts_of_a_shard_taken_over_inside_a_batch_are_read_again(rig: Rig) -> None:
    """Between what stood before a mending act and the act itself."""
    first, second = replay(), resume()
    await act(rig, UNREADABLE, first, UNREADABLE, second)
    rig.start("toy", BACKOFFICE_FAILPOINT="toy:after_commit:1:stop")
    await until_frozen(rig)
    await rig.database.execute("UPDATE toy.shard SET epoch = epoch + 1 WHERE shard = 0")
    rig.kill("toy-0", signal.SIGCONT)
    assert await until_answered(rig, first, second) == [(True, "nothing_parked"), (False, "not_halted")]
    assert await rig.database.fetchval("SELECT count(*) FROM toy.dead_letter") == 2
    assert len(await answers(rig)) == 2
    assert '"event": "fenced"' in rig.log("toy-0")


# ── kills ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "where",
    [
        "after_fence:1",
        "after_commit:1",
        "before_commit:2",
        "after_commit:2",
        "after_write:3",
        "after_commit:4",
        "before_commit:5",
        "after_commit:5",
        "after_commit:6",
        "after_commit:7",
        "mid_publish:1",
        "after_publish:1",
    ],
)
async def test_mending_acts_between_unreadable_ones_survive_a_kill_anywhere(rig: Rig, where: str) -> None:
    """Unreadable, two replays, unreadable, discard, resume: one batch, killed at each of its commits."""
    await park(rig, "boom:o1", "b:o1", "boom:o2", "d:o2", "boom:o3")
    first, second = replay("o1"), replay("o2")
    given_up, mending = discard(rig, 4, "o3"), resume()
    await act(rig, UNREADABLE, first, second, UNREADABLE, given_up, mending)
    rig.start("toy", TOY_MENDED="yes", BACKOFFICE_FAILPOINT=f"toy:{where}")
    await until_dead(rig)
    rig.start("toy", TOY_MENDED="yes")
    await until_answered(rig, first, second, given_up, mending)
    rows = await rig.database.fetch("SELECT owner, resolution FROM toy.parked ORDER BY parked_id")
    assert [tuple(row) for row in rows] == [
        *[("o1", "replayed")] * 2,
        *[("o2", "replayed")] * 2,
        ("o3", "discarded"),
    ]
    order = await rig.database.fetch(
        "SELECT convert_from(body, 'UTF8')::json ->> 'reason' AS word FROM toy.outbox"
        " WHERE type = 'InstructionRejected' ORDER BY seq OFFSET 5"
    )
    taken = [row["word"] for row in order if row["word"] != "unreadable"]
    assert taken == ["boom", "b", "boom", "d", "discarded"]
    assert await rig.database.fetchval("SELECT count(*) FROM toy.dead_letter") == 2
    assert await position(rig, rig.acts.name) == 6
    events = await rig.database.fetch("SELECT seq FROM toy.outbox WHERE shard = 0 ORDER BY seq")
    assert [row["seq"] for row in events] == list(range(1, len(events) + 1))


async def test_a_discard_cut_off_before_its_answer_is_answered_as_done(rig: Rig) -> None:
    """The record is given up and announced under this act's id; "not parked" would be a lie."""
    places = await park(rig, "boom", "c")
    given_up = discard(rig, places[0][1])
    await act(rig, given_up)
    rig.start("toy", BACKOFFICE_FAILPOINT="toy:after_commit:1")
    await until_dead(rig)
    rig.start("toy")
    assert await until_answered(rig, given_up) == [(True, "discarded")]


async def test_a_resume_cut_off_before_its_answer_is_answered_as_done(rig: Rig) -> None:
    """It let the shard go on; "not halted" would hide who did."""
    rig.start("toy")
    await rig.send("a")
    await rig.until_notes(1)
    rig.kill("toy-0", signal.SIGTERM)
    await rig.database.execute("UPDATE toy.shard SET halted = 'somebody should look' WHERE shard = 0")
    mending = resume()
    await act(rig, mending)
    rig.start("toy", BACKOFFICE_FAILPOINT="toy:after_fence:1")
    await until_dead(rig)
    rig.start("toy")
    assert await until_answered(rig, mending) == [(True, "resumed")]
