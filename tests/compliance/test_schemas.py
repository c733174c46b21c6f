"""Reports held against schemas from a folder: line and element of each fault, and never what stands there."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.compliance.domain.filing.forms import SCHEMA_OF, read_sheet, write_report
from services.compliance.domain.filing.schemas import FAULTS_MAX, SchemaError, read_schema
from tests.compliance.test_filing import SAR
from tests.compliance.test_goaml import STR, transaction

FOLDER = Path(__file__).parent / "schemas"
FILES = {each.name: each.read_bytes() for each in FOLDER.iterdir()}
SECRET = "Secretperson"


def faults(sheet: dict[str, Any], **changes: Any) -> list[str]:
    """Write a sheet with some fields changed, and say what the schema refuses."""
    filled = read_sheet({**sheet, **changes})
    schema = read_schema(SCHEMA_OF[filled.form], FILES)
    return [str(each) for each in schema.faults(write_report(filled, date(2026, 3, 30)))]


@pytest.mark.parametrize("sheet", [SAR, STR], ids=["sar", "goaml"])
def test_a_report_that_is_as_the_schema_wants_it_has_no_fault(sheet: dict[str, Any]) -> None:
    """Else nothing that is found would mean anything."""
    assert faults(sheet) == []


INVALID: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a text too long": (
        SAR,
        {"subjects": [{"name": SECRET * 3}]},
        (
            "/fc2:EFilingBatchXML/fc2:Activity/fc2:Party[6]/fc2:PartyName/fc2:RawEntityIndividualLastName:"
            " what stands there breaks the schema's maxLength"
        ),
    ),
    "a code of another authority": (
        STR,
        {"report_indicators": ["CASH", SECRET]},
        "/report/report_indicators/indicator[2]: what stands there breaks the schema's enumeration",
    ),
    "an element that this authority wants": (
        {name: value for name, value in STR.items() if name != "reporting_user_code"},
        {},
        "/report/reason: This element is not expected. Expected is ( reporting_user_code ).",
    ),
    "an element that it does not know": (
        STR,
        {"transaction": [transaction(teller=SECRET)]},
        "/report/transaction/teller: This element is not expected. Expected is ( transmode_code ).",
    ),
}


@pytest.mark.parametrize(("sheet", "changes", "words"), INVALID.values(), ids=INVALID)
def test_a_fault_names_line_and_element(sheet: dict[str, Any], changes: dict[str, Any], words: str) -> None:
    """An officer finds it, and whoever reads a log learns nothing about anybody."""
    found = faults(sheet, **changes)
    assert any(words in each for each in found), found
    assert all(each.startswith("line ") and SECRET not in each for each in found)


@pytest.mark.parametrize("name", ["it's", "' is not an element of the set {'a'}", "x" * 300])
def test_no_value_finds_its_way_into_a_fault(name: str) -> None:
    """Whatever it looks like: what a fault says of a value is chosen from what is known to hold none."""
    found = faults(STR, reason=f"{SECRET} {name} " + "y" * 100, report_indicators=["X"])
    assert len(found) >= 2
    assert all(SECRET not in each and name not in each for each in found)


def test_no_more_faults_are_told_than_anybody_reads() -> None:
    """A file of the wrong form has one in each line."""
    assert (
        len(faults(STR, report_indicators=[f"X{number}" for number in range(FAULTS_MAX + 50)])) == FAULTS_MAX
    )


BROKEN: dict[str, tuple[dict[str, bytes], str]] = {
    "no schema of that form": ({}, "there is no goAMLSchema.xsd"),
    "cut off": ({"goAMLSchema.xsd": FILES["goAMLSchema.xsd"][:500]}, "is no XML schema"),
    "another kind of file": ({"goAMLSchema.xsd": b"<html/>"}, "is no XML schema"),
    "a type that is nowhere": (
        {"goAMLSchema.xsd": FILES["goAMLSchema.xsd"].replace(b'name="indicator">', b'name="other">')},
        "is no XML schema",
    ),
    "what it includes is missing": (
        {"goAMLSchema.xsd": FILES["EFL_SARXBatchSchema.xsd"]},
        "needs types.xsd, which is not there",
    ),
    "what it includes lies elsewhere": (
        {
            "goAMLSchema.xsd": FILES["EFL_SARXBatchSchema.xsd"].replace(
                b"https://schemas.example/types.xsd", b"file:///etc/hostname"
            )
        },
        "needs hostname, which is not there",
    ),
    "an entity of a file": (
        {
            "goAMLSchema.xsd": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><xs:schema xmlns:xs='
            b'"http://www.w3.org/2001/XMLSchema"><xs:element name="report" type="&e;"/></xs:schema>'
        },
        "is no XML schema",
    ),
}


@pytest.mark.parametrize(("files", "words"), BROKEN.values(), ids=BROKEN)
def test_a_schema_that_cannot_be_used_is_refused_by_name(files: dict[str, bytes], words: str) -> None:
    """Nothing but the files given is read, and a schema half read holds nothing against anybody."""
    with pytest.raises(SchemaError, match=words):
        read_schema("goAMLSchema.xsd", files)


def test_a_schema_is_known_by_all_that_it_is_made_of() -> None:
    """A changed type in a file that is included is another schema."""
    one = read_schema("EFL_SARXBatchSchema.xsd", FILES).sha256
    other = {**FILES, "types.xsd": FILES["types.xsd"].replace(b'value="20"', b'value="30"')}
    assert read_schema("EFL_SARXBatchSchema.xsd", other).sha256 != one
    assert read_schema("EFL_SARXBatchSchema.xsd", {**FILES, "unused.xsd": b"x"}).sha256 == one
