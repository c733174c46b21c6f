"""`backoffice ledger periods`, `close-period`: how far an entity's books are closed, and how that goes on."""

from datetime import date
from typing import Annotated, Any

import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, TIMED_OUT, CommandError
from backoffice.cli.instruction import read_line, send_lines
from backoffice.cli.typed import day_of
from services.transactions.queries.periods import periods_show
from shared.messages.envelope import HOUSE
from shared.messages.instructions.base import content_of
from shared.messages.instructions.books import ClosePeriod
from shared.runtime import clock


def register(app: typer.Typer) -> None:
    """Add the commands to `backoffice ledger`."""
    app.command(name="periods")(periods)
    app.command(name="close-period")(close_period)


def periods(
    entity: Annotated[str | None, typer.Option(help="Only this legal entity.")] = None,
) -> None:
    """List the periods of each entity, and where in each shard's journal they were closed.

    A period is closing until every shard has closed it.
    """
    lines = sessions.run(_periods(connect(), entity))
    for each in lines:
        output.emit(each)
    output.table(
        ("entity", "from", "to", "state", "closed at"),
        [
            (
                each["entity"],
                each["first_day"],
                each["last_day"] or "",
                each["state"].replace("_", " "),
                ", ".join(f"{shard}-{seq}" for shard, seq in _closed_at(each).items()),
            )
            for each in lines
        ],
    )


def close_period(
    entity: Annotated[str, typer.Option(help="The legal entity whose books they are.")],
    last_day: Annotated[str, typer.Option(help="The period's last booking date, such as 2026-01-31.")],
    soft: Annotated[bool, typer.Option("--soft", help="Leave it open to adjustments.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for every shard.")] = 30.0,
) -> None:
    """Close the next period of an entity's books in every shard, up to a day, and wait for the outcome.

    It is over when a later business day is open. What is soft-closed still takes adjustments. Status 1 if
    the ledger says no.
    """
    connection, until = connect(), day_of("--last-day", last_day)
    lines = sessions.run(_periods(connection, entity))
    named = [each for each in lines if each["last_day"] == until.isoformat()]
    message = ClosePeriod(
        type="close_period",  # said, so that it is part of the content
        instruction_id=clock.new_id(),
        owner=HOUSE,
        entity=entity,
        first_day=date.fromisoformat((named or lines)[-1]["first_day"]),
        last_day=until,
        state="soft_closed" if soft else "closed",
    )
    line = read_line(1, content_of(message))
    answered = sessions.run(send_lines(connection, [line], wait=True, final=False, timeout=timeout))
    if answered.timed_out:
        raise typer.Exit(TIMED_OUT)
    if answered.refused:
        raise typer.Exit(FOUND)


def _closed_at(line: dict[str, Any]) -> dict[str, int]:
    return line["closed_at"] or line["soft_closed_at"]


async def _periods(connection: Connection, entity: str | None) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        found = await periods_show(database, entity)
    if not found:
        raise entity_unknown(entity)
    return found


def entity_unknown(entity: str | None) -> CommandError:
    """Return the error of who asks for an entity that there is not."""
    return CommandError(
        "entity_unknown",
        f"The chart has no entity {entity}.",
        "Type `backoffice ledger periods` to see all of them.",
        FOUND,
    )
