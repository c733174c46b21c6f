"""What may be asked of reporting, with the read-only login: reports made, and how far it has read."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from asyncpg import Connection, Record

from shared.money import format_amount


@dataclass(frozen=True, slots=True)
class ReportRun:
    """A report made, or refused, with its facts."""

    run_id: UUID
    report: str
    booking_date: date
    parameters: dict[str, str]
    actor: str
    known_at: datetime
    vector: dict[str, int]
    rows: int
    totals: dict[str, Any]
    reconciled: bool
    reconciles_with: list[dict[str, Any]]
    sha256: str


async def find_run(connection: Connection, run_id: UUID) -> tuple[ReportRun, bytes] | None:
    """Read one run and its canonical CSV."""
    row = await connection.fetchrow(
        """
        SELECT run_id, report, booking_date, parameters::text AS parameters, actor, known_at,
            vector::text AS vector, rows, totals::text AS totals, reconciled,
            reconciles_with::text AS reconciles_with, sha256, body
        FROM reporting.report_run
        WHERE run_id = $1
        """,
        run_id,
    )
    return None if row is None else (_run(row), row["body"])


async def list_runs(connection: Connection, *, report: str | None, limit: int) -> list[ReportRun]:
    """Read the latest runs, newest first, of one report or of all."""
    rows = await connection.fetch(
        """
        SELECT run_id, report, booking_date, parameters::text AS parameters, actor, known_at,
            vector::text AS vector, rows, totals::text AS totals, reconciled,
            reconciles_with::text AS reconciles_with, sha256
        FROM reporting.report_run
        WHERE $1::text IS NULL OR report = $1
        ORDER BY known_at DESC, seq DESC
        LIMIT $2
        """,
        report,
        limit,
    )
    return [_run(row) for row in rows]


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something that the house keeps for somebody, or paid for somebody, as far as it is left."""

    number: str
    """Shard, seq and leg of the movement, as instructions name it."""
    entity: str
    account_class: str
    account: str
    owner: str
    """Who uses it up."""
    asset: str
    amount: str
    left: str
    """Below zero where it was paid for somebody."""
    booking_date: date
    age_days: int


async def open_items(
    connection: Connection, *, on: date | None, entity: str | None, from_age: int, limit: int
) -> list[OpenItem]:
    """Read the items of which something is left at the end of a booking date, the oldest first.

    Without a day it is the last one that has been read; `from_age` is in days.
    """
    rows = await connection.fetch(
        """
        WITH at AS (
            SELECT coalesce($1::date, max(booking_date)) AS day FROM reporting.business_day
        )
        SELECT item.shard, item.seq, item.leg, known.entity, known.class, item.account, item.owner,
               known.asset, known.scale, item.amount,
               item.amount - coalesce(sum(item_use.amount), 0)::bigint AS left_minor, item.booking_date,
               at.day - item.booking_date AS age
        FROM at
        JOIN reporting.item ON item.booking_date <= at.day - $3::int
        JOIN LATERAL (
            SELECT entity, class, asset, scale
            FROM reporting.account
            WHERE account.account = item.account
            ORDER BY shard
            LIMIT 1
        ) AS known ON true
        LEFT JOIN reporting.item_use
            ON item_use.item_shard = item.shard
            AND item_use.item_seq = item.seq
            AND item_use.item_leg = item.leg
            AND item_use.booking_date <= at.day
        WHERE $2::text IS NULL OR known.entity = $2
        GROUP BY item.shard, item.seq, item.leg, known.entity, known.class, known.asset, known.scale, at.day
        HAVING item.amount <> coalesce(sum(item_use.amount), 0)
        ORDER BY item.booking_date, item.shard, item.seq, item.leg
        LIMIT $4
        """,
        on,
        entity,
        from_age,
        limit,
    )
    return [
        OpenItem(
            number=f"{row['shard']}-{row['seq']}-{row['leg']}",
            entity=row["entity"],
            account_class=row["class"],
            account=row["account"],
            owner=row["owner"],
            asset=row["asset"],
            amount=format_amount(row["amount"], row["scale"]),
            left=format_amount(row["left_minor"], row["scale"]),
            booking_date=row["booking_date"],
            age_days=row["age"],
        )
        for row in rows
    ]


def _run(row: Record) -> ReportRun:
    return ReportRun(
        run_id=row["run_id"],
        report=row["report"],
        booking_date=row["booking_date"],
        parameters=json.loads(row["parameters"]),
        actor=row["actor"],
        known_at=row["known_at"],
        vector=dict(sorted(json.loads(row["vector"]).items(), key=lambda item: int(item[0]))),
        rows=row["rows"],
        totals=json.loads(row["totals"]),
        reconciled=row["reconciled"],
        reconciles_with=json.loads(row["reconciles_with"]),
        sha256=row["sha256"],
    )
