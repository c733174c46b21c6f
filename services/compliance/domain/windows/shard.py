"""The windows of one shard that a process has in memory, and what of them is not stored yet.

Every batch's entries are stored with it; windows themselves now and then, the one first changed first. A
window is what is stored of it and then the entries of later batches, so at a claim only the entries after the
checkpoint are read, and a window is built when it is first asked for.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, nsmallest
from sys import intern
from typing import Final
from zlib import crc32

import msgspec

from services.compliance.domain.windows.entry import Entry
from services.compliance.domain.windows.judging import replay
from services.compliance.domain.windows.window import FORM, Window

Key = tuple[str, str]
"""Owner and asset."""

BEHIND_MAX: Final = 50_000
"""Entries after the checkpoint from which on each batch stores some windows, too."""
SAVED_A_BATCH: Final = 32
"""Windows, or as many as the batch has entries: it changes no more, so that fewer are never left, and a small
batch, in which somebody may wait for a decision, is not kept waiting for windows of others."""

_ENCODE: Final = msgspec.msgpack.Encoder().encode
_DECODE: Final = msgspec.msgpack.Decoder(list[Entry]).decode


def spell_entries(entries: list[Entry]) -> bytes:
    """Spell a batch's entries."""
    return _ENCODE(entries)


def read_entries(stored: bytes) -> list[Entry]:
    """Read a batch's entries."""
    return _DECODE(stored)


@dataclass(frozen=True, slots=True)
class WindowState:
    """A window as it is stored."""

    owner: str
    asset: str
    form: int
    through: int
    checksum: int
    state: bytes

    @property
    def is_sound(self) -> bool:
        """Whether this program can read it, and it is what was written."""
        return self.form == FORM and self.checksum == crc32(self.state)


@dataclass(slots=True)
class ShardWindows:
    """A shard's windows. Between `settle` and the next batch memory equals what is committed."""

    number: int = 0
    """The last batch with entries."""
    checkpoint: int = 0
    windows: dict[Key, Window] = field(default_factory=dict[Key, Window])
    tail: dict[Key, list[tuple[int, Entry]]] = field(default_factory=dict[Key, list[tuple[int, Entry]]])
    """Entries after the checkpoint of windows not asked for since the claim; earliest first."""
    unsaved: list[tuple[int, Key]] = field(default_factory=list[tuple[int, Key]])
    """A heap of windows that differ from what is stored, by the batch since which; some no longer do."""
    counts: deque[tuple[int, int]] = field(default_factory=deque[tuple[int, int]])
    """Batches after the checkpoint and how many entries they have."""
    behind: int = 0
    is_settled: bool = True

    @classmethod
    def of(cls, checkpoint: int, batches: Iterable[tuple[int, bytes]]) -> "ShardWindows":
        """Begin with the batches after the checkpoint, in their order."""
        shard = cls(number=checkpoint, checkpoint=checkpoint)
        for number, stored in batches:
            entries = read_entries(stored)
            shard._count(number, len(entries))
            for entry in entries:
                shard.tail.setdefault((entry.owner, entry.asset), []).append((number, entry))
        shard.unsaved = [(later[0][0], key) for key, later in shard.tail.items()]
        heapify(shard.unsaved)
        return shard

    def build(self, key: Key, stored: WindowState | None) -> None:
        """Take a window that is stored, or none, and let it take what came after it."""
        window = Window.from_bytes(stored.state) if stored is not None else Window()
        through = stored.through if stored is not None else 0
        later = self.tail.pop(key, ())
        replay(window, (entry for number, entry in later if number > through))
        self._keep(key, window)
        if later and later[-1][0] > through:
            self._note(window, later[0][0])

    def rebuild(self, key: Key, entries: Iterable[Entry]) -> None:
        """Make a window anew from all its entries, because what is stored of it cannot be read."""
        window = Window()
        replay(window, entries)
        self.tail.pop(key, None)
        self._keep(key, window)
        self._note(window, self.checkpoint + 1)

    def begin(self, entries: list[Entry]) -> list[Window]:
        """Note that a batch adds entries, to windows that are in memory, and return the window of each."""
        self.is_settled = False
        self._count(self.number + 1, len(entries))
        windows = self.windows
        moved = [windows[entry.owner, entry.asset] for entry in entries]
        for window in moved:
            if window.changed_since < 0:
                self._note(window, self.number)
        return moved

    def to_save(self) -> list[Key]:
        """The windows to store with this batch: the first changed, if much has come since the checkpoint."""
        if self.behind <= BEHIND_MAX:
            return []
        found: dict[Key, None] = {}
        wanted = max(SAVED_A_BATCH, self.counts[-1][1])
        while len(found) < wanted and (oldest := self._oldest()) is not None:
            found[oldest[1]] = None
            heappop(self.unsaved)
        return list(found)

    def save(self, keys: Iterable[Key]) -> list[WindowState]:
        """Spell windows, all of them in memory, as of the batch now begun."""
        states: list[WindowState] = []
        for key in keys:
            window = self.windows[key]
            state = window.to_bytes()
            states.append(WindowState(*key, FORM, self.number, crc32(state), state))
            window.changed_since = -1
        return states

    def advance(self) -> int | None:
        """Move the checkpoint to before the first change that is not stored; None where it stays."""
        oldest = self._oldest()
        first = oldest[0] if oldest is not None else self.number + 1
        if first - 1 <= self.checkpoint:
            return None
        self.checkpoint = first - 1
        while self.counts and self.counts[0][0] <= self.checkpoint:
            self.behind -= self.counts.popleft()[1]
        return self.checkpoint

    def shrink(self, kept: int) -> None:
        """Forget windows that are stored, least recently moved first, until so many are left."""
        over = len(self.windows) - kept
        if over <= 0:
            return
        stored = ((each.last_at, key) for key, each in self.windows.items() if each.changed_since < 0)
        for _, key in nsmallest(over, stored):
            del self.windows[key]

    def _keep(self, key: Key, window: Window) -> None:
        window.key = (key[0], intern(key[1]))
        self.windows[window.key] = window

    def _note(self, window: Window, since: int) -> None:
        if window.changed_since < 0 or since < window.changed_since:
            window.changed_since = since
            heappush(self.unsaved, (since, window.key))

    def _oldest(self) -> tuple[int, Key] | None:
        """The first change that is not stored; what is stored by now leaves the heap."""
        while self.unsaved:
            since, key = self.unsaved[0]
            window, later = self.windows.get(key), self.tail.get(key)
            if window is not None and window.changed_since == since:
                return since, key
            if later is not None and later[0][0] == since:
                return since, key
            heappop(self.unsaved)
        return None

    def _count(self, number: int, count: int) -> None:
        self.number = number
        self.behind += count
        self.counts.append((number, count))
