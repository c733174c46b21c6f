"""Decisions, holds and alerts: appended; a hold's status is all that moves."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.compliance.domain.records import (
    AlertKey,
    AlertRow,
    DecisionRow,
    HoldRow,
    HoldStatus,
    ReleaseRow,
)
from shared.messages.compliance import Finding

_SAVE_DECISIONS = """
INSERT INTO decision (shard, seq, recorded_at, instruction_id, content_hash, owner, first_shard, first_seq,
                      decision, findings, lists, act_id, actor, reason, proposed_by)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[],
                     $7::int[], $8::bigint[], $9::text[], $10::jsonb[], $11::jsonb[], $12::uuid[],
                     $13::text[], $14::text[], $15::text[])
"""

_SAVE_RELEASES = """
INSERT INTO hold_release (shard, instruction_id, seq, recorded_at, act_id, proposed_by, reason)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::uuid[], $6::text[],
                     $7::text[])
"""

_SAVE_HOLDS = """
INSERT INTO hold (shard, instruction_id, seq, recorded_at, content_hash, owner, first_shard, first_seq,
                  asset, amount, deadline, findings, lists, told)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[],
                     $7::int[], $8::bigint[], $9::text[], $10::text[], $11::timestamptz[], $12::jsonb[],
                     $13::jsonb[], $14::text[])
"""

_LOAD_HOLDS = """
SELECT h.shard, h.instruction_id, h.seq, h.recorded_at, h.content_hash, h.owner, h.first_shard, h.first_seq,
       h.asset, h.amount, h.deadline, h.findings, h.lists, h.status, h.decided_seq, h.told, r.proposed_by
FROM unnest($1::int[], $2::uuid[]) AS wanted (shard, instruction_id)
JOIN hold AS h ON h.shard = wanted.shard AND h.instruction_id = wanted.instruction_id
LEFT JOIN hold_release AS r ON r.shard = h.shard AND r.instruction_id = h.instruction_id
"""

_MOVE_HOLDS = """
UPDATE hold AS h SET status = x.status, decided_seq = x.seq
FROM unnest($1::int[], $2::uuid[], $3::text[], $4::bigint[]) AS x (shard, instruction_id, status, seq)
WHERE h.shard = x.shard AND h.instruction_id = x.instruction_id
"""

_OVERDUE = """
SELECT h.shard, h.instruction_id, h.owner, h.deadline, h.told
FROM unnest($1::int[], $2::timestamptz[]) AS due (shard, at)
JOIN hold AS h ON h.shard = due.shard AND h.status = 'held' AND h.overdue_seq IS NULL AND h.deadline <= due.at
ORDER BY h.shard, h.deadline, h.seq
LIMIT $3
"""

_MARK_OVERDUE = """
UPDATE hold AS h SET overdue_seq = x.seq
FROM unnest($1::int[], $2::uuid[], $3::bigint[]) AS x (shard, instruction_id, seq)
WHERE h.shard = x.shard AND h.instruction_id = x.instruction_id
"""

_ALERTED = """
SELECT a.shard, a.owner, a.rule, a.business_date, a.subject
FROM unnest($1::int[], $2::text[], $3::text[], $4::date[], $5::text[])
    AS wanted (shard, owner, rule, business_date, subject)
JOIN alert AS a ON a.shard = wanted.shard AND a.owner = wanted.owner AND a.rule = wanted.rule
    AND a.business_date = wanted.business_date AND a.subject = wanted.subject
"""

_ALERTED_WITHIN = """
SELECT DISTINCT a.shard, a.owner, a.rule, a.business_date, a.subject
FROM unnest($1::int[], $2::text[], $3::text[], $4::date[], $5::text[], $6::int[])
    AS wanted (shard, owner, rule, business_date, subject, days)
JOIN alert AS a ON a.shard = wanted.shard AND a.owner = wanted.owner AND a.rule = wanted.rule
    AND a.business_date > wanted.business_date - wanted.days
    AND a.business_date < wanted.business_date + wanted.days
    AND a.subject = wanted.subject
"""

_SAVE_ALERTS = """
INSERT INTO alert (shard, owner, rule, business_date, subject, seq, recorded_at, findings, about_shard,
                   about_seq, instruction_id)
SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::date[], $5::text[], $6::bigint[],
                     $7::timestamptz[], $8::jsonb[], $9::int[], $10::bigint[], $11::uuid[])
"""


async def save_decisions(connection: Any, rows: Sequence[DecisionRow]) -> None:
    """Append decisions."""
    if not rows:
        return
    await connection.execute(
        _SAVE_DECISIONS,
        [row.shard for row in rows],
        [row.seq for row in rows],
        [row.recorded_at for row in rows],
        [row.instruction_id for row in rows],
        [row.content_hash for row in rows],
        [row.owner for row in rows],
        [row.first_shard for row in rows],
        [row.first_seq for row in rows],
        [row.decision for row in rows],
        [_as_json(row.findings) for row in rows],
        [json.dumps(dict(row.lists), sort_keys=True) for row in rows],
        [row.act_id for row in rows],
        [row.actor for row in rows],
        [row.reason for row in rows],
        [row.proposed_by for row in rows],
    )


async def save_releases(connection: Any, rows: Sequence[ReleaseRow]) -> None:
    """Append proposals to release held payments."""
    if not rows:
        return
    await connection.execute(
        _SAVE_RELEASES,
        [row.shard for row in rows],
        [row.instruction_id for row in rows],
        [row.seq for row in rows],
        [row.recorded_at for row in rows],
        [row.act_id for row in rows],
        [row.proposed_by for row in rows],
        [row.reason for row in rows],
    )


async def save_holds(connection: Any, rows: Sequence[HoldRow]) -> None:
    """Append holds."""
    if not rows:
        return
    await connection.execute(
        _SAVE_HOLDS,
        [row.shard for row in rows],
        [row.instruction_id for row in rows],
        [row.seq for row in rows],
        [row.recorded_at for row in rows],
        [row.content_hash for row in rows],
        [row.owner for row in rows],
        [row.first_shard for row in rows],
        [row.first_seq for row in rows],
        [row.asset for row in rows],
        [row.amount for row in rows],
        [row.deadline for row in rows],
        [_as_json(row.findings) for row in rows],
        [json.dumps(dict(row.lists), sort_keys=True) for row in rows],
        [row.told for row in rows],
    )


async def load_holds(
    connection: Any, wanted: Collection[tuple[int, UUID]]
) -> dict[tuple[int, UUID], HoldRow]:
    """Read the holds on instructions, by (shard, instruction id), whatever their status."""
    if not wanted:
        return {}
    rows = await connection.fetch(
        _LOAD_HOLDS, [shard for shard, _ in wanted], [instruction for _, instruction in wanted]
    )
    return {(row["shard"], row["instruction_id"]): _hold(dict(row)) for row in rows}


async def move_holds(connection: Any, moves: Mapping[tuple[int, UUID], tuple[HoldStatus, int]]) -> None:
    """Set the status of holds and the decision that did it."""
    if not moves:
        return
    await connection.execute(
        _MOVE_HOLDS,
        [shard for shard, _ in moves],
        [instruction for _, instruction in moves],
        [status for status, _ in moves.values()],
        [seq for _, seq in moves.values()],
    )


async def overdue_holds(
    connection: Any, due: Mapping[int, datetime], limit: int
) -> list[tuple[int, UUID, str, datetime, str | None]]:
    """Return (shard, instruction, owner, deadline, told) of holds past it and not announced yet."""
    rows = await connection.fetch(_OVERDUE, list(due), list(due.values()), limit)
    return [tuple(row) for row in rows]  # pyright: ignore[reportReturnType] - five columns


async def mark_overdue(connection: Any, marks: Sequence[tuple[int, UUID, int]]) -> None:
    """Remember the event that announced a hold overdue, by (shard, instruction id, seq)."""
    if not marks:
        return
    await connection.execute(
        _MARK_OVERDUE,
        [shard for shard, _, _ in marks],
        [instruction for _, instruction, _ in marks],
        [seq for _, _, seq in marks],
    )


async def alerted(connection: Any, wanted: Collection[AlertKey]) -> set[AlertKey]:
    """Return those keys that have alerted already."""
    if not wanted:
        return set()
    rows = await connection.fetch(
        _ALERTED,
        [key[0] for key in wanted],
        [key[1] for key in wanted],
        [key[2] for key in wanted],
        [key[3] for key in wanted],
        [key[4] for key in wanted],
    )
    return {tuple(row) for row in rows}  # pyright: ignore[reportReturnType] - five columns


async def alerted_within(connection: Any, wanted: Mapping[AlertKey, int]) -> list[AlertKey]:
    """Return the alerts of the same owner, rule and subject that lie less than so many business days away."""
    if not wanted:
        return []
    rows = await connection.fetch(
        _ALERTED_WITHIN,
        *(list(column) for column in zip(*wanted, strict=True)),
        list(wanted.values()),
    )
    return [tuple(row) for row in rows]  # pyright: ignore[reportReturnType] - five columns


async def save_alerts(connection: Any, rows: Sequence[AlertRow]) -> None:
    """Append alerts."""
    if not rows:
        return
    await connection.execute(
        _SAVE_ALERTS,
        [row.key[0] for row in rows],
        [row.key[1] for row in rows],
        [row.key[2] for row in rows],
        [row.key[3] for row in rows],
        [row.key[4] for row in rows],
        [row.seq for row in rows],
        [row.recorded_at for row in rows],
        [_as_json(row.findings) for row in rows],
        [row.about_shard for row in rows],
        [row.about_seq for row in rows],
        [row.instruction_id for row in rows],
    )


def _hold(columns: dict[str, Any]) -> HoldRow:
    columns["findings"] = _from_json(columns["findings"])
    columns["lists"] = json.loads(columns["lists"])
    return HoldRow(**columns)


def _as_json(findings: Sequence[Finding]) -> str:
    return json.dumps([finding.model_dump(mode="json") for finding in findings])


def _from_json(text: str) -> tuple[Finding, ...]:
    return tuple(Finding.model_validate(each) for each in json.loads(text))
