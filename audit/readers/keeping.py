"""Reads rows of compliance whose words stand in tables alone, with what is left of those words."""

from typing import Any, Final

from audit.screening_rows import KeptRow

_ROWS: Final = """
SELECT 'rating_proposal' AS kind, shard, seq, owner, ARRAY[reason] AS words, NULL::date AS recorded_on,
       NULL::bigint AS told_seq, NULL::text AS proposal_id, NULL::text AS rule
FROM compliance.rating_proposal
UNION ALL
SELECT 'whitelisting', shard, seq, owner,
       array_remove(ARRAY[name, birth_date, country, reason, approval_reason, revocation_reason], NULL),
       NULL, NULL, NULL, NULL
FROM compliance.whitelisting
UNION ALL
SELECT 'snooze', shard, seq, owner, ARRAY[reason], NULL, NULL, NULL, NULL
FROM compliance.snooze_fact WHERE what = 'proposed'
UNION ALL
SELECT 'legal_hold', p.shard, p.seq, p.owner,
       ARRAY(SELECT f.reason FROM compliance.legal_hold_fact AS f
             WHERE f.shard = p.shard AND f.legal_hold_id = p.legal_hold_id), NULL, NULL, NULL, NULL
FROM compliance.legal_hold_fact AS p WHERE p.what = 'placed'
UNION ALL
SELECT 'answer', a.shard, a.seq, convert_from(o.key, 'UTF8'), ARRAY[a.reason], NULL, NULL, NULL, NULL
FROM compliance.act_answer AS a JOIN compliance.outbox AS o ON o.shard = a.shard AND o.seq = a.seq
WHERE NOT a.done
UNION ALL
SELECT 'party', shard, number, owner, array_remove(ARRAY[name, birth_date, country, identifier], NULL),
       (recorded_at AT TIME ZONE 'UTC')::date, seq, NULL, NULL
FROM compliance.party
UNION ALL
SELECT 'shadow_finding', f.shard, f.place, f.owner,
       ARRAY(SELECT word FROM jsonb_array_elements(f.findings) AS each,
                 unnest(ARRAY[each ->> 'sentence', nullif(each ->> 'values', '{}')]) AS word
             WHERE word IS NOT NULL),
       (f.recorded_at AT TIME ZONE 'UTC')::date, NULL, f.proposal_id::text, f.rule
FROM compliance.shadow_finding AS f
UNION ALL
SELECT 'tier_shadow_finding', f.shard, f.place, f.owner,
       array_remove(ARRAY[f.finding ->> 'sentence', nullif(f.finding ->> 'values', '{}')], NULL),
       NULL, NULL, f.proposal_id::text, f.rule
FROM compliance.tier_shadow_finding AS f
"""


async def read_kept_rows(connection: Any) -> list[KeptRow] | None:
    """Rows of those kinds; None when compliance's schema is not there."""
    if await connection.fetchval("SELECT to_regclass('compliance.removed_record')") is None:
        return None
    return [KeptRow(**row) for row in await connection.fetch(_ROWS)]
