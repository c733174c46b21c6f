"""What came of a record is found by the record's own place, whatever else is on the journal."""

import json
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from backoffice.cli.outcomes import Outcomes
from shared.messages.topics import ALERTS, DECISIONS, INSTRUCTIONS, JOURNAL

RECORDED_AT = "2026-03-02T09:15:00.000018Z"


def record(
    kind: str, topic: str = JOURNAL.name, copy: str = "primary", **fields: Any
) -> "ConsumerRecord[Any, Any]":
    """Return a record of a journal or of the alerts."""
    headers = (("ce_type", kind.encode()), ("copy", copy.encode()))
    value = json.dumps({"type": kind, "recorded_at": RECORDED_AT, **fields}).encode()
    return ConsumerRecord(topic, 0, 0, 0, 0, b"", value, None, 0, len(value), headers)


def event(kind: str, seq: int, offset: int | None = None, **fields: Any) -> "ConsumerRecord[Any, Any]":
    """Return an event of shard 0 about the record at an offset of partition 0."""
    source = {"topic": INSTRUCTIONS.name, "partition": 0, "offset": offset}
    return record(kind, shard=0, seq=seq, **({"source": source} if offset is not None else {}), **fields)


def test_an_outcome_is_matched_by_place() -> None:
    """An id is no key: it may be sent twice, be unreadable, or belong to another owner."""
    outcomes = Outcomes()
    first, second = outcomes.expect([(0, 5), (0, 6)])
    outcomes.take(
        [event("TransactionPosted", 1, 6), event("InstructionRejected", 2, 5, reason="amount_zero")]
    )
    assert (first.outcome, first.reason, first.seq) == ("rejected", "amount_zero", 2)
    assert (second.outcome, second.reason, second.seq) == ("posted", None, 1)
    assert outcomes.tally() == {"posted": 1, "rejected": 1}
    assert outcomes.reasons == {"amount_zero": 1}


def test_an_outcome_that_comes_before_the_acknowledgement_is_kept() -> None:
    """The ledger may answer faster than the broker's acknowledgement is read."""
    outcomes = Outcomes()
    outcomes.take([event("TransactionPosted", 1, 5)])
    (found,) = outcomes.expect([(0, 5)])
    assert found.outcome == "posted"


def test_what_others_send_is_forgotten() -> None:
    """Another upstream's outcomes must not fill the memory."""
    outcomes = Outcomes()
    outcomes.take([event("TransactionPosted", 1, 5)])
    outcomes.settle()
    (found,) = outcomes.expect([(0, 5)])
    assert found.outcome is None
    assert outcomes.tally() == {"timeout": 1}


def test_the_same_place_on_another_topic_is_another_record() -> None:
    """A decision's place is no instruction's."""
    outcomes = Outcomes()
    (found,) = outcomes.expect([(0, 5)])
    source = {"topic": DECISIONS.name, "partition": 0, "offset": 5}
    outcomes.take([record("TransactionPosted", shard=0, seq=1, source=source)])
    assert found.outcome is None


def test_secondary_copies_are_passed_over() -> None:
    """An event is counted once, where its home is."""
    outcomes = Outcomes()
    (found,) = outcomes.expect([(0, 5)])
    source = {"topic": INSTRUCTIONS.name, "partition": 0, "offset": 5}
    outcomes.take([record("TransactionPosted", copy="secondary", shard=0, seq=1, source=source)])
    assert found.outcome is None


@pytest.mark.parametrize(
    ("kind", "reason", "outcome"),
    [("TransactionPosted", None, "posted"), ("TransactionVoided", "screening_refused", "voided")],
)
def test_a_pending_one_ends_as_the_decision_says(kind: str, reason: str | None, outcome: str) -> None:
    """`--until final` waits for this."""
    outcomes = Outcomes()
    (found,) = outcomes.expect([(0, 5)])
    outcomes.take([event("TransactionPending", 1, 5)])
    assert found.is_known(final=False)
    assert not found.is_known(final=True)
    assert outcomes.undecided == 1
    outcomes.take([event(kind, 9, first={"shard": 0, "seq": 1}, reason=reason)])
    assert (found.outcome, found.reason, found.seq) == (outcome, reason, 9)
    assert found.is_known(final=True)
    assert outcomes.tally() == {outcome: 1}


@pytest.mark.parametrize("held_first", [True, False])
def test_a_held_one_waits_for_a_person_not_for_a_decision_to_come(held_first: bool) -> None:
    """A simulation must end although somebody has to look; alert and journal have no order between them."""
    outcomes = Outcomes()
    outcomes.expect([(0, 5)])
    pending = event("TransactionPending", 1, 5)
    hold = record("HoldPlaced", topic=ALERTS.name, first={"shard": 0, "seq": 1})
    outcomes.take([hold, pending] if held_first else [pending, hold])
    assert (outcomes.held, outcomes.undecided) == (1, 0)
    assert outcomes.tally() == {"pending": 1}


@pytest.mark.parametrize("screened", [False, True])
def test_a_reserve_is_final_when_no_decision_is_awaited(screened: bool) -> None:
    """It stays pending until an instruction posts it or gives it back: nobody waits here for that."""
    outcomes = Outcomes()
    (found,) = outcomes.expect([(0, 5)])
    outcomes.take([event("TransactionPending", 1, 5, screening=screened)])
    if screened:
        assert not found.is_known(final=True)
        outcomes.take([event("PendingCleared", 2, first={"shard": 0, "seq": 1}, decision="cleared")])
    assert found.is_known(final=True)
    assert outcomes.tally() == {"pending": 1}
    assert outcomes.undecided == 0


@pytest.mark.parametrize(
    ("kind", "outcome"), [("TransactionVoided", "voided"), ("TransactionPosted", "posted")]
)
def test_what_ends_a_pending_one_that_still_waits_has_an_outcome_too(kind: str, outcome: str) -> None:
    """One event answers both: the instruction that asked for it, and the one that it was asked for."""
    outcomes = Outcomes()
    reserved, asked = outcomes.expect([(0, 5), (0, 6)])
    outcomes.take([event("TransactionPending", 7, 5), event(kind, 8, 6, first={"shard": 0, "seq": 7})])
    assert (reserved.outcome, asked.outcome) == (outcome, outcome)
    assert outcomes.tally() == {outcome: 2}


def test_a_duplicate_tells_the_first_outcome() -> None:
    """An upstream that lost the answer reads it there."""
    outcomes = Outcomes()
    (found,) = outcomes.expect([(0, 5)])
    first = {"shard": 0, "seq": 1}
    told = event("DuplicateReceived", 2, 5, first=first, first_outcome="rejected", first_reason="amount_zero")
    outcomes.take([told])
    assert found.first == {"outcome": "rejected", "reason": "amount_zero", "shard": 0, "seq": 1}


def test_a_dry_run_tells_what_would_come_of_it_and_ends_nothing() -> None:
    """Also where it names the first outcome of its id, which may wait for a decision."""
    outcomes = Outcomes()
    pending, tried = outcomes.expect([(0, 5), (0, 6)])
    would_be = {"type": "InstructionRejected", "field": "amount", "detail": "no", "reason": "id_reused"}
    told = event(
        "DryRunJudged", 2, 6, first={"shard": 0, "seq": 1}, outcome="rejected", reason="id_reused",
        would_be=would_be,
    )  # fmt: skip
    outcomes.take([event("TransactionPending", 1, 5), told])
    assert (pending.outcome, pending.waits) == ("pending", True)
    assert (tried.outcome, tried.reason, tried.field, tried.detail) == (
        "dry_run",
        "id_reused",
        "amount",
        "no",
    )
    assert tried.dry_run == {"outcome": "rejected", "would_be": would_be}
    assert outcomes.tally() == {"dry_run": 1, "pending": 1}


def test_an_event_sent_twice_counts_once() -> None:
    """After a crash events are published again."""
    outcomes = Outcomes()
    outcomes.expect([(0, 5)])
    outcomes.take([event("TransactionPosted", 1, 5), event("TransactionPosted", 1, 5)])
    assert outcomes.tally() == {"posted": 1}


def test_where_a_trade_went_instead_is_said_though_it_is_pending() -> None:
    """A fact that is put into suspense waits there to be settled; nobody would look for it otherwise."""
    outcomes = Outcomes()
    (found,) = outcomes.expect([(0, 5)])
    outcomes.take([event("TransactionPending", 1, 5, screening=False, routed="asset_mismatch")])
    assert (found.outcome, found.reason) == ("pending", "asset_mismatch")
    assert (outcomes.routed, outcomes.reasons) == ({"asset_mismatch": 1}, {})
