"""`backoffice ledger import`: a whole ledger from its export, where nothing has happened yet."""

import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from backoffice.cli import output, proofs, sessions
from backoffice.cli.errors import FOUND, USAGE, CommandError
from backoffice.cli.migrate import owner_dsn
from services.transactions import data
from services.transactions.queries import ExportUnreadableError, check_export, verify
from services.transactions.queries.export import MANIFEST
from services.transactions.queries.export_files import lines_of, path_of
from services.transactions.queries.verifying import Anchor
from services.transactions.store import importing
from services.transactions.store.importing import ImportRefusedError


class Topics(StrEnum):
    """What becomes of Kafka's topics."""

    KEPT = "kept"
    NEW = "new"


def register(app: typer.Typer) -> None:
    """Add the command to `backoffice ledger`."""
    app.command(name="import")(import_)


def import_(
    folder: Annotated[
        Path, typer.Argument(help="What `ledger export --kept` has written.", show_default=False)
    ],
    topics: Annotated[
        Topics,
        typer.Option(
            help="kept: Kafka's topics come along, with the same offsets. new: they are empty; reading begins"
            " at their starts, and every event is published again."
        ),
    ],
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="A checkpoint that somebody kept, to hold the chains against.", show_default=False),
    ] = None,
) -> None:
    """Take in a whole ledger, row by row, and verify it with its seals; the services must be stopped.

    It works on the database of BACKOFFICE_OWNER_DSN, else of the stack that runs here, which `backoffice
    migrate` has just made with the same version. Status 1, and the schema is empty again, if what was taken
    in is not as it was sealed.
    """
    anchors = [] if checkpoint is None else proofs.anchors_of(proofs.read_json(checkpoint), checkpoint)
    live = output.Live()
    try:
        verdict = sessions.run(
            import_ledger(
                owner_dsn(),
                folder,
                new_topics=topics is Topics.NEW,
                anchors=anchors,
                progress=lambda name, rows: live.show(f"{name}: {rows:,} rows"),
            )
        )
    except ExportUnreadableError as problem:
        raise CommandError(
            "export_unreadable", f"{problem}.", "Name the folder that `ledger export` wrote to.", USAGE
        ) from problem
    except ImportRefusedError as problem:
        raise CommandError(
            "import_refused",
            f"Nothing was taken in: {problem}.",
            "Make an empty database with `backoffice migrate`, stop the services, and export with --kept.",
            USAGE,
        ) from problem
    output.emit(verdict, _said(verdict))
    if not verdict["ok"]:
        raise typer.Exit(FOUND)


async def import_ledger(
    owner_dsn: str,
    folder: Path,
    *,
    new_topics: bool,
    anchors: Sequence[Anchor] = (),
    progress: Callable[[str, int], None],
) -> dict[str, Any]:
    """Check an export, take it in and verify what is there then; take it out again if it is not as sealed.

    Raises `ExportUnreadableError` and `ImportRefusedError`; nothing was changed then.
    """
    checked = check_export(folder, lambda events: progress("check", events))
    if not checked["ok"]:
        raise ImportRefusedError(f"the export is not in order: {checked['first_difference']}")
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    if "kept" not in manifest or any(manifest["since"].values()):
        raise ImportRefusedError("the export does not hold the whole ledger")
    heads = [
        Anchor(int(shard), each["seq"], bytes.fromhex(each["head"]))
        for shard, each in manifest["heads"].items()
    ]
    connection = await asyncpg.connect(owner_dsn, server_settings={"search_path": "transactions"})
    try:
        halted = await importing.import_rows(
            connection,
            manifest,
            lambda name: lines_of(path_of(folder, name)),
            new_topics=new_topics,
            progress=progress,
        )
        result = await verify(owner_dsn, lambda rows: progress("verify", rows), anchors=[*heads, *anchors])
        if result.ok:
            await importing.release(connection, halted)
        else:
            await importing.empty(connection, len(halted))
            await data.load(connection, len(halted))
    finally:
        await connection.close()
    return result.as_json()


def _said(verdict: dict[str, Any]) -> str:
    if not verdict["ok"]:
        first = verdict["first_difference"]
        return (
            f"Taken out again: {first['check']} at {first['shard']}-{first['seq']}:"
            f" expected {first['expected']}, found {first['found']}."
        )
    vector = ", ".join(f"{shard}-{seq}" for shard, seq in verdict["as_of"].items())
    return (
        f"{verdict['instructions']:,} instructions and {verdict['movements']:,} movements are as they were"
        f" sealed, as of {vector}. The services may be started."
    )
