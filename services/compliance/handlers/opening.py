"""Opens what the ledger has sealed in its events, with the keys that it publishes."""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from typing import Final, Protocol

from pydantic import ValidationError

from services.compliance.domain.sealed_news import SealedNews
from shared.messages.sealing import PARTY_KEY_RECORD, CannotOpen, MasterKey, PartyKey
from shared.runtime.errors import ShardHalted
from shared.runtime.work import Received

KEYS_REMEMBERED_MAX: Final = 200_000
"""Unwrapped; those used last."""


class Published(Protocol):
    """The topic of keys, as a table (`shared.runtime.compacted`)."""

    @property
    def erasures(self) -> int:
        """How many keys were seen to be erased."""
        ...

    def value(self, partition: int, key: bytes) -> bytes | None:
        """The last value of a key, as far as its partition was read."""
        ...

    async def catch_up(self, partitions: Collection[int]) -> None:
        """Read these up to where they end now."""
        ...

    async def keep_following(self) -> None:
        """See to it that what comes is read."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class Keys:
    """Owners' keys, as far as they are published and not erased."""

    def __init__(self, master: MasterKey, published: Published) -> None:
        self._master = master
        self._published = published
        self._unwrapped: OrderedDict[bytes, PartyKey] = OrderedDict()
        self._erasures = 0

    def key(self, shard: int, owner: str) -> PartyKey | None:
        """Return an owner's key, as far as the topic was read; raises `CannotOpen`."""
        value = self._published.value(shard, owner.encode())
        if value is None:
            return None
        key = self._unwrapped.get(value)
        if key is None:
            try:
                record = PARTY_KEY_RECORD.validate_json(value)
            except ValidationError:
                raise CannotOpen from None
            key = self._unwrapped[value] = self._master.unwrap(record.wrapped_bytes, shard, owner)
            if len(self._unwrapped) > KEYS_REMEMBERED_MAX:
                self._unwrapped.popitem(last=False)
        else:
            self._unwrapped.move_to_end(value)
        return key

    async def open_news(self, records: Iterable[Received]) -> None:
        """Open the events of a batch; one whose key is not there is read without, once that is sure.

        A key stands in its topic before the event that needs it, and the topic is read up to its end before
        it is taken for erased. Raises `ShardHalted` where something sealed was changed, or the master key is
        not the ledger's.
        """
        sealed = [each for each in records if isinstance(each.message, SealedNews)]
        if not sealed:
            return
        try:
            lacking = {each.message.shard for each in sealed if self._key_of(each.message) is None}
            if lacking:
                await self._published.catch_up(lacking)
            for each in sealed:
                each.message = each.message.read(self._key_of(each.message))
        except CannotOpen:
            raise ShardHalted(
                "what the ledger has sealed cannot be opened: either it was changed, or BACKOFFICE_MASTER_KEY"
                " is not the one that the ledger has"
            ) from None

    def _key_of(self, news: SealedNews) -> PartyKey | None:
        key = self.key(news.shard, news.owner)
        return key if key is not None and key.key_id == news.key_id else None

    async def begin(self, shard: int) -> None:
        """Read the keys of a shard just claimed."""
        await self._published.catch_up([shard])

    async def forget_erased(self) -> None:
        """Forget what was made of keys that were erased, as far as the topic was read."""
        await self._published.keep_following()
        if self._erasures != self._published.erasures:
            self._erasures = self._published.erasures
            for key in self._unwrapped.values():
                key.wipe()
            self._unwrapped.clear()

    async def close(self) -> None:
        """Let go of the connection."""
        await self._published.close()
