"""Opens what a command talks through: a Kafka client, a read-only database connection, an event loop."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import asyncpg

from backoffice.cli.connection import Connection
from backoffice.cli.errors import FOUND, UNREACHABLE, CommandError
from services.transactions.queries.parts import PartsDetachedError
from shared.messages.topics import TOPICS, Topic
from shared.runtime import database

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

    from shared.runtime.client import Client
    from shared.runtime.settings import KafkaSettings

    Record = ConsumerRecord[Any, Any]

Answer = TypeVar("Answer")

SERVICES: tuple[str, ...] = tuple(dict.fromkeys(topic.owner for topic in TOPICS))
"""Every service, in the order in which a record passes them; each owns the schema of its name."""


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a command's work to its end; Ctrl-C cancels it and is raised as KeyboardInterrupt."""
    try:
        return asyncio.run(work)
    except PartsDetachedError as problem:
        raise CommandError(
            "parts_detached",
            f"This needs events that are not there: {problem}.",
            "Restore their tables and type `backoffice parts attach`, or ask a restored backup;"
            " `backoffice ledger verify --attached` looks at what is there.",
            FOUND,
        ) from problem


def kafka_settings(connection: Connection) -> "KafkaSettings":
    """Return how Kafka is reached: the settings, at the address of the connection."""
    from shared.runtime.settings import KafkaSettings, read_secret_files

    read_secret_files()
    return KafkaSettings(bootstrap=connection.bootstrap)


@asynccontextmanager
async def open_client(connection: Connection) -> AsyncGenerator["Client", None]:
    """Open a Kafka client. That brokers do not answer is told by who waits for them, in a line, and once."""
    # Most commands ask the database alone.
    from shared.runtime.client import Client

    if os.environ.get("BACKOFFICE_LOG_LEVEL") != "DEBUG":
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

    async with Client(kafka_settings(connection), connection.partitions) as client:
        yield client


@asynccontextmanager
async def following(
    client: "Client",
    topics: Sequence[Topic],
    offsets: Mapping[tuple[str, int], int],
    *,
    silent_seconds_max: float | None = None,
) -> AsyncGenerator[AsyncIterator[list["Record"]], None]:
    """Follow topics from these offsets, by (topic, partition); the consumer is stopped at the end.

    Who knows no time by which records must come gives `silent_seconds_max`: see `Client.follow`.
    """
    stream = client.follow(topics, offsets, silent_seconds_max=silent_seconds_max)
    try:
        yield stream
    finally:
        await cast("AsyncGenerator[list[Record], None]", stream).aclose()


async def ends_of(client: "Client", topics: Sequence[Topic]) -> dict[tuple[str, int], int]:
    """Return where topics end now, by (topic, partition)."""
    return {
        (topic.name, partition): end
        for topic in topics
        for partition, end in (await client.end_offsets(topic)).items()
    }


@asynccontextmanager
async def open_database(connection: Connection) -> AsyncGenerator[Any, None]:
    """Open a read-only connection; says what to type when the database is not there or not migrated."""
    try:
        session = await database.connect(connection.dsn_readonly, application="backoffice command")
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as problem:
        where = database.describe(connection.dsn_readonly)
        raise CommandError(
            "database_unreachable",
            f"PostgreSQL does not answer at {where}.",
            "Type `backoffice up` to start the stack, or set BACKOFFICE_READONLY_DSN to where it is.",
            UNREACHABLE,
        ) from problem
    try:
        yield session
    except (
        asyncpg.UndefinedTableError,
        asyncpg.UndefinedColumnError,
        asyncpg.InvalidSchemaNameError,
    ) as problem:
        raise CommandError(
            "not_migrated",
            f"The database lacks what this command reads: {problem}.",
            "Type `backoffice migrate` to bring it up to date.",
            UNREACHABLE,
        ) from problem
    finally:
        await session.close(timeout=5)


async def enter_schema(session: Any, service: str) -> None:
    """Let the statements that follow read the tables of that service."""
    await session.execute("SELECT set_config('search_path', $1, false)", service)
