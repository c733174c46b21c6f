"""`backoffice balances`: what a container, an owner, an entity or the whole book holds, at any moment."""

from typing import Annotated, Any

import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from backoffice.cli.typed import day_of, instant_of
from services.transactions.queries import Moment, Scope, ScopeKind, balances_show

AtOption = Annotated[
    str | None,
    typer.Option("--at", help="As recorded by this instant, such as 2026-03-02T17:00:00Z."),
]
BookingDateOption = Annotated[
    str | None,
    typer.Option("--booking-date", help="At the end of this business day, such as 2026-03-02."),
]
ValueDateOption = Annotated[
    str | None,
    typer.Option("--value-date", help="By what has its value by the end of this day."),
]


def balances(
    container: Annotated[str | None, typer.Option(help="Of a container, such as a custody account.")] = None,
    owner: Annotated[str | None, typer.Option(help="Of an owner's accounts.")] = None,
    entity: Annotated[str | None, typer.Option(help="Of all accounts of an entity.")] = None,
    book: Annotated[bool, typer.Option("--book", help="Of all accounts there are.")] = False,
    at: AtOption = None,
    booking_date: BookingDateOption = None,
    value_date: ValueDateOption = None,
) -> None:
    """Show balances with totals by asset, now or at any moment; the three bounds may be combined.

    Status 1 if debits and credits of an entity or the book differ.
    """
    scope = _scope(container=container, owner=owner, entity=entity, book=book)
    moment = moment_of(at, booking_date, value_date)
    lines, totals = sessions.run(_balances(connect(), scope, moment))
    for each in (*lines, *totals):
        output.emit(each)
    if not output.json_wanted():
        _print(lines, totals, moment)
    if any(each["balanced"] is False for each in totals):
        raise typer.Exit(FOUND)


def moment_of(at: str | None, booking_date: str | None, value_date: str | None) -> Moment:
    """Return the moment that the options name."""
    return Moment(
        at=instant_of("--at", at),
        booking_date=day_of("--booking-date", booking_date),
        value_date=day_of("--value-date", value_date),
    )


def print_bounds(moment: Moment) -> None:
    """Say what bounds the figures, under them."""
    if moment.at is not None:
        print(f"  as recorded by {output.rfc3339(moment.at)}")
    if moment.booking_date is not None:
        print(f"  booked by the end of {moment.booking_date}")
    if moment.value_date is not None:
        print(f"  with value by the end of {moment.value_date}")
    if moment.is_by_date:
        print("  pending has no date and is shown as recorded")


def _scope(*, container: str | None, owner: str | None, entity: str | None, book: bool) -> Scope:
    given: dict[ScopeKind, str | None] = {"container": container, "owner": owner, "entity": entity}
    named = [Scope(kind, code) for kind, code in given.items() if code is not None]
    if book:
        named.append(Scope("book"))
    if len(named) != 1:
        raise CommandError(
            "usage",
            "It must be said whose balances are wanted, once.",
            "Type one of --container, --owner, --entity and --book.",
            USAGE,
        )
    return named[0]


async def _balances(
    connection: Connection, scope: Scope, moment: Moment
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    async with sessions.open_database(connection) as database:
        found = await balances_show(database, scope, moment)
    if found is None:
        raise CommandError(
            f"{scope.kind}_unknown",
            f"The ledger has no {scope.kind} {scope.code}.",
            "Check the code; an account exists once its open_account was applied.",
            FOUND,
        )
    return found


def _print(lines: list[dict[str, Any]], totals: list[dict[str, Any]], moment: Moment) -> None:
    if not totals:
        output.say("There is nothing in it at that moment.")
        return
    columns = ("debits_posted", "credits_posted", "debits_pending", "credits_pending", "balance")
    named = "account" if "account" in (lines or [{}])[0] else "class"
    rows: list[tuple[object, ...]] = [
        (each[named], each["entity"], *(each[column] for column in columns), each["asset"]) for each in lines
    ]
    rows += [
        ("total", _verdict(each), *(each[column] for column in columns), each["asset"]) for each in totals
    ]
    headings = (named, "entity", "debits", "credits", "pending debits", "pending credits", "balance", "asset")
    output.table(headings, rows, right=headings[2:7])
    print_bounds(moment)
    print("  as of " + ", ".join(f"{shard}-{seq}" for shard, seq in totals[0]["as_of"].items()))


def _verdict(total: dict[str, Any]) -> str:
    match total["balanced"]:
        case None:
            return ""
        case True:
            return "balanced"
        case _:
            return "NOT BALANCED"
