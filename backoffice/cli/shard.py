"""`backoffice shard`: who works each shard, which stand still and why, and letting one go on."""

from dataclasses import asdict
from typing import Annotated, Final

import typer

from backoffice.cli import acts, output, sessions
from backoffice.cli.connection import connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from shared.messages.acts import ResumeShard
from shared.messages.journal import ActDone
from shared.messages.topics import (
    ALERTS,
    COMPLIANCE_ACTS,
    JOURNAL,
    PUBLISHED,
    REPORTING_ACTS,
    TRANSACTIONS_ACTS,
    Topic,
)
from shared.runtime import clock, queries
from shared.runtime.queries import ShardState
from shared.runtime.shard import LOST

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

CHANNELS: Final[dict[str, tuple[Topic, Topic]]] = {
    "transactions": (TRANSACTIONS_ACTS, JOURNAL),
    "compliance": (COMPLIANCE_ACTS, ALERTS),
    "reporting": (REPORTING_ACTS, PUBLISHED),
}
"""Where a service takes acts, and where it answers them."""


@app.callback()
def shard() -> None:
    """Look after shards, and those that stand still."""


@app.command(name="list")
def list_() -> None:
    """List every shard of every service: its owner, its progress, and why it stands still if it does."""
    rows = sessions.run(_rows())
    for service, row in rows:
        output.emit({"service": service, **asdict(row)})
    output.table(
        ("service", "shard", "owner", "epoch", "events", "last progress", "halted"),
        [
            (
                service,
                row.shard,
                row.owner or "–",
                row.epoch,
                f"{row.last_seq:,}",
                output.rfc3339(row.last_progress_at) if row.last_progress_at else "–",
                row.halted or "",
            )
            for service, row in rows
        ],
        right={"shard", "epoch", "events"},
    )


@app.command()
def resume(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(CHANNELS)}.", show_default=False)],
    number: Annotated[int, typer.Argument(help="The shard, as `shard list` shows it.", show_default=False)],
    reason: Annotated[str, typer.Option(help="What was mended, for the record.", show_default=False)],
    actor: Annotated[
        str | None, typer.Option("--actor", help="Who acts; else BACKOFFICE_ACTOR, else you.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the answer.")] = 30.0,
) -> None:
    """Let a halted shard go on where it stood, after what halted it was mended."""
    if service not in CHANNELS:
        raise CommandError(
            "service_unknown",
            f"There is no service {service!r}.",
            f"Type one of {', '.join(CHANNELS)}.",
            USAGE,
        )
    done = sessions.run(_resume(service, number, reason, acts.actor(actor), timeout))
    if acts.tell(done):
        raise typer.Exit(FOUND)


async def _rows() -> list[tuple[str, ShardState]]:
    found: list[tuple[str, ShardState]] = []
    async with sessions.open_database(connect()) as database:
        for service in sessions.SERVICES:
            await sessions.enter_schema(database, service)
            found += [(service, row) for row in await queries.shards(database)]
    return found


async def _resume(service: str, number: int, reason: str, actor: str, timeout: float) -> ActDone:
    connection = connect()
    if not 0 <= number < connection.partitions:
        raise CommandError(
            "usage",
            f"There is no shard {number}.",
            f"Type a number from 0 to {connection.partitions - 1}; `backoffice shard list` shows them.",
            USAGE,
        )
    halted = next((row.halted for name, row in await _rows() if (name, row.shard) == (service, number)), None)
    if halted is not None and halted.startswith(LOST):
        raise CommandError(
            "shard_lost",
            f"Shard {number} of {service} cannot go on: {halted}.",
            "See docs/guides/when-a-shard-halts.md; going on would give event numbers out twice.",
        )
    topic, answers = CHANNELS[service]
    act = ResumeShard(act_id=clock.new_id(), actor=actor, reason=reason, shard=number)
    async with sessions.open_client(connection) as client:
        return await acts.perform(client, topic, act, partition=number, answers=answers, timeout=timeout)
