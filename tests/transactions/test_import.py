"""A ledger that was exported whole is taken in elsewhere as it was sealed, and goes on from there; or not at all."""

# ruff: noqa: E501 - tampering in one line each

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from backoffice.cli.ledger_import import import_ledger
from services.transactions.queries import export_ledger, verify
from services.transactions.queries.export_files import Spelling
from services.transactions.store.importing import ImportRefusedError
from shared.messages.envelope import HOUSE
from tests.transactions.conftest import TEMPLATE, LedgerDatabase, Server, database
from tests.transactions.support import (
    PARTITIONS,
    StoredLedger,
    answer,
    closing,
    deposit,
    exchange,
    instruction,
    limiting,
    opening,
    owner_in,
    received,
    reversal,
    transfer,
    withdrawal,
)

ANN, BEA = owner_in(1, "ann"), owner_in(2, "bea")
OWN = {"migration", "topology", "journal_part", "shard"}


async def a_life(ledger: StoredLedger) -> None:
    """Of every table a few rows."""
    await ledger.send(opening(ANN), opening(BEA), deposit(ANN, "5000.00"), deposit(BEA, "9.00"))
    message = transfer(ANN, BEA, "60.00", business_reference='a "quote", a \\ and a \u2028')
    await ledger.send(message, b"{", opening(ANN, "second"))
    pending, _ = await ledger.send(*[withdrawal(ANN, "1500.00") for _ in range(2)])
    await ledger.send(answer(pending, "cleared"), exchange(ANN, "8.00 EUR", "9.00 USD", "1.125"))
    await ledger.send(
        reversal(message), limiting(BEA, "500.00"), closing(ANN, "second"),
        instruction("freeze_account", owner=BEA, account=BEA, freeze_id="f", authority="c"),
    )  # fmt: skip
    day = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-02")
    await ledger.send(*[received(day, partition=shard) for shard in range(PARTITIONS)])
    await ledger.tick()
    await ledger.send(*[transfer(ANN, BEA, "0.01", value_date="2026-01-01") for _ in range(1_100)])


@pytest_asyncio.fixture
async def target(ledger_server: Server) -> AsyncIterator[LedgerDatabase]:
    """Another database, just migrated."""
    async with database(ledger_server, TEMPLATE) as addresses:
        yield addresses


async def exported(addresses: LedgerDatabase, folder: Path, spelling: Spelling = Spelling.JSON_LINES) -> Path:
    """Export a whole ledger, as it stands when its service has been stopped."""
    owner = await asyncpg.connect(addresses.owner, server_settings={"search_path": "transactions"})
    await owner.execute("UPDATE shard SET released = true")
    await owner.close()
    folder.mkdir()
    asking = await asyncpg.connect(addresses.owner)
    await export_ledger(asking, folder, {}, lambda *_: None, kept=True, spelling=spelling)
    await asking.close()
    return folder


async def imported(addresses: LedgerDatabase, folder: Path, *, new_topics: bool = False) -> dict[str, Any]:
    """Import a folder."""
    return await import_ledger(addresses.owner, folder, new_topics=new_topics, progress=lambda *_: None)


async def rows_of(addresses: LedgerDatabase) -> dict[str, list[str]]:
    """All tables' rows as text, but what says who works a shard."""
    connection = await asyncpg.connect(addresses.owner, server_settings={"search_path": "transactions"})
    tables = await connection.fetch(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'transactions'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition"
    )
    found = {
        name: [row[0] for row in await connection.fetch(f"SELECT t::text FROM {name} AS t ORDER BY 1")]
        for (name,) in tables
        if name not in OWN
    }
    found["shard"] = [
        row[0]
        for row in await connection.fetch(
            "SELECT (shard, epoch, batch_no, last_seq, published_seq, last_recorded_at, halted)::text"
            " FROM shard ORDER BY shard"
        )
    ]
    await connection.close()
    return found


@pytest.mark.parametrize("spelling", Spelling)
async def test_an_imported_ledger_is_the_same_and_goes_on(
    ledger: StoredLedger, ledger_database: LedgerDatabase, target: LedgerDatabase, tmp_path: Path,
    spelling: Spelling,
) -> None:  # fmt: skip
    """Row by row; what is sent then meets the same accounts, ids and balances."""
    await a_life(ledger)
    folder = await exported(ledger_database, tmp_path / "export", spelling)
    verdict = await imported(target, folder)
    assert verdict["first_difference"] is None
    assert verdict["ok"]
    assert await rows_of(target) == await rows_of(ledger_database)
    connection = await asyncpg.connect(target.service)
    other = await StoredLedger.started(connection)
    message = transfer(ANN, BEA, "1.00")
    both = [await each.send(message, message, withdrawal(ANN, "99999.00")) for each in (ledger, other)]
    assert [each["type"] for each in both[0]] == [each["type"] for each in both[1]]
    assert [each["seq"] for each in both[0]] == [each["seq"] for each in both[1]]
    await connection.close()
    assert (await verify(target.readonly, runs_from=1)).ok


async def test_with_new_topics_everything_is_published_again(
    ledger: StoredLedger, ledger_database: LedgerDatabase, target: LedgerDatabase, tmp_path: Path
) -> None:
    """Reading begins at the starts, and each event has the bytes that it had."""
    await a_life(ledger)
    folder = await exported(ledger_database, tmp_path / "export")
    assert (await imported(target, folder, new_topics=True))["ok"]
    connection = await asyncpg.connect(target.service)
    for table in ("position", "source_mark", "attempt"):
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert await connection.fetchval("SELECT max(published_seq) FROM shard") == 0
    other = await StoredLedger.started(connection)
    again = [
        each
        for shard in range(PARTITIONS)
        for each in await other.service.events_after(connection, shard, 0, 10_000)
    ]
    sent = sorted(ledger.outgoing, key=lambda each: (each.shard, each.seq))
    assert [(each.shard, each.seq, each.prev, each.body) for each in again] == [
        (each.shard, each.seq, each.prev, each.body) for each in sent
    ]
    await connection.close()


def resealed(folder: Path, name: str, change: Callable[[str], str]) -> None:
    """Change a file and make the manifest agree with it."""
    path = folder / name
    text = change(path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for each in manifest["files"]:
        if each["file"] == name:
            each |= {"lines": text.count("\n"), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param(
            "kept.journal_row.jsonl",
            lambda text: text.replace('"amount":6000', '"amount":6001', 1),
            id="another amount",
        ),
        pytest.param(
            "kept.journal_row.jsonl",
            lambda text: text.replace('"epoch":1', '"epoch":7', 1),
            id="another epoch",
        ),
        pytest.param("kept.instruction_key.jsonl", lambda text: text.split("\n", 1)[1], id="an id lost"),
        pytest.param(
            "kept.seal.jsonl",
            lambda text: text.replace('"root":"\\\\x', '"root":"\\\\x00', 1),
            id="another seal",
        ),
        pytest.param("kept.account_freeze.jsonl", lambda _: "", id="a freeze lost"),
    ],
)
async def test_what_is_not_as_it_was_sealed_is_taken_out_again(
    ledger: StoredLedger, ledger_database: LedgerDatabase, target: LedgerDatabase, tmp_path: Path,
    name: str, change: Callable[[str], str],
) -> None:  # fmt: skip
    """Even where the manifest was made to agree; the database is as empty as it was."""
    await a_life(ledger)
    before = await rows_of(target)
    folder = await exported(ledger_database, tmp_path / "export")
    resealed(folder, name, change)
    verdict = await imported(target, folder)
    assert not verdict["ok"]
    assert verdict["first_difference"] is not None
    assert await rows_of(target) == before


async def test_an_import_is_refused_where_something_has_happened(
    ledger: StoredLedger, ledger_database: LedgerDatabase, target: LedgerDatabase, tmp_path: Path
) -> None:
    """In a ledger that is not empty or is worked, from an export of a part, of another version or in disorder."""
    await a_life(ledger)
    folder = await exported(ledger_database, tmp_path / "export")
    with pytest.raises(ImportRefusedError, match="not empty"):
        await imported(ledger_database, folder)
    owner = await asyncpg.connect(target.owner, server_settings={"search_path": "transactions"})
    await owner.execute("UPDATE shard SET released = false WHERE shard = 2")
    with pytest.raises(ImportRefusedError, match="works 1 shards"):
        await imported(target, folder)
    await owner.execute("UPDATE shard SET released = true")
    await owner.execute("INSERT INTO migration (name, sha256) VALUES ('transactions/9999_new.sql', '')")
    with pytest.raises(ImportRefusedError, match="another version"):
        await imported(target, folder)
    await owner.execute("DELETE FROM migration WHERE name LIKE '%9999%'")
    await owner.close()
    (tmp_path / "part").mkdir()
    asking = await asyncpg.connect(ledger_database.readonly)
    await export_ledger(asking, tmp_path / "part", {}, lambda *_: None)
    await asking.close()
    with pytest.raises(ImportRefusedError, match="whole"):
        await imported(target, tmp_path / "part")
    (folder / "kept.balance.jsonl").write_text("")
    with pytest.raises(ImportRefusedError, match="not in order"):
        await imported(target, folder)
