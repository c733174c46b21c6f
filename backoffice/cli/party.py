"""`backoffice party`: what may be done about the people behind owners."""

from typing import Annotated

import typer

from backoffice.cli import acts
from backoffice.cli.acts import ActorOption, ReasonOption, TimeoutOption
from backoffice.cli.connection import connect
from shared.messages.acts import EraseParty
from shared.messages.partitioner import shard_of
from shared.messages.topics import TRANSACTIONS_ACTS
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

    Refused while an account of theirs is open, and where the ledger knows nobody of this code. Books, hashes
    and seals stay as they were. Once more does no harm.
    """
    act = EraseParty(
        act_id=clock.new_id(),
        actor=acts.actor(actor),
        reason=reason,
        owner=owner,
        approved_by=acts.actor(approved_by),
    )
    connection = connect()
    home = shard_of(owner, connection.partitions)
    acts.carry_out(acts.in_shard(TRANSACTIONS_ACTS, connection, act, home, timeout))
