"""What is kept, of which class and until when; what is past its day, and what is still worked on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.retention import CLASSES, KINDS, Terms, terms_on
from services.compliance.queries.parameters import standing_rows
from services.compliance.queries.places import NOWHERE, Place

_COUNT = """
SELECT d.kind, d.record_class, count(*) AS records,
       count(*) FILTER (WHERE d.due <= $1 AND NOT d.is_held AND NOT d.is_removed) AS due,
       count(*) FILTER (WHERE d.is_removed) AS removed,
       count(*) FILTER (WHERE d.is_held) AS held,
       count(*) FILTER (WHERE d.since IS NULL) AS worked_on,
       count(*) FILTER (WHERE d.since IS NOT NULL AND d.due IS NULL) AS related,
       min(d.due) FILTER (WHERE NOT d.is_held AND NOT d.is_removed) AS first_due
FROM (
    SELECT k.kind, k.record_class, k.since,
           compliance.due_on(k.since, t.years, k.owner, k.ended, $4::int) AS due,
           EXISTS (SELECT FROM compliance.legally_held AS h
                   WHERE h.shard = k.shard AND h.owner = k.owner) AS is_held,
           EXISTS (SELECT FROM compliance.removed_record AS x
                   WHERE x.shard = k.shard AND x.kind = k.kind AND x.removed_seq = k.seq) AS is_removed
    FROM compliance.kept_record AS k
    LEFT JOIN unnest($2::text[], $3::int[]) AS t (record_class, years) ON t.record_class = k.record_class
) AS d
GROUP BY d.kind, d.record_class
"""

_LEGAL_HOLDS = """
SELECT p.shard, p.seq, p.legal_hold_id::text AS legal_hold_id, p.owner,
       CASE WHEN l.what IS NULL THEN 'placed' ELSE 'lifted' END AS status, p.recorded_at AS placed_at,
       p.placed_by, p.reason, l.recorded_at AS lifted_at, l.actor AS lifted_by, l.reason AS lift_reason
FROM compliance.legal_hold_fact AS p
LEFT JOIN compliance.legal_hold_fact AS l
    ON l.shard = p.shard AND l.legal_hold_id = p.legal_hold_id AND l.what = 'lifted'
WHERE p.what = 'placed'
    AND ($1::text IS NULL OR $1 = CASE WHEN l.what IS NULL THEN 'placed' ELSE 'lifted' END)
    AND ($2::text IS NULL OR p.owner = $2) AND ($3::uuid IS NULL OR p.legal_hold_id = $3)
    AND ($4::timestamptz IS NULL OR (p.recorded_at, p.shard, p.seq) > ($4, $5::int, $6::bigint))
ORDER BY p.recorded_at, p.shard, p.seq
LIMIT $7
"""

_REMOVALS = """
SELECT p.removal_id::text AS removal_id, min(p.recorded_at) AS proposed_at, p.proposed_by, p.through,
       p.customer, min(p.reason) AS reason, min(a.actor) AS approved_by, min(a.reason) AS approval_reason,
       CASE WHEN count(a.act_id) = 0 THEN 'proposed' WHEN count(a.act_id) < count(*) THEN 'mixed'
            WHEN bool_and(coalesce(g.is_finished, false)) THEN 'finished' ELSE 'approved' END AS status,
       array_agg(p.shard ORDER BY p.shard) AS shards, coalesce(sum(g.records), 0)::bigint AS records
FROM compliance.removal_fact AS p
LEFT JOIN compliance.removal_fact AS a
    ON a.shard = p.shard AND a.removal_id = p.removal_id AND a.what = 'approved'
LEFT JOIN compliance.removal_progress AS g ON g.shard = p.shard AND g.removal_id = p.removal_id
WHERE p.what = 'proposed' AND ($1::uuid IS NULL OR p.removal_id = $1)
GROUP BY p.removal_id, p.proposed_by, p.through, p.customer
ORDER BY 2, 1
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept, as of a day."""

    as_of: date
    terms: Terms | None
    """In force on that day; None where there are none, so that nothing is ever due."""
    groups: Sequence[dict[str, Any]]
    """By kind and class: how many `records`; how many are `due`, that is past their day and whole; how many
    have lost their words, `removed`; how many are `held` by a legal hold, and so never due; how many are
    still `worked_on`, or count, as a rating does that holds; how many are kept as the customer is one
    (`related`); and the earliest day of what is neither held nor removed, `first_due`."""


async def retention(connection: Any, as_of: date) -> Kept:
    """Return what is kept, by kind and class, and what of it is past its day."""
    terms = terms_on(ParameterBook(await standing_rows(connection)), as_of)
    years = [terms.years[each] if terms is not None else None for each in CLASSES]
    from_end = terms.years_from_end if terms is not None else None
    rows = await connection.fetch(_COUNT, as_of, list(CLASSES), years, from_end)
    order = {name: place for place, name in enumerate((*KINDS, *CLASSES))}
    groups = sorted(map(dict, rows), key=lambda row: (order[row["kind"]], order[row["record_class"]]))
    return Kept(as_of, terms, groups)


async def legal_holds_list(
    connection: Any,
    status: str | None = None,
    owner: str | None = None,
    legal_hold_id: UUID | None = None,
    *,
    limit: int | None = None,
    after: Place | None = None,
) -> list[dict[str, Any]]:
    """Return legal holds, oldest first, of one status, owner or id if given."""
    wanted = (status, owner, legal_hold_id, *(after or NOWHERE), limit)
    return [dict(row) for row in await connection.fetch(_LEGAL_HOLDS, *wanted)]


async def removals_list(connection: Any, removal_id: UUID | None = None) -> list[dict[str, Any]]:
    """Return removals over all shards, oldest first; `records` is how many have lost their words so far.

    `status` is `mixed` where not every shard that it was proposed in has it approved.
    """
    return [dict(row) for row in await connection.fetch(_REMOVALS, removal_id)]
