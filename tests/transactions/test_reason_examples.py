"""The examples in the reference of reasons: one for each, and each is what the ledger says."""

from typing import Any

from backoffice.cli.reference.reasons import page, story
from services.transactions.domain.reasons import TABLE
from shared.messages.journal import OUTCOMES
from shared.messages.kinds import BROADCAST
from shared.messages.partitioner import shard_of
from tests.transactions.support import PARTITIONS, PureLedger, answer, received

NOT_PLAYED = {"spans_owners", "account_class_not_valid", "instrument_not_valid"}
"""Reasons that take another chart, or a type that is not in the box; other tests meet them."""


def test_the_story_of_the_reasons_comes_out_as_it_is_told() -> None:
    """An example that the ledger judges otherwise would mislead whoever reads the reason's page."""
    ledger = PureLedger()
    events: dict[str, dict[str, Any]] = {}
    for line in story():
        if line.get("played", True):
            event = told(ledger, line, events)
            events[event["instruction_id"]] = event
            said = {name: event.get(name) for name in ("field", "detail")}
            outcome = OUTCOMES[event["type"]]
            reason = event.get("reason") or event.get("routed")
            if outcome == "duplicate":
                reason = outcome
            found = {"outcome": outcome, "reason": reason, **said}
            assert found == {name: line.get(name) for name in found}, line


def test_every_reason_has_an_example() -> None:
    """And only those that the pure ledger's chart cannot meet are not played."""
    lines = [line for line in story() if "reason" in line]
    assert {line["reason"] for line in lines} == {reason.code for reason in TABLE}
    assert {line["reason"] for line in lines if not line.get("played", True)} == NOT_PLAYED
    assert all(f"### `{reason.code}`" in page() for reason in TABLE)


def told(ledger: PureLedger, line: dict[str, Any], events: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Play one line and return the event that it is about."""
    match line.get("by"):
        case "compliance":
            (event,) = ledger.send(answer(events[line["follows"]], "refused"))
            return event
        case "due":
            due = ledger.tick(events[line["follows"]]["shard"])
            return next(each for each in due if each["instruction_id"] == line["follows"])
        case _:
            message = line["instruction"]
    if message["type"] in BROADCAST:
        made = [ledger.send(received(message, partition=shard))[0] for shard in range(PARTITIONS)]
        return made[shard_of(message["owner"], PARTITIONS)]
    return ledger.send(received(message, key=line.get("key"), partition=line.get("partition")))[0]
