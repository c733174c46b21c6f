"""Old parts of the journal are detached, the ledger goes on without them, and attached all is as it was."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
import pytest_asyncio

from backoffice.cli.app import main
from services.transactions import parting
from services.transactions.handlers import effects
from services.transactions.queries.balances_at import Moment, Scope, balances_show
from services.transactions.queries.parts import PartsDetachedError, parts
from services.transactions.queries.verifying import verify
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.narrow import WIDTH, fill, narrow
from tests.transactions.support import (
    StoredLedger,
    deposit,
    instruction,
    opening,
    owner_in,
    transfer,
)

ALICE, BOB, CAROL = owner_in(1, "alice"), owner_in(2, "bob"), owner_in(1, "carol")


@pytest_asyncio.fixture
async def owner(
    ledger_database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncpg.Connection]:
    """The owner, after narrow parts have been made instead of the usual ones."""
    monkeypatch.setattr(effects, "PARTS_AHEAD", WIDTH)
    connection = await asyncpg.connect(ledger_database.owner)
    await narrow(connection)
    yield connection
    await connection.close()


async def filled(ledger: StoredLedger) -> list[dict[str, object]]:
    """Events in every shard beyond the second part; what Alice was asked for is returned."""
    await ledger.send(opening(ALICE), opening(BOB), opening(CAROL))
    asked = [deposit(ALICE, "100.00"), transfer(ALICE, BOB, "1.00"), transfer(ALICE, "nobody", "1.00")]
    await ledger.send(*asked)
    await ledger.send(instruction("close_account", owner=CAROL, account=CAROL, authority="board"))
    await ledger.tick()
    await fill(ledger)
    return asked


async def detach(owner: asyncpg.Connection, number: int) -> None:
    """Detach a part."""
    await parting.detach(owner, number, lambda _: None)


async def test_the_ledger_goes_on_without_an_old_part(
    ledger: StoredLedger, ledger_database: LedgerDatabase, owner: asyncpg.Connection
) -> None:
    """Repeats are known, closed accounts stay closed, all else goes on; attached again, all is verified."""
    asked = await filled(ledger)
    before = await verify(ledger_database.readonly)
    assert before.ok
    assert before.first_difference is None
    for number in (0, 1):
        await detach(owner, number)
    await ledger.forget()
    events = await ledger.send(*asked, {**asked[0], "amount": "2.00"})
    assert [event["type"] for event in events] == ["DuplicateReceived"] * 3 + ["InstructionRejected"]
    assert [event.get("first_outcome") for event in events[:3]] == ["posted", "posted", "rejected"]
    assert events[2]["first_reason"] == "account_unknown"
    assert events[3]["reason"] == "id_reused"
    (event,) = await ledger.send(transfer(ALICE, CAROL, "1.00"))
    assert event["reason"] == "account_closed"
    (event,) = await ledger.send(
        instruction("reversal", owner=BOB, original_id=asked[1]["instruction_id"], original_owner=ALICE)
    )
    assert event["type"] == "InstructionRejected"
    (event,) = await ledger.send(transfer(ALICE, BOB, "4.00"))
    assert event["type"] == "TransactionPosted"
    with pytest.raises(PartsDetachedError):
        await verify(ledger_database.readonly)
    for number in (1, 0):
        await parting.attach(owner, number)
    assert await owner.fetchval("SELECT count(*) FROM transactions.detached_outcome") == 0
    after = await verify(ledger_database.readonly)
    assert after.first_difference is None
    assert after.movements == before.movements + 1


async def test_a_group_in_an_old_part_is_known_by_each_of_its_ids(
    ledger: StoredLedger, owner: asyncpg.Connection
) -> None:
    """Each has the outcome of the group, and the content that its own member asked for."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "100.00"))
    members = [transfer(ALICE, BOB, "1.00"), transfer(ALICE, BOB, "2.00")]
    unknown = [transfer(ALICE, "nobody", "1.00")]
    groups = [instruction("group", owner=ALICE, members=each) for each in (members, unknown)]
    await ledger.send(*groups)
    await fill(ledger)
    await detach(owner, 0)
    await ledger.forget()
    voided = instruction("void_pending", owner=ALICE, pending_id=members[0]["instruction_id"])
    events = await ledger.send(*groups, *members, *unknown, {**members[1], "amount": "1.00"}, voided)
    assert [event["type"] for event in events] == ["DuplicateReceived"] * 5 + ["InstructionRejected"] * 2
    assert [event.get("first_outcome") for event in events[:5]] == [
        "posted",
        "rejected",
        "posted",
        "posted",
        "rejected",
    ]
    assert [event["reason"] for event in events[5:]] == ["id_reused", "pending_unknown"]


async def test_what_needs_detached_events_says_so_and_the_rest_is_exact(
    ledger: StoredLedger, ledger_database: LedgerDatabase, owner: asyncpg.Connection
) -> None:
    """No figure is made up from what is left."""
    await filled(ledger)
    asking = await asyncpg.connect(ledger_database.readonly)
    early, book = datetime(2020, 1, 1, tzinfo=UTC), Scope("book")
    late = ledger.now
    await ledger.send(transfer(ALICE, BOB, "5.00"))
    now = await balances_show(asking, book, Moment())
    then = await balances_show(asking, book, Moment(at=late))
    await detach(owner, 0)
    assert await balances_show(asking, book, Moment()) == now
    assert await balances_show(asking, book, Moment(at=late)) == then
    with pytest.raises(PartsDetachedError):
        await balances_show(asking, book, Moment(at=early))
    with pytest.raises(PartsDetachedError):
        await balances_show(asking, book, Moment(value_date=late.date()))
    await asking.close()


async def test_a_part_is_detached_only_when_nobody_needs_it(
    ledger: StoredLedger, owner: asyncpg.Connection
) -> None:
    """Each refusal names what keeps it."""

    async def kept_by(number: int) -> str | None:
        """Why a part stays."""
        return (await parts(owner))[number]["kept_by"]

    assert "not reached" in str(await kept_by(0))
    reserve = instruction("reserve", owner=ALICE, account=ALICE, amount="1.00", asset="EUR")
    later = transfer(ALICE, ALICE, "1.00", credit_account="other", execute_on="2026-02-01")
    await ledger.send(opening(ALICE), opening(ALICE, "other"), deposit(ALICE, "9.00"))
    await ledger.send(reserve, later)
    await fill(ledger)
    assert "pending" in str(await kept_by(0))
    assert await kept_by(1) == "the part before it is attached"
    with pytest.raises(parting.NotPossibleError, match="pending"):
        await detach(owner, 0)
    await ledger.send(instruction("void_pending", owner=ALICE, pending_id=reserve["instruction_id"]))
    await ledger.connection.execute("UPDATE shard SET published_seq = last_seq")
    assert "scheduled" in str(await kept_by(0)), "what waits for its day is read on it"
    await ledger.send(instruction("void_pending", owner=ALICE, pending_id=later["instruction_id"]))
    assert "pending" in str(await kept_by(0)), "its end is not published"
    await ledger.connection.execute("UPDATE shard SET published_seq = last_seq")
    assert await kept_by(0) is None
    await detach(owner, 0)
    assert await kept_by(0) is None
    assert not (await parts(owner))[0]["attached"]
    with pytest.raises(parting.NotPossibleError, match="it is detached"):
        await detach(owner, 0)
    await detach(owner, 1)
    with pytest.raises(parting.NotPossibleError, match="attach that one first"):
        await parting.attach(owner, 0)
    await owner.execute("ALTER TABLE transactions.journal_row_1 RENAME TO elsewhere")
    with pytest.raises(parting.NotPossibleError, match="restore it first"):
        await parting.attach(owner, 1)


async def test_an_event_is_built_again_though_what_it_follows_up_is_in_another_part(
    ledger: StoredLedger, owner: asyncpg.Connection
) -> None:
    """What came of a pending one repeats what was asked."""
    reserve = instruction("reserve", owner=ALICE, account=ALICE, amount="1.00", asset="EUR")
    await ledger.send(opening(ALICE), deposit(ALICE, "9.00"))
    await ledger.send(reserve)
    await fill(ledger)
    (event,) = await ledger.send(
        instruction("post_pending", owner=ALICE, pending_id=reserve["instruction_id"])
    )
    (built,) = await ledger.service.events_after(ledger.connection, 1, event["seq"] - 1, 1)
    assert json.loads(built.body) == event
    assert uuid.UUID(event["instruction_id"])


async def test_the_command_lists_detaches_and_attaches(
    ledger: StoredLedger,
    ledger_database: LedgerDatabase,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As the owner; what cannot be done is said in words, and so is what needs a part that is away."""
    del owner
    await filled(ledger)
    monkeypatch.setenv("BACKOFFICE_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("BACKOFFICE_READONLY_DSN", ledger_database.readonly)
    monkeypatch.setenv("BACKOFFICE_OWNER_DSN", ledger_database.owner)

    async def typed(*words: str) -> tuple[int, list[dict[str, object]], str]:
        """What a command ends with, prints and says."""
        status = await asyncio.to_thread(main, [*words, "--json"])
        said = capsys.readouterr()
        return status, [json.loads(line) for line in said.out.splitlines()], said.err

    _, listed, _ = await typed("parts", "list")
    assert [each["kept_by"] for each in listed[:2]] == [None, "the part before it is attached"]
    status, _, said = await typed("parts", "detach", "1")
    assert status == 1
    assert "the part before it is attached" in said
    assert (await typed("parts", "detach", "0"))[0] == 0
    _, listed, _ = await typed("parts", "list")
    assert [each["attached"] for each in listed[:2]] == [False, True]
    status, _, said = await typed("ledger", "verify", "--no-published")
    assert status == 1
    assert "detached" in said
    assert "--attached" in said
    status, (verdict,), _ = await typed("ledger", "verify", "--no-published", "--no-seals", "--attached")
    assert status == 0
    assert verdict["from_seq"] == WIDTH + 1
    assert (await typed("parts", "attach", "0"))[0] == 0
    assert (await typed("ledger", "verify", "--no-published"))[0] == 0
