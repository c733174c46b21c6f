"""One version of a watch list as it is searched: exact, after normalising, in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from services.compliance.domain.names import bare_key, whole_key

PartyKind = Literal["person", "organisation"]

SEEN_MAX: Final = 50_000
"""Names remembered with their answer, so that one seen before costs a look-up."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A name of an instruction is a name on a list. Says where, never the name."""

    field: str
    """Where the name stood: `party`, `payment.creditor` …"""
    list_code: str
    list_version: str
    entry_id: str

    @property
    def subject(self) -> str:
        """The entry, as alerts name it."""
        return f"{self.list_code}:{self.entry_id}"


class NamesIndex:
    """The names of one list version. Shared by all shards of a process; never changed once built."""

    def __init__(self, code: str, version: str, names: Iterable[tuple[str, str, str]]) -> None:
        """Index (entry id, kind, name); kind `person` keeps all its parts, others drop legal forms."""
        self.code = code
        self.version = version
        whole: dict[str, set[str]] = {}
        bare: dict[str, set[str]] = {}
        entries: set[str] = set()
        for entry_id, kind, name in names:
            entries.add(entry_id)
            _put(whole, whole_key(name), entry_id)
            if kind != "person":
                _put(bare, bare_key(name), entry_id)
        self.entries = len(entries)
        self._whole: Mapping[str, tuple[str, ...]] = {key: tuple(sorted(ids)) for key, ids in whole.items()}
        self._bare: Mapping[str, tuple[str, ...]] = {key: tuple(sorted(ids)) for key, ids in bare.items()}
        self._seen: dict[tuple[str, PartyKind | None], tuple[str, ...]] = {}

    def find(self, name: str, kind: PartyKind | None) -> tuple[str, ...]:
        """Return the ids of the entries that bear this name; `kind` None where it is not known."""
        key = (name, kind)
        found = self._seen.get(key)
        if found is None:
            found = self._search(name, kind)
            if len(self._seen) >= SEEN_MAX:
                self._seen.clear()
            self._seen[key] = found
        return found

    def _search(self, name: str, kind: PartyKind | None) -> tuple[str, ...]:
        found = self._whole.get(whole_key(name), ())
        if kind == "person":
            return found
        return tuple(sorted({*found, *self._bare.get(bare_key(name), ())}))


def _put(index: dict[str, set[str]], key: str, entry_id: str) -> None:
    if key:
        index.setdefault(key, set()).add(entry_id)
