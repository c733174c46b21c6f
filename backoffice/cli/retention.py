"""`backoffice compliance retention`: how long records are kept, and what is past its day."""

from datetime import date
from typing import Annotated

import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.typed import day_of
from services.compliance.queries.retention import Kept, retention
from shared.runtime import clock

AsOfOption = Annotated[
    str | None, typer.Option(help="As of which day, such as 2031-03-12; today if not given.")
]


def show(as_of: AsOfOption = None) -> None:
    """Tell how many records are kept, of which class, and how many are past their day.

    Years are counted from a record's own day, on which work on it ended, and from the end of the
    relationship with the customer; what is still worked on is never due.
    """
    day = day_of("--as-of", as_of) or clock.now().date()
    kept = sessions.run(_kept(connect(), day))
    for each in kept.groups:
        output.emit({"as_of": kept.as_of, **each})
    if kept.terms is None:
        output.say(f"No terms are in force on {day}: nothing is ever due.")
    else:
        years = ", ".join(f"{name} {count}" for name, count in kept.terms.told().items())
        output.say(f"Years on {day}: {years}. {kept.terms.source}")
    if not kept.groups:
        output.say("There is no record.")
        return
    names = ("kind", "record_class", "records", "worked_on", "related", "held", "removed", "due", "first_due")
    numbers = ("records", "worked on", "customer still", "legal hold", "removed", "due")
    output.table(
        ("kind", "class", *numbers, "first due day"),
        [tuple(each[name] for name in names) for each in kept.groups],
        right=numbers,
    )


async def _kept(connection: Connection, as_of: date) -> Kept:
    async with (
        sessions.open_database(connection) as database,
        database.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await retention(database, as_of)
