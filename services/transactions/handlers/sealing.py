"""Finds, or makes, the keys that a batch needs before it is decided, and erases an owner's."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from services.transactions.domain.records import sealed_for
from services.transactions.store import party_keys
from services.transactions.store.party_keys import KeyRow
from shared.messages.acts import EraseParty
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from shared.messages.sealing import SECRET_BYTES, MasterKey, PartyKey, key_record
from shared.messages.topics import PARTY_KEYS
from shared.runtime import clock
from shared.runtime.work import Ahead, Outgoing, Received, UnitOfWork

KEYS_REMEMBERED_MAX: Final = 200_000
"""Those used last; about 0.4 KB each."""

NONE: Final[Mapping[str, PartyKey]] = {}

Owner = tuple[int, str]
"""Shard and owner."""


class Keys:
    """The keys that one process remembers. What a transaction may still roll back is not among them."""

    def __init__(self, master: MasterKey) -> None:
        self.master = master
        self._known: OrderedDict[Owner, PartyKey] = OrderedDict()
        self._made: dict[Owner, PartyKey] = {}
        self._work: UnitOfWork | None = None

    def known(self, work: UnitOfWork, owner: Owner) -> PartyKey | None:
        """Return an owner's key, if it is remembered or was made in this unit of work."""
        if work is not self._work:
            self._work, self._made = work, {}
        key = self._known.get(owner)
        if key is not None:
            self._known.move_to_end(owner)
            return key
        return self._made.get(owner)

    def remember(self, owner: Owner, key: PartyKey) -> None:
        """Keep a key that was read."""
        self._known[owner] = key
        while len(self._known) > KEYS_REMEMBERED_MAX:
            self._known.popitem(last=False)

    def made(self, owner: Owner, key: PartyKey) -> None:
        """Keep a key that is only there once this unit of work is committed."""
        self._made[owner] = key

    def adopt(self, work: UnitOfWork) -> None:
        """Remember what was made in a unit of work that is committed."""
        if work is self._work:
            for owner, key in self._made.items():
                self.remember(owner, key)
            self._work, self._made = None, {}

    def forget(self, shard: int, owner: str | None = None) -> None:
        """Drop an owner's key, or all of a shard."""
        for each in [each for each in self._known if each[0] == shard and owner in (None, each[1])]:
            key = self._known.pop(each)
            if owner is not None:
                key.wipe()


async def keys_for(
    keys: Keys | None, work: UnitOfWork, records: Iterable[Received]
) -> tuple[dict[int, dict[str, PartyKey]], dict[int, tuple[Ahead, ...]]]:
    """Return the keys that records are sealed under, by shard and owner, and by shard the new ones' records.

    A record that is not in its owner's shard has none. At most two statements, and none where all are known.
    """
    found: dict[int, dict[str, PartyKey]] = {}
    missing: set[Owner] = set()
    for received in records:
        owner = sealed_for(received.message)
        if (
            owner is None
            or owner in found.get(received.shard, NONE)
            or shard_of(owner, work.partitions) != received.shard
        ):
            continue
        assert keys is not None, "who takes records has the master key"
        key = keys.known(work, (received.shard, owner))
        if key is None:
            missing.add((received.shard, owner))
        else:
            found.setdefault(received.shard, {})[owner] = key
    if keys is None or not missing:
        return found, {}
    for row in await party_keys.keys_of(work.connection, sorted(missing)):
        key = keys.master.unwrap(row.wrapped, row.shard, row.owner)
        keys.remember((row.shard, row.owner), key)
        found.setdefault(row.shard, {})[row.owner] = key
        missing.discard((row.shard, row.owner))
    ahead: dict[int, tuple[Ahead, ...]] = {}
    rows: list[KeyRow] = []
    for shard, owner in sorted(missing):
        secret = clock.new_secret(SECRET_BYTES)
        key = PartyKey(secret)
        row = KeyRow(shard, owner, keys.master.wrap(secret, shard, owner), work.shards[shard].last_seq + 1)
        rows.append(row)
        keys.made((shard, owner), key)
        found.setdefault(shard, {})[owner] = key
        ahead[shard] = (*ahead.get(shard, ()), _published(row, key))
    if rows:
        await party_keys.save_keys(work.connection, rows)
    return found, ahead


async def add_keys(keys: Keys, connection: Any, events: Sequence[Outgoing]) -> None:
    """Put keys that are still there before the rebuilt events, of one shard, that they were made for."""
    first, last = events[0], events[-1]
    made: dict[int, tuple[Ahead, ...]] = {}
    for row in await party_keys.keys_between(connection, first.shard, first.seq, last.seq):
        key = keys.master.unwrap(row.wrapped, row.shard, row.owner)
        made[row.first_seq] = (*made.get(row.first_seq, ()), _published(row, key))
    for event in events:
        event.ahead += made.get(event.seq, ())


def _published(row: KeyRow, key: PartyKey) -> Ahead:
    return Ahead(PARTY_KEYS.name, row.owner.encode(), key_record(row.shard, row.owner, key, row.wrapped))


def tombstone(owner: str) -> Ahead:
    """Return the record that says that an owner's key is gone."""
    return Ahead(PARTY_KEYS.name, owner.encode(), None)


async def erase_party(keys: Keys, work: UnitOfWork, received: Received) -> tuple[bool, str, dict[str, Any]]:
    """Remove an owner's key, once nothing of theirs is open; nobody can open any more what is sealed."""
    act = received.message
    assert isinstance(act, EraseParty)
    shard, owner = received.shard, act.owner
    if shard_of(owner, work.partitions) != shard:
        return False, "wrong_partition", {}
    if owner == HOUSE:
        return False, "not_a_party", {}
    if act.approved_by == act.actor:
        return False, "same_person", {}
    why = await party_keys.what_keeps(work.connection, shard, owner)
    if why is not None:
        return False, why, {}
    keys.forget(shard, owner)
    had_key = await party_keys.erase_key(work.connection, shard, owner)
    await party_keys.clear_parked(work.connection, shard, owner)
    return True, "erased" if had_key else "nothing_sealed", {"approved_by": act.approved_by}
