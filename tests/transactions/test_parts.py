"""The journal is kept in parts by number: made ahead of time, and written without anybody's noticing."""

import json

import asyncpg
import pytest

from services.transactions.handlers.effects import PARTS_AHEAD
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import StoredLedger, deposit, opening, owner_in, received, transfer

ALICE, BOB, CAROL = owner_in(1, "alice"), owner_in(2, "bob"), owner_in(1, "carol")


async def go_on_from(ledger: StoredLedger, shard: int, seq: int) -> None:
    """Let a shard's next events be numbered from here, as if there had been so many."""
    await ledger.connection.execute("UPDATE shard SET last_seq = $2 WHERE shard = $1", shard, seq)
    await ledger.connection.execute(
        "UPDATE seal_head SET seq = $2, open_nodes = $3 WHERE shard = $1",
        shard,
        seq,
        bytes(32 * (seq % 1024).bit_count()),
    )
    await ledger.forget()


async def reach(ledger: StoredLedger) -> int:
    """How far the parts reach."""
    return await ledger.connection.fetchval("SELECT max(last_seq) FROM journal_part") or 0


async def test_a_batch_that_crosses_the_end_of_a_part_goes_into_both(ledger: StoredLedger) -> None:
    """Each row into the part of its number, and events are rebuilt from both."""
    await ledger.send(opening(ALICE), opening(BOB), opening(CAROL), deposit(ALICE, "9.00"))
    await go_on_from(ledger, 1, PARTS_AHEAD - 2)
    made = [transfer(ALICE, BOB, "1.00") for _ in range(4)]
    events = await ledger.send(*made)
    assert [event["type"] for event in events] == ["TransactionPosted"] * 4
    parts = await ledger.connection.fetch(
        "SELECT tableoid::regclass::text, seq FROM journal_row WHERE shard = 1 AND seq > 100 ORDER BY seq"
    )
    assert [tuple(row) for row in parts] == [
        ("journal_row_0", PARTS_AHEAD - 1),
        ("journal_row_0", PARTS_AHEAD),
        ("journal_row_1", PARTS_AHEAD + 1),
        ("journal_row_1", PARTS_AHEAD + 2),
    ]
    again = await ledger.send(made[0], made[3])
    assert [event["type"] for event in again] == ["DuplicateReceived"] * 2
    assert [event["first"]["seq"] for event in again] == [PARTS_AHEAD - 1, PARTS_AHEAD + 2]


async def test_a_whole_part_is_always_ready_before_it_is_needed(ledger: StoredLedger) -> None:
    """The service calls for it once a second, and needs no right to make tables."""
    assert await reach(ledger) == 2 * PARTS_AHEAD
    await ledger.tick()
    assert await reach(ledger) == 2 * PARTS_AHEAD
    await ledger.send(opening(ALICE))
    await go_on_from(ledger, 1, PARTS_AHEAD)
    await ledger.tick()
    assert await reach(ledger) == 3 * PARTS_AHEAD
    await ledger.tick()
    assert await reach(ledger) == 3 * PARTS_AHEAD
    (event,) = await ledger.send(deposit(ALICE, "1.00"))
    assert event["seq"] == PARTS_AHEAD + 1


async def test_the_service_makes_parts_and_no_other_tables(ledger_database: LedgerDatabase) -> None:
    """What it may is one function of the owner's; nobody else may even that."""
    for login, may in ((ledger_database.service, True), (ledger_database.readonly, False)):
        connection = await asyncpg.connect(login, server_settings={"search_path": "transactions"})
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE transactions.another (id int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM transactions.journal_row_0")
        if may:
            assert await connection.fetchval("SELECT make_parts(1)") == 2 * PARTS_AHEAD
        else:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetchval("SELECT make_parts(1)")
        await connection.close()


async def test_a_part_is_made_beside_a_writer_and_a_reader(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """No lock of it waits for theirs, nor theirs for it."""
    owner = await asyncpg.connect(
        ledger_database.owner, server_settings={"search_path": "transactions", "lock_timeout": "1s"}
    )
    reader = await asyncpg.connect(ledger_database.readonly)
    async with reader.transaction(), ledger.work([1]) as work:
        await reader.fetch("SELECT count(*) FROM transactions.journal")
        await ledger.service.handle(work, [received(opening(ALICE))])
        async with owner.transaction():
            await owner.execute("SELECT make_parts(9000000)")
            await reader.fetch("SELECT count(*) FROM transactions.journal")
            await ledger.service.handle(work, [received(deposit(ALICE, "1.00"))])
    assert [json.loads(each.body)["seq"] for each in ledger.outgoing] == [1, 2]
    await owner.close()
    await reader.close()
