"""Pages by cursor: where the last page ended, opaque to who asks; no row is skipped or shown twice."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from services.compliance.api.problems import Problem
from services.compliance.queries.places import Place

PAGE_MAX: Final = 500

T = TypeVar("T")

Cursor = Annotated[str | None, Query(description="`next` of the page before; left out for the first.")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Rows at the most.")]


class Page(BaseModel, Generic[T]):
    """Some rows in the order in which they were recorded, and where the next ones begin."""

    items: list[T]
    next: str | None = None
    """The cursor of the next page; absent on the last one."""


async def page(
    cursor: str | None,
    limit: int,
    load: Callable[[Place | None, int], Awaitable[Sequence[dict[str, Any]]]],
    place: Callable[[dict[str, Any]], Place],
) -> dict[str, Any]:
    """Load one row more than asked for, to know whether there is a next page."""
    rows = await load(_read(cursor), limit + 1)
    shown = list(rows[:limit])
    return {"items": shown, "next": _write(place(shown[-1])) if len(rows) > limit else None}


def _write(place: Place) -> str:
    text = json.dumps([place[0].isoformat(), *place[1:]], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    try:
        at, shard, seq = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(at)
        moment.astimezone()
        if moment.tzinfo is None or not 0 <= int(shard) < 2**31 or not 0 <= int(seq) < 2**63:
            raise ValueError(cursor)
        return moment, int(shard), int(seq)
    except (binascii.Error, ValueError, TypeError, OverflowError):
        raise Problem(400, "cursor_unreadable", "give the cursor as a page has told it") from None
