"""`backoffice parked`: owners whose records wait because handling one of them failed."""

from typing import Annotated, Any, Final

import typer

from backoffice.cli import acts, output, sessions
from backoffice.cli.acts import ActorOption, TimeoutOption
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from backoffice.cli.records import record_text, text_fields
from shared.messages.acts import DiscardParked, ReplayParked
from shared.messages.journal import ActDone
from shared.messages.topics import TRANSACTIONS_ACTS
from shared.runtime import clock, queries
from shared.runtime.queries import ParkedOwner, ParkedRecord

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

PARKING_SERVICE: Final = "transactions"
"""The one service that parks; the others halt their shard instead."""

OwnerArgument = Annotated[
    str, typer.Argument(help="The owner's code, as `parked list` shows it.", show_default=False)
]


@app.callback()
def parked() -> None:
    """Look after owners whose records wait."""


@app.command(name="list")
def list_() -> None:
    """List the owners that wait: since when, why, and how many records."""
    owners = sessions.run(_owners(connect()))
    now = clock.now()
    for service, each in owners:
        output.emit(
            {
                "service": service,
                "owner": each.owner,
                "shard": each.shard,
                "waiting": each.waiting,
                "error": each.error,
                "since": each.since,
                "age_seconds": round((now - each.since).total_seconds(), 3),
                "topic": each.topic,
                "partition": each.partition,
                "offset": each.offset,
            }
        )
    if not owners:
        output.say("Nobody is parked.")
        return
    output.table(
        ("owner", "shard", "records", "since", "error"),
        [(each.owner, each.shard, each.waiting, output.minute(each.since), each.error) for _, each in owners],
        right=("shard", "records"),
    )


@app.command()
def show(
    owner: OwnerArgument,
    limit: Annotated[int, typer.Option(min=1, help="How many records at the most.")] = 100,
) -> None:
    """Show an owner's waiting records, in the order in which a replay handles them."""
    records = sessions.run(_records(connect(), owner, limit))
    for position, (service, each) in enumerate(records, start=1):
        output.emit(
            {"service": service, "position": position, **_fields(each)},
            f"{position}. {each.partition}:{each.offset} of {each.topic}, {_why(each)}\n"
            f"   {record_text(each.value)}",
        )


@app.command()
def replay(
    owner: Annotated[str | None, typer.Argument(help="The owner's code.", show_default=False)] = None,
    error: Annotated[str | None, typer.Option(help="All owners whose first record failed with this.")] = None,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "replayed by an operator",
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Handle an owner's records again, in order; it stops at the first that fails again."""
    if (owner is None) == (error is None):
        raise CommandError(
            "usage",
            "Say whose records to handle again.",
            "Type `backoffice parked replay OWNER`, or `--error NAME` for all that failed alike.",
            USAGE,
        )
    answers = sessions.run(_replay(connect(), owner, error, reason, acts.actor(actor), timeout))
    refused = [acts.tell(done) for done in answers]
    if any(refused):
        raise typer.Exit(FOUND)


@app.command()
def discard(
    owner: OwnerArgument,
    reason: Annotated[str, typer.Option(help="Why, for the record.", show_default=False)],
    offset: Annotated[
        int | None, typer.Option(help="Of the record; the first that waits if left out.")
    ] = None,
    partition: Annotated[
        int | None, typer.Option(help="Of the record, if the offset alone is not clear.")
    ] = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Give one waiting record up for good, so that those behind it can be handled again."""
    acts.carry_out(_discard(connect(), owner, offset, partition, reason, acts.actor(actor), timeout))


async def _owners(connection: Connection) -> list[tuple[str, ParkedOwner]]:
    found: list[tuple[str, ParkedOwner]] = []
    async with sessions.open_database(connection) as database:
        for service in sessions.SERVICES:
            await sessions.enter_schema(database, service)
            found += [(service, each) for each in await queries.parked_owners(database)]
    return found


async def _records(connection: Connection, owner: str, limit: int) -> list[tuple[str, ParkedRecord]]:
    found: list[tuple[str, ParkedRecord]] = []
    async with sessions.open_database(connection) as database:
        for service in sessions.SERVICES:
            await sessions.enter_schema(database, service)
            found += [(service, each) for each in await queries.parked_records(database, owner, limit=limit)]
    if not found:
        raise _not_parked(f"{owner} is not parked.")
    return found


async def _replay(
    connection: Connection, owner: str | None, error: str | None, reason: str, actor: str, timeout: float
) -> list[ActDone]:
    owners = [
        each
        for service, each in await _owners(connection)
        if service == PARKING_SERVICE and (each.owner == owner if owner is not None else each.error == error)
    ]
    if not owners:
        raise _not_parked(f"{owner} is not parked." if owner else f"Nobody is parked for {error}.")
    async with sessions.open_client(connection) as client:
        return [
            await acts.perform(
                client,
                TRANSACTIONS_ACTS,
                ReplayParked(act_id=clock.new_id(), actor=actor, reason=reason, owner=each.owner),
                partition=each.shard,
                timeout=timeout,
            )
            for each in owners
        ]


async def _discard(
    connection: Connection,
    owner: str,
    offset: int | None,
    partition: int | None,
    reason: str,
    actor: str,
    timeout: float,
) -> ActDone:
    record = _chosen([each for _, each in await _records(connection, owner, 100_000)], offset, partition)
    act = DiscardParked(
        act_id=clock.new_id(),
        actor=actor,
        reason=reason,
        owner=owner,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
    )
    return await acts.in_shard(TRANSACTIONS_ACTS, connection, act, record.shard, timeout)


def _chosen(records: list[ParkedRecord], offset: int | None, partition: int | None) -> ParkedRecord:
    found = [
        each for each in records if offset in (None, each.offset) and partition in (None, each.partition)
    ]
    if not found:
        raise _not_parked("No record of this owner waits at that place.")
    return found[0]


def _not_parked(message: str) -> CommandError:
    return CommandError("not_parked", message, "Type `backoffice parked list` to see who is.", FOUND)


def _fields(each: ParkedRecord) -> dict[str, Any]:
    return {
        "owner": each.owner,
        "shard": each.shard,
        "topic": each.topic,
        "partition": each.partition,
        "offset": each.offset,
        "error": each.error,
        "behind": each.behind,
        "recorded_at": each.recorded_at,
        **text_fields("key", each.key),
        **text_fields("value", each.value),
    }


def _why(each: ParkedRecord) -> str:
    return f"waits behind an earlier one ({each.error})" if each.behind else f"failed: {each.error}"
