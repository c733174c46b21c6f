"""Acts that ask for a report: answered once each, in one snapshot, with the vector they were made at."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import pytest

from services.reporting import handlers
from services.reporting.queries import find_run, list_runs
from shared.messages.acts import MakeReport, ResumeShard
from shared.messages.envelope import HOUSE
from shared.messages.journal import ActDone
from shared.messages.reporting import ReportPublished
from shared.messages.topics import JOURNAL, PUBLISHED, REPORTING_ACTS
from shared.runtime.errors import ShardHalted, UnreadableRecord
from shared.runtime.work import Received, ShardWork, UnitOfWork, Unreadable
from tests.reporting.books import IDS, MONDAY, PARTITIONS, home, movement, two_days
from tests.reporting.conftest import READONLY, SERVICE, Harness
from tests.reporting.test_reports import asking, example

WRONG = [
    (asking("profit_and_loss"), "report_unknown"),
    (asking("account_statement"), "parameter_missing"),
    (asking("account_statement", {"account": "nobody/EUR"}), "account_unknown"),
    (asking("account_statement", {"account": ""}), "parameter_wrong"),
    (asking("account_statement", {"account": "ann/EUR", "since": "yesterday"}), "parameter_wrong"),
    (asking("account_statement", {"account": "ann/EUR", "since": "2026-03-04"}), "parameter_wrong"),
    (asking("trial_balance", {"account": "ann/EUR"}), "parameter_unknown"),
    (asking("trial_balance", {"entity": "NOBODY"}), "entity_unknown"),
    (asking("trial_balance", at_least={str(home("ann")): 10_000}), "not_reached"),
    (asking("trial_balance", at_least={"nine": 1}), "shard_unknown"),
    (asking("trial_balance", at_least={str(PARTITIONS): 1}), "shard_unknown"),
]


@pytest.mark.parametrize(("act", "detail"), WRONG, ids=[f"{act.report}-{detail}" for act, detail in WRONG])
async def test_what_cannot_be_made_is_answered_at_once(
    harness: Harness, act: MakeReport, detail: str
) -> None:
    """An act never blocks its shard; the answer says what is wrong."""
    await harness.take(two_days().delivered)
    (done,) = await harness.take([], act)
    assert isinstance(done, ActDone)
    assert (done.act_id, done.done, done.detail) == (act.act_id, False, detail)
    assert done.result["sentence"]
    assert await harness.connection.fetchval("SELECT count(*) FROM report_run") == 0


@pytest.mark.parametrize("asked", [{"at_least": {"\\" * 500_000: 1}}, {"parameters": {"\\" * 500_000: "x"}}])
async def test_an_answer_fits_its_topic_whatever_was_asked(harness: Harness, asked: dict[str, Any]) -> None:
    """What does not would be sent again for ever, and nothing after it."""
    (done,) = await harness.take([], asking("trial_balance").model_copy(update=asked))
    assert isinstance(done, ActDone)
    assert not done.done
    assert len(done.model_dump_json()) < 1_000


async def test_a_report_carries_the_vector_it_was_made_at(harness: Harness) -> None:
    """And is kept with the bytes its checksum is taken over."""
    books = two_days()
    await harness.take(books.delivered)
    act = asking("trial_balance", at_least={str(shard): seq for shard, seq in books.seqs.items()})
    published, done = await harness.take([], act)
    assert isinstance(published, ReportPublished)
    assert published.vector == {str(shard): seq for shard, seq in books.seqs.items()}
    assert done.result == {
        "run_id": str(act.act_id),
        "report": "trial_balance",
        "sha256": published.sha256,
        "reconciled": True,
    }
    connection = await harness.database.connect(READONLY)
    found = await find_run(connection, act.act_id)
    assert found is not None
    run, body = found
    assert hashlib.sha256(body).hexdigest() == run.sha256 == published.sha256
    assert (run.vector, run.rows, run.totals) == (published.vector, published.rows, published.totals)
    assert [each.run_id for each in await list_runs(connection, report=None, limit=9)] == [act.act_id]
    assert await list_runs(connection, report="daily_activity", limit=9) == []
    await connection.close()


async def test_an_act_sent_again_is_made_once(harness: Harness) -> None:
    """The run's id is the act's; the answer is the first one's."""
    await harness.take(two_days().delivered)
    act = asking("trial_balance")
    published, done = await harness.take([], act, act)
    (again,) = await harness.take([], act)
    assert isinstance(published, ReportPublished)
    assert (again.result, again.done) == (done.result, True)
    assert await harness.connection.fetchval("SELECT count(*) FROM report_run") == 1


async def test_an_act_id_used_for_another_question_is_refused(harness: Harness) -> None:
    """An answer must not be taken for that to another question."""
    await harness.take(two_days().delivered)
    act = asking("trial_balance")
    await harness.take([], act)
    (done,) = await harness.take([], act.model_copy(update={"booking_date": MONDAY}))
    assert (done.done, done.detail) == (False, "id_reused")


async def test_a_report_sees_one_moment_of_all_shards(harness: Harness) -> None:
    """Another process commits while it is made; neither figures nor vector may show half of it."""
    books = two_days()
    await harness.take(books.delivered)
    seen = dict(books.seqs)
    count = len(books.delivered)
    books.post(movement("ann/EUR", "ben/EUR", 77), owner="ann")
    original, other = handlers._place, await harness.database.connect(SERVICE)
    rival = Harness(harness.database, other, harness.service)

    async def place_then_let_another_commit(snapshot: Any) -> Any:
        """Commit another batch once the snapshot is taken."""
        placed = await original(snapshot)
        await rival.take(books.delivered[count:])
        return placed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handlers, "_place", place_then_let_another_commit)
        published, _ = await harness.take([], asking("trial_balance"))
    assert isinstance(published, ReportPublished)
    assert published.vector == {str(shard): seq for shard, seq in seen.items()}
    assert published.totals["EUR"]["debits"] == "200.99"
    later, _ = await harness.take(
        [], asking("trial_balance", at_least={str(home("ann")): seen[home("ann")] + 1})
    )
    assert later.totals["EUR"]["debits"] == "201.76"
    await other.close()


async def test_a_report_does_not_show_what_its_own_batch_has_not_committed(harness: Harness) -> None:
    """Else its vector could name events that a rollback takes away."""
    books = two_days()
    published, _ = await harness.take(books.delivered, asking("trial_balance"))
    assert (published.vector, published.rows) == ({}, 0)


async def test_a_report_that_takes_too_long_is_given_up(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch's transaction must not stand idle until PostgreSQL ends it, again and again."""
    await harness.take(two_days().delivered)
    monkeypatch.setattr(handlers, "REPORT_SECONDS_MAX", 0.05)
    locker = await harness.database.connect("backoffice_owner")
    await locker.execute("BEGIN; LOCK TABLE reporting.account_day IN ACCESS EXCLUSIVE MODE")
    (done,) = await harness.take([], asking("trial_balance"))
    assert (done.done, done.detail) == (False, "too_slow")
    await locker.close()
    monkeypatch.undo()
    published, _ = await harness.take([], example("trial_balance"))
    assert published.rows > 0


async def test_an_unreadable_act_is_passed_over(harness: Harness) -> None:
    """The runtime has kept it; there is nobody to answer."""
    house = home(HOUSE)
    record = Received(house, REPORTING_ACTS.name, house, 0, 0, b"", Unreadable("malformed", 1, ""))
    assert await harness.handle([record], [], {house}) == []


async def test_an_unreadable_event_halts_the_shard(harness: Harness) -> None:
    """A hole would make every figure a lie."""
    record = Received(0, JOURNAL.name, 0, 0, 0, b"", Unreadable("malformed", 1, ""))
    with pytest.raises(ShardHalted, match=JOURNAL.name):
        await harness.handle([record], [], {0})


async def test_every_input_refuses_what_is_no_message(harness: Harness) -> None:
    """Decoding raises the one error the runtime knows."""
    for each in harness.service.inputs:
        with pytest.raises(UnreadableRecord):
            each.decode(b"{")


async def test_an_act_the_runtime_carried_out_is_answered(harness: Harness) -> None:
    """Resuming a shard is the runtime's work; saying so is ours."""
    at = datetime(2026, 3, 4, tzinfo=UTC) + timedelta(hours=1)
    act = ResumeShard(act_id=uuid5(IDS, "resume"), actor="tester", reason="mended", shard=2)
    record = Received(2, REPORTING_ACTS.name, 2, 0, 0, b"", act)
    work = UnitOfWork(harness.connection, {2: ShardWork(2, 1, 0, at, {})}, PARTITIONS)
    await harness.service.announce_act(work, record, True, "resumed", {})
    (stored,) = work.stored
    assert (stored.outgoing.topic, stored.outgoing.type) == (PUBLISHED.name, "ActDone")
    assert ActDone.model_validate_json(stored.outgoing.body).done
