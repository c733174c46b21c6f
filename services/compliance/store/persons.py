"""The tables of rules about a person: roles, runs, what they found, and what of it is raised."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.compliance.domain.cash import CashEvent
from services.compliance.domain.persons import Handed, Key, PersonRole
from services.compliance.domain.records import PersonFindingRow, PersonRoleRow, PersonRunRow, UncodedRoleRow
from shared.messages.compliance import Finding

_SAVE_ROLES = """
INSERT INTO person_role (shard, seq, place, recorded_at, owner, person, role, since, until)
SELECT r.shard, r.seq, r.place, r.recorded_at, r.owner, r.person, r.role, r.since, r.until
FROM unnest(
    $1::int[], $2::bigint[], $3::int[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::date[],
    $9::date[]
) WITH ORDINALITY AS r (shard, seq, place, recorded_at, owner, person, role, since, until, number)
ORDER BY r.number
"""

_SAVE_UNCODED = """
INSERT INTO uncoded_role (shard, seq, place, recorded_at, owner, role, since, until)
SELECT * FROM unnest(
    $1::int[], $2::bigint[], $3::int[], $4::timestamptz[], $5::text[], $6::text[], $7::date[], $8::date[]
)
"""

_LAST_RUN = """
SELECT number, cash_through, cash, roles_through, roles FROM person_run ORDER BY number DESC LIMIT 1
"""

_NEXT = """
SELECT coalesce(c.through, r.cash) AS cash_through, c.count AS cash,
       coalesce(p.through, r.roles) AS roles_through, p.count AS roles
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS r (cash, roles, place)
CROSS JOIN LATERAL (
    SELECT max(n.number) AS through, count(*) AS count
    FROM (
        SELECT number FROM cash_event WHERE shard = r.place - 1 AND number > r.cash
        ORDER BY number LIMIT $3
    ) AS n
) AS c
CROSS JOIN LATERAL (
    SELECT max(n.number) AS through, count(*) AS count
    FROM (
        SELECT number FROM person_role WHERE shard = r.place - 1 AND number > r.roles
        ORDER BY number LIMIT $3
    ) AS n
) AS p
ORDER BY r.place
"""

_TOUCHED = """
WITH reach AS (
    SELECT r.place - 1 AS shard, r.cash_before, r.cash, r.roles_before, r.roles
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) WITH ORDINALITY
        AS r (cash_before, cash, roles_before, roles, place)
),
fresh AS (
    SELECT c.shard, c.owner, c.booking_date, c.conductor
    FROM reach AS r
    JOIN cash_event AS c ON c.shard = r.shard AND c.number > r.cash_before AND c.number <= r.cash
)
SELECT t.person, bool_or(t.booking_date IS NULL) AS has_other_roles, min(t.booking_date) AS first,
       max(t.booking_date) AS last
FROM (
    SELECT p.person, f.booking_date
    FROM fresh AS f
    JOIN reach AS r ON r.shard = f.shard
    JOIN person_role AS p ON p.shard = f.shard AND p.owner = f.owner AND p.number <= r.roles
    UNION ALL
    SELECT f.conductor, f.booking_date FROM fresh AS f WHERE f.conductor IS NOT NULL
    UNION ALL
    SELECT p.person, NULL
    FROM reach AS r
    JOIN person_role AS p ON p.shard = r.shard AND p.number > r.roles_before AND p.number <= r.roles
) AS t
GROUP BY t.person
ORDER BY t.person
"""

_ROLES = """
SELECT DISTINCT ON (p.shard, p.owner, p.person, p.role)
       p.shard, p.number, p.owner, p.person, p.role, p.since, p.until
FROM person_role AS p
WHERE p.person = ANY($1::text[]) AND p.number <= ($2::bigint[])[p.shard + 1]
ORDER BY p.shard, p.owner, p.person, p.role, p.number DESC
"""

_CONDUCTED = """
SELECT DISTINCT c.conductor
FROM cash_event AS c
WHERE c.conductor = ANY($1::text[]) AND c.number <= ($2::bigint[])[c.shard + 1]
"""

_CASH = """
SELECT w.person, c.shard, c.number, c.scale, c.owner, c.asset, c.direction, c.phase, c.amount, c.occurred_at,
       c.booking_date, c.source_shard, c.seq, c.leg, c.conductor
FROM unnest($1::text[], $2::int[], $3::text[], $4::date[], $5::date[])
    AS w (person, shard, owner, first, last)
JOIN cash_event AS c ON c.shard = w.shard AND c.owner = w.owner
    AND c.booking_date BETWEEN w.first AND w.last AND c.number <= ($9::bigint[])[c.shard + 1]
UNION
SELECT w.person, c.shard, c.number, c.scale, c.owner, c.asset, c.direction, c.phase, c.amount, c.occurred_at,
       c.booking_date, c.source_shard, c.seq, c.leg, c.conductor
FROM unnest($6::text[], $7::date[], $8::date[]) AS w (person, first, last)
JOIN cash_event AS c ON c.conductor = w.person
    AND c.booking_date BETWEEN w.first AND w.last AND c.number <= ($9::bigint[])[c.shard + 1]
"""

_TOLD = """
SELECT person, rule, asset, direction, business_date FROM person_finding WHERE person = ANY($1::text[])
"""

_SAVE_RUN = """
INSERT INTO person_run
    (number, recorded_at, house_seq, cash_through, cash, roles_through, roles, persons, alerts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

_SAVE_FINDINGS = """
INSERT INTO person_finding
    (run, number, rule, person, asset, direction, business_date, shard, owner, finding, about_shard,
     about_seq)
SELECT f.run, f.number, f.rule, f.person, f.asset, f.direction, f.business_date, f.shard, f.owner, f.finding,
       f.about_shard, f.about_seq
FROM unnest(
    $1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::date[], $8::int[],
    $9::text[], $10::jsonb[], $11::int[], $12::bigint[]
) AS f (
    run, number, rule, person, asset, direction, business_date, shard, owner, finding, about_shard,
    about_seq
)
"""

_WAITING = """
SELECT run, number, shard, owner, person, rule, asset, direction, business_date, finding, about_shard,
       about_seq
FROM person_finding
WHERE shard = ANY($1::int[]) AND raised_seq IS NULL
ORDER BY run, number
LIMIT $2
"""

_MARK_RAISED = """
UPDATE person_finding AS f
SET raised_seq = raised.seq
FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS raised (run, number, seq)
WHERE f.run = raised.run AND f.number = raised.number
"""


@dataclass(frozen=True, slots=True)
class Touched:
    """A person whose matter something new is, and the business days of it."""

    person: str
    has_other_roles: bool
    """Whether a role of theirs is new, so that any day's cash may be."""
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class RoleAt:
    """A role as it counts up to a run, with where it stands."""

    shard: int
    number: int
    told: PersonRole


@dataclass(frozen=True, slots=True)
class WaitingFinding:
    """What was found of a person and is not raised yet."""

    run: int
    number: int
    shard: int
    owner: str
    key: Key
    finding: Finding
    about_shard: int
    about_seq: int


async def save_roles(connection: Any, rows: Sequence[PersonRoleRow]) -> None:
    """Append roles, in their order."""
    if not rows:
        return
    await connection.execute(
        _SAVE_ROLES,
        [row.shard for row in rows],
        [row.seq for row in rows],
        [row.told.place for row in rows],
        [row.recorded_at for row in rows],
        [row.told.owner for row in rows],
        [row.told.person for row in rows],
        [row.told.role for row in rows],
        [row.told.since for row in rows],
        [row.told.until for row in rows],
    )


async def save_uncoded(connection: Any, rows: Sequence[UncodedRoleRow]) -> None:
    """Put roles of people without a code on record."""
    if rows:
        await connection.execute(
            _SAVE_UNCODED,
            [row.shard for row in rows],
            [row.seq for row in rows],
            [row.told.place for row in rows],
            [row.recorded_at for row in rows],
            [row.told.owner for row in rows],
            [row.told.role for row in rows],
            [row.told.since for row in rows],
            [row.told.until for row in rows],
        )


async def load_last_run(connection: Any, partitions: int) -> PersonRunRow:
    """Return the last run; one that has seen nothing where there was none."""
    row = await connection.fetchrow(_LAST_RUN)
    if row is None:
        nothing = (0,) * partitions
        return PersonRunRow(0, nothing, nothing, nothing, nothing)
    number, cash_through, cash, roles_through, roles = row
    return PersonRunRow(number, tuple(cash_through), tuple(cash), tuple(roles_through), tuple(roles))


async def next_run(connection: Any, before: PersonRunRow, most: int) -> PersonRunRow:
    """Say how far the next run sees: at most so much further of each shard; the same if nothing has come."""
    rows = await connection.fetch(_NEXT, before.cash_through, before.roles_through, most)
    return PersonRunRow(
        number=before.number + 1,
        cash_through=tuple(row["cash_through"] for row in rows),
        cash=tuple(count + row["cash"] for count, row in zip(before.cash, rows, strict=True)),
        roles_through=tuple(row["roles_through"] for row in rows),
        roles=tuple(count + row["roles"] for count, row in zip(before.roles, rows, strict=True)),
    )


async def touched(connection: Any, before: PersonRunRow, run: PersonRunRow) -> list[Touched]:
    """Return whose matter something is that came between two runs."""
    rows = await connection.fetch(
        _TOUCHED, before.cash_through, run.cash_through, before.roles_through, run.roles_through
    )
    return [
        Touched(row["person"], row["has_other_roles"], row["first"] or date.max, row["last"] or date.min)
        for row in rows
    ]


async def roles_of(connection: Any, persons: Collection[str], run: PersonRunRow) -> list[RoleAt]:
    """Return every role of persons as it counts up to a run, whether it adds up or not."""
    rows = await connection.fetch(_ROLES, persons, run.roles_through)
    return [RoleAt(shard, number, PersonRole(*told)) for shard, number, *told in rows]


async def who_conducted(connection: Any, persons: Collection[str], run: PersonRunRow) -> set[str]:
    """Return those of the persons who ever brought or took cash, up to a run."""
    return {row["conductor"] for row in await connection.fetch(_CONDUCTED, persons, run.cash_through)}


async def cash_of(
    connection: Any,
    customers: Collection[tuple[str, int, str]],
    conductors: Collection[str],
    days: Mapping[str, tuple[date, date]],
    before: PersonRunRow,
    run: PersonRunRow,
) -> dict[str, list[Handed]]:
    """Return cash up to a run by person: of their customers (person, home, owner), and what they brought.

    Only of the business days given for each person, both ends among them.
    """
    found: dict[str, list[Handed]] = {}
    rows = await connection.fetch(
        _CASH,
        [person for person, _, _ in customers],
        [shard for _, shard, _ in customers],
        [owner for _, _, owner in customers],
        [days[person][0] for person, _, _ in customers],
        [days[person][1] for person, _, _ in customers],
        list(conductors),
        [days[person][0] for person in conductors],
        [days[person][1] for person in conductors],
        run.cash_through,
    )
    for person, shard, number, scale, *rest in rows:
        is_fresh = number > before.cash_through[shard]
        found.setdefault(person, []).append(Handed(CashEvent(*rest), scale, is_fresh))
    return found


async def load_told(connection: Any, persons: Collection[str]) -> set[Key]:
    """Return what was told of persons."""
    return {tuple(row) for row in await connection.fetch(_TOLD, persons)}


async def save_run(connection: Any, row: PersonRunRow) -> None:
    """Append a run."""
    await connection.execute(
        _SAVE_RUN,
        row.number,
        row.recorded_at,
        row.house_seq,
        row.cash_through,
        row.cash,
        row.roles_through,
        row.roles,
        row.persons,
        row.alerts,
    )


async def save_findings(connection: Any, rows: Sequence[PersonFindingRow]) -> None:
    """Append what a run has found."""
    if not rows:
        return
    keys = [row.found.key for row in rows]
    await connection.execute(
        _SAVE_FINDINGS,
        [row.run for row in rows],
        [row.number for row in rows],
        [rule for _, rule, _, _, _ in keys],
        [person for person, _, _, _, _ in keys],
        [asset for _, _, asset, _, _ in keys],
        [direction for _, _, _, direction, _ in keys],
        [day for _, _, _, _, day in keys],
        [row.shard for row in rows],
        [row.found.event.owner for row in rows],
        [row.found.finding.model_dump_json() for row in rows],
        [row.found.event.source_shard for row in rows],
        [row.found.event.seq for row in rows],
    )


async def waiting_findings(connection: Any, shards: Sequence[int], limit: int) -> list[WaitingFinding]:
    """Return what these shards are to raise and have not, in the order of the runs."""
    return [
        WaitingFinding(
            run,
            number,
            shard,
            owner,
            tuple(key),
            Finding.model_validate_json(finding),
            about_shard,
            about_seq,
        )
        for run, number, shard, owner, *key, finding, about_shard, about_seq in await connection.fetch(
            _WAITING, list(shards), limit
        )
    ]


async def mark_raised(connection: Any, marks: Sequence[tuple[int, int, int]]) -> None:
    """Remember the event that raised a finding, by (run, number, seq)."""
    if marks:
        await connection.execute(_MARK_RAISED, *(list(column) for column in zip(*marks, strict=True)))
