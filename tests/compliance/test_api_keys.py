"""Requests sent again by their `Idempotency-Key`: done once, answered as before, and never for another."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.compliance.api_desk import NO_ID, Desk
from tests.compliance.conftest import Harness
from tests.compliance.ledger import ALICE, DAY, Ledger


@pytest.fixture
def desk(harness: Harness) -> Desk:
    """Make the API."""
    return Desk(harness)


async def test_a_key_of_an_act_on_one_case_does_none_on_another(desk: Desk):
    """An officer who is told that it is done has to be told so of what was asked for."""
    first = (await desk.post("/v1/cases", "analyst", owner=ALICE)).body["result"]["case_id"]
    second = (await desk.post("/v1/cases", "analyst", owner=ALICE)).body["result"]["case_id"]
    note = ("analyst", "ann")
    assert (await desk.post(f"/v1/cases/{first}/notes", *note, seen='"1"', key=NO_ID)).status == 200
    reused = await desk.post(f"/v1/cases/{second}/notes", *note, seen='"1"', key=NO_ID)
    assert (reused.status, reused.body["title"]) == (409, "key_reused")


async def test_a_key_of_a_decision_is_none_of_another_decision(desk: Desk):
    """The same case, officer and words: what is asked for is another thing all the same."""
    opened = await desk.post("/v1/cases", "analyst", owner=ALICE)
    path = f"/v1/cases/{opened.body['result']['case_id']}"
    otto = ("investigator", "otto")
    await desk.post(f"{path}/assignment", *otto, officer="otto", seen='"1"')
    decided = await desk.post(f"{path}/decision", *otto, seen='"2"', key=NO_ID, disposition="inconclusive")
    assert decided.body["result"]["status"] == "closed"
    reused = await desk.post(f"{path}/decision", *otto, seen='"3"', key=NO_ID, disposition="confirmed")
    assert (reused.status, reused.body["title"]) == (409, "key_reused")


async def test_what_is_sent_again_with_its_key_is_answered_as_before(harness: Harness, desk: Desk):
    """The answer was lost on the way: the request is the same, with the entity tag that was seen then."""
    listed = {"creditor": "Yorick Undertow"}
    [hold] = await harness.take(*Ledger().moved("withdrawal", "5", cash=False, pending=True, names=listed))
    opened = await desk.post("/v1/cases", "analyst", owner=ALICE)
    pair = {"owner": ALICE, "name": "Otto Grimwold", "list_code": "DEMO", "entry_id": "DEMO-001"}
    proposed = await desk.post("/v1/whitelist", "analyst", **pair, until=str(DAY + timedelta(days=30)))
    case, whitelisted = (
        f"/v1/cases/{opened.body['result']['case_id']}/assignment",
        f"/v1/whitelist/{proposed.body['result']['whitelisting_id']}/approval",
    )
    requests: list[tuple[str, str, str, dict[str, Any]]] = [
        (f"/v1/holds/{hold.instruction_id}/decision", "approver", '"held"', {"decision": "refused"}),
        (case, "investigator", '"1"', {"officer": "otto"}),
        (whitelisted, "approver", '"proposed"', {}),
    ]
    for number, (path, role, seen, said) in enumerate(requests):
        key = str(UUID(int=7000 + number))
        first = await desk.post(path, role, "ben", seen=seen, key=key, **said)
        again = await desk.post(path, role, "ben", seen=seen, key=key, **said)
        assert (path, first.status, again.status) == (path, 200, 200), again.body
        assert again.body["seq"] == first.body["seq"]
        late = await desk.post(path, role, "ben", seen=seen, **said)
        assert (path, late.status) == (path, 412)
