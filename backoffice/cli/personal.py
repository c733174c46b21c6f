"""Opens what the ledger has sealed, for who may: the topic of keys, and the master key, are both needed."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

from backoffice.cli import sessions
from backoffice.cli.connection import Connection, secret
from backoffice.cli.errors import USAGE, CommandError
from shared.messages.partitioner import shard_of
from shared.messages.sealing import PARTY_KEY_RECORD, CannotOpen, MasterKey, is_sealed, opened
from shared.messages.topics import PARTY_KEYS
from shared.runtime.compacted import CompactedTopic

OPENED: Final = "opened"
ERASED: Final = "erased"


class Opener:
    """Opens contents with the keys that were there when it was made."""

    def __init__(self, master: MasterKey, keys: CompactedTopic, partitions: int) -> None:
        self._master = master
        self._keys = keys
        self._partitions = partitions

    def open(self, owner: str, instruction_id: str, content: bytes) -> bytes:
        """Return a content with what is sealed in it opened, as far as its owner's key is still there."""
        shard = shard_of(owner, self._partitions)
        value = self._keys.value(shard, owner.encode())
        if value is None or not is_sealed(content):
            return content
        try:
            key = self._master.unwrap(PARTY_KEY_RECORD.validate_json(value).wrapped_bytes, shard, owner)
            return opened(content, instruction_id, key)
        except CannotOpen:
            raise CommandError(
                "master_key_wrong",
                "What is sealed cannot be opened with this master key.",
                "Set BACKOFFICE_MASTER_KEY_FILE to the one that the services have.",
                USAGE,
            ) from None


@asynccontextmanager
async def open_personal(connection: Connection) -> AsyncGenerator[Opener, None]:
    """Read the keys there are now; raises CommandError for who has no master key."""
    text = secret("BACKOFFICE_MASTER_KEY") or _of_stack(connection)
    if text is None:
        raise CommandError(
            "master_key_missing",
            "Personal data is sealed, and there is no master key to open it with.",
            "Set BACKOFFICE_MASTER_KEY_FILE, if you may have it.",
            USAGE,
        )
    try:
        master = MasterKey("".join(text.split()))
    except ValueError:
        raise CommandError(
            "setting_wrong",
            "BACKOFFICE_MASTER_KEY is not base64 of 64 bytes.",
            "Set it to the one that the services have.",
            USAGE,
        ) from None
    keys = CompactedTopic(PARTY_KEYS, sessions.kafka_settings(connection))
    try:
        await keys.catch_up(range(connection.partitions))
        yield Opener(master, keys, connection.partitions)
    finally:
        await keys.close()


async def open_asked(connection: Connection, shown: list[dict[str, Any]]) -> None:
    """Open what was asked in shown instructions; `personal` says what came of it: opened or erased."""
    sealed = [each for each in shown if each["asked"] is not None and is_sealed(_spelt(each["asked"]))]
    if not sealed:
        return
    async with open_personal(connection) as opener:
        for each in sealed:
            asked = each["asked"]
            content = opener.open(asked["owner"], each["instruction_id"], _spelt(asked))
            each["asked"] = json.loads(content)
            each["personal"] = ERASED if is_sealed(content) else OPENED


def _spelt(asked: dict[str, Any]) -> bytes:
    return json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode()


def _of_stack(connection: Connection) -> str | None:
    """Return the master key of an embedded stack of this machine's."""
    path = None if connection.data is None else connection.data / "master.key"
    return path.read_text(encoding="utf-8") if path is not None and path.exists() else None
