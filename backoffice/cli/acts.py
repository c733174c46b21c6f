"""Has an operator's act carried out by the shard it concerns, and tells what came of it."""

import getpass
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Annotated, Any, Final

import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection
from backoffice.cli.errors import FOUND, TIMED_OUT, USAGE, CommandError
from shared.messages.acts.base import ActBase
from shared.messages.envelope import CODE_PATTERN
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
from shared.runtime.client import Client

ReasonOption = Annotated[str, typer.Option(help="Why, for the record.", show_default=False)]
ActorOption = Annotated[
    str | None, typer.Option("--actor", help="Who acts; else BACKOFFICE_ACTOR, else you.")
]
TimeoutOption = Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait for each answer.")]

ANSWERED_ON: Final[Mapping[str, Topic]] = {
    TRANSACTIONS_ACTS.name: JOURNAL,
    COMPLIANCE_ACTS.name: ALERTS,
    REPORTING_ACTS.name: PUBLISHED,
}
"""Where a service answers the acts that it takes on a topic."""


def actor(named: str | None) -> str:
    """Return who acts: as typed, as `BACKOFFICE_ACTOR` says, else who is logged in here."""
    import re

    found = named or os.environ.get("BACKOFFICE_ACTOR") or getpass.getuser()
    if re.fullmatch(CODE_PATTERN, found) is None:
        raise CommandError(
            "actor_unusable",
            f"{found!r} cannot be written down as who did it.",
            "Give a short name in ASCII with --actor, or set BACKOFFICE_ACTOR.",
            USAGE,
        )
    return found


async def perform(client: Client, topic: Topic, act: ActBase, *, partition: int, timeout: float) -> ActDone:
    """Publish the act and wait until the shard's writer has carried it out or refused it."""
    try:
        return await client.perform(topic, act, partition, ANSWERED_ON[topic.name], timeout)
    except TimeoutError as problem:
        raise CommandError(
            "act_unanswered",
            f"Nothing has answered the act {act.act_id} within {timeout:.0f} s.",
            f"Type `backoffice status` to see whether {topic.owner} works shard {partition}."
            " The act stays in its topic and will be carried out once when the service reads it.",
            TIMED_OUT,
        ) from problem


async def in_shard(topic: Topic, connection: Connection, act: ActBase, shard: int, timeout: float) -> ActDone:
    """Have an act carried out by the shard of a service that takes acts on this topic."""
    async with sessions.open_client(connection) as client:
        return await perform(client, topic, act, partition=shard, timeout=timeout)


async def in_compliance(connection: Connection, act: ActBase, shard: int, timeout: float) -> ActDone:
    """Have an act carried out by one of compliance's shards."""
    return await in_shard(COMPLIANCE_ACTS, connection, act, shard, timeout)


async def in_turn(
    connection: Connection,
    act: ActBase,
    shards: Iterable[int],
    timeout: float,
    is_done_before: Callable[[ActDone], bool],
) -> list[ActDone]:
    """Have an act carried out by one of compliance's shards after the other.

    Where one refuses it, though not since it was done before, no other is asked.
    """
    answers: list[ActDone] = []
    async with sessions.open_client(connection) as client:
        for shard in shards:
            done = await perform(client, COMPLIANCE_ACTS, act, partition=shard, timeout=timeout)
            answers.append(done)
            if not done.done and not is_done_before(done):
                break
    return answers


def carry_out(work: Coroutine[Any, Any, ActDone]) -> None:
    """Run what performs an act, and print what came of it; ends with status 1 where it was refused."""
    if tell(sessions.run(work)):
        raise typer.Exit(FOUND)


def tell(done: ActDone) -> int:
    """Print what came of an act; return the exit status: 1 where it was refused."""
    record = {
        "act_id": done.act_id,
        "act": done.act,
        "actor": done.actor,
        "done": done.done,
        "detail": done.detail,
        "result": done.result,
        "shard": done.shard,
        "seq": done.seq,
        "recorded_at": done.recorded_at,
    }
    output.emit(record, f"{'Done' if done.done else 'Refused'}: {done.detail}")
    return 0 if done.done else 1
