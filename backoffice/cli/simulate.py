"""`backoffice simulate`: plays the upstream systems against the running stack."""

import asyncio
import time
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Final

import typer

from backoffice import simulator
from backoffice.cli import business_days, output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import TIMED_OUT, CommandError
from backoffice.cli.lagmeter import open_lagmeter
from backoffice.cli.sending import Sending, progress_words, send_all, shown
from backoffice.simulator import SimulatedRecord
from backoffice.simulator.population import ENTITY
from services.compliance.data import demo_names
from services.reporting.queries import open_items

app = typer.Typer(add_completion=False, rich_markup_mode=None)

COUNT: Final = 20_000
INVESTIGATED_MAX: Final = 1_000
LOOK_SECONDS: Final = 0.1
"""Between two looks at whether reporting has caught up."""


@app.command()
def simulate(
    count: Annotated[int, typer.Option("--count", min=1, help="How many instructions.")] = COUNT,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.1, help="Records a second; as fast as can be if left out.")
    ] = None,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, help="The same seed sends the same again; each has its own customers."),
    ] = 1,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for every outcome and count them.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait after the last is sent.")] = 120.0,
    investigate: Annotated[
        bool,
        typer.Option(
            "--investigate",
            help="Afterwards find out whose the oldest items in suspense are: most are allocated, small ones "
            "written off. Implies --wait.",
        ),
    ] = False,
) -> None:
    """Send made-up traffic: accounts, salaries, cards, cash, transfers, payments, and what goes wrong.

    A seed that was played before is sent again from the day it began on, so its records are duplicates;
    a new one begins on the business day after the current one.
    """
    connection = connect()
    wait = wait or investigate
    sending = sessions.run(_simulate(connection, count, rate, seed, wait=wait, timeout=timeout))
    result = {"instructions": count, "seed": seed, **sending.result()}
    output.emit(result, result_words(result))
    if investigate and not sending.timed_out:
        sending = sessions.run(_investigate(connection, seed, timeout=timeout))
        result = {"investigated": sending.published, "seed": seed, **sending.result()}
        output.emit(result, result_words(result))
    if sending.timed_out:
        raise typer.Exit(TIMED_OUT)


async def _simulate(
    connection: Connection, count: int, rate: float | None, seed: int, *, wait: bool, timeout: float
) -> Sending:
    start = await first_day(connection, seed)
    sending = Sending()
    async with shown(lambda: progress_words(sending, count)):
        await send_all(
            connection,
            records(connection, seed=seed, count=count, start=start),
            wait=wait,
            timeout=timeout,
            rate=rate,
            sending=sending,
        )
    return sending


async def _investigate(connection: Connection, seed: int, *, timeout: float) -> Sending:
    """Play what becomes of the oldest items in suspense, once reporting has read of those just sent."""
    async with open_lagmeter(connection) as meter:
        deadline = time.monotonic() + timeout
        while True:
            lag, _ = (await meter.look()).of_service("reporting")
            if not lag or time.monotonic() > deadline:
                break
            await asyncio.sleep(LOOK_SECONDS)
    async with sessions.open_database(connection) as database:
        items = await open_items(database, on=None, entity=ENTITY, from_age=0, limit=INVESTIGATED_MAX)
        day = await business_days.current_day(database, ENTITY)
    assert day is not None
    found = simulator.investigate(items, seed=seed, day=day)
    return await send_all(connection, found, wait=True, timeout=timeout)


def records(connection: Connection, *, seed: int, count: int, start: date) -> Iterator[SimulatedRecord]:
    """Return the simulated stream for the stack at hand."""
    return simulator.plan(
        seed=seed, count=count, partitions=connection.partitions, start=start, listed_names=demo_names()
    )


async def first_day(connection: Connection, seed: int) -> date:
    """Return the business day a seed begins on: where it began before, else after the current day."""
    async with sessions.open_database(connection) as database:
        began = await business_days.day_asked_for(database, simulator.anchor_id(seed))
        current = await business_days.current_day(database, ENTITY)
    if began is not None:
        return began
    if current is None:
        raise CommandError(
            "entity_unknown",
            f"The ledger has no entity {ENTITY}.",
            "Type `backoffice migrate` to load the chart of accounts.",
        )
    return simulator.first_day_after(current)


def result_words(result: dict[str, Any]) -> str:
    """Spell the result of sending a stream."""
    words = f"Published {result['published']:,} records in {result['seconds']:.1f} s."
    for title in ("outcomes", "reasons", "routed"):
        counts: dict[str, int] = result[title]
        if counts:
            words += (
                f"\n{title.capitalize()}: "
                + ", ".join(f"{name} {count:,}" for name, count in counts.items())
                + "."
            )
    if result["held"]:
        words += f"\n{result['held']} of the pending ones are held; `backoffice holds list` shows them."
    return words
