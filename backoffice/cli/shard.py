"""`backoffice shard`: who works each shard, which stand still and why, and letting one go on."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Final

import typer

from backoffice.cli import acts, output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import USAGE, CommandError
from shared.messages.acts import PassOverLost, ResumeShard
from shared.messages.journal import ActDone
from shared.messages.topics import (
    COMPLIANCE_ACTS,
    INSTRUCTIONS,
    REPORTING_ACTS,
    TRANSACTIONS_ACTS,
    Topic,
)
from shared.runtime import clock, queries
from shared.runtime.queries import ShardState
from shared.runtime.shard import LOST

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

ACTS: Final[Mapping[str, Topic]] = {
    "transactions": TRANSACTIONS_ACTS,
    "compliance": COMPLIANCE_ACTS,
    "reporting": REPORTING_ACTS,
}
"""Where a service takes acts."""


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
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(ACTS)}.", show_default=False)],
    number: Annotated[int, typer.Argument(help="The shard, as `shard list` shows it.", show_default=False)],
    reason: Annotated[str, typer.Option(help="What was mended, for the record.", show_default=False)],
    actor: Annotated[
        str | None, typer.Option("--actor", help="Who acts; else BACKOFFICE_ACTOR, else you.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the answer.")] = 30.0,
) -> None:
    """Let a halted shard go on where it stood, after what halted it was mended."""
    if service not in ACTS:
        raise CommandError(
            "service_unknown",
            f"There is no service {service!r}.",
            f"Type one of {', '.join(ACTS)}.",
            USAGE,
        )
    act = ResumeShard(act_id=clock.new_id(), actor=acts.actor(actor), reason=reason, shard=number)
    acts.carry_out(_performed(service, act, timeout))


@app.command()
def pass_over(
    service: Annotated[
        str, typer.Argument(help="Whose shard it is: only transactions can.", show_default=False)
    ],
    number: Annotated[int, typer.Argument(help="The shard, as `shard list` shows it.", show_default=False)],
    from_offset: Annotated[
        int, typer.Option("--from", min=0, help="The first offset that is lost.", show_default=False)
    ],
    until_offset: Annotated[
        int, typer.Option("--until", min=1, help="The first one that is there again.", show_default=False)
    ],
    reason: Annotated[
        str, typer.Option(help="What becomes of the records, for the record.", show_default=False)
    ],
    approved_by: Annotated[
        str, typer.Option("--approved-by", help="The second person who answers for it.", show_default=False)
    ],
    topic: Annotated[str, typer.Option(help="The input that has lost them.")] = INSTRUCTIONS.name,
    actor: acts.ActorOption = None,
    timeout: acts.TimeoutOption = 30.0,
) -> None:
    """Let a shard go on behind records that were deleted before they were taken. Two people answer for it.

    What is lost is named as the reason of the halt names it. It is shown by `status` for ever.
    """
    if service != "transactions":
        raise CommandError(
            "usage",
            f"A shard of {service} reads what other services have said, and cannot go on without it.",
            "See docs/guides/when-a-shard-halts.md: have it published again.",
            USAGE,
        )
    act = PassOverLost(
        act_id=clock.new_id(),
        actor=acts.actor(actor),
        reason=reason,
        shard=number,
        topic=topic,
        from_offset=from_offset,
        until_offset=until_offset,
        approved_by=approved_by,
    )
    acts.carry_out(_performed(service, act, timeout))


async def _performed(service: str, act: ResumeShard | PassOverLost, timeout: float) -> ActDone:
    connection = connect()
    _see_shard(connection, act.shard)
    await _see_that_it_hears(service, act.shard)
    return await acts.in_shard(ACTS[service], connection, act, act.shard, timeout)


def _see_shard(connection: Connection, number: int) -> None:
    if not 0 <= number < connection.partitions:
        raise CommandError(
            "usage",
            f"There is no shard {number}.",
            f"Type a number from 0 to {connection.partitions - 1}; `backoffice shard list` shows them.",
            USAGE,
        )


async def _see_that_it_hears(service: str, number: int) -> None:
    """Refuse what a shard would never answer: while its database lacks a tail it takes no acts either."""
    halted = next((row.halted for name, row in await _rows() if (name, row.shard) == (service, number)), None)
    if halted is not None and halted.startswith(LOST):
        raise CommandError(
            "shard_lost",
            f"Shard {number} of {service} cannot go on by any act: {halted}.",
            "Restore the database's tail and start the service again, which goes on by itself: see"
            " docs/guides/when-a-shard-halts.md. To go on without it would give event numbers out twice.",
        )


async def _rows() -> list[tuple[str, ShardState]]:
    found: list[tuple[str, ShardState]] = []
    async with sessions.open_database(connect()) as database:
        for service in sessions.SERVICES:
            await sessions.enter_schema(database, service)
            found += [(service, row) for row in await queries.shards(database)]
    return found
