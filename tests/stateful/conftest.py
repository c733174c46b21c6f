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
CHANGING = """
    UPDATE transactions.posting_rule SET valid_until = '2026-01-05'
    WHERE entity_id = 1 AND (instruction_type, condition) IN (('fee', ''), ('withdrawal', ''));
    INSERT INTO transactions.posting_rule
        (entity_id, instruction_type, condition, house_class, valid_from, valid_until)
    VALUES (1, 'fee', '', 'interest_income', '2026-01-05', '2026-01-08'),
           (1, 'fee', '', 'fee_income', '2026-01-08', NULL),
           (1, 'withdrawal', '', 'clearing', '2026-01-05', NULL);
    UPDATE transactions.account_class SET valid_until = '2026-01-06' WHERE class = 'loan';
"""
"""Posting rules that make way for others, and a class of which no more accounts are opened."""


@pytest.fixture(scope="session")
def scripts_server(ledger_server: Server) -> Server:
    """The server with a template in which large reserves are screened first, too, and the chart changes."""
    asyncio.run(prepare(ledger_server))
    return ledger_server


async def prepare(server: Server) -> None:
    """Make the template of the scripts' databases."""
    await make_database(server, TEMPLATE)
    connection = await asyncpg.connect(address(server, "postgres", TEMPLATE))
    await connection.execute(
        "INSERT INTO transactions.screening_policy"
        " (entity_id, instruction_type, asset_id, amount_from, risk_classes, channels, valid_from)"
        " VALUES (1, 'reserve', 978, 50000, '{}', '{}', '2026-01-01'),"
        " (1, 'transfer', 978, 5000, '{medium,high}', '{api}', '2026-01-01')"
    )
    await connection.execute(CHANGING)
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
