"""Asks an ASGI application as a client would, without a server."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Reply:
    """What the application has answered."""

    status: int
    headers: Mapping[str, str]
    body: Any


async def ask(
    app: Any,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    **query: Any,
) -> Reply:
    """Send one request and return the whole answer; the body is JSON both ways."""
    content = b"" if body is None else json.dumps(body, default=str).encode()
    sent: list[dict[str, Any]] = []
    spelled = {"content-type": "application/json", **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": urlencode(query, doseq=True).encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in spelled.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        """Hand over the body, whole."""
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        """Keep what is answered."""
        sent.append(message)

    await app(scope, receive, send)
    said = b"".join(each.get("body", b"") for each in sent)
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], told, json.loads(said) if said else None)


def token(claims: Mapping[str, Any], sign: Callable[[bytes], bytes], algorithm: str, **header: Any) -> str:
    """Make a signed token."""
    parts = ({"alg": algorithm, "typ": "JWT", **header}, claims)
    signed = ".".join(encoded(json.dumps(each).encode()) for each in parts)
    return f"{signed}.{encoded(sign(signed.encode()))}"


def encoded(data: bytes) -> str:
    """Spell bytes as a token does."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
