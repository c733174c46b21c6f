"""Reads back what the journal holds: decisions as they were made, and movements."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from asyncpg import Connection

from services.transactions.domain import decisions as kinds
from services.transactions.domain.chart import Account, Chart
from services.transactions.domain.decisions import Decision, Leg
from services.transactions.store.accounts import accounts_by_code, accounts_by_id
from services.transactions.store.arrays import array_of

Key = TypeVar("Key")


async def decisions_after(
    connection: Connection, chart: Chart, shard: int, seq: int, limit: int
) -> list[tuple[Decision, datetime, int, tuple[int, ...]]]:
    """Read decisions back as they were made, with their time, epoch and copies, in order of `seq`.

    What an event is about is looked up for each by itself: a join, planned without statistics, would read
    all of the shard's journal for each of them.
    """
    rows = await connection.fetch(
        """
        SELECT journal.seq, journal.kind::text AS kind, journal.topic::text AS topic, journal.partition,
               journal."offset", journal.instruction_id, journal.instruction_type, journal.owner,
               journal.about_seq, journal.booking_date, journal.value_date, journal.reason, journal.detail,
               coalesce(journal.content, (
                   SELECT first.content
                   FROM journal AS first
                   WHERE first.shard = journal.shard AND first.seq = journal.about_seq
                     AND journal.kind IN ('TransactionPosted', 'TransactionVoided')
               )) AS content,
               journal.traceparent, journal.recorded_at, journal.epoch, journal.copies, journal.seen
        FROM journal
        WHERE journal.shard = $1 AND journal.seq > $2
        ORDER BY journal.seq
        LIMIT $3
        """,
        shard,
        seq,
        limit,
    )
    if not rows:
        return []
    legs = await legs_between(connection, chart, shard, rows[0]["seq"], rows[-1]["seq"])
    decided = [(_decision(row, legs.get(row["seq"], [])), row) for row in rows]
    about = {decision.seq: code for decision, _ in decided if (code := _account_named(decision)) is not None}
    accounts = await accounts_by_code(connection, chart, sorted(set(about.values())))
    for decision, _ in decided:
        if decision.seq in about:
            decision.account = accounts[about[decision.seq]]
    return [
        (decision, row["recorded_at"], row["epoch"], tuple(row["copies"] or ())) for decision, row in decided
    ]


def _account_named(decision: Decision) -> str | None:
    """The account that an event without movements is about, if it is about one."""
    if decision.kind == kinds.APPLIED:
        return json.loads(decision.content or b"")["account"]
    return (decision.detail or {})["account"] if decision.kind == kinds.CLOSED else None


def _decision(row: Mapping[str, Any], legs: list[Leg]) -> Decision:
    detail = None if row["detail"] is None else json.loads(row["detail"])
    content: bytes | None = row["content"]
    instruction_id: UUID | None = row["instruction_id"]
    return Decision(
        seq=row["seq"],
        kind=row["kind"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        instruction_id=None if instruction_id is None else str(instruction_id),
        instruction_type=row["instruction_type"],
        owner=row["owner"],
        about_seq=row["about_seq"],
        booking_date=row["booking_date"],
        value_date=row["value_date"],
        reason=row["reason"],
        detail=detail,
        content=content,
        content_hash=hash_of_kept(content, detail),
        seen=None if row["seen"] is None else json.loads(row["seen"]),
        legs=legs,
        traceparent=row["traceparent"],
    )


def hash_of_kept(content: bytes | None, detail: dict[str, Any] | None) -> bytes | None:
    """Return a content's hash, or that of one that was too large to be kept."""
    if detail is not None and "content_hash" in detail:
        return bytes.fromhex(detail["content_hash"])
    return None if content is None else kinds.hash_of(content)


async def legs_between(
    connection: Connection, chart: Chart, shard: int, first_seq: int, last_seq: int
) -> dict[int, list[Leg]]:
    """Read the movements of a stretch of a shard's journal, by seq."""
    return await _legs(
        connection,
        chart,
        await connection.fetch(
            """
            SELECT seq, leg, kind, debit_account, credit_account, amount,
                   debit_balance_after, credit_balance_after
            FROM movement
            WHERE shard = $1 AND seq BETWEEN $2 AND $3
            ORDER BY seq, leg
            """,
            shard,
            first_seq,
            last_seq,
        ),
        lambda row: row["seq"],
    )


async def legs_at(
    connection: Connection, chart: Chart, numbers: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], list[Leg]]:
    """Read the movements of these events, of any shards, by shard and seq.

    Each by itself: joined, the view would be read whole, since one of its parts has a condition of its own.
    """
    return await _legs(
        connection,
        chart,
        await connection.fetch(
            """
            SELECT movement.shard, movement.seq, movement.leg, movement.kind, movement.debit_account,
                   movement.credit_account, movement.amount, movement.debit_balance_after,
                   movement.credit_balance_after
            FROM unnest($1::text::int[], $2::text::bigint[]) AS asked (shard, seq)
            CROSS JOIN LATERAL (
                SELECT * FROM movement WHERE shard = asked.shard AND seq = asked.seq OFFSET 0
            ) AS movement
            ORDER BY movement.shard, movement.seq, movement.leg
            """,
            array_of([shard for shard, _ in numbers]),
            array_of([seq for _, seq in numbers]),
        ),
        lambda row: (row["shard"], row["seq"]),
    )


async def _legs(
    connection: Connection,
    chart: Chart,
    rows: Iterable[Mapping[str, Any]],
    number_of: Callable[[Mapping[str, Any]], Key],
) -> dict[Key, list[Leg]]:
    rows = list(rows)
    ids = {row["debit_account"] for row in rows} | {row["credit_account"] for row in rows}
    accounts: dict[int, Account] = await accounts_by_id(connection, chart, sorted(ids))
    found: dict[Key, list[Leg]] = {}
    for row in rows:
        found.setdefault(number_of(row), []).append(
            Leg(
                row["kind"],
                accounts[row["debit_account"]],
                accounts[row["credit_account"]],
                row["amount"],
                row["debit_balance_after"],
                row["credit_balance_after"],
            )
        )
    return found
