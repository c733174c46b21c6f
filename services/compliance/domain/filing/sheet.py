"""What officers fill in for a report to FinCEN, with the lengths and codes of its schemas.

Source: `EFL_SARXBatchSchema.xsd` and `EFL_CTRXBatchSchema.xsd`, version 1.2 (12/17/2021), by FinCEN. What is
checked here is as much of them as these forms use; it does not stand for validation against them.
"""

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

_TIDY: Final = r"^\S+( +\S+)*$"
"""No blank at either end, no line break: the schemas refuse it."""

Text2 = Annotated[str, StringConstraints(pattern=_TIDY, max_length=2)]
Text3 = Annotated[str, StringConstraints(pattern=_TIDY, max_length=3)]
Text9 = Annotated[str, StringConstraints(pattern=_TIDY, max_length=9)]
Text16 = Annotated[str, StringConstraints(pattern=_TIDY, max_length=16)]
Text25 = Annotated[str, StringConstraints(pattern=_TIDY, max_length=25)]
Text35 = Annotated[str, StringConstraints(pattern=_TIDY, max_length=35)]
Text40 = Annotated[str, StringConstraints(pattern=_TIDY, max_length=40)]
Text50 = Annotated[str, StringConstraints(pattern=_TIDY, max_length=50)]
Text100 = Annotated[str, StringConstraints(pattern=_TIDY, max_length=100)]
Text150 = Annotated[str, StringConstraints(pattern=_TIDY, max_length=150)]
Dollars = Annotated[int, Field(ge=0, lt=10**12)]
"""Whole US dollars, rounded up, as the forms want them."""

NARRATIVE_CHARACTERS: Final = 4000
NARRATIVES_MAX: Final = 5

Regulator = Literal["1", "2", "3", "4", "6", "7", "9", "13", "14", "99"]
"""1 Federal Reserve, 2 FDIC, 3 NCUA, 4 OCC, 6 SEC, 7 IRS, 9 CFTC; a SAR's may be 13 FHFA and 99 not
applicable, a CTR's 14 unknown."""
OrganisationType = Literal[1, 2, 4, 5, 999]
"""1 casino, 2 depository institution, 4 money services business, 5 securities and futures, 999 other."""
ActivityType = Literal[1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
"""1 structuring, 3 fraud, 4 identification, 5 insurance, 6 securities, 7 terrorist financing, 8 money
laundering, 9 other, 10 mortgage fraud, 11 cyber event, 12 gaming."""
CashInCode = Literal["12", "14", "23", "46", "49", "53", "55"]
"""12 instruments purchased, 14 exchange in, 23 wire out, 46 payment, 49 to prepaid access, 53 foreign
currency in, 55 deposit."""
CashOutCode = Literal["13", "15", "30", "32", "48", "54", "56"]
"""13 instruments cashed, 15 exchange out, 30 advance, 32 wire in, 48 from prepaid access, 54 foreign currency
out, 56 withdrawal."""


class Part(BaseModel):
    """Base of what is filled in: a field nobody knows is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Address(Part):
    """Where somebody is; what is left out is said to be unknown where the form asks for it."""

    street: Text100 | None = None
    city: Text50 | None = None
    state: Text3 | None = None
    postcode: Text9 | None = None
    country: Text2 = "US"


class Transmitter(Part):
    """Who sends the batch to FinCEN."""

    name: Text150
    tin: Text25
    control_code: Text25
    """The transmitter control code, given by FinCEN."""
    phone: Text16
    contact: Text150
    address: Address


class Institution(Part):
    """The financial institution that files, and where the activity took place."""

    name: Text150
    ein: Text25
    regulator: Regulator
    organisation_type: OrganisationType
    other_type: Text50 | None = None
    contact_office: Text150
    contact_phone: Text16
    address: Address

    @model_validator(mode="after")
    def _other_is_named(self) -> "Institution":
        if (self.organisation_type == 999) != (self.other_type is not None):
            raise ValueError("other_type belongs to organisation_type 999, and to it alone")
        return self


class Person(Part):
    """Whom the report is about."""

    is_organisation: bool = False
    name: Text150 | None = None
    """The last name, or an organisation's whole name; left out where it is unknown."""
    first_name: Text35 | None = None
    birth_date: date | None = None
    tin: Text25 | None = None
    tin_kind: Literal["1", "2", "9"] = "1"
    """1 SSN or ITIN, 2 EIN, 9 foreign."""
    address: Address = Address()
    accounts: tuple[Text40, ...] = ()


class Suspicion(Part):
    """One kind of suspicious activity: the form's type, and its subtype."""

    type: ActivityType
    subtype: Annotated[int, Field(ge=100, le=9999)]
    other: Text50 | None = None


class SarSheet(Part):
    """A suspicious activity report (FinCEN report 111)."""

    form: Literal["sar"] = "sar"
    transmitter: Transmitter
    institution: Institution
    subjects: Annotated[tuple[Person, ...], Field(min_length=1, max_length=99)]
    suspicions: Annotated[tuple[Suspicion, ...], Field(min_length=1, max_length=99)]
    amount: Dollars | None
    """Null where it is unknown."""
    since: date
    until: date
    continuing: bool = False
    prior_document: Annotated[str, StringConstraints(pattern=r"^\d{14}$")] | None = None
    """The BSA id of the report before; 14 zeros where it is unknown."""
    narrative: Annotated[
        str, StringConstraints(min_length=1, max_length=NARRATIVE_CHARACTERS * NARRATIVES_MAX)
    ]

    @model_validator(mode="after")
    def _is_consistent(self) -> "SarSheet":
        _require_regulator(self.institution, never={"14"})
        if self.until < self.since:
            raise ValueError("until is before since")
        if self.continuing and self.prior_document is None:
            raise ValueError("a continuing report names the one before: prior_document")
        subtypes = [each.subtype for each in self.suspicions]
        if len(set(subtypes)) != len(subtypes):
            raise ValueError("a subtype stands twice in suspicions")
        return self


class CashLine(Part):
    """Cash of one kind."""

    code: CashInCode | CashOutCode
    amount: Dollars
    country: Text2 | None = None
    """Whose currency it was, if foreign."""

    @property
    def is_in(self) -> bool:
        """Whether the institution received it."""
        return self.code in CASH_IN_CODES


CASH_IN_CODES: Final = frozenset({"12", "14", "23", "46", "49", "53", "55"})


class CtrSheet(Part):
    """A currency transaction report (FinCEN report 112)."""

    form: Literal["ctr"] = "ctr"
    transmitter: Transmitter
    institution: Institution
    person: Person
    """Who brought or took the cash for themselves."""
    day: date
    aggregated: bool
    """Whether it was several transactions."""
    cash: Annotated[tuple[CashLine, ...], Field(min_length=1, max_length=219)]

    @model_validator(mode="after")
    def _is_consistent(self) -> "CtrSheet":
        _require_regulator(self.institution, never={"13", "99"})
        return self


def _require_regulator(institution: Institution, *, never: set[str]) -> None:
    if institution.regulator in never:
        raise ValueError(f"regulator {institution.regulator} is none of this form's")
