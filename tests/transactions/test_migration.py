"""A ledger with books in it is brought up to date beside the service, and all holds afterwards."""

import asyncio
import hashlib
from pathlib import Path

import asyncpg
import pytest

from services.transactions import data
from services.transactions.queries.verifying import verify
from shared.runtime import migrate
from shared.runtime.errors import ConfigurationError
from shared.runtime.migrate import Migration, migrate_schema, migrations_of
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PARTITIONS,
    StoredLedger,
    deposit,
    instruction,
    opening,
    owner_in,
    transfer,
    withdrawal,
)

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")

ONE_DAY = """
CREATE TYPE reason_kind AS ENUM ('one', 'another');
ALTER TYPE event_kind ADD VALUE 'SomethingElse';
ALTER TABLE journal_row ADD COLUMN note text, ADD COLUMN rank int NOT NULL DEFAULT 0;
COMMENT ON COLUMN journal_row.note IS 'whatever it may be';
CREATE INDEX journal_note ON journal_row (note) WHERE note IS NOT NULL;
ALTER TABLE movement_of_several ADD COLUMN note text;
ALTER TABLE balance ADD CONSTRAINT a_new_rule CHECK (debits_posted <= 9000000000000000000) NOT VALID;
ALTER TABLE balance VALIDATE CONSTRAINT a_new_rule;
ALTER TABLE instruction_key ADD COLUMN first_seen timestamptz;
CREATE TABLE one_more (shard int NOT NULL, seq bigint NOT NULL, PRIMARY KEY (shard, seq));
GRANT SELECT, INSERT ON one_more TO transactions_service;
INSERT INTO one_more SELECT shard, max(seq) FROM journal_row GROUP BY shard;
CREATE OR REPLACE VIEW journal_notes AS SELECT shard, seq, note FROM journal_row;
SELECT make_parts(9000000);
"""
"""What a migration of one day may do, to each table that grows."""


def migrations(sql: str) -> list[Migration]:
    """The ledger's own, and one more."""
    own = migrations_of("transactions", Path(data.__file__).with_name("migrations"))
    return [*own, Migration("transactions/9000_one_day.sql", hashlib.sha256(sql.encode()).hexdigest(), sql)]


async def populate(ledger: StoredLedger) -> None:
    """Some of everything: movements of one and of several, pending ones, rejections, repeats."""
    await ledger.send(opening(ALICE), opening(BOB), opening(ALICE, "alice-usd", asset="USD"))
    await ledger.send(deposit(ALICE, "9000.00"), deposit(BOB, "50.00"))
    message = transfer(ALICE, BOB, "1.00")
    await ledger.send(
        *(transfer(ALICE, BOB, f"{n}.00") for n in range(1, 40)),
        message,
        message,
        transfer(ALICE, "x", "1.00"),
    )
    await ledger.send(
        withdrawal(ALICE, "1000.00"),
        instruction(
            "exchange", owner=ALICE, debit_account=ALICE, debit_amount="10.00", debit_asset="EUR",
            credit_account="alice-usd", credit_amount="11.00", credit_asset="USD", rate="1.1",
        ),
    )  # fmt: skip


async def in_order(addresses: LedgerDatabase) -> int:
    """Verify all, seals too, and say how many movements there are."""
    result = await verify(addresses.readonly)
    assert result.first_difference is None
    assert result.ok
    return result.movements


async def test_a_populated_ledger_is_migrated_and_goes_on(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """The books verify before and after; the running service writes on, and so does one started later."""
    await populate(ledger)
    before = await in_order(ledger_database)
    owner = await asyncpg.connect(ledger_database.owner)
    assert await migrate_schema(owner, "transactions", migrations(ONE_DAY), partitions=PARTITIONS) == [
        "transactions: transactions/9000_one_day.sql"
    ]
    assert await migrate_schema(owner, "transactions", migrations(ONE_DAY), partitions=PARTITIONS) == []
    await owner.close()
    assert await in_order(ledger_database) == before
    (event,) = await ledger.send(transfer(ALICE, BOB, "2.00"))
    assert event["type"] == "TransactionPosted"
    again = await StoredLedger.started(ledger.connection)
    again.now, again.offset = ledger.now, ledger.offset
    (event,) = await again.send(transfer(ALICE, BOB, "3.00"))
    assert event["type"] == "TransactionPosted"
    assert await in_order(ledger_database) == before + 2


async def test_a_migration_gives_way_to_who_is_at_work(
    ledger: StoredLedger, ledger_database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for no lock for long: whoever wants the table next would wait behind it."""
    monkeypatch.setattr(migrate, "LOCK_MS", 50)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.05)
    await populate(ledger)
    owner = await asyncpg.connect(ledger_database.owner)
    reader = await asyncpg.connect(ledger_database.readonly)
    reading = reader.transaction()
    await reading.start()
    await reader.fetch("SELECT count(*) FROM transactions.journal")
    waiting = asyncio.create_task(
        migrate_schema(owner, "transactions", migrations(ONE_DAY), partitions=PARTITIONS)
    )
    for n in range(1, 10):
        await asyncio.wait_for(ledger.send(transfer(ALICE, BOB, f"{n}.00")), 2)
    assert not waiting.done()
    await reading.rollback()
    assert await asyncio.wait_for(waiting, 5)
    await in_order(ledger_database)
    await owner.close()
    await reader.close()


async def test_a_migration_that_never_gets_its_lock_changes_nothing(
    ledger: StoredLedger, ledger_database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, and may be run again."""
    monkeypatch.setattr(migrate, "LOCK_MS", 20)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(migrate, "ATTEMPTS_MAX", 3)
    await populate(ledger)
    owner = await asyncpg.connect(ledger_database.owner)
    reader = await asyncpg.connect(ledger_database.readonly)
    async with reader.transaction():
        await reader.fetch("SELECT count(*) FROM transactions.balance")
        with pytest.raises(ConfigurationError, match="found a table locked 3 times"):
            await migrate_schema(owner, "transactions", migrations(ONE_DAY), partitions=PARTITIONS)
    assert not await owner.fetchval("SELECT to_regclass('transactions.one_more') IS NOT NULL")
    assert await migrate_schema(owner, "transactions", migrations(ONE_DAY), partitions=PARTITIONS)
    await owner.close()
    await reader.close()
