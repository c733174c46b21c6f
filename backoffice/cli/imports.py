"""`backoffice import`: sends a real data set as instructions, and holds our books against what it printed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backoffice.cli import business_days, output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, TIMED_OUT, USAGE, CommandError
from backoffice.cli.sending import Sending, progress_words, send_all, shown
from backoffice.cli.simulate import result_words
from backoffice.importers import berka as berka_data
from backoffice.importers import berka_check as checking
from backoffice.importers.berka import BerkaFile
from shared.money import format_amount

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

TransactionsFile = Annotated[
    Path, typer.Argument(help="The data set's transactions, plain or .gz.", show_default=False)
]


@app.callback()
def import_() -> None:
    """Send a real data set as instructions."""


@app.command()
def berka(
    file: TransactionsFile,
    accounts: Annotated[
        Path | None, typer.Option("--accounts", help="The accounts file, for the days accounts were opened.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for every outcome.")] = True,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait after the last is sent.")] = 120.0,
) -> None:
    """Send the transactions of the PKDD'99 Berka data set, day by day.

    Opens each account before its first row and each of the file's days as a business day of the entity
    BERKA. Lines that are cut off are sent as they are, so that they have a fate too.
    """
    data = _read(file)
    try:
        opening_days = berka_data.read_opening_days(accounts) if accounts else {}
    except (OSError, ValueError) as problem:
        raise _unusable(accounts, problem) from problem
    for number, line in data.bad_lines:
        output.say(f"line {number} is no whole row and is sent as it is: {line[:60].decode('latin-1')!r}")
    connection = connect()
    sending, opened = sessions.run(_send(connection, data, opening_days, wait=wait, timeout=timeout))
    result: dict[str, Any] = {
        "rows": len(data.rows),
        "bad_lines": len(data.bad_lines),
        "accounts": len({row.account_id for row in data.rows}),
        "days": len(data.days),
        "days_opened": opened,
        **sending.result(),
    }
    words = f"{len(data.rows):,} rows of {result['accounts']:,} accounts over {len(data.days)} days"
    words += f", {opened} of them opened as business days." if opened is not None else "."
    output.emit(result, f"{words}\n{result_words(result)}")
    if sending.timed_out:
        raise typer.Exit(TIMED_OUT)


@app.command()
def berka_check(file: TransactionsFile) -> None:
    """Hold our end-of-day balances, by booking date, against those the bank printed, both ways.

    Status 1 if our books lack movements for any day of the file.
    """
    data = _read(file)
    agreements = sessions.run(_check(connect(), data))
    for way, found in agreements.items():
        farthest = found.farthest and {
            "account": found.farthest[0],
            "day": found.farthest[1],
            "difference": format_amount(found.farthest[2], checking.SCALE),
        }
        record = {
            "way": way,
            "account_days": found.account_days,
            "exact": found.exact,
            "within_0.10": found.within_0_10,
            "within_1.00": found.within_1_00,
            "overdrawn": found.overdrawn,
            "missing": found.missing,
            "farthest": farthest,
        }
        output.emit(record)
    counts = ("account_days", "exact", "within_0_10", "within_1_00", "overdrawn", "missing")
    output.table(
        ("way", "account-days", "exact", "within 0.10", "within 1.00", "overdrawn", "missing"),
        [(way, *(f"{getattr(found, each):,}" for each in counts)) for way, found in agreements.items()],
        right=("account-days", "exact", "within 0.10", "within 1.00", "overdrawn", "missing"),
    )
    if any(found.missing for found in agreements.values()):
        raise typer.Exit(FOUND)


async def _send(
    connection: Connection, data: BerkaFile, opening_days: dict[int, Any], *, wait: bool, timeout: float
) -> tuple[Sending, int | None]:
    """Publish everything; return how it went, and how many of the file's days every shard has opened."""
    sending = Sending()
    records = berka_data.instructions(data, connection.partitions, opening_days)
    async with shown(lambda: progress_words(sending)):
        await send_all(connection, records, wait=wait, timeout=timeout, sending=sending)
    if not wait:
        return sending, None
    async with sessions.open_database(connection) as database:
        opened = await business_days.days_opened(database, berka_data.ENTITY, connection.partitions)
    return sending, len(opened.intersection(data.days))


async def _check(connection: Connection, data: BerkaFile) -> dict[str, checking.Agreement]:
    async with sessions.open_database(connection) as database:
        return checking.check(data, await checking.net_movements(database))


def _read(file: Path) -> BerkaFile:
    try:
        return berka_data.read_transactions(file)
    except (OSError, ValueError) as problem:
        raise _unusable(file, problem) from problem


def _unusable(file: Path | None, problem: OSError | ValueError) -> CommandError:
    why = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
    return CommandError(
        "file_unusable",
        f"{file} cannot be imported: {why}.",
        "Name the data set's transactions file (trans…asc or .asc.gz), and account.asc with --accounts.",
        USAGE,
    )
