"""Reads the load generator's own log: one JSON object a line, bytes as base64."""

import base64
import json
from pathlib import Path
from typing import Any

from audit.evidence import SentCommand


def read_commands(path: Path) -> list[SentCommand]:
    """Return what was sent, in the order it was sent; a half-written last line is passed over."""
    commands: list[SentCommand] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            fields: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        commands.append(
            SentCommand(
                topic=fields["topic"],
                partition=fields["partition"],
                offset=fields.get("offset"),
                key=_bytes(fields.get("key")),
                value=_bytes(fields.get("value")),
            )
        )
    return commands


def command_line(command: SentCommand) -> str:
    """Spell one line of the log."""
    return json.dumps(
        {
            "topic": command.topic,
            "partition": command.partition,
            "offset": command.offset,
            "key": _text(command.key),
            "value": _text(command.value),
        }
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
