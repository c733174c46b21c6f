"""The HTTP API over the tests' service, as somebody at a desk asks it."""

import hashlib
import hmac
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import asyncpg

from services.compliance.api import create_api
from shared.messages.acts.base import ActBase
from shared.messages.envelope import HOUSE
from shared.messages.topics import COMPLIANCE_ACTS, Topic
from shared.runtime import clock
from shared.runtime.gateway import Gateway
from shared.runtime.tokens import TokenReader
from tests.compliance.conftest import SERVICE, Harness
from tests.compliance.ledger import PARTITIONS
from tests.support.asgi import Reply, ask, token

SECRET = "a phrase of more than thirty-two bytes"
NO_ID = "019a0000-0000-7000-8000-000000000001"


async def nothing() -> None:
    """Do nothing."""


@dataclass
class Desk:
    """The API over the tests' service: what it publishes is handled at once, unless the writer sleeps."""

    harness: Harness
    asleep: bool = False
    published: list[ActBase] = field(default_factory=list[ActBase])
    before: Callable[[], Awaitable[None]] = nothing
    """What others do before an act is published."""
    partitions: int = PARTITIONS
    answer_seconds_max: float = 10.0
    tokens: TokenReader | None = field(
        default_factory=lambda: TokenReader(SECRET, issuer="backoffice", audience="backoffice-compliance")
    )

    def __post_init__(self) -> None:
        self.app = create_api(cast(Gateway, self))

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Any, None]:
        """Lend a connection of the service's login."""
        connection = await asyncpg.connect(self.harness.database.dsn(SERVICE))
        try:
            await connection.execute("SET default_transaction_read_only = on")
            yield connection
        finally:
            await connection.close()

    async def publish(self, topic: Topic, act: ActBase, *, key: str, shard: int) -> None:
        """Let the writer carry the act out."""
        assert (topic, key) == (COMPLIANCE_ACTS, getattr(act, "owner", HOUSE))
        await self.before()
        self.published.append(act)
        if not self.asleep:
            await self.harness.act(act, shard=shard)

    async def ask(self, method: str, path: str, role: str = "auditor", by: str = "ann", **more: Any) -> Reply:
        """Ask as somebody of a role."""
        claims = {"sub": by, "roles": [role], "exp": clock.now().timestamp() + 60}
        claims |= {"iss": "backoffice", "aud": ["backoffice-compliance"]}
        signed = token(claims, lambda data: hmac.digest(SECRET.encode(), data, hashlib.sha256), "HS256")
        seen, key = more.pop("seen", None), more.pop("key", None)
        headers = {"Authorization": f"Bearer {signed}"}
        headers |= {"If-Match": seen} if seen is not None else {}
        headers |= {"Idempotency-Key": key} if key is not None else {}
        return await ask(self.app, method, path, headers=headers, **more)

    async def post(self, path: str, role: str, by: str = "ann", **more: Any) -> Reply:
        """Ask for something to be done."""
        seen, key = more.pop("seen", None), more.pop("key", None)
        return await self.ask(
            "POST", path, role, by, body={"reason": "looked at", **more}, seen=seen, key=key
        )
