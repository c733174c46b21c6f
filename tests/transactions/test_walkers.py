"""Processes that walk shards beside the verifier: what they load, and how they end."""

import asyncio
import pickle
import subprocess
import sys
from urllib.parse import urlsplit

import asyncpg
import pytest

from services.transactions.queries.verifying import verify
from services.transactions.queries.verifying.processes import (
    WALKER,
    Order,
    Task,
    WalkerEndedError,
    divided,
    started,
    walk_beside,
)
from services.transactions.queries.verifying.walker import as_it_travels
from tests.transactions.conftest import LedgerDatabase, Server
from tests.transactions.support import StoredLedger, deposit, opening, owner_in

WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = $1 AND wait_event_type = 'Lock' AND query NOT LIKE 'LOCK%'
    ORDER BY backend_start
"""
"""Who waits for a lock in a database, whoever came last at the end: a walker beside, if there is one."""
SECONDS_MAX = 10

NOBODY = Order("postgresql://nobody@127.0.0.1:1/nothing", "1-1", Task(((0, 1),), None, None))
"""An order about a database that is not there."""


def test_shards_are_divided_among_processes_by_their_length() -> None:
    """Each once, and no process without any."""
    assert divided({0: 5, 1: 90, 2: 40, 3: 40}, 2) == [((1, 90),), ((0, 5), (2, 40), (3, 40))]
    assert divided({0: 5, 1: 90}, 5) == [((1, 90),), ((0, 5),)]


def test_a_walker_loads_neither_messages_nor_what_speaks_to_kafka() -> None:
    """A second of loading is a sixth of what verifying a million movements takes."""
    heavy = ("aiokafka", "faststream", "pydantic", "typer")
    program = f"import {WALKER}, sys; print(*(each for each in {heavy} if each in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert loaded.stdout.split() == []


async def test_what_is_raised_beside_is_raised_here() -> None:
    """So that a database that is gone is told as such."""
    async with started(1) as (walker,):
        with pytest.raises(ConnectionRefusedError):
            await walk_beside(walker, NOBODY, None)


async def test_a_walker_that_ends_before_it_has_told_is_an_error() -> None:
    """A ledger of which a part was not walked must not be called right."""
    async with started(1) as (walker,):
        walker.kill()
        with pytest.raises(WalkerEndedError, match="status -9"):
            await walk_beside(walker, NOBODY, None)


async def test_no_walker_is_left_behind() -> None:
    """Neither one without an order nor one whose answer nobody waits for any more."""
    async with asyncio.timeout(20):
        async with started(2) as walkers:
            assert [each.returncode for each in walkers] == [None, None]
    assert [each.returncode for each in walkers] == [-9, -9]


async def test_a_walker_without_an_order_ends_by_itself() -> None:
    """As when the process that started it was killed."""
    async with asyncio.timeout(20), started(1) as (walker,):
        assert walker.stdin is not None
        walker.stdin.close()
        assert await walker.wait() == 0


class _StubbornError(Exception):
    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


def test_an_error_that_cannot_be_sent_is_said_in_words() -> None:
    """What it says must not be lost because of how it is made."""
    with pytest.raises(TypeError):
        pickle.loads(pickle.dumps(_StubbornError("this", "that")))
    assert (
        repr(as_it_travels(_StubbornError("this", "that"))) == "RuntimeError('_StubbornError: this and that')"
    )
    assert isinstance(as_it_travels(ConnectionError("gone")), ConnectionError)


def test_what_the_database_raises_is_sent_as_it_is() -> None:
    """By its name the command knows that the server has gone."""
    ended = as_it_travels(asyncpg.AdminShutdownError("terminating connection due to administrator command"))
    assert type(pickle.loads(pickle.dumps(ended))).__name__ == "AdminShutdownError"


@pytest.mark.parametrize("processes", [1, 2])
async def test_a_verifier_whose_server_stops_ends_at_once(
    ledger: StoredLedger, ledger_database: LedgerDatabase, ledger_server: Server, processes: int
) -> None:
    """Whichever of its connections is ended first, and though the others still wait for an answer."""
    for number in range(4):
        owner = owner_in(number, "someone")
        await ledger.send(opening(owner), deposit(owner, "5.00"))
    name = urlsplit(ledger_database.readonly).path.removeprefix("/")
    superuser = await asyncpg.connect(ledger_server.superuser_dsn)
    owner_session = await asyncpg.connect(ledger_database.owner)
    try:
        async with asyncio.timeout(60), owner_session.transaction():
            # All walks stand before it, as before a long answer.
            await owner_session.execute("LOCK TABLE transactions.journal_row IN ACCESS EXCLUSIVE MODE")
            verifying = asyncio.create_task(verify(ledger_database.readonly, processes=processes))
            waiting: list[int] = []
            while len(waiting) < processes:
                await asyncio.sleep(0.05)
                rows = await superuser.fetch(WAITING, name)
                waiting = [row["pid"] for row in rows]
            await superuser.fetch("SELECT pg_terminate_backend($1)", waiting[-1])
            began = asyncio.get_running_loop().time()
            with pytest.raises(ConnectionError):
                await verifying
            assert asyncio.get_running_loop().time() - began < SECONDS_MAX
    finally:
        await owner_session.close()
        await superuser.close()
