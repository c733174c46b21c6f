"""The European Union's consolidated financial sanctions list: the Commission's XML 1.1 and its CSV."""

from collections.abc import Iterable, Mapping
from typing import Final

from services.compliance.domain.lists.gathering import Gathered, surname_first
from services.compliance.domain.lists.markup import Node
from services.compliance.domain.lists.party import Kind, ListedParty
from services.compliance.domain.lists.refusal import ListRefused

ROOT: Final = "export"
CSV_COLUMNS: Final = frozenset(("Entity_LogicalId", "NameAlias_WholeName"))
"""By which the CSV is known, whatever the order of its many columns."""

_KINDS: Final[dict[str, Kind]] = {
    "p": "person",
    "person": "person",
    "e": "organisation",
    "enterprise": "organisation",
}
_UNKNOWN_COUNTRY: Final = "00"


def read_xml(file: str, root: Node) -> tuple[ListedParty, ...]:
    """Return all entries of the XML; raises `ListRefused`."""
    found: dict[str, ListedParty] = {}
    for node in root.all("sanctionEntity"):
        party = _party(node)
        if not party.entry_id or not party.names:
            raise ListRefused(file, node.line, "a sanctionEntity has no logicalId or no name")
        if party.entry_id in found:
            raise ListRefused(file, node.line, f"the logicalId {party.entry_id} occurs twice")
        found[party.entry_id] = party
    return tuple(found.values())


def _party(node: Node) -> ListedParty:
    subject = next((each.attributes for each in node.all("subjectType")), {})
    kind = _kind(subject.get("classificationCode", "") or subject.get("code", ""))
    entry = Gathered(node.attributes.get("logicalId", ""), kind)
    for alias in node.all("nameAlias"):
        values = alias.attributes
        entry.add_name(
            _name(values, "wholeName", "lastName", "firstName", "middleName"),
            is_weak=values.get("strong", "true") == "false",
        )
    for each in node.all("regulation"):
        entry.programmes.append(each.attributes.get("programme", ""))
    for each in node.all("citizenship"):
        _add_country(entry, each.attributes.get("countryIso2Code", ""))
    for each in node.all("birthdate"):
        values = each.attributes
        first, last = values.get("yearRangeFrom", ""), values.get("yearRangeTo", "")
        born = values.get("birthdate", "") or values.get("year", "")
        entry.add_birth_date(born or (f"{first} to {last}" if first and last else ""))
    for each in node.all("address"):
        values = each.attributes
        entry.add_address(
            values.get(part, "") for part in ("street", "city", "zipCode", "countryDescription")
        )
        _add_country(entry, values.get("countryIso2Code", ""))
    for each in node.all("identification"):
        values = each.attributes
        what = f"{values.get('identificationTypeCode', '')} {values.get('identificationTypeDescription', '')}"
        entry.add_identifier(what, values.get("number", "") or values.get("latinNumber", ""))
    entry.remarks += [
        node.attributes.get("euReferenceNumber", ""),
        *(each.text for each in node.all("remark")),
    ]
    return entry.party()


def read_rows(file: str, rows: Iterable[tuple[int, Mapping[str, str]]]) -> tuple[ListedParty, ...]:
    """Return all entries of the CSV; each row tells one thing of one entry. Raises `ListRefused`."""
    found: dict[str, Gathered] = {}
    for line, row in rows:
        entry_id = row["Entity_LogicalId"].strip()
        if not entry_id:
            raise ListRefused(file, line, "the row has no Entity_LogicalId")
        code = row.get("Entity_SubjectType_ClassificationCode", "") or row.get("Entity_SubjectType", "")
        entry = found.setdefault(entry_id, Gathered(entry_id, _kind(code)))
        entry.add_name(
            _name(
                row,
                "NameAlias_WholeName",
                "NameAlias_LastName",
                "NameAlias_FirstName",
                "NameAlias_MiddleName",
            ),
            is_weak=row.get("NameAlias_Strong", "true").casefold() == "false",
        )
        entry.programmes.append(row.get("Entity_Regulation_Programme", ""))
        _add_country(entry, row.get("Citizenship_CountryIso2Code", ""))
        entry.add_birth_date(row.get("BirthDate_BirthDate", "") or row.get("BirthDate_Year", ""))
        address = [
            row.get(f"Address_{part}", "") for part in ("Street", "City", "ZipCode", "CountryDescription")
        ]
        entry.add_address(address)
        _add_country(entry, row.get("Address_CountryIso2Code", ""))
        what = f"{row.get('Identification_TypeCode', '')} {row.get('Identification_TypeDescription', '')}"
        entry.add_identifier(what, row.get("Identification_Number", ""))
        entry.remarks += [row.get("Entity_EU_ReferenceNumber", ""), row.get("Entity_Remark", "")]
    parties = tuple(entry.party() for entry in found.values())
    nameless = next((party.entry_id for party in parties if not party.names), None)
    if nameless is not None:
        raise ListRefused(file, 0, f"the entry {nameless} has no name")
    return parties


def _name(values: Mapping[str, str], whole: str, last: str, first: str, middle: str) -> str:
    """Prefer the parts where they make up the whole name, since they say which of it is the surname."""
    name = values.get(whole, "").strip()
    parts = [values.get(part, "").strip() for part in (last, first, middle)]
    by_parts = surname_first(parts[0], parts[1:])
    if not name or sorted(by_parts.replace(",", " ").split()) == sorted(name.replace(",", " ").split()):
        return by_parts
    return name


def _kind(code: str) -> Kind:
    return _KINDS.get(code.strip().casefold(), "unknown")


def _add_country(entry: Gathered, code: str) -> None:
    if code != _UNKNOWN_COUNTRY:
        entry.add_country(code)
