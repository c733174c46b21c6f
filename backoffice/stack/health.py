"""Asks a service's health address over plain HTTP."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

ANSWER_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Health:
    """What a health address answered: status 0 if nobody did, `body` empty if it was not a JSON object."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def ok(self) -> bool:
        """Say whether the service called itself well."""
        return self.status == 200


async def ask(url: str, *, timeout_seconds: float = 2.0) -> Health:
    """Fetch `url` and return its status and JSON body; never raises for a service that is not there."""
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _ask(url)
    except (OSError, TimeoutError, ValueError, IndexError):
        return Health(0)


async def _ask(url: str) -> Health:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        request = f"GET {target or '/'} HTTP/1.0\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        answer = await reader.read(ANSWER_BYTES_MAX)
        while chunk := await reader.read(ANSWER_BYTES_MAX):
            answer += chunk
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(None, 2)[1])
    try:
        parsed: Any = json.loads(body)
    except ValueError:
        parsed = None
    return Health(status, parsed if isinstance(parsed, dict) else {})
