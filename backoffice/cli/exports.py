"""`backoffice ledger export`, `check-export`: the whole ledger as files, and the proof that they are it."""

from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from backoffice.cli import output, proofs, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from backoffice.cli.migrate import owner_dsn
from services.transactions.queries import (
    ExportUnreadableError,
    PositionUnknownError,
    check_export,
    export_ledger,
)
from services.transactions.queries.export_files import ParquetMissingError, Spelling, need_parquet
from services.transactions.queries.verifying import Anchor


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
    try:
        manifest = sessions.run(
            _export_kept(folder, spelling) if kept else _export(connect(), folder, since, spelling)
        )
    except PositionUnknownError as problem:
        raise CommandError(
            "position_unknown",
            f"--from-seq {from_seq!r}: {problem}.",
            "Give the `vector` of an earlier export of this ledger.",
            USAGE,
        ) from problem
    output.emit(manifest)
    if not output.json_wanted():
        rows = [(each["file"], each["lines"], each["bytes"]) for each in manifest["files"]]
        output.table(("file", "lines", "bytes"), rows, right=("lines", "bytes"))
        print("as of " + ", ".join(f"{shard}-{seq}" for shard, seq in manifest["vector"].items()))


def check(
    folder: Annotated[Path, typer.Argument(help="What `ledger export` has written.", show_default=False)],
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="A checkpoint of `ledger checkpoint` that was kept: its heads must be met."),
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option("--public-key", help="Of whoever signed the checkpoint.")
    ] = None,
) -> None:
    """Read an export again: derive its balances, and hold each line against the ledger's seals. No database.

    Status 1 if anything is not as it was exported. What no seal covers is named. Whoever wrote the export
    could have made all of it anew, chain and all: only a checkpoint or head that was kept elsewhere tells.
    """
    if public_key is not None and checkpoint is None:
        raise CommandError("usage", "A key checks a checkpoint.", "Give --checkpoint, too.", USAGE)
    anchors: list[Anchor] = []
    if checkpoint is not None:
        signed = proofs.read_json(checkpoint)
        anchors = proofs.anchors_of(signed, checkpoint)
        flaw = None if public_key is None else proofs.flaw_of(signed, proofs.read_public_key(public_key))
        if flaw is not None:
            raise CommandError("checkpoint_wrong", f"{flaw}.", "Ask whoever signed it for another.", FOUND)
    live = output.Live()
    try:
        verdict = check_export(folder, lambda events: live.show(f"{events:,} events read"), anchors)
    except ExportUnreadableError as problem:
        raise CommandError(
            "export_unreadable", f"{problem}.", "Name the folder that `ledger export` wrote to.", USAGE
        ) from problem
    output.emit(verdict)
    if not output.json_wanted():
        _print(verdict, kept=checkpoint is not None)
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


def _print(verdict: dict[str, Any], *, kept: bool) -> None:
    for each in verdict["checks"]:
        print(f"  {'ok   ' if each['ok'] else 'WRONG'}  {each['name']:<22}{each['checked']:>12,}")
    first = verdict["first_difference"]
    if first is not None:
        place = "" if first["shard"] is None else f" at {first['shard']}-{first['seq']}"
        print(f"{first['check']}{place}: expected {first['expected']}, found {first['found']}")
    events = f"{verdict['events']:,} events, {verdict['movements']:,} movements"
    print(f"The export is {'in order' if verdict['ok'] else 'NOT in order'}: {events}.")
    for shard, each in verdict["heads"].items():
        print(f"  shard {shard} ends at {each['seq']} with the head {each['head']}")
    print(f"Not sealed: {', '.join(verdict['not_sealed'])}.")
    if not kept:
        print("Nothing says that this chain is the ledger's: compare the heads, or give --checkpoint.")
