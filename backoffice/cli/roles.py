"""`backoffice compliance roles`: who may act in which role, given by two people."""

from typing import Annotated, get_args
from uuid import UUID

import typer

from backoffice.cli import acts, output, sessions
from backoffice.cli.acts import ActorOption, ReasonOption, TimeoutOption
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from backoffice.cli.typed import day_of
from services.compliance.queries.roles import roles_list
from shared.messages.acts import ApproveRole, ProposeRole, RevokeRole
from shared.messages.acts.roles import Role
from shared.messages.journal import ActDone
from shared.runtime import clock

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

GrantArgument = Annotated[
    UUID, typer.Argument(help="The grant's id, as `roles list` shows it.", show_default=False)
]


@app.callback()
def _roles() -> None:
    """Say who may do what in compliance, whether by command or by HTTP. What nobody was given is denied.

    First two administrators are appointed, by anybody; from then on nobody does anything without a role.
    """


@app.command(name="list")
def list_roles(
    officer: Annotated[str | None, typer.Option(help="Only this officer's.")] = None,
) -> None:
    """List who was given which role, by whom and until when."""
    connection = connect()
    found = sessions.run(_found(connection, officer))
    for each in found:
        output.emit(each)
    if not found:
        output.say("Nobody has been given a role.")
        return
    output.table(
        ("grant", "officer", "role", "status", "since", "until", "proposed by", "approved by", "shards"),
        [
            (
                each["grant_id"],
                each["officer"],
                each["role"],
                each["status"],
                each["since"],
                each["until"] or "",
                each["proposed_by"],
                each["approved_by"] or "",
                f"{each['shards']} of {connection.partitions}",
            )
            for each in found
        ],
    )


@app.command()
def propose(
    officer: Annotated[str, typer.Argument(help="Who gets it: the name they act under.", show_default=False)],
    role: Annotated[str, typer.Argument(help=f"One of {', '.join(get_args(Role))}.", show_default=False)],
    reason: ReasonOption,
    since: Annotated[str | None, typer.Option(help="The first day, such as 2026-03-01; else today.")] = None,
    until: Annotated[str | None, typer.Option(help="The first day on which it no longer counts.")] = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Propose to give an officer a role; another administrator has to approve it."""
    if role not in get_args(Role):
        raise CommandError(
            "usage", f"There is no role {role!r}.", f"Give one of {', '.join(get_args(Role))}.", USAGE
        )
    act = ProposeRole.model_validate(
        {
            "act_id": clock.new_id(),
            "actor": acts.actor(actor),
            "reason": reason,
            "officer": acts.actor(officer),
            "role": role,
            "since": day_of("--since", since) or clock.now().date(),
            "until": day_of("--until", until),
        }
    )
    _tell(act, timeout)


@app.command()
def approve(
    grant: GrantArgument, reason: ReasonOption, actor: ActorOption = None, timeout: TimeoutOption = 30.0
) -> None:
    """Give the role; by another administrator than who proposed it."""
    act = ApproveRole(act_id=clock.new_id(), actor=acts.actor(actor), reason=reason, grant_id=grant)
    _tell(act, timeout)


@app.command()
def revoke(
    grant: GrantArgument, reason: ReasonOption, actor: ActorOption = None, timeout: TimeoutOption = 30.0
) -> None:
    """Take a role away at once, or drop what was proposed."""
    act = RevokeRole(act_id=clock.new_id(), actor=acts.actor(actor), reason=reason, grant_id=grant)
    _tell(act, timeout)


def _tell(act: ProposeRole | ApproveRole | RevokeRole, timeout: float) -> None:
    """Have every shard carry it out, and tell of the one that would not; else of one that has done it."""
    connection = connect()
    everywhere = range(connection.partitions)
    answers = sessions.run(acts.in_turn(connection, act, everywhere, timeout, _is_done_before))
    stopped = [each for each in answers if not each.done and not _is_done_before(each)]
    done = [each for each in answers if each.done]
    if acts.tell((stopped or done or answers)[0]):
        raise typer.Exit(FOUND)


def _is_done_before(answer: ActDone) -> bool:
    """Whether the shard had done it already, as when the command is typed again after it was interrupted."""
    return str(answer.result.get("refused")).startswith("already_")


async def _found(connection: Connection, officer: str | None) -> list[dict[str, object]]:
    async with sessions.open_database(connection) as database:
        return await roles_list(database, officer)
