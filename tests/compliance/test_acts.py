"""Operators' acts: holds released and refused, lists loaded and activated, each once."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.messages.acts import ActivateList, LoadList, RefuseHold, RefuseList, ReleaseHold
from shared.messages.acts.lists import ListedName
from shared.messages.compliance import DecisionMade, HoldPlaced, ListActivated, ListRefused
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from tests.compliance.conftest import Harness, kinds
from tests.compliance.ledger import ALICE, ANNE, PARTITIONS, Ledger

HOUSE_SHARD = shard_of(HOUSE, PARTITIONS)


@dataclass
class Desk:
    """Somebody who acts."""

    acts: int = 0

    def act(self, kind: type, **fields: Any) -> Any:
        """Make an act with an id of its own."""
        self.acts += 1
        return kind(act_id=UUID(int=1000 + self.acts), actor="ann", reason="looked at it", **fields)

    def part(
        self, part: int, *entries: str, parts: int = 2, sha256: str = "ab", version: str = "7"
    ) -> LoadList:
        """Make a part of a list whose entries bear their ids as names."""
        listed = tuple(
            ListedName(entry_id=each, kind="person", names=(f"Listed {each}",)) for each in entries
        )
        return self.act(
            LoadList, list_code="OWN", version=version, part=part, parts=parts, sha256=sha256, entries=listed
        )

    def activate(self, version: str = "7", code: str = "OWN") -> ActivateList:
        """Make an act that activates a list."""
        return self.act(ActivateList, list_code=code, version=version)


async def held(harness: Harness, ledger: Ledger) -> HoldPlaced:
    """Let a payment be held."""
    names = {"creditor": "Yorick Undertow"}
    [hold] = await harness.take(*ledger.moved("withdrawal", "5", cash=False, pending=True, names=names))
    assert isinstance(hold, HoldPlaced)
    return hold


async def test_a_release_and_a_refusal_are_decisions_with_their_act(harness: Harness):
    """Actor and reason are kept with the findings that were overruled."""
    ledger, desk = Ledger(), Desk()
    for kind, word in ((ReleaseHold, "released"), (RefuseHold, "refused")):
        hold = await held(harness, ledger)
        act = desk.act(kind, owner=ALICE, instruction_id=hold.instruction_id)
        if kind is ReleaseHold:
            await harness.act(act.model_copy(update={"act_id": UUID(int=5000), "actor": "ben"}))
        decision, done = await harness.act(act)
        assert isinstance(decision, DecisionMade)
        assert (decision.decision, decision.actor, decision.reason) == (word, "ann", "looked at it")
        assert (decision.act_id, decision.first, decision.findings) == (act.act_id, hold.first, hold.findings)
        assert decision.lists == {"DEMO": "1"}
        assert (done.done, done.act_id, done.instruction_id) == (True, act.act_id, hold.instruction_id)
    assert [row["status"] for row in (await harness.tables())["hold"]] == ["released", "refused"]


async def test_an_act_that_comes_twice_is_done_once_and_answered_as_before(harness: Harness):
    """An operator who is not sure sends it again."""
    hold = await held(harness, Ledger())
    act = Desk().act(RefuseHold, owner=ALICE, instruction_id=hold.instruction_id)
    first = await harness.act(act)
    again = await harness.act(act, act)
    assert kinds(first) == ["refused", "ActDone"]
    assert kinds(again) == ["ActDone", "ActDone"]
    assert [(each.done, each.detail) for each in again] == [(True, first[1].detail)] * 2
    assert again[0].result == {**first[1].result, "repeat": True}
    assert len((await harness.tables())["act_answer"]) == 1


async def test_an_act_that_comes_twice_in_one_batch_is_done_once(harness: Harness):
    """The second finds what the first did, though nothing is committed yet."""
    hold = await held(harness, Ledger())
    act = Desk().act(RefuseHold, owner=ALICE, instruction_id=hold.instruction_id)
    assert kinds(await harness.act(act, act)) == ["refused", "ActDone", "ActDone"]


async def test_an_id_that_was_another_acts_is_refused_by_name(harness: Harness):
    """Whoever is told that it is done has to be told so of what was asked for; the first stays done."""
    ledger, desk = Ledger(), Desk()
    one, two = await held(harness, ledger), await held(harness, ledger)
    act = desk.act(RefuseHold, owner=ALICE, instruction_id=one.instruction_id)
    elsewhere = act.model_copy(update={"instruction_id": two.instruction_id})
    other = ReleaseHold(**act.model_dump(exclude={"type"}))
    by_another = act.model_copy(update={"actor": "ben"})
    first, *at_once = (each for each in await harness.act(act, elsewhere) if kinds([each]) == ["ActDone"])
    later = await harness.act(elsewhere, other, by_another)
    assert first.done
    for each in (*at_once, *later):
        assert (each.done, each.result["refused"]) == (False, "id_reused")
    [answer] = (await harness.tables())["act_answer"]
    assert (answer["seq"], answer["done"]) == (first.seq, True)
    assert sorted(row["status"] for row in (await harness.tables())["hold"]) == ["held", "refused"]
    [again] = await harness.act(act)
    assert (again.done, again.detail) == (True, first.detail)


async def test_a_hold_is_decided_once(harness: Harness):
    """Only the first decision counts; the second is told so by name."""
    desk = Desk()
    hold = await held(harness, Ledger())
    release = desk.act(ReleaseHold, owner=ALICE, instruction_id=hold.instruction_id)
    refuse = desk.act(RefuseHold, owner=ALICE, instruction_id=hold.instruction_id)
    events = await harness.act(refuse, release)
    assert kinds(events) == ["refused", "ActDone", "ActDone"]
    assert (events[2].done, events[2].result["refused"]) == (False, "already_refused")
    [late] = await harness.act(desk.act(RefuseHold, owner=ALICE, instruction_id=hold.instruction_id))
    assert (late.done, late.result["refused"]) == (False, "already_refused")


async def test_a_hold_that_is_not_there_is_refused_by_name(harness: Harness):
    """Another owner's hold is none of this owner's."""
    desk = Desk()
    hold = await held(harness, Ledger())
    [unknown] = await harness.act(desk.act(ReleaseHold, owner=ALICE, instruction_id=UUID(int=99)))
    [others] = await harness.act(desk.act(ReleaseHold, owner=ANNE, instruction_id=hold.instruction_id))
    assert [each.result["refused"] for each in (unknown, others)] == ["no_such_hold", "no_such_hold"]
    assert not unknown.done


async def test_a_list_counts_from_its_activation_on_in_each_shard(harness: Harness):
    """Parts first, then active shard by shard; names of an older version stop to count."""
    ledger, desk = Ledger(), Desk()

    async def screened() -> list[str]:
        moved = ledger.moved("withdrawal", "5", cash=False, pending=True, names={"creditor": "2 Listed"})
        return kinds(await harness.take(*moved))

    [done] = await harness.act(desk.part(1, "1"))
    assert done.result == {"loaded": 1, "parts": 2, "complete": False}
    [early] = await harness.act(desk.activate(), shard=0)
    assert (early.done, early.result["refused"]) == (False, "list_incomplete")
    [done] = await harness.act(desk.part(2, "2", "3"))
    assert done.result["complete"]
    assert await screened() == ["cleared"]
    activated, done = await harness.act(desk.activate(), shard=0)
    assert isinstance(activated, ListActivated)
    assert (activated.list_code, activated.version, activated.entries, activated.shard) == ("OWN", "7", 3, 0)
    assert done.done
    assert await screened() == ["HoldPlaced"]
    assert harness.published[-1].findings[0].values["list_version"] == "7"
    await harness.restart()
    assert await screened() == ["HoldPlaced"]
    await harness.act(desk.part(1, "1", parts=1, version="8"), desk.activate("8"), shard=HOUSE_SHARD)
    await harness.act(desk.activate("8"), shard=0)
    assert await screened() == ["cleared"]
    [decision] = harness.published[-1:]
    assert decision.lists == {"DEMO": "1", "OWN": "8"}


async def test_a_list_loaded_and_activated_in_one_batch_counts(harness: Harness):
    """Acts come in order, and see those before them."""
    desk = Desk()
    events = await harness.act(desk.part(1, "1", parts=1), desk.activate(), shard=HOUSE_SHARD)
    assert kinds(events) == ["ActDone", "ListActivated", "ActDone"]


async def test_an_activation_that_is_rolled_back_does_not_count(harness: Harness):
    """Memory follows the database."""
    desk = Desk()
    await harness.act(desk.part(1, "1", parts=1))
    service = harness.service
    before = dict(service._memory.active[0])
    decode = service.inputs[0].decode
    from shared.runtime.work import Received

    record = Received(
        0, "compliance.acts.v1", 0, 0, 0, b"", decode(desk.activate().model_dump_json().encode())
    )
    await harness.handle([record], commit=False)
    assert service._memory.active[0] == before


async def test_a_list_that_is_active_already_is_confirmed(harness: Harness):
    """Nothing changes but that it was read again, which is announced: a list ages."""
    confirmed, done = await harness.act(Desk().activate("1", "DEMO"), shard=2)
    assert kinds([confirmed]) == ["ListConfirmed"]
    assert (done.done, done.detail) == (True, "the version was active already, and is confirmed")


async def test_parts_that_do_not_belong_are_refused_by_name(harness: Harness):
    """A version never changes once it is made of a file."""
    desk = Desk()
    await harness.act(desk.part(1, "1"))
    cases = {
        "wrong_shard": (desk.part(2, "2"), (HOUSE_SHARD + 1) % PARTITIONS),
        "wrong_part": (desk.part(3, "2"), HOUSE_SHARD),
        "other_content": (desk.part(2, "2", sha256="cd"), HOUSE_SHARD),
        "entry_twice": (desk.part(2, "1"), HOUSE_SHARD),
        "list_unknown": (desk.activate("99"), 0),
    }
    for reason, (act, shard) in cases.items():
        [done] = await harness.act(act, shard=shard)
        assert (done.done, done.result["refused"]) == (False, reason)
    [again] = await harness.act(desk.part(1, "1"))
    assert (again.done, again.detail) == (True, "the part was there already")
    assert json.loads((await harness.tables())["act_answer"][0]["result"])["loaded"] == 1


async def test_a_refused_file_leaves_the_old_version_and_is_warned_of_until_one_is_activated(
    harness: Harness,
):
    """Parties are screened against an old list, and nobody would see it by the screening."""
    desk = Desk()
    common = {"file": "own.csv", "why": "the last line has no end"}
    await harness.act(desk.part(1, "1", parts=1), desk.activate(), shard=HOUSE_SHARD)
    assert harness.service.warnings() == {}
    refused, done = await harness.act(desk.act(RefuseList, list_code="OWN", line=7, **common))
    assert isinstance(refused, ListRefused)
    assert (refused.list_code, refused.file, refused.line, refused.stays) == ("OWN", "own.csv", 7, "7")
    assert (done.done, done.detail) == (True, "version 7 of OWN stays in force")
    [_, unknown] = await harness.act(desk.act(RefuseList, list_code="NEW", **common))
    assert unknown.detail == "there is no other version"
    told = {
        "list_refused": "OWN: own.csv, line 7: the last line has no end; version 7 stays in force; "
        "NEW: own.csv: the last line has no end; there is no other version"
    }
    assert harness.service.warnings() == told
    await harness.restart()
    words = harness.service.warnings()["list_refused"]
    assert sorted(words.split("; ")) == sorted(told["list_refused"].split("; ")), "another process warns, too"
    assert harness.service._memory.active[HOUSE_SHARD] == {"DEMO": "1", "OWN": "7"}
    await harness.act(desk.part(1, "1", parts=1, version="8"), desk.activate("8"), shard=HOUSE_SHARD)
    assert harness.service.warnings()["list_refused"].startswith("NEW: ")
    await harness.restart()
    assert harness.service.warnings()["list_refused"].startswith("NEW: ")


async def test_a_refused_file_is_noted_in_the_houses_shard_only_and_once(harness: Harness):
    """One place to look; an operator who is not sure sends it again."""
    act = Desk().act(RefuseList, list_code="DEMO", file="demo.csv", why="the file is empty")
    [elsewhere] = await harness.act(act, shard=(HOUSE_SHARD + 1) % PARTITIONS)
    assert (elsewhere.done, elsewhere.result["refused"]) == (False, "wrong_shard")
    assert kinds(await harness.act(act, act)) == ["ListRefused", "ActDone", "ActDone"]
    assert len(await harness.connection.fetch("SELECT FROM list_refusal")) == 1
