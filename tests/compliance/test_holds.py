"""A payment with a listed name is released by two people, which the database holds, too."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.compliance.queries.holds import holds_list, holds_show
from shared.messages.acts import RefuseHold, ReleaseHold
from tests.compliance.conftest import Harness, kinds
from tests.compliance.ledger import ALICE, Ledger, hours

ACTS = {"release": ReleaseHold, "refuse": RefuseHold}


async def listed(harness: Harness) -> UUID:
    """Let a payment to somebody listed be held."""
    names = {"creditor": "Yorick Undertow"}
    [hold] = await harness.take(*Ledger().moved("withdrawal", "5", cash=False, pending=True, names=names))
    return hold.instruction_id


async def structured(harness: Harness) -> UUID:
    """Let a payment be held for how it is cut, with nobody listed in it."""
    ledger = Ledger()
    for number in range(2):
        await harness.take(*ledger.moved("withdrawal", "9000", at=hours(number)))
    found = await harness.take(*ledger.moved("withdrawal", "9000", at=hours(3), pending=True))
    [hold] = [each for each in found if kinds([each]) == ["HoldPlaced"]]
    assert {each.rule for each in hold.findings} == {"STR-1"}
    return hold.instruction_id


def act(what: str, actor: str, instruction_id: UUID, number: int = 1) -> Any:
    """Make an act on a hold."""
    return ACTS[what](
        act_id=UUID(int=600 + number),
        actor=actor,
        reason="looked at",
        owner=ALICE,
        instruction_id=instruction_id,
    )


async def test_the_first_person_proposes_and_the_second_releases(harness: Harness):
    """The decision names both; who proposed cannot be the second, not even in another batch or process."""
    held = await listed(harness)
    [proposed] = await harness.act(act("release", "ann", held))
    assert (proposed.done, proposed.result["decision"]) == (True, "proposed")
    [shown] = await holds_list(harness.connection)
    assert (shown["status"], shown["proposed_by"]) == ("held", "ann")
    await harness.restart()
    [own] = await harness.act(act("release", "ann", held, 2))
    assert (own.done, own.result["refused"]) == (False, "same_person")
    decision, done = await harness.act(act("release", "ben", held, 3))
    assert (decision.decision, decision.actor, decision.proposed_by) == ("released", "ben", "ann")
    assert done.result["decision"] == "released"
    [shown] = await holds_show(harness.connection, held)
    assert (shown["status"], shown["actor"], shown["proposed_by"]) == ("released", "ben", "ann")


async def test_two_people_in_one_batch_are_two(harness: Harness):
    """And one person twice is one."""
    held = await listed(harness)
    events = await harness.act(
        act("release", "ann", held, 1), act("release", "ann", held, 2), act("release", "ben", held, 3)
    )
    assert kinds(events) == ["ActDone", "ActDone", "released", "ActDone"]
    assert events[1].result["refused"] == "same_person"


async def test_one_person_refuses_and_a_proposal_does_not_stand_in_the_way(harness: Harness):
    """What is stopped may be looked at again; what has left is gone."""
    held = await listed(harness)
    await harness.act(act("release", "ann", held))
    decision, _ = await harness.act(act("refuse", "ann", held, 2))
    assert (decision.decision, decision.proposed_by) == ("refused", None)


async def test_one_person_releases_where_nobody_is_listed(harness: Harness):
    """The second person is for sanctions, where a mistake cannot be made good."""
    decision, _ = await harness.act(act("release", "ann", await structured(harness)))
    assert (decision.decision, decision.proposed_by) == ("released", None)


FORGED = {
    "by one person": ("ann", None, "releasing_a_listed_name_is_proposed_first"),
    "by who proposed it": ("ann", "ann", "releasing_takes_two_people"),
    "proposed by somebody who did not": ("ben", "eve", "decision_names_its_proposal"),
}


@pytest.mark.parametrize(("actor", "proposed_by", "constraint"), FORGED.values(), ids=FORGED)
async def test_the_database_holds_that_releasing_takes_two(
    actor: str, proposed_by: str | None, constraint: str, harness: Harness
):
    """Whatever the code does."""
    held = await listed(harness)
    await harness.act(act("release", "ann", held))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=constraint):
        await harness.connection.execute(
            "INSERT INTO decision (shard, seq, recorded_at, instruction_id, content_hash, owner, first_shard,"
            " first_seq, decision, findings, lists, act_id, actor, reason, proposed_by)"
            " SELECT shard, 99, recorded_at, instruction_id, content_hash, owner, first_shard, first_seq,"
            " 'released', findings, lists, $1, $2, 'x', $3 FROM hold",
            UUID(int=1),
            actor,
            proposed_by,
        )
