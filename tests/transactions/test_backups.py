"""The guide on backups does what it says: its commands are run, and the books come back whole."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from backoffice.stack import postgres
from backoffice.stack.postgres import EmbeddedPostgres
from services.transactions import parting
from services.transactions.handlers import effects
from services.transactions.queries.parts import PartsDetachedError
from services.transactions.queries.verifying import Anchor, verify
from tests.repository.documents import block_to_run
from tests.transactions.conftest import Server, address, make_database
from tests.transactions.narrow import WIDTH, fill, narrow
from tests.transactions.support import StoredLedger, deposit, opening, owner_in, transfer

GUIDE = "docs/guides/back-up-and-restore.md"
ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")
SECONDS_MAX = 60
ARCHIVED_SECONDS_MAX = 30

pytestmark = pytest.mark.skipif(
    os.environ.get("BACKOFFICE_STACK", "embedded") != "embedded",
    reason="the guide needs the server's own files",
)


@dataclass(frozen=True)
class Archived:
    """A server whose log is archived, with a ledger in it."""

    folder: Path
    server: EmbeddedPostgres
    ledger: StoredLedger

    def login(self, name: str, database: str = "books", server: EmbeddedPostgres | None = None) -> str:
        """The address of a database, there or on another server."""
        return address(Server((server or self.server).superuser_dsn), name, database)

    def run(self, block: str, **environment: str) -> None:
        """Run one of the guide's blocks as the superuser."""
        there = urlsplit(self.server.superuser_dsn)
        said = subprocess.run(
            ["/bin/sh", "-e", "-c", block_to_run(GUIDE, block)],
            env={
                "PATH": f"{postgres._binaries()}:{os.environ['PATH']}",
                "PGHOST": str(there.hostname),
                "PGPORT": str(there.port),
                "PGUSER": str(there.username),
                "PGPASSWORD": str(there.password),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        assert said.returncode == 0, said.stderr

    def archived(self) -> set[str]:
        """The pieces of the log that are in the archive."""
        return {each.name for each in (self.folder / "archive").iterdir()}

    async def archive_all(self) -> None:
        """Wait until every piece of the log is in the archive."""
        connection = await asyncpg.connect(self.server.superuser_dsn)
        wanted = await connection.fetchval("SELECT pg_walfile_name(pg_switch_wal())")
        async with asyncio.timeout(ARCHIVED_SECONDS_MAX):
            while wanted not in self.archived():  # noqa: ASYNC110 - PostgreSQL tells nobody
                await asyncio.sleep(0.05)
        await connection.close()


def give_to_server(path: Path) -> None:
    """PostgreSQL does not run as root: what it is to read and write is given to the user as whom it does."""
    if os.geteuid() == 0:
        for each in (path, *path.rglob("*")):
            shutil.chown(each, postgres.SYSTEM_USER, postgres.SYSTEM_USER)


@pytest_asyncio.fixture
async def archived(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Archived]:
    """A ledger with some books, on a server of its own."""
    monkeypatch.setattr(effects, "PARTS_AHEAD", WIDTH)
    with tempfile.TemporaryDirectory(prefix="backoffice-test-") as own:
        folder = Path(own)
        archive = folder / "archive"
        archive.mkdir()
        server = EmbeddedPostgres(
            folder / "postgres",
            settings={
                "archive_mode": "on",
                "archive_command": f"test ! -f {archive}/%f && cp %p {archive}/%f",
                "fsync": "off",
            },
        )
        postgres._system_user() if os.geteuid() == 0 else None
        give_to_server(archive)
        await server.start()
        give_to_server(server.data_dir / postgres.PASSWORD_FILE)
        try:
            await make_database(Server(server.superuser_dsn), "books")
            owner = await asyncpg.connect(address(Server(server.superuser_dsn), "postgres", "books"))
            await narrow(owner)
            await owner.close()
            connection = await asyncpg.connect(
                address(Server(server.superuser_dsn), "transactions_service", "books")
            )
            ledger = await StoredLedger.started(connection)
            await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "100.00"))
            await ledger.send(transfer(ALICE, BOB, "1.00"))
            yield Archived(folder, server, ledger)
            await connection.close()
        finally:
            await server.stop()


async def test_a_backup_and_the_archive_give_the_books_to_the_last_event(archived: Archived) -> None:
    """What was posted after the backup is there too, under the same seals, and the ledger goes on."""
    ledger = archived.ledger
    archived.run("backup", BACKUP=str(archived.folder / "backup"))
    await ledger.send(*(transfer(ALICE, BOB, "1.00") for _ in range(5)))
    before = await verify(archived.login("backoffice_readonly"))
    head = await ledger.connection.fetchrow("SELECT shard, seq, head FROM seal_head WHERE shard = 1")
    assert head is not None
    await archived.archive_all()
    await ledger.connection.close()
    await archived.server.stop()
    restored = archived.folder / "restored"
    archived.run(
        "restore",
        BACKUP=str(archived.folder / "backup"),
        RESTORED=str(restored),
        ARCHIVE=str(archived.folder / "archive"),
    )
    give_to_server(restored)
    second = EmbeddedPostgres(restored, settings={"archive_mode": "off"})
    await second.start()
    try:
        await promoted(second)
        after = await verify(archived.login("backoffice_readonly", server=second), anchors=[Anchor(*head)])
        assert after.ok
        assert (after.as_of, after.movements) == (before.as_of, before.movements)
        connection = await asyncpg.connect(archived.login("transactions_service", server=second))
        again = await StoredLedger.started(connection)
        again.now, again.offset = ledger.now, ledger.offset
        (event,) = await again.send(transfer(ALICE, BOB, "2.00"))
        assert event["type"] == "TransactionPosted"
        await connection.close()
    finally:
        await second.stop()


async def promoted(server: EmbeddedPostgres) -> None:
    """Wait until the archive is read and the server takes writes."""
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            connection = await asyncpg.connect(server.superuser_dsn)
            recovering = await connection.fetchval("SELECT pg_is_in_recovery()")
            await connection.close()
            if not recovering:
                return
            await asyncio.sleep(0.1)


async def test_a_dump_restored_is_the_same_ledger(archived: Archived) -> None:
    """Rights and all: it verifies, and the service works on it."""
    archived.run("dump", DATABASE="books", COPY="copy", DUMP=str(archived.folder / "books.dump"))
    before = await verify(archived.login("backoffice_readonly"))
    after = await verify(archived.login("backoffice_readonly", "copy"))
    assert after.ok
    assert (after.as_of, after.movements) == (before.as_of, before.movements)
    connection = await asyncpg.connect(archived.login("transactions_service", "copy"))
    again = await StoredLedger.started(connection)
    again.now, again.offset = archived.ledger.now, archived.ledger.offset
    (event,) = await again.send(transfer(ALICE, BOB, "2.00"))
    assert event["type"] == "TransactionPosted"
    await connection.close()


async def test_a_detached_part_comes_back_from_its_dump(archived: Archived) -> None:
    """Dropped meanwhile; with it the whole ledger is verified from the first event."""
    await fill(archived.ledger)
    before = await verify(archived.login("backoffice_readonly"))
    owner = await asyncpg.connect(archived.login("postgres"))
    await parting.detach(owner, 0, lambda _: None)
    archived.run("part", DATABASE="books", PART="0", DUMP=str(archived.folder / "part.dump"))
    with pytest.raises(PartsDetachedError):
        await verify(archived.login("backoffice_readonly"))
    await parting.attach(owner, 0)
    await owner.close()
    after = await verify(archived.login("backoffice_readonly"))
    assert after.ok
    assert after.movements == before.movements
