"""Writes FinCEN's XML batch of one report (SAR or CTR), elements in the order of its schemas.

Source: `EFL_SARXBatchSchema.xsd` and `EFL_CTRXBatchSchema.xsd`, version 1.2 (12/17/2021). `schemas.py` holds
a report against them.
"""

from collections.abc import Iterable
from datetime import date
from itertools import count
from typing import Final, assert_never
from xml.etree import ElementTree as Xml

from services.compliance.domain.filing.sheet import (
    NARRATIVE_CHARACTERS,
    Address,
    CtrSheet,
    Institution,
    Person,
    SarSheet,
    Transmitter,
)

NAMESPACE: Final = "www.fincen.gov/base"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
SCHEMA: Final = "https://www.fincen.gov/base/EFL_{form}BatchSchema.xsd"

TRANSMITTER, TRANSMITTER_CONTACT, FILER, CONTACT, LOCATION = "35", "37", "30", "8", "34"
SUBJECT, CONDUCTOR = "33", "50"
BRANCH_HOLDING_ACCOUNT: Final = "41"
TIN, EIN, CONTROL_CODE = "4", "2", "28"
INSTITUTION_OF_ACCOUNT, ACCOUNT_AFFECTED = "5", "7"
CASH_IN_ACCOUNT, CASH_OUT_ACCOUNT = "8", "9"
CTR_PARTIES: Final = 6
"""The five that every report has, and who brought or took the cash; a SAR's count is of its subjects."""


class _Report:
    """Builds the tree; numbers every element that the schemas want numbered."""

    def __init__(self, form: str, attributes: dict[str, str]) -> None:
        location = f"{NAMESPACE} {SCHEMA.format(form=form)}"
        self.root = Xml.Element(
            _name("EFilingBatchXML"), {f"{{{XSI}}}schemaLocation": location, **attributes}
        )
        self._numbers = count(1)
        self.say(self.root, FormTypeCode=form)

    def add(self, parent: Xml.Element, name: str, **texts: str | None) -> Xml.Element:
        """Add a numbered element, with elements of text in it."""
        element = Xml.SubElement(parent, _name(name), {"SeqNum": str(next(self._numbers))})
        self.say(element, **texts)
        return element

    def say(self, parent: Xml.Element, **texts: str | None) -> None:
        """Add elements of text, in this order; those that are None are left out."""
        for name, text in texts.items():
            if text is not None:
                Xml.SubElement(parent, _name(name)).text = text

    def written(self) -> bytes:
        """Spell the batch."""
        Xml.register_namespace("fc2", NAMESPACE)
        Xml.indent(self.root)
        return Xml.tostring(self.root, encoding="UTF-8", xml_declaration=True) + b"\n"


def write_batch(sheet: SarSheet | CtrSheet, filed_on: date) -> bytes:
    """Write the XML batch with this one report."""
    match sheet:
        case SarSheet():
            return _write_sar(sheet, filed_on)
        case CtrSheet():
            return _write_ctr(sheet, filed_on)
        case _:
            assert_never(sheet)


def _write_sar(sheet: SarSheet, filed_on: date) -> bytes:
    report = _Report(
        "SARX",
        {
            "TotalAmount": str(sheet.amount or 0),
            "PartyCount": str(len(sheet.subjects)),
            "ActivityCount": "1",
            "ActivityAttachmentCount": "0",
            "AttachmentCount": "0",
        },
    )
    activity = report.add(
        report.root,
        "Activity",
        EFilingPriorDocumentNumber=sheet.prior_document,
        FilingDateText=_day(filed_on),
    )
    report.add(
        activity,
        "ActivityAssociation",
        ContinuingActivityReportIndicator=_yes(sheet.continuing),
        InitialReportIndicator=_yes(not sheet.continuing),
    )
    _parties(report, activity, sheet.transmitter, sheet.institution, is_sar=True)
    for person in sheet.subjects:
        _subject(report, activity, person, sheet.institution)
    suspicious = report.add(
        activity,
        "SuspiciousActivity",
        AmountUnknownIndicator=_yes(sheet.amount is None),
        SuspiciousActivityFromDateText=_day(sheet.since),
        SuspiciousActivityToDateText=_day(sheet.until),
        TotalSuspiciousAmountText=str(sheet.amount) if sheet.amount is not None else None,
    )
    for each in sheet.suspicions:
        report.add(
            suspicious,
            "SuspiciousActivityClassification",
            OtherSuspiciousActivityTypeText=each.other,
            SuspiciousActivitySubtypeID=str(each.subtype),
            SuspiciousActivityTypeID=str(each.type),
        )
    for number, text in enumerate(_cut(sheet.narrative), start=1):
        report.add(
            activity,
            "ActivityNarrativeInformation",
            ActivityNarrativeSequenceNumber=str(number),
            ActivityNarrativeText=text,
        )
    return report.written()


def _write_ctr(sheet: CtrSheet, filed_on: date) -> bytes:
    cash_in = sum(each.amount for each in sheet.cash if each.is_in)
    cash_out = sum(each.amount for each in sheet.cash if not each.is_in)
    attributes = {
        "TotalAmount": str(cash_in + cash_out),
        "PartyCount": str(CTR_PARTIES),
        "ActivityCount": "1",
    }
    report = _Report("CTRX", attributes)
    activity = report.add(report.root, "Activity", FilingDateText=_day(filed_on))
    report.add(
        activity,
        "ActivityAssociation",
        CorrectsAmendsPriorReportIndicator="",
        FinCENDirectBackFileIndicator="",
        InitialReportIndicator="Y",
    )
    _parties(report, activity, sheet.transmitter, sheet.institution, is_sar=False, cash=(cash_in, cash_out))
    party = report.add(
        activity,
        "Party",
        ActivityPartyTypeCode=CONDUCTOR,
        BirthDateUnknownIndicator=_yes(_lacks_birth_date(sheet.person)),
        IndividualBirthDateText=_day(sheet.person.birth_date),
        IndividualEntityCashInAmountText=_amount(cash_in),
        IndividualEntityCashOutAmountText=_amount(cash_out),
        MultipleTransactionsPersonsIndividualsIndicator=_yes(sheet.aggregated),
        PartyAsEntityOrganizationIndicator=_yes(sheet.person.is_organisation),
    )
    _identity(report, party, sheet.person)
    kind = CASH_IN_ACCOUNT if cash_in else CASH_OUT_ACCOUNT
    for number in sheet.person.accounts:
        account = report.add(party, "Account", AccountNumberText=number)
        report.add(account, "PartyAccountAssociation", PartyAccountAssociationTypeCode=kind)
    cash = report.add(
        activity,
        "CurrencyTransactionActivity",
        AggregateTransactionIndicator="Y" if sheet.aggregated else "",
        ArmoredCarServiceIndicator="",
        ATMIndicator="",
        MailDepositShipmentIndicator="",
        NightDepositIndicator="",
        SharedBranchingIndicator="",
        TotalCashInReceiveAmountText=_amount(cash_in) or "",
        TotalCashOutAmountText=_amount(cash_out) or "",
        TransactionDateText=_day(sheet.day),
    )
    for line in sheet.cash:
        report.add(
            cash,
            "CurrencyTransactionActivityDetail",
            CurrencyTransactionActivityDetailTypeCode=line.code,
            DetailTransactionAmountText=str(line.amount),
            OtherCurrencyTransactionActivityDetailText="",
            OtherForeignCurrencyCountryText=line.country or "",
        )
    return report.written()


def _parties(
    report: _Report,
    activity: Xml.Element,
    transmitter: Transmitter,
    institution: Institution,
    *,
    is_sar: bool,
    cash: tuple[int, int] = (0, 0),
) -> None:
    """Add the five parties that every report has: who sends, who files, whom to ask, where it took place."""
    party = report.add(activity, "Party", ActivityPartyTypeCode=TRANSMITTER)
    _legal_name(report, party, transmitter.name)
    _address(report, party, transmitter.address)
    report.add(party, "PhoneNumber", PhoneNumberText=transmitter.phone)
    for number, kind in ((transmitter.tin, TIN), (transmitter.control_code, CONTROL_CODE)):
        _identification(report, party, number, kind)
    party = report.add(activity, "Party", ActivityPartyTypeCode=TRANSMITTER_CONTACT)
    _legal_name(report, party, transmitter.contact)
    party = report.add(
        activity, "Party", ActivityPartyTypeCode=FILER, PrimaryRegulatorTypeCode=institution.regulator
    )
    _institution(report, party, institution)
    party = report.add(activity, "Party", ActivityPartyTypeCode=CONTACT)
    _legal_name(report, party, institution.contact_office)
    report.add(party, "PhoneNumber", PhoneNumberText=institution.contact_phone)
    party = report.add(
        activity,
        "Party",
        ActivityPartyTypeCode=LOCATION,
        IndividualEntityCashInAmountText=_amount(cash[0]),
        IndividualEntityCashOutAmountText=_amount(cash[1]),
        NoBranchActivityInvolvedIndicator=_yes(is_sar),
        PrimaryRegulatorTypeCode=institution.regulator,
    )
    _institution(report, party, institution)


def _institution(report: _Report, party: Xml.Element, institution: Institution) -> None:
    _legal_name(report, party, institution.name)
    _address(report, party, institution.address)
    _identification(report, party, institution.ein, EIN)
    report.add(
        party,
        "OrganizationClassificationTypeSubtype",
        OrganizationTypeID=str(institution.organisation_type),
        OtherOrganizationTypeText=institution.other_type,
    )


def _subject(report: _Report, activity: Xml.Element, person: Person, institution: Institution) -> None:
    party = report.add(
        activity,
        "Party",
        ActivityPartyTypeCode=SUBJECT,
        BirthDateUnknownIndicator=_yes(_lacks_birth_date(person)),
        IndividualBirthDateText=_day(person.birth_date),
        NoKnownAccountInvolvedIndicator=_yes(not person.accounts),
        PartyAsEntityOrganizationIndicator=_yes(person.is_organisation),
    )
    _identity(report, party, person)
    if not person.accounts:
        return
    held = report.add(
        party, "PartyAccountAssociation", PartyAccountAssociationTypeCode=INSTITUTION_OF_ACCOUNT
    )
    holder = report.add(held, "Party", ActivityPartyTypeCode=BRANCH_HOLDING_ACCOUNT)
    _identification(report, holder, institution.ein, TIN)
    for number in person.accounts:
        account = report.add(holder, "Account", AccountNumberText=number)
        report.add(account, "PartyAccountAssociation", PartyAccountAssociationTypeCode=ACCOUNT_AFFECTED)


def _identity(report: _Report, party: Xml.Element, person: Person) -> None:
    report.add(
        party,
        "PartyName",
        EntityLastNameUnknownIndicator=_yes(person.name is None),
        FirstNameUnknownIndicator=_yes(person.first_name is None and not person.is_organisation),
        PartyNameTypeCode="L",
        RawEntityIndividualLastName=person.name,
        RawIndividualFirstName=person.first_name,
    )
    _address(report, party, person.address, is_asked=True)
    if person.tin is None:
        report.add(party, "PartyIdentification", TINUnknownIndicator="Y")
    else:
        _identification(report, party, person.tin, person.tin_kind)


def _legal_name(report: _Report, party: Xml.Element, name: str) -> None:
    report.add(party, "PartyName", PartyNameTypeCode="L", RawPartyFullName=name)


def _identification(report: _Report, party: Xml.Element, number: str, kind: str) -> None:
    report.add(
        party,
        "PartyIdentification",
        PartyIdentificationNumberText=number,
        PartyIdentificationTypeCode=kind,
    )


def _address(report: _Report, party: Xml.Element, address: Address, *, is_asked: bool = False) -> None:
    """Add an address; of a person (`is_asked`) what is not known is said to be unknown."""
    has_state = address.country in ("US", "CA", "MX")
    report.add(
        party,
        "Address",
        CityUnknownIndicator=_yes(is_asked and address.city is None),
        RawCityText=address.city,
        RawCountryCodeText=address.country,
        RawStateCodeText=address.state,
        RawStreetAddress1Text=address.street,
        RawZIPCode=address.postcode,
        StateCodeUnknownIndicator=_yes(is_asked and has_state and address.state is None),
        StreetAddressUnknownIndicator=_yes(is_asked and address.street is None),
        ZIPCodeUnknownIndicator=_yes(is_asked and address.postcode is None),
    )


def _lacks_birth_date(person: Person) -> bool:
    return person.birth_date is None and not person.is_organisation


def _cut(narrative: str) -> Iterable[str]:
    for start in range(0, len(narrative), NARRATIVE_CHARACTERS):
        yield narrative[start : start + NARRATIVE_CHARACTERS]


def _yes(is_so: bool) -> str | None:
    return "Y" if is_so else None


def _amount(dollars: int) -> str | None:
    return str(dollars) if dollars else None


def _day(day: date | None) -> str | None:
    return day.strftime("%Y%m%d") if day is not None else None


def _name(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
