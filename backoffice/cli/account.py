"""`backoffice account`: an account's balance, and each movement on it."""

from datetime import date
from typing import Annotated, Any

import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from services.transactions.queries import account_history, account_show

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

CodeArgument = Annotated[
    str, typer.Argument(help="The account's code, such as C000123-EUR.", show_default=False)
]


@app.callback()
def account() -> None:
    """Show an account's balance and history."""


@app.command()
def show(
    code: CodeArgument,
    booking_date: Annotated[
        str | None,
        typer.Option("--booking-date", help="At the end of this business day, such as 2026-03-02."),
    ] = None,
) -> None:
    """Show an account as the ledger has it now, or as it stood at the end of a business day.

    The balance is in the holder's favour. `as_of` names the last event counted of each shard.
    """
    day = None if booking_date is None else _day(booking_date)
    found = sessions.run(_show(connect(), code, day))
    output.emit(found)
    if not output.json_wanted():
        _print(found)


@app.command()
def history(
    code: CodeArgument,
    limit: Annotated[int | None, typer.Option(min=1, help="How many movements at the most.")] = None,
    after: Annotated[str | None, typer.Option(help="Go on after this `position`.")] = None,
) -> None:
    """List an account's posted movements with both dates and the running balance, oldest first."""
    sessions.run(_history(connect(), code, limit, after))


async def _show(connection: Connection, code: str, day: date | None) -> dict[str, Any]:
    async with sessions.open_database(connection) as database:
        found = await account_show(database, code, booking_date=day)
    if found is None:
        raise _unknown(code)
    return found


async def _history(connection: Connection, code: str, limit: int | None, after: str | None) -> None:
    rows: list[tuple[object, ...]] = []
    async with sessions.open_database(connection) as database:
        if await account_show(database, code) is None:
            raise _unknown(code)
        async for each in account_history(database, code, limit=limit, after=after):
            output.emit(each)
            if not output.json_wanted():
                rows.append(_row(each))
    if not rows and not output.json_wanted():
        output.say("No movement has been posted on it yet.")
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


def _print(found: dict[str, Any]) -> None:
    asset = found["asset"]
    about = f"{found['class']} account of {found['owner']} with {found['entity']}"
    print(f"{found['code']}  {about}, {found['status']}")
    for each in found["freezes"]:
        print(f"  frozen for {each['direction']}: {each['freeze_id']}")
    lines = [
        ("balance", found["balance"]),
        ("available", found["available"] if found["available"] is not None else "no limit"),
        ("limit", found["limit"] if found["limit"] is not None else "none"),
        ("debits posted", found["debits_posted"]),
        ("credits posted", found["credits_posted"]),
        ("debits pending", found["debits_pending"]),
        ("credits pending", found["credits_pending"]),
    ]
    width = max(len(str(value)) for _, value in lines)
    for name, value in lines:
        print(f"  {name:<16}{value:>{width}} {asset if str(value)[-1].isdigit() else ''}".rstrip())
    if found["booking_date"] is not None:
        print(f"  at the end of {found['booking_date']}; pending is as it is now")
    print("  as of " + ", ".join(f"{shard}-{seq}" for shard, seq in found["as_of"].items()))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(
            "date_wrong", f"--booking-date {text!r} is no date.", "Type it as in 2026-03-02.", USAGE
        ) from None


def _unknown(code: str) -> CommandError:
    return CommandError(
        "account_unknown",
        f"The ledger has no account {code}.",
        "Check the code; an account exists once its open_account was applied.",
        FOUND,
    )
