"""`backoffice ledger migration`: what is left on the accounts against which balances are carried over."""

from typing import Annotated, Any

import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND
from services.transactions.queries.opening_balances import migration_show

FIGURES = ("debits", "credits", "left")


def register(app: typer.Typer) -> None:
    """Add the command to `backoffice ledger`."""
    app.command(name="migration")(migration)


def migration(entity: Annotated[str | None, typer.Option(help="Only this legal entity.")] = None) -> None:
    """Show what is left on migration accounts: nothing, once both sides of the books are carried over.

    Status 1 while something is.
    """
    lines = sessions.run(_lines(connect(), entity))
    for each in lines:
        output.emit(each)
    if not lines:
        output.say("No balance has been carried over.")
        return
    headings = ("account", "balances carried over", *FIGURES, "asset")
    output.table(
        headings,
        [
            (each["account"], each["carried_over"], *(each[name] for name in FIGURES), each["asset"])
            for each in lines
        ],
        right=headings[1:5],
    )
    if any(each["debits"] != each["credits"] for each in lines):
        raise typer.Exit(FOUND)


async def _lines(connection: Connection, entity: str | None) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        return await migration_show(database, entity)
