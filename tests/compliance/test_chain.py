"""The audit chain: whatever is changed of what was recorded, the command finds it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.compliance.domain.chain import START, Head, Told, extend, link
from services.compliance.queries.verifying import Verified, verify_records
from shared.messages.acts import RefuseHold, ReleaseHold
from tests.compliance.conftest import OWNER, READONLY, Harness
from tests.compliance.ledger import ALICE, BOB, Ledger
from tests.compliance.test_cases import FILING, Office, alerted, confirmed
from tests.compliance.test_roles import found as found_roles
from tests.support.infrastructure import Database


async def a_day(harness: Harness) -> None:
    """Payments cleared and held, one released and one refused, a case worked and closed, a hold overdue."""
    ledger = Ledger()
    for creditor in ("Yorick Undertow", "Jane Plain", "Otto Grimwold"):
        moved = ledger.moved(
            "withdrawal", "5", cash=False, pending=True, names={"creditor": creditor}, owner=ALICE
        )
        await harness.take(*moved)
    held = await harness.connection.fetch("SELECT instruction_id FROM hold ORDER BY seq")
    steps = ((ReleaseHold, "ben", held[0]), (ReleaseHold, "ann", held[0]), (RefuseHold, "ann", held[1]))
    for number, (act, actor, row) in enumerate(steps):
        await harness.act(
            act(
                act_id=UUID(int=900 + number),
                actor=actor,
                reason="seen",
                owner=ALICE,
                instruction_id=row["instruction_id"],
            )
        )
    await alerted(harness, ledger, owner=BOB)
    office = Office(harness)
    opened = await office.open(*await alerted(harness, ledger))
    assert opened.done, opened.detail
    await office.do("assign", officer="otto")
    await harness.restart()
    await office.do("decide", "otto", disposition="inconclusive")
    await harness.take(
        *ledger.moved("withdrawal", "5", cash=False, pending=True, names={"creditor": "Yorick Undertow"})
    )
    deadline = await harness.connection.fetchval("SELECT max(deadline) FROM hold")
    await harness.tick(deadline + timedelta(seconds=1))


async def verified(database: Database, kept: Any = None) -> Verified:
    """Verify with the login of the command."""
    connection = await asyncpg.connect(database.dsn(READONLY))
    try:
        return await verify_records(connection, kept)
    finally:
        await connection.close()


async def test_what_was_recorded_verifies(database: Database, harness: Harness):
    """Every event is chained, every record is as told, and heads kept elsewhere stand."""
    await a_day(harness)
    first = await verified(database)
    assert (first.differences, first.examples) == (0, [])
    assert (first.events, first.alerts) == (len(harness.published), 2)
    assert (first.decisions, first.answers, first.facts) == (3, 6, 3)
    assert {shard: seq for shard, (seq, _) in first.heads.items()} == {
        shard: seq for shard, seq in harness.seqs.items() if seq
    }
    await alerted(harness, Ledger(seqs={0: 50}), days=3)
    assert (await verified(database, first.heads)).differences == 0


PLANTED = {
    "a decision is changed": ("UPDATE decision SET reason = 'x' WHERE decision = 'released'", "reason"),
    "who decided is changed": ("UPDATE decision SET actor = 'x' WHERE decision = 'refused'", "actor"),
    "a decision is turned": (
        "UPDATE decision SET decision = 'refused', proposed_by = NULL WHERE actor IS NOT NULL",
        "decision",
    ),
    "findings are changed": ("UPDATE decision SET findings = '[]' WHERE decision = 'refused'", "findings"),
    "a decision is taken away": ("DELETE FROM decision WHERE decision = 'cleared'", "not on record"),
    "an answer is changed": ("UPDATE act_answer SET actor = 'x' WHERE act = 'open_case'", "actor"),
    "a fact is of somebody else": ("UPDATE case_fact SET actor = 'x' WHERE version = 2", "actor"),
    "an event is changed": (
        (
            "UPDATE outbox SET body = replace(convert_from(body, 'UTF8'), 'true', 'false')::bytea"
            " WHERE shard = 0 AND seq = (SELECT min(seq) FROM outbox WHERE type = 'ActDone' AND shard = 0)"
        ),
        "not the one that was chained",
    ),
    "an event is moved to another topic": (
        "UPDATE outbox SET topic = 'x' WHERE shard = 0 AND seq = 1",
        "not the one that was chained",
    ),
    "an event is taken away": ("DELETE FROM outbox WHERE shard = 0 AND seq = 2", "the event is missing"),
    "event and hash are taken away": (
        (
            "WITH a AS (DELETE FROM outbox WHERE shard = 0 AND seq = 2)"
            " DELETE FROM event_chain WHERE shard = 0 AND seq = 2"
        ),
        "0-2: the event is missing",
    ),
    "the last event is unchained": (
        "DELETE FROM event_chain WHERE shard = 0 AND seq = (SELECT max(seq) FROM outbox WHERE shard = 0)",
        "its hash is missing",
    ),
    "an alert is put behind others": ("UPDATE alert_place SET rank = 2", "stands elsewhere"),
    "an alert is said to be looked at": (
        "UPDATE alert_place SET is_new = false WHERE is_new",
        "stands elsewhere",
    ),
    "an alert has no place": ("DELETE FROM alert_place WHERE is_new", "has no place in the order of work"),
    "an alert is not counted": ("UPDATE alert_pile SET alerts = alerts + 1", "has 1 alerts, not 2"),
}


@pytest.mark.parametrize(("statement", "words"), PLANTED.values(), ids=PLANTED)
async def test_whatever_is_changed_is_found(statement: str, words: str, database: Database, harness: Harness):
    """By whoever owns the tables; the service's login could not."""
    await a_day(harness)
    owner = await asyncpg.connect(database.dsn(OWNER))
    try:
        await owner.execute("SET search_path = compliance")
        changed = await owner.execute(statement)
    finally:
        await owner.close()
    assert not changed.endswith(" 0")
    found = await verified(database)
    assert any(words in each for each in found.examples), found.examples


CHANGED = {
    "a report is another": f"UPDATE case_fact SET sha256 = '{'2' * 64}' WHERE what = 'filed'",
    "it was held against another schema": (
        f"UPDATE case_fact SET schema_sha256 = '{'2' * 64}' WHERE what = 'filed'"
    ),
    "a role lasts longer": "UPDATE role_fact SET until = '2099-01-01' WHERE role = 'analyst'",
    "a role began before": "UPDATE role_fact SET since = '2020-01-01' WHERE role = 'approver'",
}


@pytest.mark.parametrize("statement", CHANGED.values(), ids=CHANGED)
async def test_whatever_is_changed_of_a_filing_or_a_role_is_found(
    statement: str, database: Database, harness: Harness
):
    """What the authority got, and who might do what, stand in the chain by what was answered."""
    await confirmed(office := Office(harness))
    assert (await office.do("file", **FILING)).done
    await found_roles(harness)
    first = await verified(database)
    assert (first.examples, first.facts, first.roles) == ([], 5, 40)
    owner = await asyncpg.connect(database.dsn(OWNER))
    try:
        await owner.execute("SET search_path = compliance")
        await owner.execute(statement)
    finally:
        await owner.close()
    assert any("on record is not what was told" in each for each in (await verified(database)).examples)


async def test_a_chain_made_anew_does_not_come_to_the_heads_that_were_kept(
    database: Database, harness: Harness
):
    """Whoever owns the database can chain anything; not what somebody else has kept."""
    await a_day(harness)
    before = (await verified(database)).heads
    owner = await asyncpg.connect(database.dsn(OWNER))
    try:
        await owner.execute("SET search_path = compliance")
        await owner.execute("UPDATE outbox SET topic = 'x' WHERE shard = 0 AND seq = 1")
        rows = await owner.fetch("SELECT shard, seq, topic, body FROM outbox WHERE shard = 0 ORDER BY seq")
        _, links = extend(Head(), [Told(*row) for row in rows])
        for each in links:
            await owner.execute(
                "UPDATE event_chain SET hash = $1 WHERE shard = 0 AND seq = $2", each.hash, each.seq
            )
    finally:
        await owner.close()
    assert (await verified(database)).differences == 0
    found = await verified(database, before)
    assert found.examples == [f"0-{before[0][0]}: the head that was kept stands there no more"]


def test_a_gap_cannot_be_chained():
    """A missing event would be vouched for by all that follow."""
    with pytest.raises(ValueError, match="0-2 does not follow 0-0"):
        extend(Head(), [Told(0, 2, "t", b"x")])


def test_every_part_of_an_event_counts_and_none_runs_into_the_next():
    """The form is written down, and others must come to the same."""
    plain = link(START, Told(1, 2, "ab", b"c"))
    assert plain.hex() == "47220b77c0611c7846507f7d3bd47c65f9396ceed1c06dcf41dda1503c9dc498"
    others = [
        link(plain, Told(1, 2, "ab", b"c")),
        link(START, Told(2, 2, "ab", b"c")),
        link(START, Told(1, 3, "ab", b"c")),
        link(START, Told(1, 2, "a", b"bc")),
        link(START, Told(1, 2, "ab", b"")),
    ]
    assert len({plain, *others}) == 6
