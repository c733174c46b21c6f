"""The United Kingdom's lists: OFSI's consolidated list (CSV, XML) and the UK Sanctions List (CSV, XML).

OFSI's was closed on 28 January 2026 in favour of the other; both are read, for what was screened before.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from services.compliance.domain.lists.gathering import Gathered, surname_first
from services.compliance.domain.lists.markup import Node
from services.compliance.domain.lists.party import Kind, ListedParty
from services.compliance.domain.lists.refusal import ListRefused

OFSI_ROOT: Final = "ArrayOfFinancialSanctionsTarget"
SANCTIONS_LIST_ROOT: Final = "Designations"
OFSI_COLUMNS: Final = frozenset(("name 6", "name 1", "group type", "group id"))
SANCTIONS_LIST_COLUMNS: Final = frozenset(("unique id", "name 6", "name type"))
"""Columns, in lower case, by which the CSV files are known."""

_KINDS: Final[dict[str, Kind]] = {
    "individual": "person",
    "entity": "organisation",
    "ship": "vessel",
    "vessel": "vessel",
}

_COLUMNS: Final[dict[str, str]] = {
    # OFSI's CSV, then its XML, then the UK Sanctions List's CSV
    "group id": "id", "groupid": "id", "unique id": "id",
    "group type": "kind", "grouptypedescription": "kind",
    "individual, entity, ship": "kind", "designation type": "kind",
    **{f"name {n}": f"name{n}" for n in range(1, 7)},
    **{f"name{n}": f"name{n}" for n in range(1, 7)},
    "alias quality": "quality", "aliasquality": "quality", "alias strength": "quality",
    "name non-latin script": "script", "nonlatinscript": "script", "fullname": "",
    "regime": "programme", "regimename": "programme", "regime name": "programme",
    "dob": "dob", "individual_dateofbirth": "dob", "d.o.b": "dob",
    "nationality": "nationality", "individual_nationality": "nationality", "nationality(/ies)": "nationality",
    "passport number": "passport", "individual_passportnumber": "passport",
    "national identification number": "national_id", "individual_ninumber": "national_id",
    "national identifier number": "national_id",
    "imo number": "imo", "ship_imonumber": "imo",
    "business registration number (s)": "registration", "entity_businessregnumber": "registration",
    **{f"address {n}": f"address{n}" for n in range(1, 7)},
    **{f"address{n}": f"address{n}" for n in range(1, 7)},
    **{f"address line {n}": f"address{n}" for n in range(1, 7)},
    "post/zip code": "postcode", "postcode": "postcode", "address postal code": "postcode",
    "country": "country", "address country": "country",
    "other information": "remarks", "otherinformation": "remarks",
}  # fmt: skip
"""What the files call each thing, in lower case, and what we do."""


def read_rows(file: str, rows: Iterable[tuple[int, Mapping[str, str]]]) -> tuple[ListedParty, ...]:
    """Return all entries of a CSV or of OFSI's XML, of whose rows each has one name; raises `ListRefused`."""
    found: dict[str, Gathered] = {}
    for line, row in rows:
        values = {_COLUMNS.get(column.strip().casefold(), ""): value.strip() for column, value in row.items()}
        entry_id = values.get("id", "")
        if not entry_id:
            raise ListRefused(file, line, "the row has no id")
        _add(found, entry_id, values)
    return _parties(file, found)


def read_ofsi_xml(file: str, root: Node) -> tuple[ListedParty, ...]:
    """Return all entries of OFSI's XML; raises `ListRefused`."""
    targets = root.all("FinancialSanctionsTarget")
    return read_rows(
        file, ((target.line, {child.name: child.text for child in target.children}) for target in targets)
    )


def read_sanctions_list_xml(file: str, root: Node) -> tuple[ListedParty, ...]:
    """Return all entries of the UK Sanctions List's XML; raises `ListRefused`."""
    found: dict[str, Gathered] = {}
    for node in root.all("Designation"):
        entry_id = node.value("UniqueID")
        if not entry_id:
            raise ListRefused(file, node.line, "a Designation has no UniqueID")
        common = {
            "kind": node.value("IndividualEntityShip"),
            "programme": node.value("RegimeName"),
            "remarks": node.value("OtherInformation"),
        }
        for name in node.deep("Name"):
            parts = {f"name{n}": name.value(f"Name{n}") for n in range(1, 7)}
            _add(found, entry_id, {**common, **parts, "quality": name.value("AliasStrength")})
        entry = found.setdefault(entry_id, Gathered(entry_id, _kind(common["kind"])))
        for each in node.deep("NameNonLatinScript"):
            entry.add_name(each.text)
        for each in node.deep("DOB"):
            entry.add_birth_date(each.text)
        for each in (*node.deep("Nationality"), *node.deep("AddressCountry")):
            entry.add_country(each.text)
        for address in node.deep("Address"):
            entry.add_address(child.text for child in address.children)
        for what in ("PassportNumber", "NationalIdentifierNumber", "IMONumber", "BusinessRegistrationNumber"):
            for each in node.deep(what):
                entry.add_identifier(what, each.text)
    return _parties(file, found)


def _add(found: dict[str, Gathered], entry_id: str, values: Mapping[str, str]) -> None:
    kind = _kind(values.get("kind", ""))
    entry = found.setdefault(entry_id, Gathered(entry_id, kind))
    given = [values.get(f"name{n}", "") for n in range(1, 6)]
    last = values.get("name6", "")
    is_weak = values.get("quality", "").casefold().startswith("low")
    name = surname_first(last, given) if kind == "person" else " ".join((*given, last))
    entry.add_name(name, is_weak=is_weak)
    entry.add_name(values.get("script", ""), is_weak=is_weak)
    entry.programmes.append(values.get("programme", ""))
    for text in _several(values.get("dob", "")):
        entry.add_birth_date(text)
    for text in (*_several(values.get("nationality", "")), values.get("country", "")):
        entry.add_country(text)
    for what in ("passport", "national_id", "imo", "registration"):
        for text in _several(values.get(what, "")):
            entry.add_identifier(what, text)
    entry.add_address(
        [
            *(values.get(f"address{n}", "") for n in range(1, 7)),
            values.get("postcode", ""),
            values.get("country", ""),
        ]
    )
    entry.remarks.append(values.get("remarks", ""))


def _parties(file: str, found: Mapping[str, Gathered]) -> tuple[ListedParty, ...]:
    parties = tuple(entry.party() for entry in found.values())
    nameless = next((party.entry_id for party in parties if not party.names), None)
    if nameless is not None:
        raise ListRefused(file, 0, f"the entry {nameless} has no name")
    return parties


def _several(text: str) -> list[str]:
    """Take apart what stands in one field: `(1) this (2) that`, or separated by `|` or `;`."""
    for mark in ("|", ";"):
        text = text.replace(mark, "\n")
    if text.startswith("(1)"):
        number = 1
        while f"({number})" in text:
            text = text.replace(f"({number})", "\n", 1)
            number += 1
    return [each.strip() for each in text.split("\n") if each.strip()]


def _kind(text: str) -> Kind:
    return _KINDS.get(text.strip().casefold(), "unknown")
