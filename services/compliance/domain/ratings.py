"""Customers' risk classes: what data say of a new customer, and the ratings people give."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from services.compliance.domain.bounds import Bounds, countries, optional, read_values
from services.compliance.domain.names.evidence import Known
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import ANY_ASSET, RuleParameter
from shared.messages.compliance import Finding
from shared.messages.envelope import RiskClass

RATING: Final = "RATING"
"""The code of the data by which customers are rated as they are met."""
CLASSES: Final[tuple[RiskClass, ...]] = ("low", "medium", "high")
"""From the least risk to the most."""
UNRATED: Final[RiskClass] = "medium"

RatingProposalStatus = Literal["proposed", "approved", "superseded"]
"""What became of a proposal; one on which another rating came in between counts no more."""


@dataclass(frozen=True, slots=True)
class RatingData:
    """From which countries a customer is of which class. Sources stand with the stored values."""

    version: int
    countries: dict[RiskClass, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Standing:
    """What an owner is rated now."""

    version: int = 0
    """Of the last rating; 0 before the first."""
    risk_class: RiskClass = UNRATED


@dataclass(frozen=True, slots=True)
class RatingProposal:
    """A lower class that one person has proposed."""

    shard: int
    rating_id: UUID
    owner: str
    version: int
    """Which it would be."""
    risk_class: RiskClass
    proposed_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rating:
    """A customer's class from now on, and why."""

    shard: int
    owner: str
    version: int
    risk_class: RiskClass
    previous: RiskClass
    finding: Finding | None = None
    about: tuple[int, int] | None = None
    """Shard and seq of the ledger's event on which data were asked."""
    act_id: UUID | None = None
    actor: str | None = None
    reason: str | None = None
    rating_id: UUID | None = None
    proposed_by: str | None = None


Said = tuple[Rating, int, datetime]
"""A rating with the number and the time of the event that told of it."""


def is_lower(risk_class: RiskClass, than: RiskClass) -> bool:
    """Say whether a class is of less risk than another."""
    return CLASSES.index(risk_class) < CLASSES.index(than)


RATING_BOUNDS: Final[Bounds] = {risk_class: optional(countries(), frozenset[str]()) for risk_class in CLASSES}


def read_data(row: RuleParameter) -> RatingData:
    """Read stored values: for each class a list of countries; raises `ValueWrongError`."""
    said = read_values(row.values, RATING_BOUNDS)
    return RatingData(row.version, {risk_class: said[risk_class] for risk_class in CLASSES})


def rate_by_data(
    parties: Iterable[Known], day: date, book: ParameterBook
) -> tuple[RiskClass, Finding] | None:
    """Return the highest class in which data put those behind a customer, or None where they say nothing."""
    row = book.choose(RATING, ANY_ASSET, day)
    if row is None:
        return None
    data = read_data(row)
    found = {country for each in parties for country in each.countries}
    for risk_class in reversed(CLASSES):
        met = sorted(found & data.countries[risk_class])
        if met:
            words = f"A party is of a country whose customers are of {risk_class} risk."
            values: dict[str, Any] = {"countries": met, "risk_class": risk_class}
            return risk_class, Finding(rule=RATING, rule_version=data.version, sentence=words, values=values)
    return None
