"""`backoffice ledger suspense`: what the house keeps for somebody, item by item."""

from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.periods import entity_unknown
from backoffice.cli.typed import day_of
from services.reporting.queries import OpenItem, open_items
from services.transactions.queries.periods import periods_show


def register(app: typer.Typer) -> None:
    """Put the command into the group."""
    app.command()(suspense)


def suspense(
    booking_date: Annotated[
        str | None, typer.Option("--booking-date", help="At the end of this day; else of the last one.")
    ] = None,
    entity: Annotated[str | None, typer.Option(help="Only this legal entity.")] = None,
    from_age: Annotated[int, typer.Option(min=0, help="Only items of at least so many days.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="How many at the most.")] = 100,
) -> None:
    """List items in suspense, the return account and blocked funds that are not used up, the oldest first.

    As far as reporting has read. `allocate` and `write_off` name an item by its number and the owner shown;
    what is below zero was paid for somebody and is undone by the reversal of its instruction.
    """
    on = day_of("--booking-date", booking_date)
    found = sessions.run(_found(connect(), on, entity, from_age, limit))
    for each in found:
        output.emit(asdict(each))
    if output.json_wanted():
        return
    if not found:
        output.say("Nothing is kept for anybody.")
        return
    output.table(
        ("item", "age", "class", "owner", "left", "of", "asset", "entity", "booked"),
        [
            (
                each.number,
                each.age_days,
                each.account_class,
                each.owner,
                each.left,
                each.amount,
                each.asset,
                each.entity,
                each.booking_date,
            )
            for each in found
        ],
        right=("age", "left", "of"),
    )
    if len(found) == limit:
        output.say(f"These are the oldest {limit}; --limit shows more.")


async def _found(
    connection: Connection, on: date | None, entity: str | None, from_age: int, limit: int
) -> list[OpenItem]:
    async with sessions.open_database(connection) as session:
        if entity is not None and not await periods_show(session, entity):
            raise entity_unknown(entity)
        return await open_items(session, on=on, entity=entity, from_age=from_age, limit=limit)
