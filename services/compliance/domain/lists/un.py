"""The UN Security Council's consolidated list, in its own XML."""

from typing import Final

from services.compliance.domain.lists.gathering import Gathered
from services.compliance.domain.lists.markup import Node
from services.compliance.domain.lists.party import Kind, ListedParty
from services.compliance.domain.lists.refusal import ListRefused

ROOT: Final = "CONSOLIDATED_LIST"
_KINDS: Final[tuple[tuple[str, str, Kind], ...]] = (
    ("INDIVIDUALS", "INDIVIDUAL", "person"),
    ("ENTITIES", "ENTITY", "organisation"),
)
_PARTS: Final = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_ADDRESS: Final = ("STREET", "CITY", "STATE_PROVINCE", "ZIP_CODE", "COUNTRY")


def read(file: str, root: Node) -> tuple[ListedParty, ...]:
    """Return all entries; raises `ListRefused`."""
    found: dict[str, ListedParty] = {}
    for group, element, kind in _KINDS:
        groups = list(root.all(group))
        if not groups:
            raise ListRefused(file, root.line, f"the list has no {group}")
        for node in groups[0].all(element):
            party = _party(node, element, kind)
            if not party.entry_id or not party.names:
                raise ListRefused(file, node.line, f"an {element} has no DATAID or no name")
            if party.entry_id in found:
                raise ListRefused(file, node.line, f"the DATAID {party.entry_id} occurs twice")
            found[party.entry_id] = party
    return tuple(found.values())


def _party(node: Node, element: str, kind: Kind) -> ListedParty:
    entry = Gathered(node.value("DATAID"), kind)
    entry.add_name(" ".join(node.value(part) for part in _PARTS))
    entry.add_name(node.value("NAME_ORIGINAL_SCRIPT"))
    for alias in node.all(f"{element}_ALIAS"):
        entry.add_name(alias.value("ALIAS_NAME"), is_weak=alias.value("QUALITY").casefold() == "low")
    entry.programmes.append(node.value("UN_LIST_TYPE"))
    for nationality in node.all("NATIONALITY"):
        for value in nationality.all("VALUE"):
            entry.add_country(value.text)
    for born in node.all("INDIVIDUAL_DATE_OF_BIRTH"):
        _add_birth(entry, born)
    for address in node.all(f"{element}_ADDRESS"):
        entry.add_address(address.value(part) for part in _ADDRESS)
        entry.add_country(address.value("COUNTRY"))
    for document in node.all("INDIVIDUAL_DOCUMENT"):
        entry.add_identifier(document.value("TYPE_OF_DOCUMENT"), document.value("NUMBER"))
    entry.remarks += [node.value("REFERENCE_NUMBER"), node.value("COMMENTS1")]
    return entry.party()


def _add_birth(entry: Gathered, born: Node) -> None:
    first, last = born.value("FROM_YEAR"), born.value("TO_YEAR")
    if first and last:
        entry.add_birth_date(f"{first} to {last}")
    else:
        entry.add_birth_date(born.value("DATE") or born.value("YEAR"))
