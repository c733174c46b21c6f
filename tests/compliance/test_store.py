"""What the logins may do to compliance's tables, and what the read-only login is shown."""

import asyncio
import threading
from datetime import date
from uuid import UUID

import asyncpg
import pytest

from services.compliance.domain.lists.party import ListedParty
from services.compliance.domain.rule import RuleParameter
from services.compliance.domain.watchlist import NamesIndex
from services.compliance.queries.alerts import alerts_list
from services.compliance.queries.holds import holds_list, holds_show
from services.compliance.queries.lists import lists_show
from services.compliance.store import watchlists
from services.compliance.store.parameters import save_parameters
from shared.messages.acts import RefuseHold
from shared.runtime.errors import ConfigurationError
from tests.compliance.conftest import OWNER, READONLY, SERVICE, Harness
from tests.compliance.ledger import ALICE, Ledger
from tests.support.infrastructure import Database

DENIED = [
    "UPDATE decision SET reason = 'x'",
    "DELETE FROM decision",
    "UPDATE alert SET rule = 'x'",
    "DELETE FROM alert",
    "DELETE FROM hold",
    "UPDATE hold_release SET proposed_by = 'x'",
    "DELETE FROM hold_release",
    "UPDATE hold SET findings = '[]'",
    "UPDATE hold SET deadline = now()",
    "UPDATE cash_event SET amount = 1",
    "DELETE FROM cash_event",
    "UPDATE window_batch SET entries = ''",
    "DELETE FROM window_batch",
    "DELETE FROM window_state",
    "UPDATE list_name SET name = 'x'",
    "DELETE FROM list_entry",
    "DELETE FROM list_activation",
    "DELETE FROM list_confirmation",
    "UPDATE list_confirmation SET recorded_at = now()",
    "DELETE FROM list_outdated",
    "UPDATE account_fact SET day = '2000-01-01'",
    "DELETE FROM account_fact",
    "INSERT INTO relationship VALUES (0, 'x', '2000-01-01')",
    "UPDATE relationship SET ended = '2000-01-01'",
    "DELETE FROM relationship",
    "UPDATE legal_hold_fact SET owner = 'x'",
    "DELETE FROM legal_hold_fact",
    "UPDATE removal_fact SET through = '2099-01-01'",
    "DELETE FROM removed_record",
    "UPDATE alert SET findings = '[]'",
    "UPDATE snooze_fact SET until = '2099-01-01'",
    "DELETE FROM snooze_fact",
    "UPDATE snoozed_alert SET findings = '[]'",
    "DELETE FROM snoozed_alert",
    "UPDATE list_refusal SET why = 'x'",
    "UPDATE event_chain SET hash = hash",
    "DELETE FROM event_chain",
    "UPDATE party SET name = 'x'",
    "DELETE FROM party",
    "UPDATE rescreening SET entries = '{}'",
    "DELETE FROM rescreening",
    "UPDATE act_answer SET done = true",
    "UPDATE rule_parameter SET values = '{}'",
    "INSERT INTO rule_parameter VALUES ('CTR-1', 9, '*', '{}', '2026-01-01', NULL, 'x')",
    "TRUNCATE alert",
]


async def test_what_was_decided_cannot_be_changed(harness: Harness):
    """Facts are added, never edited: the service's login has no such right."""
    for statement in DENIED:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await harness.connection.execute(statement)


async def test_the_read_only_login_only_reads(database: Database):
    """The command line never writes tables."""
    connection = await asyncpg.connect(database.dsn(READONLY))
    try:
        for statement in ("DELETE FROM compliance.hold", "INSERT INTO compliance.act_answer DEFAULT VALUES"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_an_instruction_is_decided_once_at_most(harness: Harness):
    """The database guards what it can."""
    await harness.take(*Ledger().moved("withdrawal", "5", cash=False, pending=True))
    with pytest.raises(asyncpg.UniqueViolationError):
        await harness.take(*Ledger().moved("withdrawal", "5", cash=False, pending=True))


async def test_the_service_does_not_start_on_parameters_it_cannot_read(database: Database, harness: Harness):
    """A wrong number of law is found before the first event, not by it."""
    owner = await asyncpg.connect(database.dsn(OWNER))
    await owner.execute("SET search_path = compliance")
    wrong = RuleParameter("STR-1", 9, "USD", {"hours": 999}, date(2026, 1, 1), None, "nobody")
    await save_parameters(owner, [wrong])
    await owner.close()
    with pytest.raises(ConfigurationError, match="version 9 of the parameters of STR-1 for USD is wrong"):
        await harness.restart()


async def test_holds_alerts_and_lists_can_be_asked_for(database: Database, harness: Harness):
    """The read-only login finds them whole, with their decisions."""
    ledger = Ledger()
    await harness.take(*ledger.moved("deposit", "10000.01"))
    for _ in range(2):
        listed = {"creditor": "Yorick Undertow"}
        await harness.take(*ledger.moved("withdrawal", "5", cash=False, pending=True, names=listed))
    act = RefuseHold(
        act_id=UUID(int=1), actor="ann", reason="listed", owner=ALICE, instruction_id=UUID(int=2)
    )
    await harness.act(act)
    connection = await asyncpg.connect(database.dsn(READONLY))
    try:
        [open_hold] = await holds_list(connection)
        every = await holds_list(connection, None)
        [refused] = await holds_show(connection, UUID(int=2))
        [alert] = await alerts_list(connection, rule="CTR-1", owner=ALICE)
        [demo] = await lists_show(connection)
        assert await alerts_list(connection, rule="STR-1") == []
    finally:
        await connection.close()
    assert (open_hold["instruction_id"], open_hold["amount"], open_hold["overdue"]) == (
        str(UUID(int=3)),
        "5.00",
        False,
    )
    assert [each["status"] for each in every] == ["refused", "held"]
    assert (refused["actor"], refused["reason"], refused["first"]) == (
        "ann",
        "listed",
        {"shard": 0, "seq": 2},
    )
    assert (alert["alert_id"], alert["about"]) == ("0-1", {"shard": 0, "seq": 1})
    assert (demo["list_code"], demo["complete"], demo["active_shards"]) == ("DEMO", True, [0, 1, 2, 3])


def test_the_logins_are_those_of_the_architecture():
    """One login a service, one that reads."""
    assert (OWNER, SERVICE, READONLY) == ("backoffice_owner", "compliance_service", "backoffice_readonly")


async def test_the_loop_goes_on_while_an_index_is_made(harness: Harness, monkeypatch: pytest.MonkeyPatch):
    """A long list takes seconds, and who sends Kafka no heartbeat meanwhile loses the shards he claims."""
    turns = 0

    def slow(code: str, version: str, parties: list[ListedParty]) -> NamesIndex:
        """Make an index while the loop goes on."""
        before = turns
        for _ in range(100):
            threading.Event().wait(0.02)
            if turns > before + 2:
                return NamesIndex(code, version, parties)
        raise AssertionError("nothing else was done")

    async def turn() -> None:
        """Count the turns of the loop."""
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    monkeypatch.setattr(watchlists, "NamesIndex", slow)
    task = asyncio.create_task(turn())
    made = await watchlists.load_indexes(harness.connection, {("DEMO", "1")})
    task.cancel()
    assert list(made) == [("DEMO", "1")]
