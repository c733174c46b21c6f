"""Parts of the journal so narrow that a few events fill several."""

import asyncpg

from services.transactions import parting
from services.transactions.queries.parts import parts
from tests.transactions.support import StoredLedger, deposit, opening, owner_in

WIDTH = 16
"""Numbers in a part."""
USUAL = "4194304"


async def narrow(owner: asyncpg.Connection, width: int = WIDTH) -> None:
    """Make narrow parts instead of the usual ones, in which there is nothing yet."""
    await owner.execute("SET search_path = transactions")
    function: str = await owner.fetchval("SELECT pg_get_functiondef('make_parts'::regproc)") or ""
    await owner.execute(function.replace(USUAL, str(width)))
    for part in await parts(owner):
        for table in parting.TABLES:
            await owner.execute(f"DROP TABLE {table}_{part['part']}")
    await owner.execute("TRUNCATE journal_part")
    await owner.execute("SELECT make_parts(200)")
    await owner.execute("RESET search_path")


async def fill(ledger: StoredLedger) -> None:
    """Go beyond the second part in every shard, and have all of it published."""
    owners = [owner_in(shard, "filler") for shard in range(4)]
    await ledger.send(*(opening(each) for each in owners))
    for _ in range(2 * WIDTH + 3):
        await ledger.send(*(deposit(each, "1.00") for each in owners))
    await ledger.connection.execute("UPDATE shard SET published_seq = last_seq")
