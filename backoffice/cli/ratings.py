"""`backoffice compliance ratings`: customers' risk classes, with their history."""

from typing import Annotated, Any, Final
from uuid import UUID

import typer

from backoffice.cli import acts, output, sessions
from backoffice.cli.acts import ActorOption, ReasonOption, TimeoutOption
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import USAGE, CommandError
from services.compliance.queries.ratings import proposal_show, proposals_list, ratings_list
from shared.messages.acts import ApproveRating, RateCustomer
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of
from shared.runtime import clock

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

CLASSES: Final = ("low", "medium", "high")
OwnerArgument = Annotated[str, typer.Argument(help="The customer's code.", show_default=False)]


@app.callback()
def _ratings() -> None:
    """Rate customers by risk, so that the ledger's policies have their requests screened first or after."""


@app.command(name="list")
def list_ratings(
    owner: Annotated[str | None, typer.Option(help="Only of this customer, with their history.")] = None,
    proposed: Annotated[bool, typer.Option("--proposed", help="What waits for a second person.")] = False,
) -> None:
    """List customers who have been rated; whoever is not there is of medium risk."""
    found = sessions.run(_found(connect(), owner, proposed))
    if proposed:
        columns = ("rating_id", "owner", "risk_class", "proposed_by", "proposed_at", "reason")
    else:
        columns = ("owner", "version", "risk_class", "previous", "rated_at", "rule", "actor", "proposed_by")
    none = "Nothing is proposed." if proposed else "Nobody has been rated: all are of medium risk."
    output.records(found, columns, none)


@app.command()
def rate(
    owner: OwnerArgument,
    risk_class: Annotated[str, typer.Argument(metavar="CLASS", help=f"One of {', '.join(CLASSES)}.")],
    reason: ReasonOption,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Give a customer a higher class at once, or propose a lower one, which another person approves."""
    if risk_class not in CLASSES:
        raise CommandError(
            "usage", f"There is no class {risk_class!r}.", f"Give one of {', '.join(CLASSES)}.", USAGE
        )
    acts.carry_out(_rated(connect(), owner, risk_class, reason, acts.actor(actor), timeout))


@app.command()
def approve(
    rating: Annotated[UUID, typer.Argument(help="As `ratings list --proposed` shows it.")],
    reason: ReasonOption,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Let a lower class count; by somebody other than who proposed it."""
    acts.carry_out(_approved(connect(), rating, reason, acts.actor(actor), timeout))


async def _found(connection: Connection, owner: str | None, proposed: bool) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        if proposed:
            return await proposals_list(database, owner)
        return await ratings_list(database, owner, history=owner is not None)


async def _rated(
    connection: Connection, owner: str, risk_class: Any, reason: str, actor: str, timeout: float
) -> ActDone:
    act = RateCustomer(act_id=clock.new_id(), actor=actor, reason=reason, owner=owner, risk_class=risk_class)
    return await acts.in_compliance(connection, act, shard_of(owner, connection.partitions), timeout)


async def _approved(connection: Connection, rating: UUID, reason: str, actor: str, timeout: float) -> ActDone:
    async with sessions.open_database(connection) as database:
        found = await proposal_show(database, rating)
    if found is None:
        raise CommandError(
            "rating_unknown",
            f"Nothing is proposed under {rating}.",
            "Type `backoffice compliance ratings list --proposed` to see what is.",
        )
    act = ApproveRating(
        act_id=clock.new_id(), actor=actor, reason=reason, owner=found["owner"], rating_id=rating
    )
    return await acts.in_compliance(connection, act, found["shard"], timeout)
