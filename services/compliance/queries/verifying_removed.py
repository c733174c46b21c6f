"""Verifies that words are gone from rows that are put down as removed, and from no other.

What stands in an event, too, is held against that; here are rows whose words stand in tables alone. Of
reasons that people wrote there it is not known what they were: no event has told them.
"""

from collections.abc import Callable
from typing import Any, Final

_AMISS = """
WITH row_of AS (
    SELECT 'rating_proposal' AS kind, p.shard, p.seq, p.reason = '(removed)' AS is_gone, false AS is_marked
    FROM compliance.rating_proposal AS p
    UNION ALL
    SELECT 'whitelisting' AS kind, w.shard, w.seq,
           w.name = '(removed)' AND w.reason = '(removed)' AND w.birth_date IS NULL AND w.country IS NULL
               AND coalesce(w.approval_reason, '(removed)') = '(removed)'
               AND coalesce(w.revocation_reason, '(removed)') = '(removed)' AS is_gone,
           w.name = '(removed)' AS is_marked
    FROM compliance.whitelisting AS w
    UNION ALL
    SELECT 'snooze' AS kind, f.shard, f.seq, f.reason = '(removed)' AS is_gone, false AS is_marked
    FROM compliance.snooze_fact AS f WHERE f.what = 'proposed'
    UNION ALL
    SELECT 'legal_hold' AS kind, p.shard, p.seq,
           p.reason = '(removed)' AND l.reason = '(removed)' AS is_gone, false AS is_marked
    FROM compliance.legal_hold_fact AS p
    LEFT JOIN compliance.legal_hold_fact AS l
        ON l.shard = p.shard AND l.legal_hold_id = p.legal_hold_id AND l.what = 'lifted'
    WHERE p.what = 'placed'
    UNION ALL
    SELECT 'answer' AS kind, a.shard, a.seq, a.reason = '(removed)' AS is_gone, false AS is_marked
    FROM compliance.act_answer AS a WHERE NOT a.done
    UNION ALL
    SELECT 'party' AS kind, p.shard, p.number AS seq,
           p.name = '(removed)' AND p.birth_date IS NULL AND p.country IS NULL AND p.identifier IS NULL
               AND p.digest = 'removed-' || p.number AS is_gone,
           p.name = '(removed)' OR p.digest LIKE 'removed-%' AS is_marked
    FROM compliance.party AS p
    UNION ALL
    SELECT 'shadow_finding' AS kind, f.shard, f.place AS seq,
           f.findings = compliance.all_without_words(f.findings) AS is_gone,
           f.findings @> '[{"sentence": "(removed)"}]' AS is_marked
    FROM compliance.shadow_finding AS f
    UNION ALL
    SELECT 'tier_shadow_finding' AS kind, f.shard, f.place AS seq,
           f.finding = compliance.without_words(f.finding) AS is_gone,
           f.finding ->> 'sentence' = '(removed)' AS is_marked
    FROM compliance.tier_shadow_finding AS f
)
SELECT coalesce(x.kind, r.kind) AS kind, coalesce(x.shard, r.shard) AS shard,
       coalesce(x.removed_seq, r.seq) AS seq, x.kind IS NOT NULL AS is_removed
FROM row_of AS r
FULL JOIN (
    SELECT y.kind, y.shard, y.removed_seq FROM compliance.removed_record AS y
    WHERE y.kind = ANY($1::text[])
) AS x ON x.kind = r.kind AND x.shard = r.shard AND x.removed_seq = r.seq
WHERE CASE WHEN x.kind IS NULL THEN r.is_marked ELSE r.is_gone IS NOT TRUE END
ORDER BY 1, 2, 3
"""

IN_TABLES_ALONE: Final = (
    "rating_proposal",
    "whitelisting",
    "snooze",
    "legal_hold",
    "answer",
    "party",
    "shadow_finding",
    "tier_shadow_finding",
)
"""Kinds whose words no event has."""


async def verify_removed_rows(connection: Any, differs: Callable[[str], None]) -> None:
    """Name each row that has kept words though it is put down as removed, or lost them though it is not."""
    for row in await connection.fetch(_AMISS, list(IN_TABLES_ALONE)):
        where = f"{row['shard']}-{row['seq']}: the {row['kind'].replace('_', ' ')}"
        differs(f"{where} has its words still" if row["is_removed"] else f"{where} lost its words by no act")
