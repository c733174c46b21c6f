"""Versions of parameters that people propose, what became of them in each shard, and what shadows found."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.compliance.domain.rule import RuleParameter
from services.compliance.domain.rule_changes import Proposal, RuleChange, ShadowFinding
from shared.messages.acts import PublishParameters, WithdrawParameters
from shared.messages.acts.base import ActBase
from shared.messages.envelope import canonical_json

_PROPOSALS = """
SELECT proposal_id, rule, version, asset, segment, jurisdiction, "values", valid_from, valid_until,
       proposed_by, reason
FROM rule_proposal WHERE proposal_id = ANY($1)
"""

_VERSIONS = "SELECT rule, max(version) AS version FROM rule_proposal WHERE rule = ANY($1) GROUP BY rule"

_SAVE_PROPOSALS = """
INSERT INTO rule_proposal (proposal_id, shard, seq, recorded_at, rule, version, asset, segment, jurisdiction,
                           "values", valid_from, valid_until, proposed_by, reason)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::timestamptz[], $5::text[], $6::int[],
                     $7::text[], $8::text[], $9::text[], $10::jsonb[], $11::date[], $12::date[], $13::text[],
                     $14::text[])
"""

_CHANGES = """
SELECT c.shard, c.before, c.after, c.journal_offset, p.proposal_id, p.rule, p.version, p.asset, p.segment,
       p.jurisdiction, p."values", p.valid_from, p.valid_until, p.proposed_by, p.reason
FROM rule_change AS c JOIN rule_proposal AS p USING (proposal_id)
WHERE c.shard = $1
ORDER BY c.seq
"""

_SAVE_CHANGES = """
INSERT INTO rule_change (shard, seq, recorded_at, proposal_id, before, after, journal_offset, act_id, actor,
                         reason, proposed_by)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[],
                     $7::bigint[], $8::uuid[], $9::text[], $10::text[], $11::text[])
"""

_POSITIONS = "SELECT partition, next_offset FROM position WHERE topic = $1 AND partition = ANY($2)"

_SAVE_FINDINGS = """
INSERT INTO shadow_finding (shard, proposal_id, owner, rule, business_date, subject, would_hold, findings,
                            about_shard, about_seq, recorded_at)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::text[], $7::boolean[],
                     $8::jsonb[], $9::int[], $10::bigint[], $11::timestamptz[])
ON CONFLICT DO NOTHING
"""


def _proposal(row: Mapping[str, Any]) -> Proposal:
    parameter = RuleParameter(
        rule=row["rule"],
        version=row["version"],
        asset=row["asset"],
        values=json.loads(row["values"]),
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        source=row["reason"],
        segment=row["segment"],
        jurisdiction=row["jurisdiction"],
    )
    return Proposal(row["proposal_id"], parameter, row["proposed_by"])


async def load_proposals(connection: Any, wanted: Collection[UUID]) -> dict[UUID, Proposal]:
    """Return proposals by id."""
    rows = await connection.fetch(_PROPOSALS, list(wanted))
    return {row["proposal_id"]: _proposal(row) for row in rows}


async def last_versions(connection: Any, rules: Collection[str]) -> dict[str, int]:
    """Return the highest version proposed of each rule that has any."""
    rows = await connection.fetch(_VERSIONS, list(rules))
    return {row["rule"]: row["version"] for row in rows}


async def save_proposals(connection: Any, rows: Sequence[tuple[Proposal, int, int, datetime]]) -> None:
    """Append proposals, each with shard, number and time of the event that answered it."""
    if not rows:
        return
    await connection.execute(
        _SAVE_PROPOSALS,
        [each.proposal_id for each, _, _, _ in rows],
        [shard for _, shard, _, _ in rows],
        [seq for _, _, seq, _ in rows],
        [recorded_at for _, _, _, recorded_at in rows],
        [each.row.rule for each, _, _, _ in rows],
        [each.row.version for each, _, _, _ in rows],
        [each.row.asset for each, _, _, _ in rows],
        [each.row.segment for each, _, _, _ in rows],
        [each.row.jurisdiction for each, _, _, _ in rows],
        [canonical_json(dict(each.row.values)).decode() for each, _, _, _ in rows],
        [each.row.valid_from for each, _, _, _ in rows],
        [each.row.valid_until for each, _, _, _ in rows],
        [each.proposed_by for each, _, _, _ in rows],
        [each.row.source for each, _, _, _ in rows],
    )


async def load_changes(connection: Any, shard: int) -> list[RuleChange]:
    """Return a shard's changes, in their order."""
    rows = await connection.fetch(_CHANGES, shard)
    proposals: dict[UUID, Proposal] = {}
    return [
        RuleChange(
            row["shard"],
            proposals.setdefault(row["proposal_id"], _proposal(row)),
            row["before"],
            row["after"],
            row["journal_offset"],
        )
        for row in rows
    ]


async def save_changes(
    connection: Any, rows: Sequence[tuple[RuleChange, PublishParameters | WithdrawParameters, int, datetime]]
) -> None:
    """Append changes, each with the act that asked for it, and number and time of its event."""
    if not rows:
        return
    acts: list[ActBase] = [act for _, act, _, _ in rows]
    await connection.execute(
        _SAVE_CHANGES,
        [change.shard for change, _, _, _ in rows],
        [seq for _, _, seq, _ in rows],
        [recorded_at for _, _, _, recorded_at in rows],
        [change.proposal.proposal_id for change, _, _, _ in rows],
        [change.before for change, _, _, _ in rows],
        [change.after for change, _, _, _ in rows],
        [change.journal_offset for change, _, _, _ in rows],
        [act.act_id for act in acts],
        [act.actor for act in acts],
        [act.reason for act in acts],
        [change.proposal.proposed_by for change, _, _, _ in rows],
    )


async def next_offsets(connection: Any, topic: str, shards: Collection[int]) -> dict[int, int]:
    """Return where each shard reads on in a topic; a shard that has not read yet is left out."""
    rows = await connection.fetch(_POSITIONS, topic, list(shards))
    return {row["partition"]: row["next_offset"] for row in rows}


async def save_shadow_findings(connection: Any, rows: Sequence[ShadowFinding]) -> None:
    """Keep what shadows found, unless the same is kept of that owner and day."""
    if not rows:
        return
    await connection.execute(
        _SAVE_FINDINGS,
        [row.shard for row in rows],
        [row.proposal_id for row in rows],
        [row.owner for row in rows],
        [row.rule for row in rows],
        [row.business_date for row in rows],
        [row.subject for row in rows],
        [row.would_hold for row in rows],
        [json.dumps([each.model_dump(mode="json") for each in row.findings]) for row in rows],
        [row.about_shard for row in rows],
        [row.about_seq for row in rows],
        [row.recorded_at for row in rows],
    )
