"""`backoffice party`: what may be done about the people behind owners."""

from typing import Annotated

import typer

from backoffice.cli import acts, sessions
from backoffice.cli.acts import ActorOption, ReasonOption, TimeoutOption
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND
from shared.messages.acts import EraseParty
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of
from shared.messages.topics import JOURNAL, TRANSACTIONS_ACTS
from shared.runtime import clock

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

OwnerArgument = Annotated[str, typer.Argument(help="The owner's code.", show_default=False)]


@app.callback()
def party() -> None:
    """Erase what the ledger keeps of the person behind an owner."""


@app.command()
def erase(
    owner: OwnerArgument,
    reason: ReasonOption,
    approved_by: Annotated[str, typer.Option(help="The second person.", show_default=False)],
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Erase an owner's personal data from the ledger for good: the key that it is sealed under is removed.

    Refused while an account of theirs is open. Books, hashes and seals stay as they were. Once more does no
    harm.
    """
    act = EraseParty(
        act_id=clock.new_id(),
        actor=acts.actor(actor),
        reason=reason,
        owner=owner,
        approved_by=acts.actor(approved_by),
    )
    if acts.tell(sessions.run(_erase(connect(), act, timeout))):
        raise typer.Exit(FOUND)


async def _erase(connection: Connection, act: EraseParty, timeout: float) -> ActDone:
    async with sessions.open_client(connection) as client:
        return await acts.perform(
            client,
            TRANSACTIONS_ACTS,
            act,
            partition=shard_of(act.owner, connection.partitions),
            answers=JOURNAL,
            timeout=timeout,
        )
