"""How much a request may bring: its body is read before anybody has looked at who asks."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from fastapi import HTTPException

BODY_BYTES_MAX: Final = 262_144
"""A quarter of what a record of the topic of acts may have; no request that anybody needs comes near it."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class BoundedBody:
    """Answers 413 where a body is larger, once so much of it has been read and no more."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes on the way to the application."""
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > BODY_BYTES_MAX:
                raise HTTPException(413, f"a body has {BODY_BYTES_MAX:,} bytes at the most")
            return message

        await self._app(scope, bounded, send)
