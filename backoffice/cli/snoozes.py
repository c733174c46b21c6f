"""`backoffice compliance snooze`: rules that are silent about a customer for a time."""

from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from backoffice.cli import acts, output, sessions
from backoffice.cli.acts import ActorOption, ReasonOption, TimeoutOption
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import CommandError, require_rule, require_status
from backoffice.cli.typed import day_of
from services.compliance.queries.snoozes import snoozed_list, snoozes_list
from services.compliance.rules import CODES
from shared.messages.acts import ApproveSnooze, EndSnooze, ProposeSnooze
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of
from shared.runtime import clock

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

STATUSES: Final = ("proposed", "approved", "ended", "all")

SnoozeArgument = Annotated[
    UUID, typer.Argument(help="The snooze's id, as `snooze list` shows it.", show_default=False)
]


@app.callback()
def _snooze() -> None:
    """Silence a rule's alerts about a customer for a time; what it finds is still kept, and counted."""


@app.command()
def propose(
    owner: Annotated[str, typer.Argument(help="The customer's code.", show_default=False)],
    rule: Annotated[str, typer.Argument(help="The rule's code, such as FAN-2; none that holds payments.")],
    reason: ReasonOption,
    until: Annotated[
        str, typer.Option(help="The first business day of which it alerts again, such as 2027-03-01.")
    ],
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Propose to silence a rule for a customer; another person has to approve."""
    day = day_of("--until", until)
    require_rule(rule, CODES)
    acts.carry_out(_propose(connect(), owner, rule, day, acts.actor(actor), reason, timeout))


@app.command()
def approve(
    snooze: SnoozeArgument, reason: ReasonOption, actor: ActorOption = None, timeout: TimeoutOption = 30.0
) -> None:
    """Let a proposed snooze count; by somebody other than who proposed it."""
    acts.carry_out(_decide(connect(), ApproveSnooze, snooze, reason, acts.actor(actor), timeout))


@app.command()
def end(
    snooze: SnoozeArgument, reason: ReasonOption, actor: ActorOption = None, timeout: TimeoutOption = 30.0
) -> None:
    """Let the rule alert again before the day, or withdraw what is only proposed."""
    acts.carry_out(_decide(connect(), EndSnooze, snooze, reason, acts.actor(actor), timeout))


@app.command(name="list")
def list_snoozes(
    status: Annotated[str, typer.Option(help=f"One of {', '.join(STATUSES)}.")] = "all",
    owner: Annotated[str | None, typer.Option(help="Only about this customer.")] = None,
) -> None:
    """List snoozes, oldest first: by whom, until when, and how many alerts each has silenced."""
    require_status(status, STATUSES)
    found = sessions.run(_snoozes_found(connect(), None if status == "all" else status, owner))
    output.records(
        found,
        ("snooze_id", "owner", "rule", "status", "until", "proposed_by", "approved_by", "ended_by", "alerts"),
        "There is no snooze.",
        right=("alerts",),
    )


@app.command()
def alerts(
    owner: Annotated[str | None, typer.Option(help="Only about this customer.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only of this rule.")] = None,
    snooze: Annotated[UUID | None, typer.Option(help="Only what this snooze has silenced.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at the most.")] = 1000,
) -> None:
    """List what would have been alerts, oldest first."""
    require_rule(rule, CODES)
    found = sessions.run(_alerts_found(connect(), owner, rule, snooze, limit))
    shown = [{**each, "what": " ".join(one["sentence"] for one in each["findings"])} for each in found]
    output.records(shown, ("snooze_id", "owner", "rule", "business_date", "what"), "Nothing was silenced.")


async def _propose(
    connection: Connection, owner: str, rule: str, until: date, actor: str, reason: str, timeout: float
) -> ActDone:
    act = ProposeSnooze(
        act_id=clock.new_id(), actor=actor, reason=reason, owner=owner, rule=rule, until=until
    )
    return await acts.in_compliance(connection, act, shard_of(owner, connection.partitions), timeout)


async def _decide(
    connection: Connection,
    kind: type[ApproveSnooze | EndSnooze],
    snooze: UUID,
    reason: str,
    actor: str,
    timeout: float,
) -> ActDone:
    async with sessions.open_database(connection) as database:
        found = await snoozes_list(database, snooze_id=snooze)
    if not found:
        raise CommandError(
            "snooze_unknown",
            f"There is no snooze {snooze}.",
            "Type `backoffice compliance snooze list` to see what is proposed.",
        )
    act = kind(act_id=clock.new_id(), actor=actor, reason=reason, owner=found[0]["owner"], snooze_id=snooze)
    return await acts.in_compliance(connection, act, found[0]["shard"], timeout)


async def _snoozes_found(
    connection: Connection, status: str | None, owner: str | None
) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        return await snoozes_list(database, status, owner)


async def _alerts_found(
    connection: Connection, owner: str | None, rule: str | None, snooze: UUID | None, limit: int
) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        return await snoozed_list(database, owner, rule, snooze, limit=limit)
