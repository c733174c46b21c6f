"""One server a session with a migrated template, and a database of its own for every script."""

import asyncio

import asyncpg
import pytest

from tests.stateful.examining import Finding, examine
from tests.stateful.machine import Machine, Script, in_memory
from tests.stateful.scripts import BEGINNING
from tests.transactions.conftest import Server, address, database, ledger_server, make_database

__all__ = ["ledger_server"]

TEMPLATE = "script_template"


@pytest.fixture(scope="session")
def scripts_server(ledger_server: Server) -> Server:
    """The server with a template in which large reserves are screened first, too."""
    asyncio.run(prepare(ledger_server))
    return ledger_server


async def prepare(server: Server) -> None:
    """Make the template of the scripts' databases."""
    await make_database(server, TEMPLATE)
    connection = await asyncpg.connect(address(server, "postgres", TEMPLATE))
    await connection.execute(
        "INSERT INTO transactions.screening_policy"
        " (entity_id, instruction_type, asset_id, amount_from, valid_from)"
        " VALUES (1, 'reserve', 978, 50000, '2026-01-01')"
    )
    await connection.close()


async def findings(server: Server, script: Script) -> list[Finding]:
    """Play a script on a database of its own, and say what does not hold after it."""
    async with database(server, TEMPLATE) as own:
        machine = Machine(own)
        with in_memory(machine):
            await machine.start()
            await machine.play(BEGINNING)
            await machine.play(script)
            await machine.finish()
            return await examine(machine)
