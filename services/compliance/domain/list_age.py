"""How old a list is: the days since it was last read from its publisher, and whether that is allowed.

A list ages by the calendar, not by its content: one whose publisher has changed nothing for a month is
as good as new on the day on which it is read again. Days are UTC's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

ANY_LIST: Final = "*"
"""Stands for the lists that have no limit of their own."""


@dataclass(frozen=True, slots=True)
class ListCheck:
    """A shard took a version for what the publisher gives out: it was activated, or confirmed since."""

    version: str
    seq: int
    """The event that says so; 0 for the list a new database has."""
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class Outdated:
    """A list that is older than allowed."""

    list_code: str
    check: ListCheck
    days: int
    days_max: int

    @property
    def words(self) -> str:
        """What somebody must know."""
        return (
            f"{self.list_code}: version {self.check.version} was last read on"
            f" {self.check.checked_at.date()}, and is older than allowed"
            f" ({self.days_max} {'day' if self.days_max == 1 else 'days'})"
        )


def outdated(
    checks: Mapping[str, ListCheck], day: date, days_max: Mapping[str, int | None]
) -> tuple[Outdated, ...]:
    """Return those lists that are older than allowed on a day, by their codes.

    `days_max` is by list code, `*` for all others; None for one that may be of any age.
    """
    found: list[Outdated] = []
    for code, check in sorted(checks.items()):
        most = days_max.get(code, days_max.get(ANY_LIST))
        days = (day - check.checked_at.date()).days
        if most is not None and days > most:
            found.append(Outdated(code, check, days, most))
    return tuple(found)
