"""`backoffice ledger`: verifies the books, from the journal up."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND
from services.transactions.app import TransactionsService
from services.transactions.queries import VerifyResult, compare_published, verify
from services.transactions.queries.verify import Check, Difference, PublishedEvent
from shared.messages.topics import JOURNAL
from shared.runtime.client import Client, NotReachedError, header

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Published = Callable[[Any, dict[int, int]], Awaitable[tuple[Check, Difference | None]]]


@app.callback()
def ledger() -> None:
    """Verify the books."""


@app.command(name="verify")
def verify_(
    published: Annotated[
        bool, typer.Option("--published/--no-published", help="Also compare the topic with the journal.")
    ] = True,
) -> None:
    """Derive everything anew from journal and movements, and name the first thing that differs.

    Reads one consistent snapshot, so it may run beside the services. Status 1 if the books are not right.
    """
    verdict = sessions.run(verify_books(connect(), published=published))
    output.emit(verdict)
    if not output.json_wanted():
        _print(verdict)
    if not verdict["ok"]:
        raise typer.Exit(FOUND)


async def verify_books(connection: Connection, *, published: bool = True) -> dict[str, Any]:
    """Return the verdict in the shape of the command's contract; progress goes to standard error."""
    live = output.Live()
    total = await _events(connection)

    def progress(rows: int) -> None:
        live.show(f"{rows:,} of {total:,} events read")

    async def run(comparison: Published | None) -> VerifyResult:
        return await verify(connection.dsn_readonly, progress, comparison)

    if not published:
        return (await run(None)).as_json()
    try:
        async with sessions.open_client(connection) as client:
            return (await run(_comparison(client))).as_json()
    except NotReachedError:
        output.say("Kafka cannot be reached, so what was published is not compared.")
        return (await run(None)).as_json()


async def _events(connection: Connection) -> int:
    """Return how many events there are, for the progress; also tells at once if the database is not there."""
    async with sessions.open_database(connection) as database:
        return await database.fetchval("SELECT coalesce(sum(last_seq), 0)::bigint FROM transactions.shard")


def _comparison(client: Client) -> Published:
    """Return what compares the topic, read up to its end now or later, with the journal."""

    async def compare(connection: Any, vector: dict[int, int]) -> tuple[Check, Difference | None]:
        await sessions.enter_schema(connection, "transactions")
        service = TransactionsService()
        await service.start(connection)
        return await compare_published(
            connection, vector, events=_published_events(client), rebuild=service.events_after
        )

    return compare


async def _published_events(client: Client) -> AsyncIterator[PublishedEvent]:
    ends = await client.end_offsets(JOURNAL)
    missing = {partition for partition, end in ends.items() if end > 0}
    if not missing:
        return
    async with sessions.following(client, [JOURNAL], {}) as stream:
        async for records in stream:
            for record in records:
                if record.offset >= ends[record.partition] - 1:
                    missing.discard(record.partition)
                yield PublishedEvent(
                    record.partition,
                    int(header(record, "shard") or -1),
                    int(header(record, "seq") or 0),
                    int(header(record, "prev") or 0),
                    record.value or b"",
                )
            if not missing:
                return


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
    words = "The books are right" if verdict["ok"] else "The books are NOT right"
    print(
        f"{words}: {verdict['instructions']:,} instructions, {verdict['movements']:,} movements,"
        f" {verdict['seconds']:.1f} s."
    )
