"""What the campaign throws at mending, and that the auditor would see it go wrong."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest

from audit.checks.fates import every_record_has_one_fate, order_within_owners_is_kept
from audit.evidence import DECISIONS, INSTRUCTIONS, TRANSACTIONS_ACTS, Evidence, Ledger, Record, ServiceState
from audit.examination import Examination
from audit.ledger_rows import JournalRow
from audit.runtime_rows import ParkedRow, PositionRow
from audit.wire import is_act
from shared.messages.acts import TRANSACTIONS_ACT
from tests.campaign import operators
from tests.campaign.world import Waiting

POSTED: Final = "TransactionPosted"
PARKED: Final = "OwnerParked"
DISCARDED: Final = "RecordDiscarded"
DONE: Final = "ActDone"
ALICE: Final = "alice"


def test_what_nobody_can_read_is_no_act_to_the_ledger_and_to_the_auditor() -> None:
    """Else the campaign would count on an answer that cannot come."""
    for value in operators.NO_ACTS:
        assert not is_act(value)
        with pytest.raises(ValueError):
            TRANSACTIONS_ACT.validate_json(value or b"")


def test_acts_in_vain_are_acts_to_the_ledger_and_to_the_auditor() -> None:
    """They are to be refused, each with an answer, not passed over."""
    rng = Random(1)
    values = [operators.in_vain(rng, 1) for _ in range(100)]
    values += [operators.replay(rng, ALICE), operators.discard(rng, Waiting(1, ALICE, INSTRUCTIONS, 3))]
    assert all(is_act(value) for value in values)
    assert len({TRANSACTIONS_ACT.validate_json(value).act_id for value in values}) == len(values)


# ── order ────────────────────────────────────────────────────────────────────────────────────────


def row_at(seq: int, kind: str, topic: str, offset: int, **fields: Any) -> JournalRow:
    """A row of the one shard, about the record of a place."""
    return JournalRow(0, seq, kind, topic=topic, partition=0, offset=offset, **fields)


def journal(*events: tuple[str, int] | tuple[str, int, str]) -> list[JournalRow]:
    """Alice's rows in one shard: kind, offset, and the topic where it is not the instructions."""
    return [
        row_at(seq, kind, topic[0] if topic else INSTRUCTIONS, offset, owner=ALICE)
        for seq, (kind, offset, *topic) in enumerate(events, 1)
    ]


@pytest.mark.parametrize(
    ("events", "kept"),
    [
        ([(PARKED, 0), (PARKED, 1), (POSTED, 0), (POSTED, 1), (POSTED, 2)], True),
        ([(PARKED, 0), (PARKED, 1), (PARKED, 2), (DISCARDED, 1), (POSTED, 0), (POSTED, 2)], True),
        ([(PARKED, 0), (PARKED, 7, DECISIONS), (POSTED, 0), (POSTED, 7, DECISIONS)], True),
        ([(PARKED, 0), (PARKED, 1), (POSTED, 0), (PARKED, 2), (POSTED, 1), (POSTED, 2)], True),
        ([(PARKED, 0), (POSTED, 1), (POSTED, 0)], False),  # overtaken
        ([(PARKED, 0), (POSTED, 1)], False),  # overtaken, and it still waits
        ([(PARKED, 0), (POSTED, 7, DECISIONS), (POSTED, 0)], False),  # overtaken by another topic's
        ([(PARKED, 0), (PARKED, 1), (POSTED, 1), (POSTED, 0)], False),  # replayed out of order
        ([(PARKED, 1), (PARKED, 0), (POSTED, 1), (POSTED, 0)], False),  # parked out of order
    ],
)
def test_the_auditor_sees_who_overtakes_a_parked_record(events: list[Any], kept: bool) -> None:
    """What waits takes effect oldest first and before all else of its owner, unless it is given up."""
    result = order_within_owners_is_kept(Examination(Evidence(ledger=Ledger(journal=journal(*events)))))
    assert result.ok == kept, result.examples


def test_others_are_not_held_up_by_a_parked_owner() -> None:
    """Rows of a second owner between a parked record and its replay are as they should be."""
    rows = journal((PARKED, 0), (POSTED, 1), (POSTED, 0))
    rows[1] = row_at(2, POSTED, INSTRUCTIONS, 1, owner="bob")
    assert order_within_owners_is_kept(Examination(Evidence(ledger=Ledger(journal=rows)))).ok


# ── acts ─────────────────────────────────────────────────────────────────────────────────────────

ACT_ID: Final = str(UUID(int=7))


def act_records(*values: bytes) -> list[Record]:
    """A partition of the acts topic."""
    return [Record(TRANSACTIONS_ACTS, 0, offset, 0, b"house", value) for offset, value in enumerate(values)]


def the_discard(offset: int = 0, owner: str = ALICE) -> bytes:
    """An act that gives up one record of the instructions."""
    place = {"topic": INSTRUCTIONS, "partition": 0, "offset": offset}
    act = {"type": "discard_parked", "act_id": ACT_ID, "actor": "a", "reason": "r", "owner": owner}
    return json.dumps(act | place).encode()


def given_up(seq: int, offset: int = 0, act_id: str = ACT_ID) -> JournalRow:
    """A record is given up under an act's id."""
    return row_at(seq, DISCARDED, INSTRUCTIONS, offset, owner=ALICE, detail={"act_id": act_id})


def answer(seq: int, offset: int, *, done: bool) -> JournalRow:
    """An act is answered."""
    detail = {"act_id": ACT_ID, "act": "discard_parked", "done": done}
    return row_at(seq, DONE, TRANSACTIONS_ACTS, offset, detail=detail)


def fates(acts: Sequence[Record], rows: Sequence[JournalRow]) -> tuple[str, ...]:
    """What check 5 finds where two records of Alice are parked, and these acts are taken."""
    parked = journal((PARKED, 0), (PARKED, 1))
    numbered = [*parked, *rows]
    discarded = {row.offset for row in rows if row.kind == DISCARDED}
    ledger = ServiceState(
        positions=[PositionRow(INSTRUCTIONS, 0, 2), PositionRow(TRANSACTIONS_ACTS, 0, len(acts))],
        parked=[
            ParkedRow(INSTRUCTIONS, 0, offset, ALICE, "discarded" if offset in discarded else None)
            for offset in range(2)
        ],
    )
    instructions = [Record(INSTRUCTIONS, 0, offset, 0, b"alice", b"{}") for offset in range(2)]
    evidence = Evidence(
        partitions=1,
        ledger=Ledger(journal=numbered),
        services={"transactions": ledger},
        topics={INSTRUCTIONS: instructions, TRANSACTIONS_ACTS: list(acts)},
    )
    return every_record_has_one_fate(Examination(evidence)).examples


def test_a_discard_done_once_and_answered_is_honest() -> None:
    """Also when its act is delivered twice."""
    assert fates(act_records(the_discard()), [given_up(3), answer(4, 0, done=True)]) == ()
    twice = act_records(the_discard(), the_discard())
    rows = [given_up(3), answer(4, 0, done=True), answer(5, 1, done=False)]
    assert fates(twice, rows) == ()


@pytest.mark.parametrize(
    ("acts", "rows", "found"),
    [
        ([the_discard()], [], "0 fates"),
        ([the_discard(), the_discard()], [given_up(3), answer(4, 0, done=True)], "0 fates"),
        ([b"no act", the_discard()], [given_up(3), answer(4, 1, done=True)], "0 fates"),
        ([the_discard()], [given_up(3), answer(4, 0, done=False)], "records given up and answers done"),
        ([the_discard()], [answer(3, 0, done=True)], "records given up and answers done"),
        ([the_discard()], [given_up(3), given_up(4, 1), answer(5, 0, done=True)], "which names"),
        ([the_discard(1)], [given_up(3), answer(4, 0, done=True)], "which names"),
        ([the_discard(owner="bob")], [given_up(3), answer(4, 0, done=True)], "which names"),
        ([], [given_up(3)], "which names"),
        ([the_discard()], [given_up(3), given_up(4), answer(5, 0, done=True)], "2 fates"),
        (
            [the_discard(), the_discard()],
            [given_up(3), answer(4, 0, done=True), answer(5, 1, done=True)],
            "was done 2 times",
        ),
    ],
)
def test_the_auditor_sees_a_discard_that_went_wrong(
    acts: list[bytes], rows: list[JournalRow], found: str
) -> None:
    """Lost, not answered, answered falsely, done twice, done to another record, done by nobody."""
    assert any(found in each for each in fates(act_records(*acts), rows))
