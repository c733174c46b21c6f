"""Gathers an entry of a watch list from rows and elements that each tell a part of it."""

from collections.abc import Iterable, Sequence

from services.compliance.domain.lists.facts import country_from, date_from
from services.compliance.domain.lists.party import IdentifierKind, Kind, ListedParty, distinct, identifier

_IDENTIFIER_WORDS: tuple[tuple[str, IdentifierKind], ...] = (
    ("passport", "passport"),
    ("swift", "bic"),
    ("bic", "bic"),
    ("imo", "imo"),
    ("mmsi", "mmsi"),
    ("legal entity", "lei"),
    ("lei", "lei"),
    ("digital currency", "crypto"),
    ("crypto", "crypto"),
    ("tax", "tax_id"),
    ("fiscal", "tax_id"),
    ("rfc", "tax_id"),
    ("inn", "tax_id"),
    ("vat", "tax_id"),
    ("registration", "registration"),
    ("registry", "registration"),
    ("commercial", "registration"),
    ("company number", "registration"),
    ("matricula", "registration"),
    ("ogrn", "registration"),
    ("national", "national_id"),
    ("identification", "national_id"),
    ("id card", "national_id"),
    ("cedula", "national_id"),
    ("ssn", "national_id"),
    ("id", "national_id"),
)
"""What publishers call identifiers, by a word in it; the first that fits."""


class Gathered:
    """What is told of one entry so far."""

    def __init__(self, entry_id: str, kind: Kind) -> None:
        self.entry_id = entry_id
        self.kind: Kind = kind
        self.names: list[str] = []
        self.weak_names: list[str] = []
        self.programmes: list[str] = []
        self.birth_dates: list[str] = []
        self.countries: list[str] = []
        self.identifiers: list[str] = []
        self.addresses: list[str] = []
        self.remarks: list[str] = []

    def add_name(self, name: str, *, is_weak: bool = False) -> None:
        """Add a name, unless it is empty."""
        (self.weak_names if is_weak else self.names).append(name)

    def add_birth_date(self, text: str) -> None:
        """Add a date as the publisher spells it."""
        self.birth_dates.append(date_from(text))

    def add_country(self, text: str) -> None:
        """Add a country by its name or code."""
        self.countries.append(country_from(text))

    def add_identifier(self, what: str, value: str) -> None:
        """Add an identifier, `what` being what the publisher calls it."""
        if value.strip():
            self.identifiers.append(identifier(identifier_kind(what), value))

    def add_address(self, parts: Iterable[str]) -> None:
        """Add an address of several lines."""
        self.addresses.append(", ".join(distinct(parts)))

    def party(self) -> ListedParty:
        """Return the entry whole; one that has only weak names keeps them as its names."""
        names, weak = distinct(self.names), distinct(self.weak_names)
        if not names:
            names, weak = weak, ()
        return ListedParty(
            entry_id=self.entry_id,
            kind=self.kind,
            names=names,
            programmes=distinct(self.programmes),
            weak_names=tuple(name for name in weak if name not in names),
            birth_dates=distinct(self.birth_dates),
            countries=distinct(self.countries),
            identifiers=distinct(self.identifiers),
            addresses=distinct(self.addresses),
            remarks=" ".join(distinct(self.remarks)),
        )


def identifier_kind(what: str) -> IdentifierKind:
    """Return the kind of an identifier by what its publisher calls it."""
    text = what.casefold()
    for word, kind in _IDENTIFIER_WORDS:
        if word in text:
            return kind
    return "other"


def surname_first(surname: str, given: Sequence[str]) -> str:
    """Spell a name "Surname, Given", so that the surname is known; as it is where a part is missing."""
    given_names = " ".join(part for part in given if part)
    return f"{surname}, {given_names}" if surname and given_names else surname or given_names
