"""Who has which role with which customer, now or earlier, as events have told it."""

from datetime import date, datetime
from typing import Any

_OF_OWNER = """
SELECT DISTINCT ON (p.person, p.role)
       p.owner, p.person, p.role, p.since, p.until, p.recorded_at, p.shard, p.seq, p.place
FROM compliance.person_role AS p
WHERE p.shard = $1 AND p.owner = $2 AND ($3::timestamptz IS NULL OR p.recorded_at <= $3)
ORDER BY p.person, p.role, p.number DESC
"""

_UNCODED = """
SELECT u.owner, NULL::text AS person, u.role, u.since, u.until, u.recorded_at, u.shard, u.seq, u.place
FROM compliance.uncoded_role AS u
WHERE u.shard = $1 AND u.owner = $2 AND ($3::timestamptz IS NULL OR u.recorded_at <= $3)
ORDER BY u.seq, u.place
"""

_OF_PERSON = """
SELECT DISTINCT ON (p.owner, p.role)
       p.owner, p.person, p.role, p.since, p.until, p.recorded_at, p.shard, p.seq, p.place
FROM compliance.person_role AS p
WHERE p.person = $1 AND ($2::timestamptz IS NULL OR p.recorded_at <= $2)
ORDER BY p.owner, p.role, p.number DESC
"""


async def roles_of_owner(
    connection: Any, shard: int, owner: str, at: datetime | None = None, on: date | None = None
) -> list[dict[str, Any]]:
    """Return who has a role with a customer, the last word on each; see `roles_of_person`.

    At the end those whom an opening named without a code, whose `person` is None: `place` tells which.
    """
    coded = await connection.fetch(_OF_OWNER, shard, owner, at)
    return _on([*coded, *await connection.fetch(_UNCODED, shard, owner, at)], on)


async def roles_of_person(
    connection: Any, person: str, at: datetime | None = None, on: date | None = None
) -> list[dict[str, Any]]:
    """Return with which customers a person has a role, the last word on each.

    As compliance had recorded it by the instant `at`, and of those the ones that count on the business day
    `on`; all of them, ended ones too, where there is none. `shard` and `seq` are the ledger's event.
    """
    return _on(await connection.fetch(_OF_PERSON, person, at), on)


def _on(rows: list[Any], day: date | None) -> list[dict[str, Any]]:
    return [
        dict(row)
        for row in rows
        if day is None
        or ((row["since"] is None or row["since"] <= day) and (row["until"] is None or day < row["until"]))
    ]
