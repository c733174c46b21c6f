"""What is kept, of which class and until when; what is past its day, and what is still worked on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.retention import CLASSES, KINDS, Terms, terms_on
from services.compliance.queries.parameters import standing_rows

_COUNT = """
SELECT d.kind, d.record_class, count(*) AS records, count(*) FILTER (WHERE d.due <= $1) AS due,
       count(*) FILTER (WHERE d.since IS NULL) AS worked_on,
       count(*) FILTER (WHERE d.since IS NOT NULL AND d.due IS NULL) AS related, min(d.due) AS first_due
FROM (
    SELECT k.kind, k.record_class, k.since,
           compliance.due_on(k.since, t.years, k.owner, r.ended, $4::int) AS due
    FROM compliance.kept_record AS k
    LEFT JOIN unnest($2::text[], $3::int[]) AS t (record_class, years) ON t.record_class = k.record_class
    LEFT JOIN compliance.relationship AS r ON r.shard = k.shard AND r.owner = k.owner
) AS d
GROUP BY d.kind, d.record_class
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept, as of a day."""

    as_of: date
    terms: Terms | None
    """In force on that day; None where there are none, so that nothing is ever due."""
    groups: Sequence[dict[str, Any]]
    """By kind and class: how many `records`; how many are `due`, that is past their day; how many are still
    `worked_on`; how many are kept as the customer is one (`related`); and the earliest day, `first_due`."""


async def retention(connection: Any, as_of: date) -> Kept:
    """Return what is kept, by kind and class, and what of it is past its day."""
    terms = terms_on(ParameterBook(await standing_rows(connection)), as_of)
    years = [terms.years[each] if terms is not None else None for each in CLASSES]
    from_end = terms.years_from_end if terms is not None else None
    rows = await connection.fetch(_COUNT, as_of, list(CLASSES), years, from_end)
    order = {name: place for place, name in enumerate((*KINDS, *CLASSES))}
    groups = sorted(map(dict, rows), key=lambda row: (order[row["kind"]], order[row["record_class"]]))
    return Kept(as_of, terms, groups)
