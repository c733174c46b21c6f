"""goAML reports: elements in the schema's order, lists in elements of their own, one party on each side."""

import json
from datetime import date
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from pydantic import ValidationError

from services.compliance.domain.filing.forms import read_sheet, write_report
from tests.repository.documents import ROOT

FILED_ON = date(2026, 3, 30)
GUIDE = (ROOT / "docs" / "guides" / "file-a-report.md").read_text(encoding="utf-8")
STR: dict[str, Any] = json.loads(GUIDE.split("```json\n")[3].split("```")[0])
PHONE = {"tph_contact_type": "B", "tph_communication_type": "L", "tph_number": "5551234"}
ADDRESS = {"address_type": "B", "address": "1 Main Street", "city": "Vienna", "country_code": "AT"}
PERSON = {"first_name": "Jane", "last_name": "Doe", "birthdate": "1975-01-20", "phones": [PHONE] * 2}
ENTITY = {"name": "Acme", "addresses": [ADDRESS], "director_id": [{**PERSON, "role": "A"}]}
ACCOUNT = {
    "institution_name": "Example Bank",
    "swift": "EXAMATWW",
    "account": "C1",
    "opened": "2020-01-01",
    "signatory": [{"is_primary": "1", "t_person": PERSON, "role": "A"}],
}
ACTIVITY = {
    "report_parties": [{"person": PERSON, "significance": 5}, {"entity": ENTITY}, {"account": ACCOUNT}]
}

ORDER = {
    "report": "rentity_id rentity_branch submission_code report_code entity_reference fiu_ref_number"
    " submission_date currency_code_local reporting_person reporting_user_code location reason action"
    " transaction activity report_indicators",
    "transaction": "transactionnumber internal_ref_number transaction_location transaction_description"
    " date_transaction teller authorized value_date transmode_code transmode_comment amount_local"
    " t_from_my_client t_from t_to_my_client t_to comments",
    "from": "from_funds_code from_funds_comment from_foreign_currency t_conductor from_account from_person"
    " from_entity from_country",
    "to": "to_funds_code to_funds_comment to_foreign_currency to_account to_person to_entity to_country",
    "account": "institution_name institution_code swift branch account currency_code account_name iban"
    " client_number personal_account_type t_entity signatory opened closed balance date_balance status_code"
    " comments",
    "entity": "name commercial_name incorporation_legal_form incorporation_number business phones addresses"
    " email url incorporation_state incorporation_country_code director_id incorporation_date tax_number"
    " comments",
    "person": "gender title first_name middle_name prefix last_name birthdate birth_place alias ssn"
    " passport_number passport_country id_number nationality1 nationality2 residence phones addresses email"
    " occupation employer_name identification tax_number source_of_wealth comments role",
    "signatory": "is_primary t_person role",
    "address": "address_type address town city zip country_code state comments",
    "phone": "tph_contact_type tph_communication_type tph_country_prefix tph_number tph_extension comments",
    "identification": "type number issue_date expiry_date issued_by issue_country comments",
    "foreign_currency": "foreign_currency_code foreign_amount foreign_exchange_rate",
    "report_party": "person account entity significance reason comments",
    "phones": "phone",
    "addresses": "address",
    "activity": "report_parties",
    "report_parties": "report_party",
    "report_indicators": "indicator",
}
"""The order of the schema's sequences, as far as the form uses them."""

KIND_OF = {
    "t_from_my_client": "from",
    "t_from": "from",
    "t_to_my_client": "to",
    "t_to": "to",
    "from_account": "account",
    "to_account": "account",
    "from_person": "person",
    "to_person": "person",
    "t_person": "person",
    "t_conductor": "person",
    "director_id": "person",
    "reporting_person": "person",
    "from_entity": "entity",
    "to_entity": "entity",
    "t_entity": "entity",
    "location": "address",
    "from_foreign_currency": "foreign_currency",
    "to_foreign_currency": "foreign_currency",
}


def report(**changes: Any) -> Xml.Element:
    """Write the guide's sheet with some fields changed, and read the XML."""
    return Xml.fromstring(write_report(read_sheet({**STR, **changes}), FILED_ON))


def transaction(**changes: Any) -> dict[str, Any]:
    """Return the sheet's first transaction with some fields changed; None leaves one out."""
    changed = {**STR["transaction"][0], **changes}
    return {name: value for name, value in changed.items() if value is not None}


VARIANTS: dict[str, dict[str, Any]] = {
    "transactions": {},
    "an activity": {"transaction": [], "activity": ACTIVITY, "report_code": "SAR"},
    "everything": {
        "rentity_branch": "Main",
        "fiu_ref_number": "F1",
        "action": "the account is watched",
        "location": {**ADDRESS, "town": "Vienna", "zip": "1010", "state": "W"},
        "transaction": [
            transaction(
                t_from_my_client={
                    "from_funds_code": "K",
                    "from_foreign_currency": {
                        "foreign_currency_code": "CHF",
                        "foreign_amount": "1.50",
                        "foreign_exchange_rate": "1.02",
                    },
                    "t_conductor": PERSON,
                    "from_account": {**ACCOUNT, "t_entity": ENTITY},
                    "from_country": "AT",
                },
                t_to={"to_funds_code": "K", "to_entity": ENTITY, "to_country": "AT"},
                t_from=None,
                t_to_my_client=None,
                teller="t1",
                value_date="2026-03-03",
                comments="x",
            )
        ],
    },
}


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_elements_stand_in_the_order_of_the_schema(changes: dict[str, Any]) -> None:
    """An `xsd:sequence` in another order is refused whole."""
    seen = 0
    for element in report(**changes).iter():
        if len(element):
            kind = KIND_OF.get(element.tag, element.tag)
            places = [ORDER[kind].split().index(each.tag) for each in element]
            assert places == sorted(places), element.tag
            seen += 1
    assert seen > 5


def test_a_report_says_what_the_sheet_says() -> None:
    """Dates at midnight, amounts as they were typed, lists in elements of their own, nothing empty."""
    root = report(transaction=[transaction(amount_local="9000.10")] * 2)
    assert root.tag == "report"
    assert root.findtext("submission_date") == "2026-03-30T00:00:00"
    assert [each.text for each in root.iter("amount_local")] == ["9000.10", "9000.10"]
    assert [each.text for each in root.iterfind("report_indicators/indicator")] == STR["report_indicators"]
    assert [each.tag for each in root.iter() if not len(each) and not each.text] == []
    assert root.find("form") is None
    activity = report(transaction=[], activity=ACTIVITY)
    assert len(activity.findall("activity/report_parties/report_party")) == 3
    assert len(activity.findall("activity/report_parties/report_party/person/phones/phone")) == 2


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "neither transactions nor an activity": ({"transaction": []}, "transaction or activity"),
    "both": ({"activity": ACTIVITY}, "transaction or activity"),
    "no indicator": ({"report_indicators": []}, "report_indicators"),
    "two reporters": ({"reporting_person": PERSON}, "not both"),
    "no reason": ({"reason": " "}, "reason"),
    "a number that is none": ({"rentity_id": 0}, "rentity_id"),
    "a country in words": ({"location": {**ADDRESS, "country_code": "Austria"}}, "country_code"),
    "an amount with a comma": ({"transaction": [transaction(amount_local="1,5")]}, "amount_local"),
    "an amount as a number": ({"transaction": [transaction(amount_local=1.5)]}, "amount_local"),
    "nobody who paid": ({"transaction": [transaction(t_from=None, t_from_my_client=None)]}, "t_from"),
    "two who were paid": (
        {"transaction": [transaction(t_to={"to_funds_code": "K", "to_person": PERSON, "to_country": "AT"})]},
        "t_to",
    ),
    "a side with two parties": (
        {
            "transaction": [
                transaction(
                    t_from={
                        "from_funds_code": "K",
                        "from_person": PERSON,
                        "from_entity": ENTITY,
                        "from_country": "AT",
                    }
                )
            ]
        },
        "from_entity",
    ),
    "an institution named twice": (
        {
            "transaction": [],
            "activity": {"report_parties": [{"account": {**ACCOUNT, "institution_code": "1"}}]},
        },
        "institution_code",
    ),
    "a passport's country alone": (
        {
            "transaction": [],
            "activity": {"report_parties": [{"person": {**PERSON, "passport_country": "AT"}}]},
        },
        "passport_number",
    ),
}


@pytest.mark.parametrize(("changes", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_field_is_named(changes: dict[str, Any], words: str) -> None:
    """Before anything is written."""
    with pytest.raises(ValidationError, match=words):
        read_sheet({**STR, **changes})
