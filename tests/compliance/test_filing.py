"""Reports to FinCEN: elements in the schemas' order, fields within their lengths, what is unknown said so."""

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
from services.compliance.domain.filing.fincen import NAMESPACE
from services.compliance.domain.filing.forms import read_sheet, write_report
from tests.repository.documents import ROOT

FILED_ON = date(2026, 3, 30)
GUIDE = (ROOT / "docs" / "guides" / "file-a-report.md").read_text(encoding="utf-8")
SAR: dict[str, Any] = json.loads(GUIDE.split("```json\n")[1].split("```")[0])
CTR: dict[str, Any] = {
    **{name: SAR[name] for name in ("transmitter", "institution")},
    **json.loads(GUIDE.split("```json\n")[2].split("```")[0]),
    "person": SAR["subjects"][0],
}

ORDER = {
    "EFilingBatchXML": "FormTypeCode Activity",
    "ActivityAssociation": "ContinuingActivityReportIndicator CorrectsAmendsPriorReportIndicator"
    " FinCENDirectBackFileIndicator InitialReportIndicator JointReportIndicator",
    "Activity": "EFilingPriorDocumentNumber FilingDateText ActivityAssociation Party SuspiciousActivity"
    " CurrencyTransactionActivity ActivityNarrativeInformation",
    "Party": "ActivityPartyTypeCode BirthDateUnknownIndicator IndividualBirthDateText"
    " IndividualEntityCashInAmountText IndividualEntityCashOutAmountText"
    " MultipleTransactionsPersonsIndividualsIndicator NoBranchActivityInvolvedIndicator"
    " NoKnownAccountInvolvedIndicator PartyAsEntityOrganizationIndicator PrimaryRegulatorTypeCode PartyName"
    " Address PhoneNumber PartyIdentification OrganizationClassificationTypeSubtype PartyAccountAssociation"
    " Account",
    "PartyName": "EntityLastNameUnknownIndicator FirstNameUnknownIndicator PartyNameTypeCode"
    " RawEntityIndividualLastName RawIndividualFirstName RawPartyFullName",
    "Address": "CityUnknownIndicator RawCityText RawCountryCodeText RawStateCodeText RawStreetAddress1Text"
    " RawZIPCode StateCodeUnknownIndicator StreetAddressUnknownIndicator ZIPCodeUnknownIndicator",
    "PartyIdentification": "PartyIdentificationNumberText PartyIdentificationTypeCode TINUnknownIndicator",
    "OrganizationClassificationTypeSubtype": "OrganizationTypeID OtherOrganizationTypeText",
    "PhoneNumber": "PhoneNumberText",
    "PartyAccountAssociation": "PartyAccountAssociationTypeCode Party",
    "Account": "AccountNumberText PartyAccountAssociation",
    "SuspiciousActivity": "AmountUnknownIndicator SuspiciousActivityFromDateText SuspiciousActivityToDateText"
    " TotalSuspiciousAmountText SuspiciousActivityClassification",
    "SuspiciousActivityClassification": "OtherSuspiciousActivityTypeText SuspiciousActivitySubtypeID"
    " SuspiciousActivityTypeID",
    "ActivityNarrativeInformation": "ActivityNarrativeSequenceNumber ActivityNarrativeText",
    "CurrencyTransactionActivity": "AggregateTransactionIndicator ArmoredCarServiceIndicator ATMIndicator"
    " MailDepositShipmentIndicator NightDepositIndicator SharedBranchingIndicator"
    " TotalCashInReceiveAmountText TotalCashOutAmountText TransactionDateText"
    " CurrencyTransactionActivityDetail",
    "CurrencyTransactionActivityDetail": "CurrencyTransactionActivityDetailTypeCode"
    " DetailTransactionAmountText OtherCurrencyTransactionActivityDetailText OtherForeignCurrencyCountryText",
}
"""The order of the schemas' sequences, as far as the forms use them (both forms' in one)."""


def batch(sheet: dict[str, Any], **changes: Any) -> Xml.Element:
    """Write a sheet with some fields changed, and read the XML."""
    return Xml.fromstring(write_report(read_sheet({**sheet, **changes}), FILED_ON))


def texts(root: Xml.Element, name: str) -> list[str]:
    """The texts of all elements of a name, in their order."""
    return [each.text or "" for each in root.iter(f"{{{NAMESPACE}}}{name}")]


def each_element(root: Xml.Element) -> Iterator[tuple[str, Xml.Element]]:
    """Every element that has elements in it, with its name."""
    for element in root.iter():
        if len(element):
            yield element.tag.removeprefix(f"{{{NAMESPACE}}}"), element


EMPTY = {"name": None, "first_name": None, "birth_date": None, "accounts": [], "address": {}}
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sar": (SAR, {}),
    "sar about somebody unknown": (SAR, {"subjects": [EMPTY], "amount": None}),
    "sar about an organisation": (
        SAR,
        {"subjects": [{"is_organisation": True, "name": "Acme", "tin": "1", "tin_kind": "2"}]},
    ),
    "sar again": (SAR, {"continuing": True, "prior_document": "0" * 14}),
    "ctr": (CTR, {}),
    "ctr out": (
        CTR,
        {"cash": [{"code": "56", "amount": 11000}, {"code": "54", "amount": 1, "country": "CH"}]},
    ),
}


@pytest.mark.parametrize(("sheet", "changes"), VARIANTS.values(), ids=VARIANTS)
def test_elements_stand_in_the_order_of_the_schemas(sheet: dict[str, Any], changes: dict[str, Any]) -> None:
    """An `xsd:sequence` in another order is refused whole; every numbered element has a number of its own."""
    root = batch(sheet, **changes)
    for name, element in each_element(root):
        places = [ORDER[name].split().index(each.tag.removeprefix(f"{{{NAMESPACE}}}")) for each in element]
        assert places == sorted(places), name
    numbers = [each.get("SeqNum") for each in root.iter() if each.get("SeqNum") is not None]
    assert len(set(numbers)) == len(numbers) > 20
    assert root.get("SeqNum") is None, "the schemas number all but the batch itself"


def test_a_sar_says_who_what_and_when() -> None:
    """The counts are of subjects, the narrative is cut where the form cuts it."""
    root = batch(SAR, narrative="x" * 4001)
    assert texts(root, "FormTypeCode") == ["SARX"]
    assert (root.get("PartyCount"), root.get("TotalAmount"), root.get("ActivityCount")) == ("1", "27000", "1")
    assert texts(root, "ActivityPartyTypeCode") == ["35", "37", "30", "8", "34", "33", "41"]
    assert texts(root, "PartyAccountAssociationTypeCode") == ["5", "7"]
    assert texts(root, "FilingDateText") == ["20260330"]
    assert texts(root, "SuspiciousActivityFromDateText") == ["20260302"]
    assert texts(root, "SuspiciousActivitySubtypeID") == ["114"]
    assert [len(each) for each in texts(root, "ActivityNarrativeText")] == [4000, 1]
    assert texts(root, "ActivityNarrativeSequenceNumber") == ["1", "2"]


def test_what_is_unknown_is_said_to_be_unknown() -> None:
    """The form refuses a blank that nobody explains."""
    root = batch(SAR, subjects=[EMPTY], amount=None)
    for name in ("EntityLastName", "FirstName", "BirthDate", "City", "StateCode", "StreetAddress", "ZIPCode"):
        assert texts(root, f"{name}UnknownIndicator") == ["Y"], name
    assert texts(root, "TINUnknownIndicator") == texts(root, "AmountUnknownIndicator") == ["Y"]
    assert texts(root, "NoKnownAccountInvolvedIndicator") == ["Y"]
    assert (root.get("TotalAmount"), texts(root, "TotalSuspiciousAmountText")) == ("0", [])


def test_a_ctr_adds_up() -> None:
    """Cash in and out apart, in the totals and at the person; all parties are counted."""
    root = batch(CTR, cash=[{"code": "55", "amount": 12000}, {"code": "56", "amount": 3000}])
    assert (root.get("PartyCount"), root.get("TotalAmount")) == ("6", "15000")
    assert len(texts(root, "ActivityPartyTypeCode")) == 6
    assert texts(root, "TotalCashInReceiveAmountText") == ["12000"]
    assert texts(root, "TotalCashOutAmountText") == ["3000"]
    assert texts(root, "IndividualEntityCashInAmountText") == ["12000", "12000"]
    assert texts(root, "DetailTransactionAmountText") == ["12000", "3000"]


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a field nobody knows": (SAR, {"extra": 1}, "extra"),
    "a name too long": (SAR, {"subjects": [{"name": "x" * 151}]}, "name"),
    "a blank at the end": (SAR, {"subjects": [{"name": "Doe "}]}, "name"),
    "a line break": (SAR, {"subjects": [{"name": "Doe\nRoe"}]}, "name"),
    "no subject": (SAR, {"subjects": []}, "subjects"),
    "a kind there is not": (SAR, {"suspicions": [{"type": 2, "subtype": 114}]}, "type"),
    "a subtype twice": (SAR, {"suspicions": [{"type": 1, "subtype": 114}] * 2}, "twice"),
    "cents": (SAR, {"amount": 1.5}, "amount"),
    "the end before the beginning": (SAR, {"until": "2026-03-01"}, "before"),
    "continuing what": (SAR, {"continuing": True}, "prior_document"),
    "no narrative": (SAR, {"narrative": ""}, "narrative"),
    "too much narrative": (SAR, {"narrative": "x" * 20001}, "narrative"),
    "another institution unnamed": (
        SAR,
        {"institution": {**SAR["institution"], "organisation_type": 999}},
        "other_type",
    ),
    "a regulator of the other form": (SAR, {"institution": {**SAR["institution"], "regulator": "14"}}, "14"),
    "a regulator of that form": (CTR, {"institution": {**SAR["institution"], "regulator": "99"}}, "99"),
    "a code there is not": (CTR, {"cash": [{"code": "1", "amount": 1}]}, "code"),
    "no cash": (CTR, {"cash": []}, "cash"),
    "no form": (CTR, {"form": "str"}, "form"),
}


@pytest.mark.parametrize(("sheet", "changes", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_field_is_named(sheet: dict[str, Any], changes: dict[str, Any], words: str) -> None:
    """Before anything is written."""
    with pytest.raises(ValidationError, match=words):
        read_sheet({**sheet, **changes})


SCHEMAS = Path(__file__).parent / "schemas"


def test_the_report_is_a_new_file_for_its_owner_alone(tmp_path: Path) -> None:
    """Nothing is overwritten, and it says against what it was validated."""
    sheet, out = tmp_path / "sheet.json", tmp_path / "sar.xml"
    sheet.write_text(json.dumps(SAR))
    written = write(sheet, out, SCHEMAS, is_draft=False)
    assert (written["form"], written["validated"], written["bytes"]) == ("sar", True, out.stat().st_size)
    assert written["schema"] == "EFL_SARXBatchSchema.xsd"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert out.read_bytes().startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<fc2:EFilingBatchXML")
    for path, error in ((sheet, "not_written"), (tmp_path / "none.json", "sheet_unreadable")):
        with pytest.raises(CommandError) as refused:
            write(path, out, SCHEMAS, is_draft=False)
        assert refused.value.error == error
    sheet.write_text(json.dumps({**SAR, "subjects": [{"name": "Secret Person ", "tin": "x" * 26}]}))
    with pytest.raises(CommandError) as refused:
        write(sheet, tmp_path / "other.xml", SCHEMAS, is_draft=False)
    assert refused.value.error == "sheet_wrong"
    assert "Secret" not in refused.value.message


def test_what_is_not_valid_is_not_written(tmp_path: Path) -> None:
    """A report that the authority would refuse is refused here, with line and element and nobody's name."""
    sheet, out = tmp_path / "sheet.json", tmp_path / "sar.xml"
    sheet.write_text(json.dumps({**SAR, "subjects": [{"name": "Secretperson" * 3}]}))
    with pytest.raises(CommandError) as refused:
        write(sheet, out, SCHEMAS, is_draft=False)
    assert refused.value.error == "report_invalid"
    assert "RawEntityIndividualLastName" in refused.value.message
    assert "line " in refused.value.message
    assert "Secret" not in refused.value.message
    assert not out.exists()
    assert write(sheet, out, None, is_draft=True)["validated"] is False


def test_without_a_schema_there_is_only_a_draft(tmp_path: Path) -> None:
    """Each way in which a folder can be of no use says what to put where."""
    sheet, out = tmp_path / "sheet.json", tmp_path / "ctr.xml"
    sheet.write_text(json.dumps(CTR))
    for folder, error in (
        (None, "schemas_missing"),
        (tmp_path / "none", "schemas_unreadable"),
        (SCHEMAS, "schema_unusable"),
    ):
        with pytest.raises(CommandError, match=r"EFL_CTRXBatchSchema\.xsd") as refused:
            write(sheet, out, folder, is_draft=False)
        assert refused.value.error == error
    assert not out.exists()
    assert load_schema("goaml", SCHEMAS).name == "goAMLSchema.xsd"
