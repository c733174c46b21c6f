"""Events of the ledger in which something is sealed, before it is opened."""

from dataclasses import dataclass
from typing import Final

import msgspec

from services.compliance.domain.event_view import CONCERNING
from services.compliance.domain.ledger_events import NOTHING, LedgerNews, read_news
from shared.messages.sealing import PartyKey, is_sealed, key_ids_in, opened


class _Head(msgspec.Struct):
    type: str
    shard: int
    owner: str | None = None
    instruction_id: str | None = None
    first: dict[str, int] | None = None


_DECODE: Final = msgspec.json.Decoder(_Head).decode


@dataclass(frozen=True, slots=True)
class SealedNews:
    """An event that concerns compliance and cannot be read yet."""

    value: bytes
    shard: int
    """Whose writer made it; the partition in which its owner's key is published."""
    owner: str
    instruction_id: str
    key_id: str
    is_follow_up: bool
    """Whether what it asks for was screened with an earlier event."""

    def read(self, key: PartyKey | None) -> LedgerNews:
        """Return what concerns compliance in it; without the key, what can be read, marked as `unread`.

        Raises `CannotOpen` where what is sealed was changed, or `ValueError` where it is no event at all.
        """
        if key is not None and key.key_id == self.key_id:
            return read_news(opened(self.value, self.instruction_id, key))
        news = read_news(self.value)
        if self.is_follow_up:
            return news
        if news is NOTHING:
            news = LedgerNews(self.value, (), cash=False, waits=False)
        return msgspec.structs.replace(news, unread=True)


def read_or_sealed(value: bytes) -> LedgerNews | SealedNews:
    """Return what concerns compliance in an event's bytes, or the event if it must be opened first.

    Raises `ValueError` where it is no event of the ledger at all.
    """
    if not is_sealed(value):
        return read_news(value)
    try:
        head = _DECODE(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return read_news(value)
    key_ids = key_ids_in(value)
    if head.type not in CONCERNING or head.owner is None or head.instruction_id is None or not key_ids:
        return read_news(value)
    (key_id,) = key_ids  # one owner, one key at a time
    return SealedNews(value, head.shard, head.owner, head.instruction_id, key_id, head.first is not None)
