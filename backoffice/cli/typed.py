"""Reads what is typed as text: days, instants, values by name."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final, overload

from backoffice.cli.errors import USAGE, CommandError

DATE_MIN: Final = date(1900, 1, 1)
DATE_MAX: Final = date(2100, 12, 31)
"""What lies beyond, no instruction may name either."""


@overload
def day_of(option: str, text: str) -> date: ...
@overload
def day_of(option: str, text: str | None) -> date | None: ...
def day_of(option: str, text: str | None) -> date | None:
    """Read a day, where one was given, of the years that the ledger knows."""
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.max
    if not DATE_MIN <= found <= DATE_MAX:
        raise CommandError(
            "date_wrong",
            f"{option} {text!r} is no date of the years {DATE_MIN.year} to {DATE_MAX.year}.",
            "Type it as in 2026-03-02.",
            USAGE,
        )
    return found


@overload
def instant_of(option: str, text: str) -> datetime: ...
@overload
def instant_of(option: str, text: str | None) -> datetime | None: ...
def instant_of(option: str, text: str | None) -> datetime | None:
    """Read an instant, where one was given, of the years that the ledger knows; it must say its offset."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not DATE_MIN <= instant.date() <= DATE_MAX:
        raise CommandError(
            "instant_wrong",
            f"{option} {text!r} is no instant.",
            "Type it with its offset, as in 2026-03-02T17:00:00Z.",
            USAGE,
        )
    return instant


def values_of(texts: Iterable[str]) -> dict[str, str]:
    """Read a rule's values, each as `--set` names it."""
    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise CommandError("usage", f"{text!r} is no parameter.", "Write it as --set over=9000.", USAGE)
        values[name] = value
    return values
