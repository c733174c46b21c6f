"""Writes the page about planted mistakes: `python -m tests.stateful`."""

import asyncio

from tests.stateful.catching import PAGE, caught, page
from tests.stateful.conftest import prepare
from tests.stateful.planted import BUGS
from tests.support import infrastructure
from tests.transactions.conftest import Server


async def main() -> None:
    """Plant each mistake, see by what it is caught, and write the page."""
    async with infrastructure.postgres(durable=False) as dsn:
        server = Server(dsn)
        await prepare(server)
        PAGE.write_text(page({bug.name: await caught(server, bug) for bug in BUGS}), encoding="utf-8")


asyncio.run(main())
