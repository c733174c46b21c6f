"""`backoffice ledger export`, `check-export`: the whole ledger as files, and the proof that they are it."""

from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from backoffice.cli.migrate import owner_dsn
from services.transactions.queries import ExportUnreadableError, check_export, export_ledger
from services.transactions.queries.export_files import ParquetMissingError, Spelling, need_parquet


def register(app: typer.Typer) -> None:
    """Add the commands to `backoffice ledger`."""
    app.command(name="export")(export)
    app.command(name="check-export")(check)


def export(
    folder: Annotated[Path, typer.Option("--output", help="A folder that is empty or not there yet.")],
    from_seq: Annotated[
        str | None,
        typer.Option(
            "--from-seq",
            help="Only the events after these, such as 0=120,1=97: the `vector` of an earlier export.",
        ),
    ] = None,
    kept: Annotated[
        bool,
        typer.Option(
            "--kept",
            help="Every row of every table too, as it is, so that `ledger import` can take it in. Works as"
            " the owner of the tables: BACKOFFICE_OWNER_DSN, or the stack that runs here.",
        ),
    ] = False,
    spelling: Annotated[
        Spelling, typer.Option("--format", help="JSON lines, or Parquet by columns.")
    ] = Spelling.JSON_LINES,
) -> None:
    """Export accounts, journal, movements and balances, all as of one moment.

    Beside the services, in one snapshot. `manifest.json` comes last: lines and SHA-256 of each file, and the
    vector.
    """
    since = _vector(from_seq)
    if kept and since:
        raise CommandError(
            "usage", "Only a whole ledger can be imported.", "Leave out --from-seq or --kept.", USAGE
        )
    try:
        if spelling is Spelling.PARQUET:
            need_parquet()
    except ParquetMissingError as problem:
        raise CommandError("parquet_missing", f"{problem}.", "Or leave out --format.", USAGE) from problem
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as problem:
        raise _folder_wrong(f"{folder} cannot be made: {problem.strerror}.") from problem
    if not is_empty:
        raise _folder_wrong(f"{folder} is not empty.")
    manifest = sessions.run(
        _export_kept(folder, spelling) if kept else _export(connect(), folder, since, spelling)
    )
    output.emit(manifest)
    if not output.json_wanted():
        rows = [(each["file"], each["lines"], each["bytes"]) for each in manifest["files"]]
        output.table(("file", "lines", "bytes"), rows, right=("lines", "bytes"))
        print("as of " + ", ".join(f"{shard}-{seq}" for shard, seq in manifest["vector"].items()))


def check(
    folder: Annotated[Path, typer.Argument(help="What `ledger export` has written.", show_default=False)],
) -> None:
    """Read an export again and derive its balances from its movements. Needs no database.

    Status 1 if anything is not as it was exported.
    """
    live = output.Live()
    try:
        verdict = check_export(folder, lambda events: live.show(f"{events:,} events read"))
    except ExportUnreadableError as problem:
        raise CommandError(
            "export_unreadable", f"{problem}.", "Name the folder that `ledger export` wrote to.", USAGE
        ) from problem
    output.emit(verdict)
    if not output.json_wanted():
        _print(verdict)
    if not verdict["ok"]:
        raise typer.Exit(FOUND)


async def _export(
    connection: Connection, folder: Path, since: dict[int, int], spelling: Spelling
) -> dict[str, Any]:
    live = output.Live()
    async with sessions.open_database(connection) as database:
        return await export_ledger(
            database,
            folder,
            since,
            lambda file, lines: live.show(f"{file}: {lines:,} lines"),
            spelling=spelling,
        )


async def _export_kept(folder: Path, spelling: Spelling) -> dict[str, Any]:
    """Export as the owner: the logins that ask may not see every table."""
    live = output.Live()
    database = await asyncpg.connect(owner_dsn())
    try:
        return await export_ledger(
            database,
            folder,
            {},
            lambda file, lines: live.show(f"{file}: {lines:,} lines"),
            kept=True,
            spelling=spelling,
        )
    finally:
        await database.close()


def _vector(text: str | None) -> dict[int, int]:
    if text is None:
        return {}
    try:
        pairs = [pair.partition("=") for pair in text.split(",")]
        return {int(shard): int(seq) for shard, _, seq in pairs}
    except ValueError:
        raise CommandError(
            "usage", f"--from-seq {text!r} is no vector.", "Type it as in 0=120,1=97.", USAGE
        ) from None


def _folder_wrong(message: str) -> CommandError:
    return CommandError("folder_wrong", message, "Name a folder that is empty or not there yet.", USAGE)


def _print(verdict: dict[str, Any]) -> None:
    for each in verdict["checks"]:
        print(f"  {'ok   ' if each['ok'] else 'WRONG'}  {each['name']:<22}{each['checked']:>12,}")
    first = verdict["first_difference"]
    if first is not None:
        place = "" if first["shard"] is None else f" at {first['shard']}-{first['seq']}"
        print(f"{first['check']}{place}: expected {first['expected']}, found {first['found']}")
    events = f"{verdict['events']:,} events, {verdict['movements']:,} movements"
    print(f"The export is {'in order' if verdict['ok'] else 'NOT in order'}: {events}.")
