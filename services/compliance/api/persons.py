"""Who has which role with which customer, asked of either side."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.compliance.api import paging
from services.compliance.api.paging import Cursor, Limit, Page, page, rows_after
from services.compliance.api.problems import Problem
from services.compliance.api.reading import READ, Way
from services.compliance.api.rights import Asking, authorise
from services.compliance.queries.persons import roles_of_owner, roles_of_person
from shared.messages.envelope import Code
from shared.messages.partitioner import shard_of

ROLE: Final = (paging.text, paging.text, paging.text, paging.number, paging.small)

router: Final = APIRouter(prefix="/v1", dependencies=[Depends(authorise)])


class PersonRoleShown(BaseModel):
    """What a person is to a customer, by the last that was told of it."""

    owner: str
    person: str | None = None
    """An opaque code, the same with every customer; absent where an opening named somebody without one."""
    role: str
    since: date | None = None
    """The first business day on which it counts; absent where that is the customer's first."""
    until: date | None = None
    """The first on which it no longer counts."""
    recorded_at: datetime
    shard: int
    seq: int
    """The ledger's event that told it."""
    place: int
    """Who in it: 0 is the customer, the holders follow."""


@router.get(
    "/person-roles",
    openapi_extra=READ,
    response_model=Page[PersonRoleShown],
    response_model_exclude_none=True,
)
async def list_person_roles(
    officer: Asking,
    way: Way,
    owner: Code | None = None,
    person: Code | None = None,
    on: Annotated[date | None, Query(description="Only roles that count on this business day.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """List who has a role with a customer, or with which customers a person has one; ended roles, too.

    Whom an opening named without a code of a person stands first, and is found by the customer only. One of
    `owner` and `person` is needed, both may be given.
    """
    del officer
    if owner is None and person is None:
        raise Problem(
            422, "field_wrong", "query.owner: say of which customer, or of which person in `person`"
        )

    async def load(after: tuple[Any, ...] | None, most: int) -> Sequence[dict[str, Any]]:
        async with way.reading() as connection:
            if owner is None:
                assert person is not None
                found = await roles_of_person(connection, person, on=on)
            else:
                found = await roles_of_owner(connection, shard_of(owner, way.partitions), owner, on=on)
        chosen = [each for each in found if person in (None, each["person"])]
        return rows_after(chosen, _role, after, most)

    return await page(cursor, limit, load, _role, ROLE)


def _role(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["owner"], row["person"] or "", row["role"], row["seq"], row["place"])
