"""Which versions of rules' parameters there are, what became of them, and what those in shadow found."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.compliance.domain.rule import RuleParameter

_ROWS = """
SELECT rule, version, asset, "values", valid_from, valid_until, source, segment, jurisdiction
FROM compliance.rule_parameter
ORDER BY rule, asset, segment, jurisdiction, version
"""

_PROPOSALS = """
WITH step AS (
    SELECT DISTINCT ON (c.shard, c.proposal_id) c.shard, c.proposal_id, c.after
    FROM compliance.rule_change AS c ORDER BY c.shard, c.proposal_id, c.seq DESC
)
SELECT p.proposal_id, p.rule, p.version, p.asset, p.segment, p.jurisdiction, p."values", p.valid_from,
       p.valid_until, p.proposed_by, p.reason, p.recorded_at AS proposed_at,
       coalesce((SELECT jsonb_object_agg(s.shard, s.after) FROM step AS s
                 WHERE s.proposal_id = p.proposal_id), '{}') AS shards,
       (SELECT count(*) FROM compliance.shard) AS shard_count
FROM compliance.rule_proposal AS p
WHERE ($1::text IS NULL OR p.rule = $1) AND ($2::uuid IS NULL OR p.proposal_id = $2)
ORDER BY p.rule, p.version
"""

_HISTORY = """
SELECT p.proposal_id, p.version, c.before, c.after, c.actor, c.reason, min(c.recorded_at) AS recorded_at,
       jsonb_object_agg(c.shard, c.journal_offset) AS journal_offsets
FROM compliance.rule_change AS c JOIN compliance.rule_proposal AS p USING (proposal_id)
WHERE p.rule = $1
GROUP BY p.proposal_id, p.version, c.before, c.after, c.actor, c.reason
ORDER BY recorded_at, p.version
"""

_SHADOWED = """
WITH found AS (
    SELECT shard, proposal_id, owner, rule, business_date, subject, would_hold, about_shard, about_seq
    FROM compliance.shadow_finding
    UNION ALL
    SELECT shard, proposal_id, owner, rule, business_date, '', false, about_shard, about_seq
    FROM compliance.tier_shadow_finding WHERE outcome = 'alert'
)
SELECT f.shard, f.owner, f.business_date, f.subject, bool_or(f.would_hold) AS would_hold,
       count(a.seq) > 0 OR bool_or(EXISTS (
           SELECT FROM compliance.hold AS h, jsonb_array_elements(h.findings) AS finding
           WHERE h.shard = f.shard AND h.owner = f.owner AND finding ->> 'rule' = f.rule
               AND finding -> 'values' ->> 'business_date' = f.business_date::text
       )) AS is_live,
       array_agg(DISTINCT f.about_shard || '-' || f.about_seq) AS events
FROM found AS f
LEFT JOIN compliance.alert AS a ON a.shard = f.shard AND a.owner = f.owner AND a.rule = f.rule
    AND a.business_date = f.business_date
WHERE f.proposal_id = $1 AND ($2::date IS NULL OR f.business_date >= $2)
    AND ($3::date IS NULL OR f.business_date < $3)
    AND ($4::date IS NULL OR (f.business_date, f.owner, f.subject, f.shard)
         > ($4, $5::text, $6::text, $7::int))
GROUP BY f.shard, f.owner, f.business_date, f.subject
ORDER BY f.business_date, f.owner, f.subject, f.shard
LIMIT $8
"""


async def product_rows(connection: Any) -> list[RuleParameter]:
    """Return the versions that come with the product."""
    return [_parameter(row) for row in await connection.fetch(_ROWS)]


async def standing_rows(connection: Any) -> list[RuleParameter]:
    """Return what counts now: what comes with the product, and what is published in any shard."""
    found = await proposals_list(connection)
    live = [parameter_of(each) for each in found if "live" in each["shards"].values()]
    return [*await product_rows(connection), *live]


async def proposals_list(
    connection: Any, rule: str | None = None, proposal_id: UUID | None = None
) -> list[dict[str, Any]]:
    """Return the versions that people have proposed, of one rule or id if given.

    `shards` says what became of each where anything did; `status` is the same in a word: `mixed` where shards
    differ, as they do for a moment while an act reaches them.
    """
    found = [dict(row) for row in await connection.fetch(_PROPOSALS, rule, proposal_id)]
    for each in found:
        each["values"], each["shards"] = json.loads(each["values"]), json.loads(each["shards"])
        each["status"] = _status(each["shards"], each.pop("shard_count"))
    return found


def _status(shards: Mapping[str, str], count: int) -> str:
    """One word for all shards; those that nothing has reached yet differ from the others."""
    found = set(shards.values())
    if shards and len(shards) < count:
        found.add("proposed")
    return next(iter(found), "proposed") if len(found) < 2 else "mixed"


def parameter_of(proposal: Mapping[str, Any]) -> RuleParameter:
    """Return a proposal, as `proposals_list` has it, as the row it would be."""
    return _parameter({**proposal, "source": proposal["reason"]})


def _parameter(row: Mapping[str, Any]) -> RuleParameter:
    values = row["values"]
    return RuleParameter(
        rule=row["rule"],
        version=row["version"],
        asset=row["asset"],
        values=json.loads(values) if isinstance(values, str) else values,
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        source=row["source"],
        segment=row["segment"],
        jurisdiction=row["jurisdiction"],
    )


async def steps_list(connection: Any, rule: str) -> list[dict[str, Any]]:
    """Return who has proposed, published and withdrawn which version of a rule, oldest first.

    `journal_offsets` names the record of each shard from which on it is so.
    """
    steps = [
        {
            "at": each["proposed_at"],
            "version": each["version"],
            "step": "proposed",
            "actor": each["proposed_by"],
            "reason": each["reason"],
            "proposal_id": each["proposal_id"],
            "journal_offsets": {},
        }
        for each in await proposals_list(connection, rule)
    ]
    for row in await connection.fetch(_HISTORY, rule):
        names = ("version", "actor", "reason", "proposal_id")
        step = {"at": row["recorded_at"], "step": row["after"], **{name: row[name] for name in names}}
        steps.append({**step, "journal_offsets": json.loads(row["journal_offsets"])})
    return sorted(steps, key=lambda each: (each["at"], each["version"]))


async def shadow_findings(
    connection: Any,
    proposal_id: UUID,
    since: date | None = None,
    until: date | None = None,
    *,
    limit: int | None = None,
    after: tuple[date, str, str, int] | None = None,
) -> list[dict[str, Any]]:
    """Return what a version found in shadow, by owner and day, and whether the live rule told of it, too.

    `since` and `until` are business days, half-open; one that is None is open. `after` is the day, owner,
    subject and shard of the last row of the page before.
    """
    wanted = (proposal_id, since, until, *(after or (None, None, None, None)), limit)
    return [dict(row) for row in await connection.fetch(_SHADOWED, *wanted)]


def shadow_report(proposal_id: UUID, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sums of what a version found in shadow, as `shadow_findings` has it."""
    return {
        "proposal_id": proposal_id,
        "findings": len(found),
        "parties": len({each["owner"] for each in found}),
        "would_hold": sum(each["would_hold"] for each in found),
        "live_too": sum(each["is_live"] for each in found),
    }
