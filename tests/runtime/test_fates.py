"""A bad record never stops a good one, and nothing is lost."""

import json

import pytest

from shared.messages.acts import DiscardParked, ReplayParked, ResumeShard
from shared.runtime.clock import new_id
from tests.runtime.conftest import PARTITIONS, Rig
from tests.runtime.toy import key_for

pytestmark = pytest.mark.xdist_group("kafka")


async def test_an_unreadable_record_is_kept_and_passed(rig: Rig) -> None:
    """Its bytes, place and error are a dead letter; the shard goes on."""
    rig.start("toy")
    await rig.send("a", "bad", "b")
    assert await rig.until_notes(3) == ["a", "unreadable", "b"]
    row = await rig.database.fetchrow("SELECT * FROM toy.dead_letter")
    assert (row["value"], row["error"], row["offset"]) == (b"bad", "no_colon", 1)


async def test_a_record_whose_handling_fails_parks_its_owner_and_no_other(rig: Rig) -> None:
    """It and all later ones of its owner wait, in order; the records around them take effect."""
    rig.start("toy")
    owner = key_for(0, PARTITIONS)
    await rig.send("a:other", f"boom:{owner}", "b:other", f"c:{owner}", "d:other")
    assert await rig.until_notes(5) == ["a", "parked", "b", "parked", "d"]
    rows = await rig.database.fetch("SELECT owner, behind, error FROM toy.parked ORDER BY parked_id")
    assert [(row["owner"], row["behind"]) for row in rows] == [(owner, False), (owner, True)]
    assert rows[0]["error"].startswith("ZeroDivisionError")


async def test_an_event_that_its_topic_does_not_take_is_not_committed(rig: Rig) -> None:
    """It would be sent for ever, and nothing behind it would come; so the record that led to it waits."""
    rig.start("toy")
    owner = key_for(0, PARTITIONS)
    await rig.send("a:other", f"vast:{owner}", "b:other")
    assert await rig.until_notes(3) == ["a", "parked", "b"]
    assert (await rig.database.fetchval("SELECT error FROM toy.parked")).startswith("EventTooLargeError")


async def test_parked_records_are_replayed_in_order_by_an_act(rig: Rig) -> None:
    """A replay that fails again says where and changes nothing; after the defect is mended it works."""
    owner = key_for(0, PARTITIONS)
    rig.start("toy")
    await rig.send("boom", "c", "d")
    await rig.until_notes(3)
    act = ReplayParked(act_id=new_id(), actor="ann", reason="try", owner=owner)
    answer = await rig.client.perform(rig.acts, act, 0, rig.journal)
    assert (answer.done, answer.result) == (False, {"replayed": 0, "left": 3})
    rig.kill("toy-0")
    rig.start("toy", TOY_MENDED="yes")
    act = ReplayParked(act_id=new_id(), actor="ann", reason="mended", owner=owner)
    answer = await rig.client.perform(rig.acts, act, 0, rig.journal)
    assert (answer.done, answer.result) == (True, {"replayed": 3, "left": 0})
    await rig.send("e")
    words = await rig.until_notes(7)
    assert words == ["boom", "parked", "c", "parked", "d", "parked", "e"]
    assert await rig.database.fetchval("SELECT count(*) FROM toy.parked WHERE resolution = 'replayed'") == 3


async def test_a_parked_record_can_be_given_up_so_that_those_behind_go_on(rig: Rig) -> None:
    """Discarding the first lets a replay take the others."""
    owner = key_for(0, PARTITIONS)
    rig.start("toy")
    places = await rig.send("boom", "c")
    await rig.until_notes(2)
    act = DiscardParked(
        act_id=new_id(),
        actor="ann",
        reason="nonsense",
        owner=owner,
        topic=rig.instructions.name,
        partition=0,
        offset=places[0][1],
    )
    assert (await rig.client.perform(rig.acts, act, 0, rig.journal)).done
    replay = ReplayParked(act_id=new_id(), actor="ann", reason="the rest", owner=owner)
    assert (await rig.client.perform(rig.acts, replay, 0, rig.journal)).result["replayed"] == 1
    assert await rig.notes() == ["discarded", "parked", "c", "parked"]


async def test_an_act_does_not_move_the_position_past_what_stands_before_it(rig: Rig) -> None:
    """Killed after the first commit, nothing that came before the act may be gone."""
    act = ResumeShard(act_id=new_id(), actor="ann", reason="x", shard=0)
    value = act.model_dump_json().encode()
    await rig.client.send(rig.acts, [(b"house", b"bad", 0), (b"house", value, 0)])
    rig.start("toy", BACKOFFICE_FAILPOINT="toy:after_commit:1")

    async def died() -> bool:
        return rig.processes["toy-0"].poll() is not None

    await rig.until(died, "the kill")
    rig.start("toy")

    async def both() -> bool:
        return bool(
            await rig.database.fetchval("SELECT count(*) FROM toy.dead_letter")
            and await rig.database.fetchval("SELECT count(*) FROM toy.act")
        )

    await rig.until(both, "the dead letter and the act")


async def test_an_act_sent_twice_is_done_once(rig: Rig) -> None:
    """Its id names it; the repeat is answered and does nothing."""
    rig.start("toy")
    await rig.send("boom")
    await rig.until_notes(1)
    act = ReplayParked(act_id=new_id(), actor="ann", reason="x", owner="nobody")
    assert (await rig.client.perform(rig.acts, act, 0, rig.journal)).detail == "nothing_parked"
    assert (await rig.client.perform(rig.acts, act, 0, rig.journal)).detail == "act_already_done"


async def test_a_record_that_kills_the_process_is_found_and_parked(rig: Rig) -> None:
    """Its deaths are counted before each attempt; the records beside it take effect."""
    owner = key_for(0, PARTITIONS)
    await rig.send("a:other", f"die:{owner}", "b:other")
    for _ in range(8):
        rig.start("toy")

        async def settled() -> bool:
            return rig.processes["toy-0"].poll() is not None or len(await rig.notes()) == 3

        await rig.until(settled, "the process to die or to get through")
        if len(await rig.notes()) == 3:
            break
    assert await rig.notes() == ["a", "parked", "b"]
    assert await rig.database.fetchval("SELECT error FROM toy.parked") == "ProcessDied "


async def test_many_failures_in_a_short_time_halt_the_shard_and_an_act_lets_it_go_on(rig: Rig) -> None:
    """A defect that hits everybody should not park everybody one by one; acts still work."""
    rig.start("toy", BACKOFFICE_PARKINGS_PER_MINUTE_MAX="2")
    await rig.send("boom:o1", "boom:o2", "boom:o3", "x:o4")

    async def halted() -> bool:
        return bool((await rig.shard(0))["halted"])

    await rig.until(halted, "the halt")
    assert await rig.notes() == ["parked", "parked"]
    rig.kill("toy-0")
    rig.start("toy", TOY_MENDED="yes")
    act = ResumeShard(act_id=new_id(), actor="ann", reason="mended", shard=0)
    assert (await rig.client.perform(rig.acts, act, 0, rig.journal)).done
    assert await rig.until_notes(4) == ["parked", "parked", "boom", "x"]


async def test_a_hole_in_a_chain_is_passed_over_and_halts_the_shard_if_it_stays(rig: Rig) -> None:
    """An event ahead of its chain is not taken: the earlier ones will come again, or a person must look."""
    rig.start("folder", BACKOFFICE_CHAIN_GAP_SECONDS_MAX="2")

    def event(seq: int, prev: int) -> tuple[str, bytes, list[tuple[str, bytes]]]:
        headers = [("shard", b"0"), ("seq", b"%d" % seq), ("prev", b"%d" % prev)]
        return "k", json.dumps({"type": f"E{seq}", "seq": seq}).encode(), headers

    producer = await rig.client._open_producer()
    for key, value, headers in (event(1, 0), event(3, 2), event(2, 1), event(3, 2), event(2, 1)):
        await producer.send_and_wait(rig.journal.name, value, key=key.encode(), partition=0, headers=headers)
    assert await rig.until_notes(3, "folder") == ["E1", "E2", "E3"]
    key, value, headers = event(9, 8)
    await producer.send_and_wait(rig.journal.name, value, key=key.encode(), partition=0, headers=headers)

    async def halted() -> bool:
        return "hole" in ((await rig.shard(0, "folder"))["halted"] or "")

    await rig.until(halted, "the halt")


async def test_an_event_of_another_service_that_cannot_be_read_halts_the_shard(rig: Rig) -> None:
    """A stream that is folded may not have a hole."""
    rig.start("folder")
    producer = await rig.client._open_producer()
    headers = [("shard", b"0"), ("seq", b"1"), ("prev", b"0")]
    await producer.send_and_wait(rig.journal.name, b"not json", partition=0, headers=headers)

    async def halted() -> bool:
        return "cannot be read" in ((await rig.shard(0, "folder"))["halted"] or "")

    await rig.until(halted, "the halt")


async def test_a_header_that_is_no_trace_context_is_not_passed_on(rig: Rig) -> None:
    """Upstream's headers are as unchecked as its values: a null byte in one must not reach a text column."""
    rig.start("toy")
    owner = key_for(0, PARTITIONS)
    good = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    producer = await rig.client._open_producer()
    for value in (b"\x00", b"\xff" * 300, good):
        await producer.send_and_wait(
            rig.instructions.name,
            f"a:{owner}".encode(),
            key=owner.encode(),
            partition=0,
            headers=[("traceparent", value), ("correlation_id", value)],
        )
    assert await rig.until_notes(3) == ["a", "a", "a"]
    passed = await rig.database.fetch("SELECT traceparent FROM toy.outbox ORDER BY seq")
    assert [row["traceparent"] for row in passed] == [None, None, good.decode()]


async def test_what_is_due_is_done_without_traffic_and_a_defect_in_it_stays_in_its_shard(rig: Rig) -> None:
    """Its events are numbered and published like all others; the owners who wait there are told."""
    rig.start("toy", TOY_TICKS="yes")
    owner = key_for(1, PARTITIONS)
    await rig.send(f"boom:{owner}", partition=1)

    async def ticked() -> bool:
        """Whether a tick was noted that knew of the parked owner, and none of the shard that fails."""
        notes = await rig.database.fetch("SELECT partition, word FROM toy.note WHERE topic = 'tick'")
        return (1, f"ticked, parked: ['{owner}']") in {tuple(row) for row in notes} and all(
            row["partition"] == 1 for row in notes
        )

    await rig.until(ticked, "a tick in the shard without a defect")
    assert '"tick_failed"' in rig.log("toy-0")
    await rig.send("a", partition=0)
    assert "a" in await rig.until_notes(1 + len(await rig.notes()))

    async def published() -> bool:
        """Whether both the parking and a tick are acknowledged."""
        shard = await rig.shard(1)
        return shard["published_seq"] >= 2

    await rig.until(published, "the tick's events")
