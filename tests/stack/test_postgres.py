"""The embedded PostgreSQL, for real: private, durable, and up again after the worst."""

import asyncio
import signal
import stat
from pathlib import Path

import asyncpg
import pytest

from backoffice.stack.errors import StackError
from backoffice.stack.postgres import PASSWORD_FILE, EmbeddedPostgres
from backoffice.stack.stack import OWNER, _create_owner_and_database

pytestmark = pytest.mark.xdist_group("embedded-postgres")


async def ask(dsn: str, question: str) -> object:
    """Ask the database one question."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_it_starts_again_on_what_kill_9_has_left(tmp_path: Path) -> None:
    """Committed means committed; a stale pid file stops nobody; the address stays the same."""
    server = EmbeddedPostgres(tmp_path / "data")
    await server.start()
    try:
        dsn = server.superuser_dsn
        await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
        server.kill()
        assert await server.wait() == -signal.SIGKILL
        assert (tmp_path / "data" / "postmaster.pid").exists()
        await server.start()
        assert server.superuser_dsn == dsn
        assert await ask(dsn, "SELECT answer FROM kept") == 42
    finally:
        await server.stop()


async def test_another_start_on_the_folder_ends_the_server_left_there(tmp_path: Path) -> None:
    """As after `kill -9` of a supervisor on a system that could not end its children."""
    left, server = EmbeddedPostgres(tmp_path / "data"), EmbeddedPostgres(tmp_path / "data")
    await left.start()
    try:
        await server.start()
        assert left.pid is None
        assert await ask(server.superuser_dsn, "SELECT 1") == 1
    finally:
        await asyncio.gather(left.stop(), server.stop())


async def test_it_is_durable_private_and_the_same_on_every_machine(tmp_path: Path) -> None:
    """Nothing measured or tested on it would mean anything otherwise."""
    server = EmbeddedPostgres(tmp_path / "data")
    await server.start()
    try:
        password_file = tmp_path / "data" / PASSWORD_FILE
        assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
        assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "data.log"]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.dsn(user="postgres", password="guess", database="postgres"))
        for setting, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "listen_addresses": "127.0.0.1",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
            "idle_in_transaction_session_timeout": "0",
        }.items():
            assert await ask(server.superuser_dsn, f"SHOW {setting}") == value, setting
        assert await ask(server.superuser_dsn, "SELECT 'Z' < 'a' AND upper('é') = 'É'") is True
    finally:
        await server.stop()


async def test_the_owner_can_make_logins_and_databases_and_no_more(tmp_path: Path) -> None:
    """Migrations run as the owner, not as the superuser; made twice it gets its new password."""
    server = EmbeddedPostgres(tmp_path / "data")
    await server.start()
    try:
        for password in ("0a", "0b"):
            await _create_owner_and_database(server.superuser_dsn, password)
        dsn = server.dsn(user=OWNER, password="0b", database="backoffice")
        row = (
            "SELECT (rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls)::text FROM pg_roles"
        )
        assert await ask(dsn, f"{row} WHERE rolname = current_user") == "(f,t,t,f,f)"
    finally:
        await server.stop()


async def test_a_lost_password_file_is_explained(tmp_path: Path) -> None:
    """Instead of a login error of some library."""
    server = EmbeddedPostgres(tmp_path / "data")
    await server.start()
    try:
        (tmp_path / "data" / PASSWORD_FILE).unlink()
        with pytest.raises(StackError) as refused:
            _ = server.superuser_dsn
        assert refused.value.error == "password_missing"
    finally:
        await server.stop()


async def test_an_initdb_that_was_cut_off_is_begun_again(tmp_path: Path) -> None:
    """A half-made folder must not be taken for a database."""
    half = tmp_path / "data.making"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(tmp_path / "data")
    await server.start()
    try:
        assert await ask(server.superuser_dsn, "SELECT 1") == 1
        assert not half.exists()
    finally:
        await server.stop()
