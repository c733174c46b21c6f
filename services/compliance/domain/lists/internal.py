"""Our own form of a list: UTF-8 CSV that begins with the columns `entry_id,kind,name,programmes`.

One row a name; further rows of the same entry id add names and facts. More columns, in any order, each may be
left out: `strength` (`weak` or empty), `birth_dates`, `countries`, `identifiers` (`passport:X123`),
`addresses`, `remarks`. Several values in a field are separated by `;`.
"""

import re
from typing import Final, get_args

from services.compliance.domain.lists.facts import country_from, date_from
from services.compliance.domain.lists.gathering import Gathered
from services.compliance.domain.lists.party import IdentifierKind, Kind, ListedParty, identifier
from services.compliance.domain.lists.refusal import ListRefused
from services.compliance.domain.lists.tables import decoded, rows_of

COLUMNS: Final = ("entry_id", "kind", "name", "programmes")
MORE_COLUMNS: Final = ("strength", "birth_dates", "countries", "identifiers", "addresses", "remarks")
KINDS: Final[dict[str, Kind]] = {kind: kind for kind in get_args(Kind)}
_IDENTIFIERS: Final[dict[str, IdentifierKind]] = {kind: kind for kind in get_args(IdentifierKind)}
_ENTRY_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def is_internal(content: bytes) -> bool:
    """Whether the first line begins with our columns."""
    first = content.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip().replace(b'"', b"")
    return first.split(b",")[: len(COLUMNS)] == [column.encode() for column in COLUMNS]


def read(file: str, content: bytes) -> tuple[ListedParty, ...]:
    """Read all entries, in their order; raises `ListRefused`."""
    found: dict[str, Gathered] = {}
    for line, row in rows_of(file, decoded(file, content)):
        unknown = set(row) - {*COLUMNS, *MORE_COLUMNS}
        if unknown:
            raise ListRefused(file, 1, f"there is no column {min(unknown)!r}")
        _add(file, line, {column: value.strip() for column, value in row.items()}, found)
    return tuple(entry.party() for entry in found.values())


def _add(file: str, line: int, row: dict[str, str], found: dict[str, Gathered]) -> None:
    entry_id, kind = row["entry_id"], row["kind"]
    if not _ENTRY_ID.fullmatch(entry_id):
        raise ListRefused(file, line, "the entry id is not 1 to 64 letters, digits or ._:-")
    if kind not in KINDS:
        raise ListRefused(file, line, f"the kind is none of {', '.join(KINDS)}")
    if not row["name"]:
        raise ListRefused(file, line, "the name is empty")
    if row.get("strength", "") not in ("", "weak"):
        raise ListRefused(file, line, "the strength is neither empty nor weak")
    entry = found.setdefault(entry_id, Gathered(entry_id, KINDS[kind]))
    programmes = _several(row["programmes"])
    if entry.kind != kind or (entry.programmes and sorted(entry.programmes) != sorted(programmes)):
        raise ListRefused(file, line, "another line of this entry has another kind or other programmes")
    entry.programmes = programmes
    entry.add_name(row["name"], is_weak=row.get("strength", "") == "weak")
    for text in _several(row.get("birth_dates", "")):
        if not date_from(text):
            raise ListRefused(file, line, "a birth date has no year")
        entry.add_birth_date(text)
    for text in _several(row.get("countries", "")):
        if not country_from(text):
            raise ListRefused(file, line, "a country is neither an ISO 3166-1 code nor an English name")
        entry.add_country(text)
    for text in _several(row.get("identifiers", "")):
        kind_of, mark, value = text.partition(":")
        if kind_of not in _IDENTIFIERS or not mark or not value.strip():
            raise ListRefused(
                file, line, f"an identifier is not kind:value with one of {', '.join(_IDENTIFIERS)}"
            )
        entry.identifiers.append(identifier(_IDENTIFIERS[kind_of], value))
    entry.addresses += _several(row.get("addresses", ""))
    entry.remarks.append(row.get("remarks", ""))


def _several(text: str) -> list[str]:
    return [each.strip() for each in text.split(";") if each.strip()]
