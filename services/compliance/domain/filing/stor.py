"""Writes a suspicious transaction and order report (STOR) on market abuse, from a sheet of its fields.

Source: Regulation (EU) 596/2014, article 16, and the template in the annex of Commission Delegated Regulation
(EU) 2016/957, whose six sections are the sheet's six parts. The annex gives fields and no format: each
authority takes them in a form of its own, so the XML and its schema (`data/STOR-2016-957.xsd`) are ours.

Completeness is of two kinds: what the annex asks for in every report is required, and what it asks for "where
applicable" may be left out.
"""

from datetime import date, datetime
from typing import Annotated, Final, Literal
from xml.etree import ElementTree as Xml

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from services.compliance.domain.filing.sheet import Part
from services.compliance.domain.filing.tree import spelled, write_field

NAMESPACE: Final = "urn:backoffice:stor:2016-957"
NARRATIVE_MAX: Final = 20_000

Line = Annotated[str, StringConstraints(pattern=r"^\S+( +\S+)*$", max_length=255)]
Words = Annotated[str, StringConstraints(pattern=r"\S", max_length=NARRATIVE_MAX)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217."""
Decimals = Annotated[str, StringConstraints(pattern=r"^\d{1,15}(\.\d{1,9})?$")]
Mic = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{4}$")]
"""ISO 10383; XOFF where it was on no venue, SINT at a systematic internaliser."""
Cfi = Annotated[str, StringConstraints(pattern=r"^[A-Z]{6}$")]
"""ISO 10962."""
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=255)]
Side = Literal["buy", "sell"]

LEI_MODULUS: Final = 97
"""ISO 17442: the code as one number, its letters as 10 to 35, leaves 1 (ISO 7064, mod 97-10)."""


def _checked_lei(text: str) -> str:
    if int("".join(str(int(each, 36)) for each in text)) % LEI_MODULUS != 1:
        raise ValueError("the check digits of the LEI are wrong")
    return text


def _checked_isin(text: str) -> str:
    """ISO 6166, annex A: letters as 10 to 35; from the right every other digit doubled, all digits summed."""
    digits = "".join(str(int(each, 36)) for each in text)
    doubled = (int(each) * (1 + place % 2) for place, each in enumerate(reversed(digits)))
    if sum(each // 10 + each % 10 for each in doubled) % 10:
        raise ValueError("the check digit of the ISIN is wrong")
    return text


Lei = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{18}[0-9]{2}$"), AfterValidator(_checked_lei)]
Isin = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[A-Z0-9]{9}[0-9]$"), AfterValidator(_checked_isin)]


class StorAddress(Part):
    """A full address."""

    street: Line
    postcode: Line | None = None
    city: Line
    state: Line | None = None
    country: Country


class StorContact(Part):
    """Whom the authority may ask."""

    first_names: Line
    surname: Line
    position: Line
    email: Email


class StorReporter(Part):
    """Section 1: who submits the report."""

    first_names: Line
    surname: Line
    position: Line
    entity: Line
    legal_form: Line | None = None
    lei: Lei | None = None
    address: StorAddress
    capacity: Words
    """In which the entity acted: executing clients' orders, dealing on own account, and so on."""
    trading_activity: Words | None = None
    relationship: Words
    """With whom the report is about."""
    contact: StorContact


class StorDerivative(Part):
    """What an over-the-counter derivative is of."""

    kind: Line
    """Contract for difference, swap, forward, and so on."""
    underlying: Line
    underlying_isin: Isin | None = None
    expiry: date | None = None
    strike: Decimals | None = None


class StorInstrument(Part):
    """The financial instrument."""

    name: Line
    type: Line
    isin: Isin | None = None
    cfi: Cfi | None = None
    otc_derivative: StorDerivative | None = None

    @model_validator(mode="after")
    def _is_identified(self) -> "StorInstrument":
        if self.isin is None and self.otc_derivative is None:
            raise ValueError("an instrument has an isin, or is an otc_derivative")
        return self


class StorMarket(Part):
    """Where it took place."""

    mic: Mic
    name: Line
    country: Country
    """Where it was executed, or was to be."""


class StorTransaction(Part):
    """One transaction."""

    reference: Line
    executed_at: AwareDatetime
    side: Side
    price: Decimals
    price_currency: Currency | None = None
    """Left out where the price is a percentage."""
    quantity: Decimals
    settlement: date | None = None
    order: Line | None = None
    """The reference of the order that led to it."""
    market: StorMarket

    @model_validator(mode="after")
    def _settles_afterwards(self) -> "StorTransaction":
        if self.settlement is not None and self.settlement < self.executed_at.date():
            raise ValueError("settlement is before it was executed")
        return self


class StorAlteration(Part):
    """How an order was cancelled or changed."""

    altered_at: AwareDatetime
    altered_by: Line
    nature: Words
    reasons: Words | None = None


class StorOrder(Part):
    """One order."""

    reference: Line
    placed_at: AwareDatetime
    order_type: Line
    """Such as a limit order, with its limit."""
    side: Side
    price: Decimals | None = None
    price_currency: Currency | None = None
    quantity: Decimals
    placed_by: Line
    received_by: Line
    transmitted_by: Line
    """By which means: telephone, electronic order book, and so on."""
    given_in: Country | None = None
    alterations: tuple[StorAlteration, ...] = ()
    market: StorMarket

    @model_validator(mode="after")
    def _is_altered_afterwards(self) -> "StorOrder":
        if any(each.altered_at < self.placed_at for each in self.alterations):
            raise ValueError("an order is altered before it was placed")
        return self


class StorTrading(Part):
    """Section 2: the transactions and orders."""

    instrument: StorInstrument
    transactions: tuple[StorTransaction, ...] = ()
    orders: tuple[StorOrder, ...] = ()

    @model_validator(mode="after")
    def _is_complete(self) -> "StorTrading":
        if not self.transactions and not self.orders:
            raise ValueError("a report is about a transaction or an order at least")
        references = [each.reference for each in self.transactions]
        orders = [each.reference for each in self.orders]
        if len(set(references)) < len(references) or len(set(orders)) < len(orders):
            raise ValueError("a reference stands twice")
        if {each.order for each in self.transactions} - {None, *orders}:
            raise ValueError("a transaction names an order that is not in the report")
        return self


class StorSuspicion(Part):
    """Section 3: what is suspected."""

    nature: Literal[
        "insider_dealing", "market_manipulation", "attempted_insider_dealing", "attempted_market_manipulation"
    ]
    reasons: Words


class StorEmployment(Part):
    """Where a person works."""

    employer: Line
    position: Line | None = None


class StorPerson(Part):
    """Section 4: whose orders or transactions they were."""

    kind: Literal["natural", "legal"]
    first_names: Line | None = None
    name: Line
    """The surname, or a legal person's full name."""
    legal_form: Line | None = None
    lei: Lei | None = None
    birth_date: date | None = None
    national_number: Line | None = None
    address: StorAddress
    employment: StorEmployment | None = None
    accounts: tuple[Line, ...] = ()
    """Of cash and securities, joint ones and powers of attorney too."""
    client_identifier: Line | None = None
    """As transactions are reported under Regulation (EU) 600/2014, or another code that tells the client."""
    issuer_relationship: Words | None = None

    @model_validator(mode="after")
    def _is_identified(self) -> "StorPerson":
        natural = (self.first_names, self.birth_date, self.national_number, self.employment)
        if self.kind == "legal" and natural != (None,) * 4:
            raise ValueError("first_names, birth_date, national_number and employment are of natural persons")
        if self.kind == "natural" and (self.first_names is None or self.birth_date is None):
            raise ValueError("a natural person has first_names and a birth_date")
        if self.kind == "natural" and (self.lei, self.legal_form) != (None, None):
            raise ValueError("lei and legal_form are of legal persons")
        if not self.accounts and self.client_identifier is None:
            raise ValueError("a client is told by accounts or a client_identifier")
        return self


class StorAttachment(Part):
    """Section 6: a document that goes with the report."""

    name: Line
    description: Line | None = None


class StorSheet(Part):
    """A suspicious transaction and order report."""

    form: Literal["stor"] = "stor"
    reference: Line
    """The institution's own number of the report."""
    reporter: StorReporter
    trading: StorTrading
    suspicion: StorSuspicion
    persons: Annotated[tuple[StorPerson, ...], Field(min_length=1)]
    background: Words | None = None
    """Section 5: what else bears on it, such as earlier reports or how it was come upon."""
    attachments: tuple[StorAttachment, ...] = ()


ITEM_OF: Final = {
    "transactions": "transaction",
    "orders": "order",
    "alterations": "alteration",
    "persons": "person",
    "accounts": "account",
    "attachments": "attachment",
}
"""What the elements of a list are called; each list stands in an element of its own."""


def write_stor(sheet: StorSheet, filed_on: date) -> bytes:
    """Write the report; times keep the offset from UTC with which they were given."""
    root = Xml.Element("stor", {"xmlns": NAMESPACE, "submitted": filed_on.isoformat()})
    for field in type(sheet).model_fields:
        if field != "form":
            write_field(root, field, getattr(sheet, field), ITEM_OF, _spell)
    return spelled(root)


def _spell(value: date) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value.isoformat()
