"""FollowTheMoney entities, one JSON object a line: OpenSanctions' `entities.ftm.json` and others like it.

Taken are persons, organisations, vessels, aircraft and crypto wallets that bear a name and are targets; where
no entity says whether it is one, all of them. Passports, identifications, addresses and sanctions are joined
to those they belong to; other relations are left out.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from services.compliance.domain.lists.gathering import Gathered
from services.compliance.domain.lists.party import Kind, ListedParty
from services.compliance.domain.lists.refusal import ListRefused

_KINDS: Final[dict[str, Kind]] = {
    "Person": "person",
    "Organization": "organisation",
    "Company": "organisation",
    "LegalEntity": "unknown",
    "PublicBody": "organisation",
    "Vessel": "vessel",
    "Airplane": "aircraft",
    "CryptoWallet": "unknown",
}
_STRONG: Final = ("name", "alias", "previousName")
_NUMBERS: Final = {
    "passportNumber": "passport",
    "idNumber": "national id",
    "taxNumber": "tax",
    "innCode": "inn",
    "vatCode": "vat",
    "registrationNumber": "registration",
    "ogrnCode": "ogrn",
    "leiCode": "lei",
    "swiftBic": "swift",
    "imoNumber": "imo",
    "mmsi": "mmsi",
    "publicKey": "crypto",
}
_COUNTRIES: Final = ("nationality", "citizenship", "country", "jurisdiction", "flag")
_REMARKS: Final = ("notes", "summary")
_HOLDERS: Final = {"Passport": "holder", "Identification": "holder", "Sanction": "entity"}


def is_ftm(content: bytes) -> bool:
    """Whether the file begins as a line of JSON does."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def read(file: str, content: bytes) -> tuple[ListedParty, ...]:
    """Return all entries; raises `ListRefused`."""
    if not content.endswith(b"\n"):
        raise ListRefused(file, content.count(b"\n") + 1, "the last line has no end: the file is cut off")
    entities = list(_entities(file, content))
    has_targets = any("target" in entity for _, entity in entities)
    found: dict[str, Gathered] = {}
    for line, entity in entities:
        kind = _KINDS.get(entity["schema"])
        if kind is None or (has_targets and not entity.get("target")):
            continue
        entry = _gathered(entity, kind)
        if not entry.names and not entry.weak_names:
            continue
        if entry.entry_id in found:
            raise ListRefused(file, line, "the id occurs twice")
        found[entry.entry_id] = entry
    _join(entities, found)
    if not found:
        raise ListRefused(file, 0, "the file has no named target")
    return tuple(entry.party() for entry in found.values())


def _entities(file: str, content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        try:
            entity: Any = json.loads(line.decode("utf-8"))
        except UnicodeDecodeError:
            raise ListRefused(file, number, "the line is not UTF-8") from None
        except (ValueError, RecursionError):
            raise ListRefused(file, number, "the line is not JSON") from None
        if not isinstance(entity, dict):
            raise ListRefused(file, number, "the line is no entity")
        checked: dict[str, Any] = entity
        properties: Any = checked.get("properties")
        if not (
            isinstance(checked.get("id"), str)
            and isinstance(checked.get("schema"), str)
            and isinstance(properties, dict)
        ):
            raise ListRefused(file, number, "the entity has no id, schema or properties")
        yield number, checked


def _texts(entity: dict[str, Any], name: str) -> list[str]:
    values: Any = entity["properties"].get(name, ())
    if isinstance(values, str):
        return [values]
    return [each for each in values if isinstance(each, str)] if isinstance(values, list) else []


def _gathered(entity: dict[str, Any], kind: Kind) -> Gathered:
    entry = Gathered(entity["id"], kind)
    for name in _STRONG:
        for text in _texts(entity, name):
            entry.add_name(text)
    for text in _texts(entity, "weakAlias"):
        entry.add_name(text, is_weak=True)
    if entity["schema"] == "CryptoWallet":
        for text in _texts(entity, "publicKey"):
            entry.add_name(text)
    entry.programmes += [*_texts(entity, "program"), *_texts(entity, "programId"), *_texts(entity, "topics")]
    for text in (*_texts(entity, "birthDate"), *_texts(entity, "incorporationDate")):
        entry.add_birth_date(text)
    for name in _COUNTRIES:
        for text in _texts(entity, name):
            entry.add_country(text)
    for name, what in _NUMBERS.items():
        for text in _texts(entity, name):
            entry.add_identifier(what, text)
    entry.addresses += _texts(entity, "address")
    for name in _REMARKS:
        entry.remarks += _texts(entity, name)
    return entry


def _join(entities: list[tuple[int, dict[str, Any]]], found: dict[str, Gathered]) -> None:
    """Give documents, sanctions and addresses to those they belong to."""
    addresses = {
        entity["id"]: _texts(entity, "full") for _, entity in entities if entity["schema"] == "Address"
    }
    for _, entity in entities:
        if (entry := found.get(entity["id"])) is not None:
            for address in _texts(entity, "addressEntity"):
                entry.addresses += addresses.get(address, [])
        holder = _HOLDERS.get(entity["schema"])
        for entry_id in _texts(entity, holder) if holder is not None else ():
            if (entry := found.get(entry_id)) is None:
                continue
            if entity["schema"] == "Sanction":
                entry.programmes += _texts(entity, "program")
                continue
            what = " ".join((entity["schema"], *_texts(entity, "type")))
            for number in _texts(entity, "number"):
                entry.add_identifier(what, number)
