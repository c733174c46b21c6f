"""`backoffice account`: an account's balance, each movement on it, and who has a role with its customer."""

from datetime import date, datetime
from typing import Annotated, Any, Final

import typer

from backoffice.cli import output, sessions
from backoffice.cli.book import (
    AtOption,
    BookingDateOption,
    ValueDateOption,
    moment_of,
    print_bounds,
)
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from backoffice.cli.typed import day_of, instant_of
from services.compliance.queries.persons import roles_of_owner, roles_of_person
from services.transactions.queries import Moment, PositionUnknownError, account_history, account_show
from shared.messages.partitioner import shard_of

RIGHT: Final = ("traded", "settled", "pending in", "pending out", "available")

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

CodeArgument = Annotated[
    str, typer.Argument(help="The account's code, such as C000123-EUR.", show_default=False)
]


@app.callback()
def account() -> None:
    """Show an account's balance and history, and who acts for, owns or controls its customer."""


@app.command()
def show(
    code: CodeArgument,
    at: AtOption = None,
    booking_date: BookingDateOption = None,
    value_date: ValueDateOption = None,
) -> None:
    """Show an account as the ledger has it now, or as it was at a moment; the bounds may be combined.

    The balance is in the holder's favour. `as_of` names the last event counted of each shard.
    """
    moment = moment_of(at, booking_date, value_date)
    found = sessions.run(_show(connect(), code, moment))
    output.emit(found)
    if not output.json_wanted():
        _print(found, moment)


@app.command()
def history(
    code: CodeArgument,
    limit: Annotated[int | None, typer.Option(min=1, help="How many movements at the most.")] = None,
    after: Annotated[str | None, typer.Option(help="Go on after this `position`.")] = None,
) -> None:
    """List an account's posted movements with both dates and the running balance, oldest first."""
    sessions.run(_history(connect(), code, limit, after))


@app.command()
def holders(
    code: Annotated[str | None, typer.Argument(help="The account's code.", show_default=False)] = None,
    owner: Annotated[
        str | None, typer.Option(help="Instead of an account: who has a role with this customer.")
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="Instead of an account: with which customers this person has a role.")
    ] = None,
    at: AtOption = None,
    booking_date: Annotated[
        str | None, typer.Option("--booking-date", help="Only roles that count on this business day.")
    ] = None,
) -> None:
    """List who has a role with a customer: who owns, acts or controls.

    As compliance has been told by `open_account` and `change_holder`; of a person and role the last word
    counts. Ended ones are listed, too, unless a day is given. Whom an opening named without a code stands
    at the end, by the place among its holders, and is found by the customer only.
    """
    if sum(each is not None for each in (code, owner, person)) != 1:
        raise CommandError(
            "usage",
            "Say of whom.",
            "Give either an account's code, --owner with a customer's or --person with a person's.",
            USAGE,
        )
    instant = instant_of("--at", at)
    day = day_of("--booking-date", booking_date)
    found = sessions.run(_holders(connect(), code, owner, person, instant, day))
    for each in found:
        output.emit(each)
    if not found:
        output.say("Nobody has a role." if person is None else f"{person} has no role.")
        return
    output.table(
        ("customer", "person", "role", "since", "until", "told by event", "recorded at"),
        [
            (
                each["owner"],
                each["person"] or f"(no code, holder {each['place']})",
                each["role"].replace("_", " "),
                each["since"] or "",
                each["until"] or "",
                f"{each['shard']}-{each['seq']}",
                output.minute(each["recorded_at"]),
            )
            for each in found
        ],
    )


async def _holders(
    connection: Connection,
    code: str | None,
    owner: str | None,
    person: str | None,
    at: datetime | None,
    day: date | None,
) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        if person is not None:
            return await roles_of_person(database, person, at, day)
        if owner is not None:
            return await roles_of_owner(database, shard_of(owner, connection.partitions), owner, at, day)
        assert code is not None
        found = await account_show(database, code)
        if found is None:
            raise _unknown(code)
        return await roles_of_owner(database, found["shard"], found["owner"], at, day)


async def _show(connection: Connection, code: str, moment: Moment) -> dict[str, Any]:
    async with sessions.open_database(connection) as database:
        found = await account_show(database, code, moment)
    if found is None:
        raise _unknown(code)
    return found


async def _history(connection: Connection, code: str, limit: int | None, after: str | None) -> None:
    rows: list[tuple[object, ...]] = []
    async with sessions.open_database(connection) as database:
        if await account_show(database, code) is None:
            raise _unknown(code)
        try:
            async for each in account_history(database, code, limit=limit, after=after):
                output.emit(each)
                if not output.json_wanted():
                    rows.append(_row(each))
        except PositionUnknownError:
            raise CommandError(
                "usage",
                f"There is no position {after!r}.",
                "Type the `position` of the last line of a page.",
                USAGE,
            ) from None
    if not rows and not output.json_wanted():
        output.say("No movement has been posted on it yet." if after is None else "That was the last one.")
        return
    headings = ("booked", "value", "type", "counterpart", "debit", "credit", "balance", "event")
    output.table(headings, rows, right=("debit", "credit", "balance"))


def _row(each: dict[str, Any]) -> tuple[object, ...]:
    is_debit = each["side"] == "debit"
    return (
        each["booking_date"],
        each["value_date"],
        each["type"],
        each["counterpart"],
        each["amount"] if is_debit else "",
        "" if is_debit else each["amount"],
        each["balance"],
        f"{each['shard']}-{each['seq']}",
    )


def _print(found: dict[str, Any], moment: Moment) -> None:
    asset = found["asset"]
    holdings = found.get("holdings")
    about = f"{found['class']} account of {found['owner']} with {found['entity']}"
    print(f"{found['code']}  {about}, {found['status']}")
    for each in found["closings"]:
        print(f"  {_closing(each)}")
    for each in found["freezes"]:
        what = f"for {each['direction']}" if each["amount"] is None else f"{each['amount']} {asset}"
        print(f"  frozen {what}: {each['freeze_id']}")
    if holdings is not None:
        _print_holdings(holdings)
        print_bounds(moment)
        return
    lines = [
        ("balance", found["balance"]),
        ("available", _available(found, moment)),
        ("limit", found["limit"] if found["limit"] is not None else "none"),
        ("debits posted", found["debits_posted"]),
        ("credits posted", found["credits_posted"]),
        ("debits pending", found["debits_pending"]),
        ("credits pending", found["credits_pending"]),
    ]
    width = max(len(str(value)) for _, value in lines)
    for name, value in lines:
        print(f"  {name:<16}{value:>{width}} {asset if str(value)[-1].isdigit() else ''}".rstrip())
    for each in found["limits"]:
        until = f" until {each['valid_until']}" if each["valid_until"] else ""
        limit = each["limit"] if each["limit"] is not None else "none"
        print(f"  limit {limit} from {each['valid_from']}{until}: {each['authority']}")
    print_bounds(moment)
    print("  as of " + ", ".join(f"{shard}-{seq}" for shard, seq in found["as_of"].items()))


def _closing(each: dict[str, int | None]) -> str:
    """Say in a line how it was closed, by the events of its home shard."""
    closed = f", closed by {each['closed_seq']}" if each["closed_seq"] else ""
    reopened = f", opened again by {each['reopened_seq']}" if each["reopened_seq"] else ""
    return f"closing since event {each['seq']}{closed}{reopened}"


def _print_holdings(holdings: list[dict[str, Any]]) -> None:
    figures = ("traded", "settled", "pending_in", "pending_out", "available")
    rows = [(each["asset"], *(each[name] or "not by date" for name in figures)) for each in holdings]
    output.table(("security", *(name.replace("_", " ") for name in figures)), rows, right=RIGHT)


def _available(found: dict[str, Any], moment: Moment) -> str:
    if found["available"] is not None:
        return found["available"]
    return "not by date" if moment.is_by_date else "no limit"


def _unknown(code: str) -> CommandError:
    return CommandError(
        "account_unknown",
        f"The ledger has no account {code}.",
        "Check the code; an account exists once its open_account was applied.",
        FOUND,
    )
