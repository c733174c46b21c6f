"""What the ledger does by itself: in its turn, bounded, and in the journal like all else.

The duty here gives back, without being asked, whatever waits for compliance.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from services.transactions.domain import decisions as kinds
from services.transactions.domain import due
from services.transactions.domain.cases import Context
from services.transactions.domain.decisions import Decision
from services.transactions.domain.duties import Duty, Task
from services.transactions.domain.effects.pendings import settle
from services.transactions.domain.state import ShardState
from services.transactions.queries import transaction_show, transaction_trace, verify
from shared.messages.journal import TransactionVoided
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import StoredLedger, deposit, opening, owner_in, withdrawal
from tests.transactions.test_store import assert_rebuilt

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")


def give_back(context: Context, task: Task, seq: int) -> Decision | None:
    """Void what is pending, but not what has been resolved since it was found."""
    assert task.pending_id is not None
    changes = context.changes
    pending = changes.find_pending(task.pending_id)
    if pending is None:
        return None
    day = changes.day_of(pending.legs[0].debit.entity_id)
    decision = Decision(seq, kinds.VOIDED, None, None, None, pending.instruction_id)
    decision.instruction_type, decision.owner = pending.instruction_type, pending.owner
    decision.about_seq, decision.reason = pending.seq, "screening_refused"
    decision.content, decision.content_hash = pending.content, pending.content_hash
    decision.booking_date = decision.value_date = day
    decision.legs = [settle(changes, leg, posted=False) for leg in pending.legs]
    changes.end_pending(pending, seq)
    return decision


def overdue(state: ShardState, recorded_at: datetime) -> Iterator[Task]:
    """All that waits, twice, so that the second one finds nothing to do."""
    del recorded_at
    for each in state.pendings.values():
        for _ in range(2):
            yield Task(give_back, each.owner, pending_id=each.instruction_id)


@pytest.fixture
def waiting(ledger: StoredLedger) -> StoredLedger:
    """A ledger whose only duty is that one."""
    ledger.service.memory.duties = (Duty(overdue),)
    return ledger


async def fund(ledger: StoredLedger) -> dict[str, Any]:
    """Two owners with money, of which one wants a withdrawal that must be screened."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "5000.00"), deposit(BOB, "5000.00"))
    (pending,) = await ledger.send(withdrawal(ALICE, "1000.00"))
    assert pending["type"] == "TransactionPending"
    return pending


async def test_an_event_that_no_record_asked_for_is_kept_sealed_published_and_verified_like_any_other(
    waiting: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """It has no source, and its columns are null; it can be rebuilt and is found with what it is about."""
    pending = await fund(waiting)
    (event,) = await waiting.tick()
    assert TransactionVoided.model_validate_json(waiting.outgoing[-1].body).source is None
    assert (event["first"], event["instruction_id"]) == (
        {"shard": 1, "seq": pending["seq"]},
        pending["instruction_id"],
    )
    row = await waiting.connection.fetchrow(
        'SELECT topic, partition, "offset" FROM journal WHERE shard = 1 AND seq = $1', event["seq"]
    )
    assert row is not None
    assert list(row.values()) == [None, None, None]
    assert await waiting.tick() == []
    await waiting.send(withdrawal(ALICE, "5.00"))
    await assert_rebuilt(waiting)
    for quick in (True, False):
        result = await verify(ledger_database.readonly, quick=quick)
        assert result.ok, result.first_difference
    named = UUID(pending["instruction_id"])
    (shown,) = await transaction_show(waiting.connection, named)
    assert [each["source"] for each in shown["follow_ups"]] == [None]
    assert [each["topic"] for each in await transaction_trace(waiting.connection, named)][1:] == [None]


async def test_what_is_due_waits_while_records_of_its_owner_are_parked(waiting: StoredLedger) -> None:
    """One of them may be what would have settled it in time."""
    await fund(waiting)
    assert await waiting.tick(parked=[ALICE]) == []
    assert len(await waiting.tick(parked=[BOB])) == 1


async def test_much_that_is_due_is_done_piece_by_piece(
    waiting: StoredLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that records never wait long, and nothing is left in the end."""
    await fund(waiting)
    await waiting.send(*(withdrawal(BOB, "1000.00") for _ in range(3)))
    monkeypatch.setattr(due, "TASKS_MAX", 2)
    made = [len(await waiting.tick()) for _ in range(4)]
    assert made == [2, 1, 1, 0]
