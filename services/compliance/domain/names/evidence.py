"""What is known of a party beside its name, and how it bears on a match: it qualifies, it never filters.

A date of birth or a country that agrees raises a score, one that contradicts lowers it, within bounds: what
was alike enough to alert by name stays so, because dates are often wrong on lists, and in files of customers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from services.compliance.domain.lists.party import Kind, ListedParty

PartyKind = Literal["person", "organisation", "vessel", "aircraft"]
"""What bears a name, where that is known."""
Bearing = Literal["agrees", "near", "contradicts"]

BIRTH_DATE_AGREES: Final = 0.05
BIRTH_YEAR_AGREES: Final = 0.03
BIRTH_DATE_CONTRADICTS: Final = -0.12
COUNTRY_AGREES: Final = 0.02
COUNTRY_CONTRADICTS: Final = -0.03
KIND_CONTRADICTS: Final = -0.10
YEARS_NEAR: Final = 2
"""Years of birth on lists are often estimates; up to so many apart is neither for nor against."""

_YEARS: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?|/(\d{4}))?")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a party beside its name."""

    kind: PartyKind | None = None
    birth_date: str | None = None
    """`1962-09-08`, `1962-09` or `1962`."""
    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2."""


NOTHING_KNOWN: Final = Known()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that bears on a match."""

    what: Literal["birth_date", "country", "kind"]
    bearing: Bearing
    change: float
    """Of the score."""


def weigh_evidence(known: Known, entry: ListedParty) -> tuple[Evidence, ...]:
    """Return what bears on the question whether a party is the listed one."""
    found: list[Evidence] = []
    if known.birth_date is not None and entry.birth_dates:
        found.append(_birth_dates(known.birth_date, entry.birth_dates))
    if known.countries and entry.countries:
        agrees = not set(known.countries).isdisjoint(entry.countries)
        change = COUNTRY_AGREES if agrees else COUNTRY_CONTRADICTS
        found.append(Evidence("country", "agrees" if agrees else "contradicts", change))
    if known.kind is not None and not _may_be(known.kind, entry.kind):
        found.append(Evidence("kind", "contradicts", KIND_CONTRADICTS))
    return tuple(found)


def qualified(score: float, evidence: Sequence[Evidence], alert_at: float) -> float:
    """Return a name's score with the evidence; what alerts by its name alone goes on to alert."""
    if not evidence:
        return score
    total = min(1.0, max(0.0, score + sum(each.change for each in evidence)))
    return round(max(total, min(score, alert_at)), 4)


def is_confirmed(evidence: Sequence[Evidence]) -> bool:
    """Whether the evidence says by itself that it is the same party: what a weak alias needs to count."""
    return any(each.what == "birth_date" and each.bearing == "agrees" for each in evidence)


def birth_date_is_readable(text: str) -> bool:
    """Whether a birth date is in one of the forms compared, and its day exists."""
    found = _YEARS.fullmatch(text)
    if found is None:
        return False
    try:
        date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        return False
    return True


def _birth_dates(text: str, listed: Sequence[str]) -> Evidence:
    """The best of all listed dates counts."""
    found = [_birth_date(text, each) for each in listed]
    return max(found, key=lambda each: each.change)


def _birth_date(text: str, listed: str) -> Evidence:
    ours, theirs = _YEARS.match(text), _YEARS.match(listed)
    if ours is None or theirs is None:
        return Evidence("birth_date", "near", 0.0)
    year, first, last = int(ours[1]), int(theirs[1]), int(theirs[4] or theirs[1])
    if first <= year <= last:
        if ours[3] and theirs[3]:
            same = ours[0] == theirs[0]
            # Day and month are often exchanged, and the first of January stands for an unknown day.
            swapped = (ours[2], ours[3]) == (theirs[3], theirs[2]) or "01-01" in (ours[0][5:], theirs[0][5:])
            if same or swapped:
                return Evidence("birth_date", "agrees", BIRTH_DATE_AGREES if same else BIRTH_YEAR_AGREES)
            return Evidence("birth_date", "near", 0.0)
        return Evidence("birth_date", "agrees", BIRTH_YEAR_AGREES)
    if first - YEARS_NEAR <= year <= last + YEARS_NEAR:
        return Evidence("birth_date", "near", 0.0)
    return Evidence("birth_date", "contradicts", BIRTH_DATE_CONTRADICTS)


def _may_be(kind: str, listed: Kind) -> bool:
    return listed in (kind, "unknown")
