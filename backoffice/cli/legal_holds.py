"""`backoffice compliance legal-hold`: customers whose records are all kept, whatever their age."""

from typing import Annotated, Any, Final
from uuid import UUID

import typer

from backoffice.cli import acts, output, sessions
from backoffice.cli.acts import ActorOption, ReasonOption, TimeoutOption
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import CommandError, require_status
from services.compliance.queries.retention import legal_holds_list
from shared.messages.acts import LiftLegalHold, PlaceLegalHold
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of
from shared.runtime import clock

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

STATUSES: Final = ("placed", "lifted", "all")


@app.callback()
def _legal_hold() -> None:
    """Keep all records about a customer, whatever their age, while an authority or a court wants them."""


@app.command()
def place(
    owner: Annotated[str, typer.Argument(help="The customer's code.", show_default=False)],
    reason: ReasonOption,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Keep all records about a customer from now on; another person has to lift it."""
    acts.carry_out(_place(connect(), owner, acts.actor(actor), reason, timeout))


@app.command()
def lift(
    legal_hold: Annotated[
        UUID, typer.Argument(help="The hold's id, as `legal-hold list` shows it.", show_default=False)
    ],
    reason: ReasonOption,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Let the customer's records go by their age again; by somebody other than who placed the hold."""
    acts.carry_out(_lift(connect(), legal_hold, acts.actor(actor), reason, timeout))


@app.command(name="list")
def list_legal_holds(
    status: Annotated[str, typer.Option(help=f"One of {', '.join(STATUSES)}.")] = "placed",
    owner: Annotated[str | None, typer.Option(help="Only on this customer.")] = None,
) -> None:
    """List legal holds, oldest first: on whom, by whom, since when and why."""
    require_status(status, STATUSES)
    found = sessions.run(_found(connect(), None if status == "all" else status, owner))
    columns = ("legal_hold_id", "owner", "status", "placed_by", "reason", "lifted_by")
    output.records(found, columns, "There is no legal hold.")


async def _place(connection: Connection, owner: str, actor: str, reason: str, timeout: float) -> ActDone:
    act = PlaceLegalHold(act_id=clock.new_id(), actor=actor, reason=reason, owner=owner)
    return await acts.in_compliance(connection, act, shard_of(owner, connection.partitions), timeout)


async def _lift(connection: Connection, legal_hold: UUID, actor: str, reason: str, timeout: float) -> ActDone:
    async with sessions.open_database(connection) as database:
        found = await legal_holds_list(database, legal_hold_id=legal_hold)
    if not found:
        raise CommandError(
            "legal_hold_unknown",
            f"There is no legal hold {legal_hold}.",
            "Type `backoffice compliance legal-hold list` to see what counts.",
        )
    act = LiftLegalHold(
        act_id=clock.new_id(),
        actor=actor,
        reason=reason,
        owner=found[0]["owner"],
        legal_hold_id=legal_hold,
    )
    return await acts.in_compliance(connection, act, found[0]["shard"], timeout)


async def _found(connection: Connection, status: str | None, owner: str | None) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        return await legal_holds_list(database, status, owner)
