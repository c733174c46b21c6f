"""Windows in the service: what they take, what their rules lead to, and that crashes change nothing."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.windows import shard
from services.compliance.handlers import windows
from services.compliance.store.parameters import save_parameters
from shared.messages.compliance import AlertRaised, DecisionMade, HoldPlaced
from shared.messages.envelope import Number
from shared.messages.topics import JOURNAL
from shared.runtime.work import Received
from tests.compliance.conftest import OWNER, Harness, kinds
from tests.compliance.ledger import ALICE, ANNE, BOB, RECORDED_AT, Delivery, Ledger, hours


def passed_on(ledger: Ledger, owner: str = ALICE, *, at: float = 0, **more: Any) -> list[Delivery]:
    """Make 6,000 come in and 5,000 go out four hours later."""
    return [
        *ledger.moved("deposit", "6000", owner=owner, cash=False, at=hours(at)),
        *ledger.moved("withdrawal", "5000", owner=owner, cash=False, at=hours(at + 4), **more),
    ]


async def owner_of(harness: Harness) -> Any:
    """Connect as the owner of the schema."""
    connection = await asyncpg.connect(harness.database.dsn(OWNER))
    await connection.execute("SET search_path = compliance")
    return connection


async def test_what_moves_is_judged_without_banknotes_or_names(live: Harness):
    """Most events bear neither; the alert names the event, the instruction and the business day."""
    [alert] = await live.take(*passed_on(Ledger()))
    assert isinstance(alert, AlertRaised)
    assert (alert.rule, alert.owner, alert.about) == ("RMF-1", ALICE, Number(shard=0, seq=2))
    assert alert.findings[0].values["events"] == ["0-1", "0-2"]
    assert (alert.instruction_id.int if alert.instruction_id else 0) == 2
    assert alert.business_date is not None


async def test_what_is_dated_ahead_blinds_no_rule(live: Harness):
    """It has happened when it was recorded at the latest: else all that follows came years late."""
    ledger = Ledger()
    ahead = ledger.moved("deposit", "10", cash=False, at=hours(24 * 365 * 24))
    recorded_at = (RECORDED_AT + timedelta(milliseconds=1)).isoformat().replace("+00:00", "Z")
    dated_ahead = [
        replace(each, value=json.dumps(json.loads(each.value) | {"recorded_at": recorded_at}).encode())
        for each in ahead
    ]
    assert await live.take(*dated_ahead) == []
    [alert] = await live.take(*passed_on(ledger, at=1))
    assert isinstance(alert, AlertRaised)
    assert alert.rule == "RMF-1"


async def test_each_side_of_a_transfer_is_seen_where_its_owner_is_at_home(live: Harness):
    """Bob's partition gets a secondary; Alice's events there are not counted again."""
    ledger = Ledger()
    for owner in (ALICE, ANNE, ALICE):
        await live.take(*ledger.moved("transfer", "9000", owner=owner, other=BOB, cash=False))
    rows = await live.connection.fetch(
        "SELECT shard, sum(count) AS n FROM window_batch GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [(0, 3), (1, 3)]
    third = next(each for each in live.published if each.owner == BOB and each.rule == "NEW-1")
    assert third.shard == 1
    assert third.findings[0].values["total"] == "18000.00"


async def test_a_pending_one_counts_once_and_own_accounts_do_not(live: Harness):
    """Its posting, a fee, and what is only rebooked for the same owner move nothing anew."""
    ledger = Ledger()
    await live.take(*ledger.moved("withdrawal", "100", cash=False, pending=True))
    await live.take(*ledger.moved("withdrawal", "100", cash=False, first=Number(shard=0, seq=1)))
    await live.take(*ledger.moved("fee", "5", cash=False))
    await live.take(*ledger.moved("transfer", "100", other=ALICE, cash=False))
    assert await live.connection.fetchval("SELECT sum(count) FROM window_batch") == 1


async def test_a_rule_holds_where_its_parameters_say_so(live: Harness):
    """Whether money waits is a firm's choice, by asset, customer and day; what was posted only alerts."""
    await rmf_1_holds(live)
    ledger = Ledger()
    [hold] = await live.take(*passed_on(ledger, pending=True))
    assert isinstance(hold, HoldPlaced)
    assert [each.rule for each in hold.findings] == ["RMF-1"]
    assert kinds(await live.take(*passed_on(ledger, ANNE))) == ["RMF-1"]


async def rmf_1_holds(harness: Harness) -> None:
    """Let RMF-1 hold what waits from now on."""
    owner = await owner_of(harness)
    row = next(each for each in RULE_PARAMETERS if each.rule == "RMF-1")
    await save_parameters(owner, [replace(row, version=2, values={**row.values, "hold_hours": 8})])
    await owner.close()
    await harness.restart()


async def test_what_a_late_payment_completes_alerts_and_holds_nothing(live: Harness):
    """The later one has been paid, and alone the late one was nothing: in order it would have gone, too."""
    await rmf_1_holds(live)
    ledger = Ledger()
    await live.take(*ledger.moved("deposit", "6000", cash=False, at=hours(0)))
    await live.take(*ledger.moved("withdrawal", "2500", cash=False, at=hours(4)))
    said = await live.take(*ledger.moved("withdrawal", "2500", cash=False, at=hours(2), pending=True))
    alert, decision = said
    assert isinstance(alert, AlertRaised)
    assert (alert.rule, alert.about) == ("RMF-1", Number(shard=0, seq=3))
    told = alert.findings[0].values
    assert (told["late"], told["completed_by"], told["events"]) == (True, "0-2", ["0-1", "0-2", "0-3"])
    assert isinstance(decision, DecisionMade)
    assert decision.decision == "cleared"
    assert [each.rule for each in decision.findings] == ["RMF-1"]


async def test_a_late_payment_that_was_too_much_at_its_time_is_held(live: Harness):
    """It waits itself, and what it is found for lies behind it."""
    await rmf_1_holds(live)
    ledger = Ledger()
    await live.take(*ledger.moved("deposit", "6000", cash=False, at=hours(0)))
    await live.take(*ledger.moved("deposit", "10", cash=False, at=hours(4)))
    [hold] = await live.take(*ledger.moved("withdrawal", "5000", cash=False, at=hours(2), pending=True))
    assert isinstance(hold, HoldPlaced)
    assert hold.findings[0].values["late"] is True


async def test_money_that_is_told_of_after_it_was_passed_on_is_found_with_that(live: Harness):
    """From another shard it comes when that is read; the alert is about what came last."""
    ledger = Ledger()
    await live.take(*ledger.moved("withdrawal", "5000", cash=False, at=hours(4)))
    made = ledger.moved("transfer", "6000", owner=BOB, other=ALICE, cash=False, at=hours(3.99))
    [alert] = [each for each in await live.take(*made) if each.owner == ALICE]
    assert isinstance(alert, AlertRaised)
    assert (alert.rule, alert.shard) == ("RMF-1", 0)
    assert alert.about == Number(shard=1, seq=1)
    assert alert.findings[0].values["completed_by"] == "0-1"


async def test_parameters_for_a_segment_are_those_of_the_party_the_account_was_opened_for(live: Harness):
    """A company moves more than a person."""
    owner = await owner_of(live)
    row = next(each for each in RULE_PARAMETERS if each.rule == "RMF-1")
    closer = replace(row, version=2, segment="organisation", values={**row.values, "in_min": "50000"})
    await save_parameters(owner, [closer])
    await owner.close()
    await live.restart()
    ledger = Ledger()
    await live.take(*ledger.opened("Jane Doe Ltd", kind="organisation"))
    await live.take(*ledger.opened("Jane Doe", owner=ANNE))
    assert kinds(await live.take(*passed_on(ledger, at=72))) == []
    assert kinds(await live.take(*passed_on(ledger, ANNE, at=72))) == ["RMF-1"]


async def test_a_batch_that_is_rolled_back_leaves_no_trace_in_memory(live: Harness):
    """Windows change in place, so what did not commit is read again."""
    ledger = Ledger()
    came, went = passed_on(ledger)
    decode = live.service.inputs[1].decode
    received = [live_record(came, decode)]
    await live.handle(received, commit=False)
    assert kinds(await live.take(went)) == [], "nothing came in"
    [alert] = await live.take(came)
    told = alert.findings[0].values
    assert (told["events"], told["count"], told["total"]) == (["0-1", "0-2"], 2, "11000.00")


def live_record(delivery: Delivery, decode: Any) -> Any:
    """Make a record of a delivery, as the harness does."""
    return Received(0, JOURNAL.name, 0, 0, 0, b"", decode(delivery.value), delivery.value)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Store windows after every few entries."""
    monkeypatch.setattr(shard, "BEHIND_MAX", 3)
    monkeypatch.setattr(shard, "SAVED_A_BATCH", 2)


async def test_the_checkpoint_follows_and_only_what_came_after_it_is_read(live: Harness, few: None):
    """Recovery reads a tail, however long the history is."""
    ledger = Ledger()
    for number in range(20):
        for owner in (ALICE, ANNE):
            await live.take(*ledger.moved("deposit", "10", owner=owner, cash=False, at=hours(number)))
    through = await live.connection.fetchval("SELECT through FROM window_checkpoint WHERE shard = 0")
    assert through >= 36
    await live.restart()
    again = await windows.load_shard(live.connection, 0)
    assert sum(map(len, again.tail.values())) == 40 - through
    assert again.number == 40


@pytest.mark.parametrize("harm", ["form = 999", "checksum = 1"])
async def test_a_stored_window_that_cannot_be_read_is_made_anew(live: Harness, few: None, harm: str):
    """Another form after an update, or bytes that are not what was written: the entries are all there."""
    ledger = Ledger()
    came, went = passed_on(ledger)
    await live.take(came)
    for number in range(6):
        await live.take(*ledger.moved("deposit", "10", owner=ANNE, cash=False, at=hours(number)))
    assert await live.connection.fetchval("SELECT count(*) FROM window_state WHERE owner = $1", ALICE) == 1
    owner = await owner_of(live)
    await owner.execute(f"UPDATE window_state SET {harm}")
    await owner.close()
    await live.restart()
    assert kinds(await live.take(went)) == ["RMF-1"]


async def test_windows_that_are_forgotten_come_back(
    live: Harness, few: None, monkeypatch: pytest.MonkeyPatch
):
    """Idle customers stay in the database."""
    monkeypatch.setattr(windows, "WINDOWS_MAX", 1)
    ledger = Ledger()
    came, went = passed_on(ledger)
    await live.take(came)
    for number in range(8):
        await live.take(*ledger.moved("deposit", "10", owner=ANNE, cash=False, at=hours(5 + number)))
    memory = live.service._memory
    assert len(memory.windows[0].windows) <= 1
    assert kinds(await live.take(went)) == ["RMF-1"]
