"""`backoffice dead-letters`: records that nobody could read, kept as they came."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from backoffice.cli.records import record_text, text_fields
from shared.messages.topics import INSTRUCTIONS, TOPIC
from shared.runtime import queries
from shared.runtime.queries import DeadLetter

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def dead_letters() -> None:
    """Look at the records nobody could read."""


@app.command(name="list")
def list_(limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 100) -> None:
    """List the latest dead letters: place, time and why."""
    letters = sessions.run(_list(connect(), limit))
    for service, each in letters:
        output.emit(_fields(service, each))
    if not letters:
        output.say("There are no dead letters.")
        return
    output.table(
        ("topic", "place", "when", "bytes", "error"),
        [
            (each.topic, f"{each.partition}:{each.offset}", _second(each), len(each.value or b""), each.error)
            for _, each in letters
        ],
        right=("bytes",),
    )


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="PARTITION:OFFSET, as the list shows it.", show_default=False)],
    topic: Annotated[str, typer.Option(help="The topic the record came on.")] = INSTRUCTIONS.name,
    raw: Annotated[bool, typer.Option("--raw", help="Write the record's bytes and nothing else.")] = False,
) -> None:
    """Show one dead letter: its bytes, its place and why it could not be read."""
    partition, offset = _place(place)
    if topic not in TOPIC:
        raise CommandError("usage", f"There is no topic {topic}.", f"Name one of {', '.join(TOPIC)}.", USAGE)
    service, letter = sessions.run(_show(connect(), topic, partition, offset))
    if raw:
        sys.stdout.buffer.write(letter.value or b"")
        return
    output.emit(
        {**_fields(service, letter), **text_fields("key", letter.key), **text_fields("value", letter.value)},
        f"{letter.topic} {letter.partition}:{letter.offset}, read by {service} at {_second(letter)}\n"
        f"error: {letter.error}\nkey:   {record_text(letter.key)}\nvalue: {record_text(letter.value)}",
    )


async def _list(connection: Connection, limit: int) -> list[tuple[str, DeadLetter]]:
    found: list[tuple[str, DeadLetter]] = []
    async with sessions.open_database(connection) as database:
        for service in sessions.SERVICES:
            await sessions.enter_schema(database, service)
            found += [(service, each) for each in await queries.dead_letters(database, limit=limit)]
    return sorted(found, key=lambda each: each[1].recorded_at, reverse=True)[:limit]


async def _show(connection: Connection, topic: str, partition: int, offset: int) -> tuple[str, DeadLetter]:
    async with sessions.open_database(connection) as database:
        for service in sessions.SERVICES:
            await sessions.enter_schema(database, service)
            letter = await queries.dead_letter(database, topic, partition, offset)
            if letter is not None:
                return service, letter
    raise CommandError(
        "dead_letter_unknown",
        f"There is no dead letter at {topic} {partition}:{offset}.",
        "Type `backoffice dead-letters list` to see those there are.",
        FOUND,
    )


def _place(text: str) -> tuple[int, int]:
    partition, _, offset = text.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise CommandError("usage", f"{text!r} is no place.", "Type PARTITION:OFFSET, such as 2:1041.", USAGE)
    return int(partition), int(offset)


def _fields(service: str, each: DeadLetter) -> dict[str, Any]:
    return {
        "service": service,
        "topic": each.topic,
        "partition": each.partition,
        "offset": each.offset,
        "shard": each.shard,
        "error": each.error,
        "size": len(each.value or b""),
        "sent_at": datetime.fromtimestamp(each.timestamp_ms / 1000, UTC),
        "recorded_at": each.recorded_at,
    }


def _second(each: DeadLetter) -> str:
    return output.rfc3339(each.recorded_at)[:19].replace("T", " ")
