"""Opens what the verifier looks through: a connection that sees one moment, and tells when it was ended."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from asyncpg import Connection

CLOSE_SECONDS_MAX: Final = 5.0


@asynccontextmanager
async def one_moment(dsn: str) -> AsyncGenerator[Connection, None]:
    """Open a connection that looks at one moment; raises `ConnectionError` if the server ends it."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    except Exception as problem:
        # Whatever broke first: without the snapshot nothing else that was read counts.
        if connection.is_closed():
            raise ConnectionError("the database has ended the connection") from problem
        raise
    finally:
        await connection.close(timeout=CLOSE_SECONDS_MAX)
