"""Pairs of a party and a listed entry that are known to be two: they neither hold nor alert.

A pair is as narrow as what people looked at: one owner, one name with what was known beside it, one entry as
it was. When either side changes, or its time is over, it no longer counts, and the finding says so.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Final, Literal
from uuid import UUID

from services.compliance.domain.lists.difference import IDENTITY
from services.compliance.domain.lists.party import ListedParty
from services.compliance.domain.matches import NameMatch
from services.compliance.domain.names.spelling import spell
from shared.messages.envelope import canonical_json

WhitelistStatus = Literal["proposed", "approved", "revoked"]
VoidReason = Literal["expired", "entry_changed", "party_changed"]

VOID_WORDS: Final[dict[VoidReason, str]] = {
    "expired": "its time is over",
    "entry_changed": "the entry has changed",
    "party_changed": "the party is another, or known otherwise",
}


@dataclass(frozen=True, slots=True)
class WhitelistRow:
    """A pair, with who found it and until when it counts."""

    shard: int
    whitelisting_id: UUID
    """The act that proposed it."""
    owner: str
    list_code: str
    entry_id: str
    entry_digest: str
    """Of what the entry was when the pair was proposed, as far as it tells who is meant."""
    name: str
    kind: str | None
    birth_date: str | None
    country: str | None
    until: date
    """The first business day on which it no longer counts."""
    proposed_by: str
    status: WhitelistStatus = "proposed"

    def void(self, match: NameMatch, day: date) -> VoidReason | None:
        """Say why the pair does not count for a match of its owner and entry; None where it does."""
        known = match.known
        country = known.countries[0] if known.countries else None
        if (known.kind, known.birth_date, country) != (self.kind, self.birth_date, self.country):
            return "party_changed"
        if match.match.key != spell(self.name).key:
            return "party_changed"
        if entry_digest(match.match.entry) != self.entry_digest:
            return "entry_changed"
        return "expired" if day >= self.until else None


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """What the whitelist says of a match: a pair that counts, or why none does any more."""

    row: WhitelistRow
    void: VoidReason | None


class Whitelist:
    """The approved pairs of one shard. Never changed; `with_row` and `without` make others."""

    def __init__(self, rows: Iterable[WhitelistRow] = ()) -> None:
        self._rows: dict[tuple[str, str, str], tuple[WhitelistRow, ...]] = {}
        for row in rows:
            key = (row.owner, row.list_code, row.entry_id)
            self._rows[key] = (*self._rows.get(key, ()), row)

    def with_row(self, row: WhitelistRow) -> "Whitelist":
        """The whitelist in which this row stands as it is now: in it if it is approved, else not."""
        others = self.without([row.whitelisting_id])
        return Whitelist([*others.rows, row]) if row.status == "approved" else others

    def without(self, ids: Collection[UUID]) -> "Whitelist":
        """The whitelist in which none of these stands."""
        return Whitelist(each for each in self.rows if each.whitelisting_id not in ids)

    @property
    def rows(self) -> list[WhitelistRow]:
        """All pairs."""
        return [row for rows in self._rows.values() for row in rows]

    def judge(self, owner: str, match: NameMatch, day: date) -> PairVerdict | None:
        """Look a match up; None where its owner and entry were never whitelisted.

        An identifier that is the same is no likeness of names: no pair covers it.
        """
        if not self._rows or match.likeness is None:
            return None
        found = [
            PairVerdict(row, row.void(match, day))
            for row in self._rows.get((owner, match.list_code, match.entry_id), ())
        ]
        return min(found, key=lambda each: _FIRST.index(each.void)) if found else None


_FIRST: Final[tuple[VoidReason | None, ...]] = (None, "expired", "entry_changed", "party_changed")
"""What is told where several pairs are of the same owner and entry: one that counts, else the nearest."""

NOBODY: Final = Whitelist()


def entry_digest(entry: ListedParty) -> str:
    """Digest what an entry says of who is meant; programmes, addresses and remarks may change."""
    facts: Mapping[str, object] = {name: value for name, value in entry.facts.items() if name in IDENTITY}
    return blake2b(canonical_json(facts), digest_size=16).hexdigest()
