"""Pages by cursor: where the last page ended, opaque to who asks; no row is skipped or shown twice."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, datetime
from math import isfinite
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from services.compliance.api.problems import Problem

PAGE_MAX: Final = 500
TEXT_MAX: Final = 500
"""No part of a cursor is longer."""

T = TypeVar("T")

Cursor = Annotated[str | None, Query(description="`next` of the page before; left out for the first.")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Rows at the most.")]
Form = tuple[Callable[[Any], Any], ...]
"""What a cursor is made of: one reader for each part, which raises `ValueError` or `TypeError`."""


class Page(BaseModel, Generic[T]):
    """Some rows in the order of the list, and where the next ones begin."""

    items: list[T]
    next: str | None = None
    """The cursor of the next page; absent on the last one."""


def moment(said: Any) -> datetime:
    """Read an instant."""
    found = datetime.fromisoformat(said)
    found.astimezone()
    if found.tzinfo is None:
        raise ValueError(said)
    return found


def day(said: Any) -> date:
    """Read a day."""
    return date.fromisoformat(said)


def ordinal(said: Any) -> int:
    """Read the number of a day."""
    return date.fromordinal(said).toordinal()


def small(said: Any) -> int:
    """Read a whole number that a shard or a version has."""
    if not 0 <= int(said) < 2**31:
        raise ValueError(said)
    return int(said)


def number(said: Any) -> int:
    """Read a whole number that an event has."""
    if not 0 <= int(said) < 2**63:
        raise ValueError(said)
    return int(said)


def numbers(said: Any) -> tuple[int, ...]:
    """Read a whole number for each shard."""
    if not isinstance(said, list):
        raise TypeError
    parts: list[Any] = said
    return tuple(number(each) for each in parts)


def counts(said: Any) -> dict[tuple[str, str], int]:
    """Read how many there are of each pair of texts."""
    if not isinstance(said, list):
        raise TypeError
    rows: list[Any] = said
    return {(text(one), text(other)): number(count) for one, other, count in rows}


def weight(said: Any) -> float:
    """Read a number that is finite."""
    if not isinstance(said, int | float) or not isfinite(said):
        raise ValueError
    return float(said)


def text(said: Any) -> str:
    """Read a text that the database can hold."""
    if not isinstance(said, str) or len(said.encode()) > TEXT_MAX or "\0" in said:
        raise ValueError
    return said


def identity(said: Any) -> str:
    """Read a UUID, spelt as rows have it."""
    return str(UUID(said))


RECORDED: Final[Form] = (moment, small, number)
"""When a row was recorded, its shard and its number."""


async def page(
    cursor: str | None,
    limit: int,
    load: Callable[[Any, int], Awaitable[Sequence[dict[str, Any]]]],
    place: Callable[[dict[str, Any]], tuple[Any, ...]],
    form: Form = RECORDED,
) -> dict[str, Any]:
    """Load one row more than asked for, to know whether there is a next page.

    `place` says where a row stands, in a tuple of `form`, by which the list is in order.
    """
    rows = await load(_read(cursor, form), limit + 1)
    shown = list(rows[:limit])
    return {"items": shown, "next": _write(place(shown[-1])) if len(rows) > limit else None}


def rows_after(
    rows: Iterable[T], place: Callable[[T], tuple[Any, ...]], after: tuple[Any, ...] | None, most: int
) -> list[T]:
    """Return what comes next of a list that is read whole, because it is short."""
    ordered = sorted(rows, key=place)
    return [each for each in ordered if after is None or place(each) > after][:most]


def _write(place: tuple[Any, ...]) -> str:
    said = json.dumps(place, default=_spelt, separators=(",", ":"))
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _spelt(part: Any) -> str:
    return part.isoformat() if isinstance(part, date) else str(part)


def _read(cursor: str | None, form: Form) -> tuple[Any, ...] | None:
    if cursor is None:
        return None
    try:
        said: Any = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(said, list):
            raise TypeError
        parts: list[Any] = said
        return tuple(read(part) for read, part in zip(form, parts, strict=True))
    except (binascii.Error, ValueError, TypeError, OverflowError, AttributeError, RecursionError):
        raise Problem(400, "cursor_unreadable", "give the cursor as a page has told it") from None
