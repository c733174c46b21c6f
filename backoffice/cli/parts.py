"""`backoffice parts`: the parts in which the journal is kept; old ones are detached and attached again."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import asyncpg
import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import connect
from backoffice.cli.errors import FOUND, CommandError
from backoffice.cli.migrate import owner_dsn
from services.transactions import parting
from services.transactions.queries.parts import parts as parts_of

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Number = Annotated[int, typer.Argument(metavar="PART", help="As `parts list` shows it.", show_default=False)]


@app.callback()
def parts() -> None:
    """Look after the parts in which the journal is kept."""


@app.command(name="list")
def list_() -> None:
    """List the parts: their numbers, whether they are attached, and what keeps them from being detached."""
    rows = sessions.run(_parts())
    for row in rows:
        output.emit(row)
    output.table(
        ("part", "from", "to", "bytes", "state"),
        [
            (
                row["part"],
                f"{row['first_seq']:,}",
                f"{row['last_seq']:,}",
                f"{row['bytes']:,}" if row["attached"] else "–",
                (row["kept_by"] or "may be detached") if row["attached"] else "detached",
            )
            for row in rows
        ],
        right={"part", "from", "to", "bytes"},
    )


@app.command()
def detach(part: Number) -> None:
    """Detach the oldest part, as the owner of the tables: BACKOFFICE_OWNER_DSN, or the stack that runs here.

    Verify the books first. Its tables stay where they are, to be dumped and dropped. What repeats of its
    instructions are compared with is kept. What it holds can no longer be asked for, reversed or verified
    until it is attached again; balances since are not touched.
    """

    async def work(connection: Any) -> None:
        await parting.detach(connection, part, lambda kept: output.say(f"first outcomes kept: {kept:,}"))

    sessions.run(_as_owner(work))
    tables = [f"transactions.{table}_{part}" for table in parting.TABLES]
    output.emit({"part": part, "detached": tables}, f"Detached: {' and '.join(tables)}.")


@app.command()
def attach(part: Number) -> None:
    """Attach a part again, whose tables are in the schema; the newest one that is detached comes first."""

    async def work(connection: Any) -> None:
        await parting.attach(connection, part)

    sessions.run(_as_owner(work))
    output.emit({"part": part, "attached": True}, f"Part {part} is attached.")


async def _parts() -> list[dict[str, Any]]:
    async with sessions.open_database(connect()) as session:
        return await parts_of(session)


async def _as_owner(work: Callable[[Any], Awaitable[None]]) -> None:
    connection = await asyncpg.connect(owner_dsn())
    try:
        await work(connection)
    except parting.NotPossibleError as problem:
        raise CommandError(
            "not_possible",
            f"{str(problem)[0].upper()}{str(problem)[1:]}.",
            "Type `backoffice parts list`.",
            FOUND,
        ) from problem
    finally:
        await connection.close(timeout=5)
