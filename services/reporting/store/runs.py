"""Keeps the reports that were made."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from asyncpg import Connection


@dataclass(frozen=True, slots=True)
class Run:
    """One report made, or refused, as it is kept."""

    run_id: UUID
    shard: int
    seq: int
    report: str
    booking_date: date
    parameters: dict[str, str]
    actor: str
    reason: str
    known_at: datetime
    vector: dict[str, int]
    rows: int
    totals: dict[str, Any]
    reconciled: bool
    reconciles_with: list[dict[str, Any]]
    sha256: str
    body: bytes


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """What must be known of a run to answer an act that was sent again."""

    report: str
    booking_date: date
    parameters: dict[str, str]
    reconciled: bool
    sha256: str


async def find_runs(connection: Connection, run_ids: Sequence[UUID]) -> dict[UUID, EarlierRun]:
    """Read those of these runs that exist."""
    rows = await connection.fetch(
        """
        SELECT run_id, report, booking_date, parameters::text AS parameters, reconciled, sha256
        FROM report_run
        WHERE run_id = ANY($1::uuid[])
        """,
        run_ids,
    )
    return {
        row["run_id"]: EarlierRun(
            row["report"],
            row["booking_date"],
            json.loads(row["parameters"]),
            row["reconciled"],
            row["sha256"],
        )
        for row in rows
    }


async def append_runs(connection: Connection, runs: Sequence[Run]) -> None:
    """Append runs."""
    await connection.execute(
        """
        INSERT INTO report_run (
            run_id, shard, seq, report, booking_date, parameters, actor, reason, known_at, vector, rows,
            totals, reconciled, reconciles_with, sha256, body
        )
        SELECT
            run_id, shard, seq, report, booking_date, parameters::json, actor, reason, known_at,
            vector::json, rows, totals::json, reconciled, reconciles_with::json, sha256, body
        FROM unnest(
            $1::uuid[], $2::int[], $3::bigint[], $4::text[], $5::date[], $6::text[], $7::text[], $8::text[],
            $9::timestamptz[], $10::text[], $11::int[], $12::text[], $13::boolean[], $14::text[], $15::text[],
            $16::bytea[]
        ) AS made (
            run_id, shard, seq, report, booking_date, parameters, actor, reason, known_at, vector, rows,
            totals, reconciled, reconciles_with, sha256, body
        )
        """,
        [run.run_id for run in runs],
        [run.shard for run in runs],
        [run.seq for run in runs],
        [run.report for run in runs],
        [run.booking_date for run in runs],
        [json.dumps(run.parameters) for run in runs],
        [run.actor for run in runs],
        [run.reason for run in runs],
        [run.known_at for run in runs],
        [json.dumps(run.vector) for run in runs],
        [run.rows for run in runs],
        [json.dumps(run.totals) for run in runs],
        [run.reconciled for run in runs],
        [json.dumps(run.reconciles_with) for run in runs],
        [run.sha256 for run in runs],
        [run.body for run in runs],
    )
