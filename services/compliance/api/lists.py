"""Which watch lists are stored, which shards screen against them, and how old they are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.compliance.api import paging
from services.compliance.api.paging import Cursor, Limit, Page, page, rows_after
from services.compliance.api.reading import READ, Way
from services.compliance.api.rights import Asking, authorise
from services.compliance.queries.lists import lists_outdated, lists_refused, lists_show
from shared.messages.envelope import Code

LOADED: Final = (paging.text, paging.moment, paging.text)
CODE: Final = (paging.text,)

router: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)])


class ListAge(BaseModel):
    """That a list is older than allowed."""

    days_max: int
    shards: list[int]


class ListVersionShown(BaseModel):
    """A stored version of a watch list."""

    list_code: str
    version: str
    sha256: str
    loaded_at: datetime
    parts: int
    parts_loaded: int
    complete: bool
    entries: int
    names: int
    active_shards: list[int]
    checked_at: datetime | None = None
    """When all shards that screen against it had last been told that it is what the publisher gives out."""
    outdated: ListAge | None = None
    """Absent where it is not older than allowed."""


class ListRefusalShown(BaseModel):
    """The last refused file of a list of which no version was activated or confirmed since."""

    list_code: str
    file: str
    line: int
    why: str
    stays: str | None = None
    refused_at: datetime


@router.get(
    "/lists",
    openapi_extra=READ,
    response_model=Page[ListVersionShown],
    response_model_exclude_none=True,
)
async def list_list_versions(
    officer: Asking,
    way: Way,
    code: Code | None = None,
    active: bool = False,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """List stored versions by list and age; with `active` only those that a shard screens against."""
    del officer

    async def load(after: tuple[Any, ...] | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            found = await lists_show(connection)
            old = {(each["list_code"], each["version"]): each for each in await lists_outdated(connection)}
        rows = [{**each, "outdated": old.get((each["list_code"], each["version"]))} for each in found]
        chosen = [
            each
            for each in rows
            if code in (None, each["list_code"]) and (each["active_shards"] or not active)
        ]
        return rows_after(chosen, _loaded, after, most)

    return await page(cursor, limit, load, _loaded, LOADED)


@router.get(
    "/list-refusals",
    openapi_extra=READ,
    response_model=Page[ListRefusalShown],
    response_model_exclude_none=True,
)
async def list_list_refusals(officer: Asking, way: Way, cursor: Cursor = None, limit: Limit = 100) -> Any:
    """List the last refused file of each list of which no version was activated or confirmed since."""
    del officer

    async def load(after: tuple[Any, ...] | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            return rows_after(await lists_refused(connection), _code, after, most)

    return await page(cursor, limit, load, _code, CODE)


def _loaded(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["list_code"], row["loaded_at"], row["version"]


def _code(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["list_code"],)
