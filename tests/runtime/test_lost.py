"""Records that are deleted before they are taken: the shard stands still until two people pass them over."""

import json
import signal

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from shared.messages.acts import PassOverLost
from shared.runtime.clock import new_id
from tests.runtime.conftest import Rig
from tests.runtime.test_mending import act, answers, position, resume, until_answered

pytestmark = pytest.mark.xdist_group("kafka")


def passing(rig: Rig, from_offset: int, until_offset: int, approved_by: str = "bea") -> PassOverLost:
    """Pass over these offsets of the toy's instructions."""
    return PassOverLost(
        act_id=new_id(),
        actor="ann",
        reason="sent again with new ids",
        shard=0,
        topic=rig.instructions.name,
        from_offset=from_offset,
        until_offset=until_offset,
        approved_by=approved_by,
    )


async def delete_before(rig: Rig, offset: int) -> None:
    """Have the broker delete the first records of shard 0's instructions, as retention does."""
    admin = AIOKafkaAdminClient(**rig.kafka.client_options())
    await admin.start()
    try:
        place = TopicPartition(rig.instructions.name, 0)
        await admin.delete_records({place: RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


async def halted_by_loss(rig: Rig) -> None:
    """Take one record, lose three of the next four while the service is down, and see the shard halt."""
    rig.start("toy")
    await rig.send("a")
    await rig.until_notes(1)
    rig.kill("toy-0", signal.SIGTERM)
    await rig.send("lost 1", "lost 2", "lost 3", "there")
    await delete_before(rig, 4)
    rig.start("toy")

    async def halted() -> bool:
        return "deleted before they were taken" in ((await rig.shard(0))["halted"] or "")

    await rig.until(halted, "the halt")


async def test_two_people_let_a_shard_go_on_behind_what_is_lost(rig: Rig) -> None:
    """What was lost, and who answers for it, is kept; what is there is taken, now and after a restart."""
    await halted_by_loss(rig)
    going_on = passing(rig, 1, 4)
    await act(rig, going_on)
    assert await until_answered(rig, going_on) == [(True, "passed_over")]
    assert await rig.until_notes(2) == ["a", "there"]
    (row,) = await rig.database.fetch("SELECT * FROM toy.passed_over")
    assert (row["topic"], row["partition"], row["shard"]) == (rig.instructions.name, 0, 0)
    assert (row["from_offset"], row["until_offset"]) == (1, 4)
    assert (row["actor"], row["approved_by"], row["act_id"]) == ("ann", "bea", going_on.act_id)
    body = await rig.database.fetchval("SELECT body FROM toy.outbox WHERE type = 'ActDone'")
    told = json.loads(body)["result"]
    assert (told["from_offset"], told["until_offset"], told["records"]) == (1, 4, 3)
    assert told["approved_by"] == "bea"
    rig.kill("toy-0", signal.SIGTERM)
    rig.start("toy")
    await rig.send("b")
    assert await rig.until_notes(3) == ["a", "there", "b"]
    assert await position(rig, rig.instructions.name) == 6


async def test_what_is_lost_is_passed_over_by_no_other_act(rig: Rig) -> None:
    """Not by a resume, not by one person, not by a guess; and nothing is taken until then."""
    await halted_by_loss(rig)
    refused = [resume(), passing(rig, 1, 4, "ann"), passing(rig, 1, 3), passing(rig, 0, 4)]
    await act(rig, *refused)
    found = await until_answered(rig, *refused)
    assert [done for done, _ in found] == [False] * 4
    assert [detail.split(":")[0] for _, detail in found] == [
        "records_lost",
        "same_person",
        "lost_otherwise",
        "lost_otherwise",
    ]
    assert found[2][1] == "lost_otherwise: from 1 until 4"
    assert await rig.notes() == ["a"]
    assert await rig.database.fetchval("SELECT count(*) FROM toy.passed_over") == 0


async def test_an_act_that_passes_over_and_is_cut_off_is_done_once(rig: Rig) -> None:
    """Killed before the commit and after it: in the end it is answered as done, and kept once."""
    await halted_by_loss(rig)
    for point in ("before_commit", "after_commit"):
        rig.kill("toy-0", signal.SIGTERM)
        rig.start("toy", BACKOFFICE_FAILPOINT=f"toy:{point}:1")
        going_on = passing(rig, 1, 4)
        await act(rig, going_on)

        async def died() -> bool:
            return rig.processes["toy-0"].poll() is not None

        await rig.until(died, f"the kill {point}")
    rig.start("toy")
    assert await rig.until_notes(2) == ["a", "there"]
    assert await rig.database.fetchval("SELECT count(*) FROM toy.passed_over") == 1
    assert [done for _, done, _ in await answers(rig)].count(True) == 1


async def test_a_shard_that_has_lost_nothing_passes_nothing_over(rig: Rig) -> None:
    """Whatever is named."""
    rig.start("toy")
    await rig.send("a")
    await rig.until_notes(1)
    going_on = passing(rig, 1, 4)
    await act(rig, going_on)
    assert await until_answered(rig, going_on) == [(False, "not_halted")]
