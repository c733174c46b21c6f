"""Snoozes and what they have silenced: appended, never changed."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.compliance.domain.records import AlertKey, AlertRow
from services.compliance.domain.snoozes import Snooze, SnoozeFact, Snoozes

_SAVE = """
INSERT INTO snooze_fact (shard, snooze_id, what, seq, recorded_at, act_id, actor, reason, owner, rule, until,
                         proposed_by, journal_offset)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::bigint[], $5::timestamptz[], $6::uuid[],
                     $7::text[], $8::text[], $9::text[], $10::text[], $11::date[], $12::text[], $13::bigint[])
"""

_CHANGES = """
SELECT f.shard, f.snooze_id, f.owner, f.rule, f.until, f.proposed_by, f.what AS status, f.act_id, f.actor,
       f.reason, f.journal_offset
FROM snooze_fact AS f
WHERE f.shard = $1 AND f.what <> 'proposed'
ORDER BY f.seq
"""

_LOAD = """
SELECT DISTINCT ON (f.shard, f.snooze_id) f.shard, f.snooze_id, f.owner, f.rule, f.until, f.proposed_by,
       f.what AS status
FROM unnest($1::int[], $2::uuid[]) AS wanted (shard, snooze_id)
JOIN snooze_fact AS f ON f.shard = wanted.shard AND f.snooze_id = wanted.snooze_id
ORDER BY f.shard, f.snooze_id, f.seq DESC
"""

_SAVE_ALERTS = """
INSERT INTO snoozed_alert (shard, seq, recorded_at, snooze_id, owner, rule, business_date, subject, findings,
                           about_shard, about_seq, instruction_id)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[],
                     $7::date[], $8::text[], $9::jsonb[], $10::int[], $11::bigint[], $12::uuid[])
"""

_SNOOZED_WITHIN = """
SELECT DISTINCT a.shard, a.owner, a.rule, a.business_date, a.subject
FROM unnest($1::int[], $2::text[], $3::text[], $4::date[], $5::text[], $6::int[])
    AS wanted (shard, owner, rule, business_date, subject, days)
JOIN snoozed_alert AS a ON a.shard = wanted.shard AND a.owner = wanted.owner AND a.rule = wanted.rule
    AND a.business_date > wanted.business_date - wanted.days
    AND a.business_date < wanted.business_date + wanted.days
    AND a.subject = wanted.subject
"""


async def save_facts(connection: Any, rows: Sequence[tuple[SnoozeFact, int, datetime]]) -> None:
    """Append what was done to snoozes; each with the number and time of the event that told of it."""
    if not rows:
        return
    await connection.execute(
        _SAVE,
        [fact.snooze.shard for fact, _, _ in rows],
        [fact.snooze.snooze_id for fact, _, _ in rows],
        [fact.snooze.status for fact, _, _ in rows],
        [seq for _, seq, _ in rows],
        [recorded_at for _, _, recorded_at in rows],
        [fact.act_id for fact, _, _ in rows],
        [fact.actor for fact, _, _ in rows],
        [fact.reason for fact, _, _ in rows],
        [fact.snooze.owner for fact, _, _ in rows],
        [fact.snooze.rule for fact, _, _ in rows],
        [fact.snooze.until for fact, _, _ in rows],
        [fact.snooze.proposed_by for fact, _, _ in rows],
        [fact.journal_offset for fact, _, _ in rows],
    )


def _snooze(row: Mapping[str, Any]) -> Snooze:
    return Snooze(
        row["shard"],
        row["snooze_id"],
        row["owner"],
        row["rule"],
        row["until"],
        row["proposed_by"],
        row["status"],
    )


async def load_snoozes(connection: Any, shard: int) -> Snoozes:
    """Return what is, or was, silent in a shard."""
    return Snoozes(
        SnoozeFact(_snooze(row), row["act_id"], row["actor"], row["reason"], row["journal_offset"])
        for row in await connection.fetch(_CHANGES, shard)
    )


async def find_snoozes(
    connection: Any, wanted: Collection[tuple[int, UUID]]
) -> dict[tuple[int, UUID], Snooze]:
    """Return snoozes by (shard, snooze id), as their last facts have left them."""
    if not wanted:
        return {}
    rows = await connection.fetch(_LOAD, [shard for shard, _ in wanted], [each for _, each in wanted])
    return {(row["shard"], row["snooze_id"]): _snooze(row) for row in rows}


async def save_snoozed(connection: Any, rows: Sequence[tuple[AlertRow, UUID]]) -> None:
    """Append what would have been alerts, each with its snooze."""
    if not rows:
        return
    await connection.execute(
        _SAVE_ALERTS,
        [row.key[0] for row, _ in rows],
        [row.seq for row, _ in rows],
        [row.recorded_at for row, _ in rows],
        [snooze_id for _, snooze_id in rows],
        [row.key[1] for row, _ in rows],
        [row.key[2] for row, _ in rows],
        [row.key[3] for row, _ in rows],
        [row.key[4] for row, _ in rows],
        [json.dumps([each.model_dump(mode="json") for each in row.findings]) for row, _ in rows],
        [row.about_shard for row, _ in rows],
        [row.about_seq for row, _ in rows],
        [row.instruction_id for row, _ in rows],
    )


async def snoozed_within(connection: Any, wanted: Mapping[AlertKey, int]) -> list[AlertKey]:
    """Return what was silenced of the same, less than so many business days away."""
    if not wanted:
        return []
    rows = await connection.fetch(
        _SNOOZED_WITHIN,
        *(list(column) for column in zip(*wanted, strict=True)),
        list(wanted.values()),
    )
    return [tuple(row) for row in rows]  # pyright: ignore[reportReturnType] - five columns
