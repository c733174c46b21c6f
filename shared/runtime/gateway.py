"""What a service's HTTP API stands on: reading its schema, publishing acts, and reading tokens.

It can write nothing: its connections are read-only, and what it is asked to do becomes an act in the topic,
which the shard's writer carries out as any other.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from shared.messages.acts.base import ActBase
from shared.messages.topics import Topic
from shared.runtime.client import Client
from shared.runtime.settings import KafkaSettings, ServiceSettings
from shared.runtime.tokens import TokenReader

CONNECTIONS_MAX: Final = 4
STATEMENT_SECONDS_MAX: Final = 10


class Gateway:
    """One process's way to its tables and topics for those who ask by HTTP; opened when first needed."""

    def __init__(self, name: str, settings: ServiceSettings, kafka: KafkaSettings) -> None:
        """Read the key that tokens are signed with; raises `ConfigurationError` for one that is too weak."""
        self.partitions = settings.partitions
        self.answer_seconds_max = settings.api_answer_seconds_max
        self.tokens: TokenReader | None = None
        """None where no key is set: nobody is known then, and every request is refused."""
        if settings.api_key is not None:
            self.tokens = TokenReader(
                settings.api_key.get_secret_value(),
                issuer=settings.api_issuer,
                audience=settings.api_audience,
            )
        self._name = name
        self._settings = settings
        self._kafka = kafka
        self._pool: Any = None
        self._client: Client | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Any, None]:
        """Lend a read-only connection whose search path is the service's own schema."""
        async with self._opening:
            if self._pool is None:
                self._pool = await self._open_pool()
        async with self._pool.acquire() as connection:
            yield connection

    async def publish(self, topic: Topic, act: ActBase, *, key: str, shard: int) -> None:
        """Put an act into the partition of the shard it concerns, and wait until it stands there."""
        async with self._opening:
            if self._client is None:
                client = Client(self._kafka, self.partitions)
                self._client = await client.__aenter__()
        value = act.model_dump_json(exclude_none=True, by_alias=True).encode()
        await self._client.send(topic, [(key.encode(), value, shard)])

    async def close(self) -> None:
        """Let go of everything."""
        if self._client is not None:
            await self._client.__aexit__(None, None, None)
        if self._pool is not None:
            await self._pool.close()

    async def _open_pool(self) -> Any:
        password = self._settings.database_password
        return await asyncpg.create_pool(
            self._settings.database_dsn.get_secret_value(),
            password=password.get_secret_value() if password else None,
            min_size=0,
            max_size=CONNECTIONS_MAX,
            command_timeout=STATEMENT_SECONDS_MAX,
            timeout=10,
            server_settings={
                "application_name": f"backoffice-{self._name}-api",
                "default_transaction_read_only": "on",
                "timezone": "UTC",
                "jit": "off",
            },
        )
