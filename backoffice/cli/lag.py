"""`backoffice lag`: shows how far each service is behind, and whether it is stuck."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator
from typing import Annotated, Final

import asyncpg
import typer
from aiokafka.errors import KafkaError
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, UNREACHABLE, CommandError
from backoffice.cli.lagmeter import (
    LOOK_AGAIN_SECONDS,
    Look,
    Place,
    Sample,
    State,
    look_twice,
    open_lagmeter,
    topics_of,
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)

STYLES: Final[dict[str, str]] = {
    "ok": "green",
    "warn": "yellow",
    "unowned": "yellow",
    "stall": "red",
    "stop": "red",
    "rewind": "red",
    "halted": "bold red",
}


@app.command()
def lag(
    watch: Annotated[bool, typer.Option("--watch", help="Look again each second until Ctrl-C.")] = False,
    fail_over: Annotated[
        float | None,
        typer.Option(
            "--fail-over", min=0, help="Status 1 when anything is behind by more than these seconds."
        ),
    ] = None,
) -> None:
    """Show for each service, topic and partition how many records wait, and the age of the oldest.

    The age is exact: now less the broker's timestamp of the first record not yet processed. With
    --watch and --fail-over it ends, with status 1, the first time the bound is passed.
    """
    connection = connect()
    if watch:
        with contextlib.suppress(KeyboardInterrupt):
            if sessions.run(_watch(connection, fail_over)):
                raise typer.Exit(FOUND)
        return
    look = sessions.run(look_twice(connection))
    _print(look)
    if fail_over is not None and look.lag_seconds > fail_over:
        raise typer.Exit(FOUND)


async def _watch(connection: Connection, fail_over: float | None) -> bool:
    """Show a look each second; return whether the bound was passed."""
    on_terminal = sys.stdout.isatty() and not output.json_wanted()
    with Live(auto_refresh=False, screen=False) if on_terminal else contextlib.nullcontext() as live:
        async with contextlib.aclosing(_looks(connection)) as looks:
            async for look in looks:
                if live is not None:
                    live.update(_table(look), refresh=True)
                else:
                    _print(look)
                if fail_over is not None and look.lag_seconds > fail_over:
                    return True
    raise AssertionError("looks never end by themselves")


async def _looks(connection: Connection) -> AsyncGenerator[Look]:
    """Look each second. Outages are told and waited out."""
    while True:
        try:
            async with open_lagmeter(connection) as meter:
                while True:
                    yield await meter.look()
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
        except (CommandError, OSError, TimeoutError, KafkaError, asyncpg.PostgresError) as problem:
            if isinstance(problem, CommandError) and problem.exit_code != UNREACHABLE:
                raise
            output.say(f"backoffice: cannot look now, trying again: {problem}")
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


def _print(look: Look) -> None:
    if output.json_wanted():
        for record in look.records():
            output.emit(record)
        return
    output.table(
        ("service", "topic", "partitions", "records", "oldest", "state"),
        [
            (service, topic, count, lag_, seconds, state)
            for service, topic, count, lag_, seconds, state in _rows(look)
        ],
        right=("partitions", "records", "oldest"),
    )
    for place, sample in look.samples.items():
        if look.states[place] != "ok":
            print(f"{look.states[place]}: {_explain(place, sample, look.states[place])}")
    print(_totals_words(look))


def _rows(look: Look) -> list[tuple[str, str, int, int, str, State]]:
    rows: list[tuple[str, str, int, int, str, State]] = []
    for service in sessions.SERVICES:
        for topic in topics_of(service):
            places = [
                place for place in look.samples if (place.service, place.topic) == (service, topic.name)
            ]
            worst: State = max(
                (look.states[place] for place in places), key=lambda state: list(STYLES).index(state)
            )
            rows.append(
                (
                    service,
                    topic.name,
                    len(places),
                    sum(look.samples[place].lag for place in places),
                    seconds_words(max(look.samples[place].seconds for place in places)),
                    worst,
                )
            )
    return rows


def _table(look: Look) -> Group:
    table = Table(title=None, expand=False)
    for heading in ("service", "topic", "partitions", "records", "oldest", "state"):
        table.add_column(
            heading, justify="right" if heading in ("partitions", "records", "oldest") else "left"
        )
    for service, topic, count, records, seconds, state in _rows(look):
        table.add_row(service, topic, str(count), f"{records:,}", seconds, Text(state, style=STYLES[state]))
    troubles = [
        Text(_explain(place, sample, look.states[place]), style=STYLES[look.states[place]])
        for place, sample in look.samples.items()
        if look.states[place] != "ok"
    ]
    return Group(table, *troubles[:10], Text(f"{_totals_words(look)}   Ctrl-C ends.", style="dim"))


def _explain(place: Place, sample: Sample, state: State) -> str:
    where = f"{place.service}, {place.topic} partition {place.partition}"
    match state:
        case "halted":
            return f"{where}: the shard is halted: {sample.halted}"
        case "unowned":
            return f"{where}: no process works the shard; start one with `backoffice run {place.service}`"
        case "stop":
            since = output.rfc3339(sample.last_progress_at) if sample.last_progress_at else "ever"
            return f"{where}: nothing committed since {since}; {sample.lag} records wait"
        case "stall":
            return f"{where}: the service commits, but not here; {sample.lag} records wait at {sample.stored}"
        case "rewind":
            return f"{where}: the position went back to {sample.stored}"
        case "warn" | "ok":
            return f"{where}: it moves, but the lag of {sample.lag} records never falls"


def _totals_words(look: Look) -> str:
    totals = look.totals()
    return ", ".join(
        f"{name.replace('_', ' ')} {totals[name]}" for name in ("unpublished", "parked", "dead_letters")
    )


def seconds_words(seconds: float) -> str:
    """Spell an age for a person."""
    return "–" if seconds == 0 else f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
