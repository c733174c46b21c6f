"""`backoffice compliance removal`: what people wrote and rules saw, removed from records past their day."""

from typing import Annotated, Any
from uuid import UUID

import typer

from backoffice.cli import acts, output, sessions
from backoffice.cli.acts import ActorOption, ReasonOption, TimeoutOption
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, CommandError
from backoffice.cli.typed import day_of
from services.compliance.queries.retention import removals_list
from shared.messages.acts import ApproveRemoval, ProposeRemoval
from shared.messages.acts.base import ActBase
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of
from shared.runtime import clock

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def _removal() -> None:
    """Remove words from records past their day; ids, dates, outcomes and the audit chain stay."""


@app.command()
def propose(
    through: Annotated[
        str, typer.Argument(help="Up to which due day, such as 2031-12-31; none to come.", show_default=False)
    ],
    reason: ReasonOption,
    customer: Annotated[str | None, typer.Option(help="Only about this customer.")] = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Propose to remove what people wrote and rules saw; `retention --as-of` shows of how many records."""
    connection, day = connect(), day_of("THROUGH", through)
    act = ProposeRemoval(
        act_id=clock.new_id(), actor=acts.actor(actor), reason=reason, through=day, customer=customer
    )
    everywhere = list(range(connection.partitions))
    shards = everywhere if customer is None else [shard_of(customer, connection.partitions)]
    _carry_out(connection, act, shards, timeout, act.act_id, "proposed")


@app.command()
def approve(
    removal: Annotated[
        UUID, typer.Argument(help="The removal's id, as `removal list` shows it.", show_default=False)
    ],
    reason: ReasonOption,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Let a proposed removal begin; by somebody other than who proposed it. It cannot be undone."""
    connection = connect()
    found = sessions.run(_found(connection, removal))
    if not found:
        raise CommandError(
            "removal_unknown",
            f"There is no removal {removal}.",
            "Type `backoffice compliance removal list` to see what is proposed.",
        )
    act = ApproveRemoval(act_id=clock.new_id(), actor=acts.actor(actor), reason=reason, removal_id=removal)
    shards = found[0]["shards"]
    _carry_out(connection, act, shards, timeout, removal, "approved")


@app.command(name="list")
def list_removals() -> None:
    """List removals, oldest first: by whom, up to which day, and how many records have lost their words."""
    found = sessions.run(_found(connect(), None))
    columns = ("removal_id", "through", "customer", "status", "proposed_by", "approved_by", "records")
    output.records(found, columns, "There is no removal.", right=("records",))


def _carry_out(
    connection: Connection, act: ActBase, shards: list[int], timeout: float, removal: UUID, target: str
) -> None:
    """Print what came of it in all shards; one that has taken the step before is none that refuses it."""

    def is_done_before(answer: ActDone) -> bool:
        return answer.result["refused"] == f"already_{target}"

    answers = sessions.run(acts.in_turn(connection, act, shards, timeout, is_done_before))
    taken = [each for each in answers if each.done]
    refused = [each for each in answers if not each.done and not is_done_before(each)]
    if not taken:
        refused = refused or answers
    record = {
        "removal_id": removal,
        "status": target if not refused else "mixed" if taken else "refused",
        "refused": {str(each.shard): each.result["refused"] for each in refused},
        "detail": (refused or answers)[0].detail,
    }
    words = f"Done: the removal {removal} is {target} in all {len(answers)} shards that it concerns."
    output.emit(record, words if not refused else f"Refused: {refused[0].detail}")
    if refused:
        raise typer.Exit(FOUND)


async def _found(connection: Connection, removal: UUID | None) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        return await removals_list(database, removal)
