"""One entry of a watch list, whichever publisher it comes from."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from shared.messages.acts.lists import ListedName

Kind = Literal["person", "organisation", "vessel", "aircraft", "unknown"]
IdentifierKind = Literal[
    "passport",
    "national_id",
    "tax_id",
    "registration",
    "lei",
    "bic",
    "imo",
    "mmsi",
    "crypto",
    "account",
    "other",
]

_SPACING: Final = re.compile(r"[\s./-]+")
_HEX_ADDRESS: Final = re.compile(r"0x[0-9a-f]{40}", re.IGNORECASE)

IDENTIFIER_CHARACTERS_MIN: Final = 5
"""A shorter number would be found in too many places to mean anything."""


@dataclass(frozen=True, slots=True)
class ListedParty:
    """Who or what is listed. Texts as the publisher spells them; codes and dates in one form."""

    entry_id: str
    kind: Kind
    names: tuple[str, ...]
    programmes: tuple[str, ...] = ()
    weak_names: tuple[str, ...] = ()
    """Aliases that the publisher calls weak: too common to screen by, but they confirm a match."""
    birth_dates: tuple[str, ...] = ()
    """`1962-09-08`, `1962-09`, `1962` or a range of years, `1960/1965`; of organisations, when founded."""
    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2: nationality, residence, flag or place of registration."""
    identifiers: tuple[str, ...] = ()
    """`kind:value`, the value as `identifier` spells it."""
    addresses: tuple[str, ...] = ()
    remarks: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """All that can differ between two versions of the entry, by name."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "entry_id"}


def stored_party(row: Mapping[str, Any]) -> ListedParty:
    """Return the entry that a row of the database tells of, its lists as arrays."""
    told = {each.name: row[each.name] for each in fields(ListedParty)}
    return ListedParty(**{name: _plain(value) for name, value in told.items()})


def _plain(value: Any) -> Any:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else value


def party_of(listed: ListedName) -> ListedParty:
    """Return the entry that an act brings."""
    return ListedParty(**{each.name: getattr(listed, each.name) for each in fields(ListedParty)})


def identifier(kind: IdentifierKind, value: str) -> str:
    """Spell an identifier: capitals without spaces, points and dashes; crypto addresses as they are."""
    return f"{kind}:{spell_identifier(value, is_crypto=kind == 'crypto')}"


def spell_identifier(value: str, *, is_crypto: bool = False) -> str:
    """Return an identifier's value in the spelling in which identifiers are compared."""
    value = value.strip()
    if is_crypto:
        return value.lower() if _HEX_ADDRESS.fullmatch(value) else value
    return _SPACING.sub("", value).upper()


def distinct(values: Iterable[str]) -> tuple[str, ...]:
    """Return texts without those that are empty or came before, in their order."""
    return tuple(dict.fromkeys(text for value in values if (text := " ".join(value.split()))))
