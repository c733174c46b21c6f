"""Connections to PostgreSQL: one login, one schema, bounded waits; and what an error means for a batch."""

import asyncio
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg

from shared.runtime.errors import ConfigurationError

RETRY_STATES: Final = frozenset({"40001", "40P01", "55P03"})
"""Serialisation failure, deadlock, lock not available: the same batch is tried again."""

WORLD_CLASSES: Final = ("08", "53", "57", "58")
"""Connection, resources (disk full, too many connections), operator intervention, system errors."""

BACK_OFF_SECONDS: Final = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)

Connection = asyncpg.Connection


async def connect(
    dsn: str,
    *,
    password: str | None = None,
    application: str,
    lock_timeout_ms: int = 3000,
    idle_in_transaction_ms: int = 15_000,
) -> Any:
    """Open a connection as a service's own login; raises `ConfigurationError` for a wrong one, or address."""
    options: dict[str, str] = {
        "application_name": application,
        "lock_timeout": str(lock_timeout_ms),
        "idle_in_transaction_session_timeout": str(idle_in_transaction_ms),
        "timezone": "UTC",
        "jit": "off",
    }
    try:
        return await asyncpg.connect(
            dsn, password=password, server_settings=options, statement_cache_size=500, timeout=10
        )
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
        raise ConfigurationError(
            f"PostgreSQL at {describe(dsn)} refuses the login: {error}; run `backoffice migrate` first"
        ) from None
    except (ValueError, OverflowError):
        raise ConfigurationError(
            "the address of the database is not written as postgresql://user@host:port/name"
        ) from None


def describe(dsn: str) -> str:
    """Name a database without its password."""
    parts = urlsplit(dsn)
    user = f"{parts.username}@" if parts.username else ""
    return f"{user}{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"


def state_of(error: BaseException) -> str:
    """An error's SQLSTATE, or the empty string."""
    return str(getattr(error, "sqlstate", None) or "")


def is_retryable(error: BaseException) -> bool:
    """Whether the same statements may simply be tried again."""
    return state_of(error) in RETRY_STATES


async def back_off(attempt: int) -> None:
    """Wait before one more attempt, the longer the more have failed; `attempt` counts from 0."""
    await asyncio.sleep(BACK_OFF_SECONDS[min(attempt, len(BACK_OFF_SECONDS) - 1)])


def is_world_down(error: BaseException) -> bool:
    """Whether the database, the disk or the network is at fault, and not the batch."""
    if isinstance(error, asyncpg.PostgresError):
        state = state_of(error)
        return state.startswith(WORLD_CLASSES) or state == "25P03"
    return isinstance(error, OSError | asyncpg.InterfaceError | asyncio.TimeoutError)
