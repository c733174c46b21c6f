"""Writes goAML's XML of a suspicious transaction report, from a sheet named as its elements are.

Source: UNODC's `goAMLSchema.xsd`, versions 5.0.1 and 5.0.2, as two authorities publish it. Each authority
chooses what must be there, and its own codes; so neither is fixed here, and a report is held against the
schema of the authority that it goes to (`schemas.py`).

The fields of each class stand in the order of the schema's sequence, and are written in it.
"""

from datetime import date
from typing import Annotated, Final, Literal
from xml.etree import ElementTree as Xml

from pydantic import Field, StringConstraints, model_validator

from services.compliance.domain.filing.sheet import Part
from services.compliance.domain.filing.tree import spelled, write_field

_LINE: Final = r"^\S+( +\S+)*$"

Line = Annotated[str, StringConstraints(pattern=_LINE, max_length=255)]
Words = Annotated[str, StringConstraints(pattern=r"\S", max_length=8000)]
"""`comments_type`; some authorities take 4,000 characters only."""
GoamlCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,20}$")]
"""A code of the authority's own lists."""
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Decimals = Annotated[str, StringConstraints(pattern=r"^\d{1,15}(\.\d{1,4})?$")]
"""An amount as a decimal string, in units of its currency."""

ITEM_OF: Final = {
    "phones": "phone",
    "addresses": "address",
    "report_parties": "report_party",
    "report_indicators": "indicator",
}
"""What the elements of a list with an element of its own are called; in other lists each bears its name."""


class GoamlAddress(Part):
    """`t_address`."""

    address_type: GoamlCode
    address: Line
    town: Line | None = None
    city: Line
    zip: Line | None = None
    country_code: Country
    state: Line | None = None
    comments: Words | None = None


class GoamlPhone(Part):
    """`t_phone`."""

    tph_contact_type: GoamlCode
    tph_communication_type: GoamlCode
    tph_country_prefix: Line | None = None
    tph_number: Line
    tph_extension: Line | None = None
    comments: Words | None = None


class GoamlIdentification(Part):
    """`t_person_identification`."""

    type: GoamlCode
    number: Line
    issue_date: date | None = None
    expiry_date: date | None = None
    issued_by: Line | None = None
    issue_country: Country
    comments: Words | None = None


class GoamlPerson(Part):
    """`t_person`, and of a customer `t_person_my_client`, of which more must be known."""

    gender: GoamlCode | None = None
    title: Line | None = None
    first_name: Line
    middle_name: Line | None = None
    prefix: Line | None = None
    last_name: Line
    birthdate: date | None = None
    birth_place: Line | None = None
    alias: Line | None = None
    ssn: Line | None = None
    passport_number: Line | None = None
    passport_country: Country | None = None
    id_number: Line | None = None
    nationality1: Country | None = None
    nationality2: Country | None = None
    residence: Country | None = None
    phones: tuple[GoamlPhone, ...] = ()
    addresses: tuple[GoamlAddress, ...] = ()
    email: tuple[Line, ...] = ()
    occupation: Line | None = None
    employer_name: Line | None = None
    identification: tuple[GoamlIdentification, ...] = ()
    tax_number: Line | None = None
    source_of_wealth: Line | None = None
    comments: Words | None = None

    @model_validator(mode="after")
    def _country_has_a_passport(self) -> "GoamlPerson":
        if self.passport_country is not None and self.passport_number is None:
            raise ValueError("passport_country belongs to a passport_number")
        return self


class GoamlDirector(GoamlPerson):
    """`director_id`: who acts for an entity."""

    role: GoamlCode | None = None


class GoamlEntity(Part):
    """`t_entity`, and of a customer `t_entity_my_client`."""

    name: Line
    commercial_name: Line | None = None
    incorporation_legal_form: GoamlCode | None = None
    incorporation_number: Line | None = None
    business: Line | None = None
    phones: tuple[GoamlPhone, ...] = ()
    addresses: tuple[GoamlAddress, ...] = ()
    email: tuple[Line, ...] = ()
    url: Line | None = None
    incorporation_state: Line | None = None
    incorporation_country_code: Country | None = None
    director_id: tuple[GoamlDirector, ...] = ()
    incorporation_date: date | None = None
    tax_number: Line | None = None
    comments: Words | None = None


class GoamlSignatory(Part):
    """Who may dispose of an account."""

    is_primary: Literal["1"] | None = None
    t_person: GoamlPerson
    role: GoamlCode | None = None


class GoamlAccount(Part):
    """`t_account`, and of a customer `t_account_my_client`."""

    institution_name: Line
    institution_code: Line | None = None
    swift: Line | None = None
    branch: Line | None = None
    account: Line
    currency_code: Currency | None = None
    account_name: Line | None = None
    iban: Line | None = None
    client_number: Line | None = None
    personal_account_type: GoamlCode | None = None
    t_entity: GoamlEntity | None = None
    signatory: tuple[GoamlSignatory, ...] = ()
    opened: date | None = None
    closed: date | None = None
    balance: Decimals | None = None
    date_balance: date | None = None
    status_code: GoamlCode | None = None
    comments: Words | None = None

    @model_validator(mode="after")
    def _institution_is_named_once(self) -> "GoamlAccount":
        _require_one(self, "institution_code", "swift")
        return self


class GoamlForeignCurrency(Part):
    """`t_foreign_currency`."""

    foreign_currency_code: Currency
    foreign_amount: Decimals
    foreign_exchange_rate: Decimals


class GoamlFrom(Part):
    """`t_from` or `t_from_my_client`: whose money it was."""

    from_funds_code: GoamlCode
    from_funds_comment: Line | None = None
    from_foreign_currency: GoamlForeignCurrency | None = None
    t_conductor: GoamlPerson | None = None
    from_account: GoamlAccount | None = None
    from_person: GoamlPerson | None = None
    from_entity: GoamlEntity | None = None
    from_country: Country

    @model_validator(mode="after")
    def _one_party(self) -> "GoamlFrom":
        _require_one(self, "from_account", "from_person", "from_entity")
        return self


class GoamlTo(Part):
    """`t_to` or `t_to_my_client`: who got it."""

    to_funds_code: GoamlCode
    to_funds_comment: Line | None = None
    to_foreign_currency: GoamlForeignCurrency | None = None
    to_account: GoamlAccount | None = None
    to_person: GoamlPerson | None = None
    to_entity: GoamlEntity | None = None
    to_country: Country

    @model_validator(mode="after")
    def _one_party(self) -> "GoamlTo":
        _require_one(self, "to_account", "to_person", "to_entity")
        return self


class GoamlTransaction(Part):
    """One transaction; `my_client` says of which side that it is the institution's customer."""

    transactionnumber: Line
    internal_ref_number: Line | None = None
    transaction_location: Line
    transaction_description: Words | None = None
    date_transaction: date
    teller: Line | None = None
    authorized: Line | None = None
    value_date: date | None = None
    transmode_code: GoamlCode
    transmode_comment: Line | None = None
    amount_local: Decimals
    t_from_my_client: GoamlFrom | None = None
    t_from: GoamlFrom | None = None
    t_to_my_client: GoamlTo | None = None
    t_to: GoamlTo | None = None
    comments: Words | None = None

    @model_validator(mode="after")
    def _two_sides(self) -> "GoamlTransaction":
        _require_one(self, "t_from_my_client", "t_from")
        _require_one(self, "t_to_my_client", "t_to")
        return self


class GoamlParty(Part):
    """`report_party_type`: somebody an activity report is about."""

    person: GoamlPerson | None = None
    account: GoamlAccount | None = None
    entity: GoamlEntity | None = None
    significance: Annotated[int, Field(ge=0, le=10)] | None = None
    reason: Words | None = None
    comments: Words | None = None

    @model_validator(mode="after")
    def _one_party(self) -> "GoamlParty":
        _require_one(self, "person", "account", "entity")
        return self


class GoamlActivity(Part):
    """`activityType`: what is suspicious without a transaction."""

    report_parties: Annotated[tuple[GoamlParty, ...], Field(min_length=1)]


class GoamlSheet(Part):
    """A report to an authority that runs goAML, with transactions or an activity."""

    form: Literal["goaml"] = "goaml"
    rentity_id: Annotated[int, Field(ge=1, lt=2**31)]
    """The reporting entity's number, given by the authority."""
    rentity_branch: Line | None = None
    submission_code: Literal["E", "M"] = "E"
    report_code: GoamlCode
    """`STR` for suspicious transactions, `SAR` for a suspicious activity; the authority's list has more."""
    entity_reference: Line
    """The institution's own number of the report."""
    fiu_ref_number: Line | None = None
    currency_code_local: Currency
    reporting_person: GoamlPerson | None = None
    reporting_user_code: Line | None = None
    location: GoamlAddress | None = None
    reason: Words
    action: Words | None = None
    transaction: tuple[GoamlTransaction, ...] = ()
    activity: GoamlActivity | None = None
    report_indicators: Annotated[tuple[GoamlCode, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_consistent(self) -> "GoamlSheet":
        if (not self.transaction) == (self.activity is None):
            raise ValueError("give transaction or activity, and not both")
        if self.reporting_person is not None and self.reporting_user_code is not None:
            raise ValueError("give reporting_person or reporting_user_code, not both")
        return self


_SUBMITTED_AFTER: Final = ("fiu_ref_number", "submission_date")


def write_goaml(sheet: GoamlSheet, filed_on: date) -> bytes:
    """Write the report; dates are spelt as date and time at midnight, as `sql_date` wants them."""
    root = Xml.Element("report")
    after, name = _SUBMITTED_AFTER
    for field in type(sheet).model_fields:
        if field != "form":
            write_field(root, field, getattr(sheet, field), ITEM_OF, _spell)
        if field == after:
            write_field(root, name, filed_on, ITEM_OF, _spell)
    return spelled(root)


def _spell(day: date) -> str:
    return f"{day.isoformat()}T00:00:00"


def _require_one(part: Part, *names: str) -> None:
    given = [name for name in names if getattr(part, name) is not None]
    if len(given) != 1:
        raise ValueError(f"give one of {', '.join(names)}")
