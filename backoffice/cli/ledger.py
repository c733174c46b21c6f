"""`backoffice ledger`: verifies the books, from the journal up, and proves what stands in them."""

import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from backoffice.cli import (
    exports,
    items,
    ledger_import,
    opening_balances,
    output,
    periods,
    proofs,
    sessions,
)
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from services.transactions.queries import VerifyResult, verify
from services.transactions.queries.seals import checkpoint as read_checkpoint
from services.transactions.queries.seals import prove as prove_instruction
from services.transactions.queries.verifying import Anchor, Check, Difference
from shared.runtime import clock

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
exports.register(app)
items.register(app)
periods.register(app)
opening_balances.register(app)
ledger_import.register(app)

LARGE_EVENTS: Final = 200_000
"""From so many events on, the walk takes longer than it takes to start processes for it."""

CheckpointFile = Annotated[
    Path | None,
    typer.Option("--checkpoint", metavar="FILE", help="A checkpoint that was kept.", show_default=False),
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="Sign with this private key.", show_default=False),
]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write to this file.", show_default=False),
]

Published = Callable[[Any, dict[int, int]], Awaitable[tuple[Check, Difference | None]]]


@app.callback()
def ledger() -> None:
    """Verify the books, and prove what stands in them."""


@app.command(name="verify")
def verify_(
    published: Annotated[
        bool, typer.Option("--published/--no-published", help="Also compare the topic with the journal.")
    ] = True,
    seals: Annotated[
        bool, typer.Option("--seals/--no-seals", help="Also hash every event anew: half the speed.")
    ] = True,
    checkpoint: CheckpointFile = None,
    attached: Annotated[
        bool,
        typer.Option(
            "--attached",
            help="While old parts are detached, see what can be seen of the others, and the seals.",
        ),
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            min=1,
            help="Walk shards side by side; by default one a core for a large ledger.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Derive everything anew from journal and movements, and name the first thing that differs.

    Reads one consistent snapshot, so it may run beside the services. Status 1 if the books are not right.
    With a checkpoint, what it covers must still be there as it was.
    """
    if checkpoint is not None and not seals:
        raise CommandError("usage", "A checkpoint is compared by the seals.", "Leave --no-seals out.", USAGE)
    anchors = [] if checkpoint is None else proofs.anchors_of(proofs.read_json(checkpoint), checkpoint)
    verdict = sessions.run(
        verify_books(
            connect(),
            published=published,
            seals=seals,
            anchors=anchors,
            processes=processes,
            attached=attached,
        )
    )
    output.emit(verdict)
    if not output.json_wanted():
        _print(verdict)
    if not verdict["ok"]:
        raise typer.Exit(FOUND)


@app.command()
def checkpoint(
    key: KeyFile = None,
    output_file: OutputFile = None,
    new_key: Annotated[
        Path | None,
        typer.Option(
            "--new-key",
            metavar="FILE",
            help="Only make a key pair: the private key in FILE, the public one in FILE.pub.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print where each shard's chain and seals stand, signed with a key.

    Whoever keeps it can tell later whether anything up to there was changed or removed.
    """
    if new_key is not None:
        public = proofs.new_key(new_key)
        output.emit(
            {"private_key": str(new_key), "public_key": str(public)},
            f"Keep {new_key} secret; give {public} to those who check.",
        )
        return
    _write(sessions.run(_checkpoint(connect(), key)), output_file)


@app.command()
def prove(
    instruction_id: Annotated[
        str, typer.Argument(metavar="ID", help="The instruction's id.", show_default=False)
    ],
    checkpoint: CheckpointFile = None,
    key: KeyFile = None,
    output_file: OutputFile = None,
) -> None:
    """Print a proof that an instruction's first outcome stands in the ledger under a checkpoint.

    Without a checkpoint one is made now. Anybody can check it: `backoffice ledger check-proof`.
    """
    try:
        wanted = UUID(instruction_id)
    except ValueError:
        raise CommandError(
            "usage",
            f"{instruction_id!r} is no instruction id.",
            "Type the UUID that upstream gave it, as `instruction send --wait` prints it.",
            USAGE,
        ) from None
    signed = None if checkpoint is None else proofs.read_json(checkpoint)
    _write(sessions.run(_prove(connect(), wanted, signed, key)), output_file)


@app.command(name="check-proof")
def check_proof(
    proof: Annotated[Path, typer.Argument(metavar="PROOF", help="The proof.", show_default=False)],
    public_key: Annotated[
        Path,
        typer.Option(
            "--public-key", metavar="FILE", help="Of whoever signed the checkpoint.", show_default=False
        ),
    ],
) -> None:
    """Check a proof with the public key alone; status 1 if it does not show what it says."""
    found = proofs.read_json(proof)
    flaw = proofs.flaw_of_proof(found, proofs.read_public_key(public_key))
    place = {"shard": found.get("shard"), "seq": found.get("seq")}
    output.emit(
        {"ok": flaw is None, **place, "flaw": flaw},
        f"Event {place['seq']} of shard {place['shard']} stands in the ledger as the proof says."
        if flaw is None
        else f"The proof does not hold: {flaw}.",
    )
    if flaw is not None:
        raise typer.Exit(FOUND)


def _write(made: dict[str, Any], path: Path | None) -> None:
    spelt = proofs.canonical(made).decode()
    if path is None:
        print(spelt)
        return
    try:
        path.write_text(spelt + "\n", encoding="utf-8")
    except OSError as problem:
        raise CommandError(
            "file_not_written", f"{path}: {problem.strerror}.", "Name another file.", USAGE
        ) from None
    output.emit({"file": str(path)}, f"Written to {path}.")


async def _checkpoint(connection: Connection, key: Path | None) -> dict[str, Any]:
    async with sessions.open_database(connection) as database:
        return _signed(await read_checkpoint(database), key)


def _signed(shards: list[dict[str, Any]], key: Path | None) -> dict[str, Any]:
    made = {"version": 1, "made_at": clock.now().isoformat(), "shards": shards}
    return {"checkpoint": made, "signature": None if key is None else proofs.sign(made, key)}


async def _prove(
    connection: Connection, wanted: UUID, signed: dict[str, Any] | None, key: Path | None
) -> dict[str, Any]:
    # It brings all that a service is made of, for which no other command should wait.
    from services.transactions.app import TransactionsService

    async with sessions.open_database(connection) as database:
        await sessions.enter_schema(database, "transactions")
        service = TransactionsService()
        await service.start(database)
        signed = signed or _signed(await read_checkpoint(database), key)
        try:
            shards = signed["checkpoint"]["shards"]
            found = await prove_instruction(database, wanted, shards, service.events_after)
        except (LookupError, TypeError):
            raise CommandError(
                "not_a_checkpoint", "The checkpoint is not spelt as one.", "Check the file.", USAGE
            ) from None
    if found is None:
        raise CommandError(
            "transaction_unknown",
            f"Up to the checkpoint the ledger has no outcome of {wanted}.",
            "Check the id, or take a newer checkpoint.",
            FOUND,
        )
    return {**signed, **found}


async def verify_books(
    connection: Connection,
    *,
    published: bool = True,
    seals: bool = True,
    anchors: Sequence[Anchor] = (),
    processes: int | None = None,
    attached: bool = False,
) -> dict[str, Any]:
    """Return the verdict in the shape of the command's contract; progress goes to standard error."""
    live = output.Live()
    total = await _events(connection)

    def progress(rows: int) -> None:
        live.show(f"{rows:,} of {total:,} events read")

    async def run(comparison: Published | None, heads: Sequence[Anchor] = ()) -> VerifyResult:
        return await verify(
            connection.dsn_readonly,
            progress,
            comparison,
            seals=seals,
            anchors=(*anchors, *heads),
            attached=attached,
            processes=processes or (os.cpu_count() or 1 if total >= LARGE_EVENTS else 1),
        )

    if not published:
        return (await run(None)).as_json()
    # What speaks to Kafka takes longer to load than a small ledger takes to verify.
    from backoffice.cli.published import comparison
    from backoffice.cli.published import heads as published_heads
    from shared.runtime.client import NotReachedError

    async with AsyncExitStack() as ends:
        try:
            client = await ends.enter_async_context(sessions.open_client(connection))
            # Read before the snapshot, which must therefore hold these events.
            heads = await published_heads(client)
        except NotReachedError:
            output.say("Kafka cannot be reached, so what was published is not compared.")
            return (await run(None)).as_json()
        return (await run(comparison(client), heads)).as_json()


async def _events(connection: Connection) -> int:
    """Return how many events there are, for the progress; also tells at once if the database is not there."""
    async with sessions.open_database(connection) as database:
        return await database.fetchval("SELECT coalesce(sum(last_seq), 0)::bigint FROM transactions.shard")


def _print(verdict: dict[str, Any]) -> None:
    for check in verdict["checks"]:
        print(
            f"{'✓' if check['ok'] else '✗'} {check['name'].replace('_', ' ')}: {check['checked']:,} checked"
        )
    for asset, sums in verdict["assets"].items():
        print(f"  {asset}: debits {sums['debits']}, credits {sums['credits']}")
    found = verdict["first_difference"]
    if found is not None:
        print(
            f"The first difference is in {found['check']}, shard {found['shard']}, event {found['seq']}, leg"
            f" {found['leg']}: expected {found['expected']}, found {found['found']}."
        )
    for each in verdict["passed_over"]:
        print(
            f"{each['until_offset'] - each['from_offset']:,} records of {each['topic']}/{each['partition']}"
            f" ({each['from_offset']} until {each['until_offset']}) were lost before they were taken, and are"
            f" in no book: passed over {each['recorded_at']} by {each['actor']} and {each['approved_by']}:"
            f" {each['reason']}"
        )
    words = "The books are right" if verdict["ok"] else "The books are NOT right"
    if verdict["from_seq"] > 1:
        print(f"Events before {verdict['from_seq']:,} of each shard are detached and were not looked at.")
    print(
        f"{words}: {verdict['instructions']:,} instructions, {verdict['movements']:,} movements,"
        f" {verdict['seconds']:.1f} s."
    )
