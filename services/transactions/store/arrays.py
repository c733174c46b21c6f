"""Long arrays as parameters, cheaply."""

from collections.abc import Iterable


def array_of(values: Iterable[object]) -> str:
    """Spell numbers or UUIDs as a PostgreSQL array; the statement casts it from text.

    asyncpg asks of every element of an array whether it is an array itself, at 0.4 µs each; the server
    reads one from text in a fraction of that.
    """
    return "{" + ",".join(map(str, values)) + "}"
