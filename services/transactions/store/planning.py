"""Tells PostgreSQL how the writer's statements are to be carried out."""

from typing import Final

from services.transactions.store import Connection

BY_KEY: Final = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off"


async def look_up_by_key(connection: Connection) -> None:
    """Let this connection look up by key whatever it reads.

    A batch asks for some thousand rows of tables of millions. A plan made while a table was empty, or before
    anything was analyzed, may read all of the table instead, and is kept until it is analyzed. What has no
    index is read whole all the same.
    """
    await connection.execute(BY_KEY)
