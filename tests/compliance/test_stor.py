"""Reports on market abuse (STOR): the annex's fields, complete, in a schema that comes with the product."""

import copy
import json
import stat
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from pydantic import ValidationError

from backoffice.cli.errors import CommandError
from backoffice.cli.filing import load_schema, write
from services.compliance.data import STOR_SCHEMA
from services.compliance.domain.filing.forms import read_sheet, write_report
from services.compliance.domain.filing.schemas import read_schema
from services.compliance.domain.filing.sheet import Part
from services.compliance.domain.filing.stor import NAMESPACE, StorSheet
from tests.repository.documents import ROOT

FILED_ON = date(2026, 3, 30)
GUIDE = (ROOT / "docs" / "guides" / "file-a-report.md").read_text(encoding="utf-8")
STOR: dict[str, Any] = json.loads(GUIDE.split("```json\n")[4].split("```")[0])
FULL = copy.deepcopy(STOR)
FULL["reporter"]["trading_activity"] = "market making"
FULL["reporter"]["address"]["state"] = "Vienna"
FULL["trading"]["instrument"]["otc_derivative"] = {
    "kind": "contract for difference",
    "underlying": "Example Industries",
    "underlying_isin": "AT0000000013",
    "expiry": "2026-06-30",
    "strike": "22.5",
}
FULL["trading"]["orders"][0]["alterations"] = [
    {
        "altered_at": "2026-03-02T08:59:45Z",
        "altered_by": "the client",
        "nature": "cancelled",
        "reasons": "none given",
    }
]
FULL["trading"]["orders"][0]["given_in"] = "DE"
FULL["persons"][0] |= {
    "national_number": "1234 200175",
    "employment": {"employer": "Example Industries", "position": "clerk"},
    "issuer_relationship": "works there",
}
FULL["persons"].append(
    {
        "kind": "legal",
        "name": "Doe Holding GmbH",
        "legal_form": "GmbH",
        "lei": "EXAMPLEBANK000000014",
        "address": FULL["persons"][0]["address"],
        "client_identifier": "C000777",
    }
)
FULL["background"] = "The same was seen in January."
FULL["attachments"] = [{"name": "orders.csv", "description": "the order book of that morning"}]
SCHEMA = read_schema(STOR_SCHEMA.name, {STOR_SCHEMA.name: STOR_SCHEMA.read_bytes()})


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Name every field of a sheet by where it stands."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield (*path, name)
            yield from paths(each, (*path, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from paths(each, (*path, number))


def without(path: tuple[Any, ...]) -> dict[str, Any]:
    """The full sheet without a field."""
    changed = copy.deepcopy(FULL)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return changed


def changed(path: str, value: Any) -> dict[str, Any]:
    """The full sheet with another value at a place, such as `persons.0.name`."""
    sheet = copy.deepcopy(FULL)
    place: Any = sheet
    *steps, last = (int(each) if each.isdecimal() else each for each in path.split("."))
    for step in steps:
        place = place[step]
    place[last] = value
    return sheet


def test_the_guides_sheet_and_a_full_one_are_valid():
    """All sections of the annex, with all that may be left out and with none of it."""
    for sheet in (STOR, FULL):
        assert SCHEMA.faults(write_report(read_sheet(sheet), FILED_ON)) == ()


@pytest.mark.parametrize("path", [path for path in paths(FULL) if path != ("form",)], ids=str)
def test_a_field_is_required_by_sheet_and_schema_alike(path: tuple[Any, ...]):
    """What the sheet lets be left out its schema does, too; and what is left out is not written as empty."""
    try:
        sheet = read_sheet(without(path))
    except ValidationError:
        return
    assert SCHEMA.faults(write_report(sheet, FILED_ON)) == ()


def test_every_field_is_written_where_the_schema_has_it():
    """A field that the sheet gains is refused by the schema until it has it."""
    root = Xml.fromstring(write_report(read_sheet(FULL), FILED_ON))
    assert root.tag == f"{{{NAMESPACE}}}stor"
    assert root.get("submitted") == "2026-03-30"
    written = {each.tag.removeprefix(f"{{{NAMESPACE}}}") for each in root.iter()}
    assert fields_of(StorSheet) - {"form"} <= written


def fields_of(part: type[Part]) -> set[str]:
    """Every field of a sheet and of what it is made of."""
    found: set[str] = set()
    for name, field in part.model_fields.items():
        found.add(name)
        for kind in [field.annotation, *getattr(field.annotation, "__args__", ())]:
            if isinstance(kind, type) and issubclass(kind, Part):
                found |= fields_of(kind)
    return found


REFUSED = {
    "an LEI of other check digits": ("reporter.lei", "EXAMPLEBANK000000041", "LEI"),
    "an ISIN of another check digit": ("trading.instrument.isin", "AT0000000031", "ISIN"),
    "a CFI that is too short": ("trading.instrument.cfi", "ESVUF", "cfi"),
    "a time without an offset": ("trading.transactions.0.executed_at", "2026-03-02T09:00:00", "timezone"),
    "no trading at all": ("trading", {"instrument": FULL["trading"]["instrument"]}, "at least"),
    "a reference twice": ("trading.transactions.1.reference", "T-1", "twice"),
    "an order that is not there": ("trading.transactions.0.order", "O-9", "not in the report"),
    "settled before it was executed": ("trading.transactions.0.settlement", "2026-03-01", "before"),
    "altered before it was placed": (
        "trading.orders.0.alterations.0.altered_at",
        "2026-03-02T07:59:29Z",
        "before",
    ),
    "a natural person without a birth date": ("persons.0.birth_date", None, "birth_date"),
    "a natural person with an LEI": ("persons.0.lei", "EXAMPLEBANK000000014", "legal persons"),
    "a legal person with a birth date": ("persons.1.birth_date", "1975-01-20", "natural persons"),
    "a client that nothing tells": ("persons.1.client_identifier", None, "client"),
    "nobody": ("persons", [], "at least 1"),
    "an unknown nature": ("suspicion.nature", "money_laundering", "nature"),
    "no reasons": ("suspicion.reasons", "  ", "reasons"),
    "a field that nobody knows": ("suspicion.colour", "red", "colour"),
    "an instrument that nothing tells": ("trading.instrument", {"name": "X", "type": "share"}, "isin"),
}


@pytest.mark.parametrize(("path", "value", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_incomplete_or_contradicts_itself_is_refused(path: str, value: Any, words: str):
    """By name, before anything is written."""
    with pytest.raises(ValidationError) as refusal:
        read_sheet(changed(path, value))
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<side>buy</side>", "<side>hold</side>"),
        ("+01:00</executed_at>", "</executed_at>"),
        ("<country>AT</country>", "<country>Austria</country>"),
        ("<reference>2026-0119</reference>", ""),
        (' submitted="2026-03-30"', ""),
    ],
    ids=str,
)
def test_the_schema_refuses_what_was_changed_by_hand(old: str, new: str):
    """It stands by itself: who reads a report later needs no sheet."""
    report = write_report(read_sheet(FULL), FILED_ON).decode()
    assert old in report
    assert SCHEMA.faults(report.replace(old, new, 1).encode()) != ()


def test_it_is_filed_without_a_folder_of_schemas(tmp_path: Path):
    """The product has the schema; a file of the owner's only, with the hashes of both."""
    sheet = tmp_path / "sheet.json"
    sheet.write_text(json.dumps(STOR))
    written = write(sheet, tmp_path / "stor.xml", None, is_draft=False, kind="market_abuse")
    assert (written["form"], written["validated"]) == ("stor", True)
    assert written["schema_sha256"] == SCHEMA.sha256
    assert stat.S_IMODE((tmp_path / "stor.xml").stat().st_mode) == 0o600


def test_a_schema_of_that_name_in_the_folder_counts_instead(tmp_path: Path):
    """An authority that has one of its own is to be obeyed."""
    (tmp_path / STOR_SCHEMA.name).write_bytes(STOR_SCHEMA.read_bytes() + b"\n")
    assert load_schema("stor", tmp_path).sha256 != SCHEMA.sha256
    assert load_schema("stor", None).sha256 == SCHEMA.sha256


def test_a_case_of_another_kind_is_not_reported_so(tmp_path: Path):
    """It would have another deadline, and nothing is written; a draft of no case may be."""
    sheet = tmp_path / "sheet.json"
    sheet.write_text(json.dumps(STOR))
    with pytest.raises(CommandError, match="is of a case of market_abuse, and this is one of suspicion"):
        write(sheet, tmp_path / "stor.xml", None, is_draft=False, kind="suspicion")
    assert not (tmp_path / "stor.xml").exists()
    write(sheet, tmp_path / "stor.xml", None, is_draft=True)
    assert (tmp_path / "stor.xml").exists()
