"""Shows one instruction: what was asked, what came of it, by which rule, when, where, and what followed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg import Connection

from services.transactions.domain.decisions import hash_of
from services.transactions.domain.reasons import REASONS
from services.transactions.queries.undoing import Ties, ties_of
from shared.messages.journal import OUTCOMES
from shared.money import format_amount

Number = tuple[int, int]
"""Shard and seq of an event."""


async def transaction_show(connection: Connection, instruction_id: UUID) -> list[dict[str, Any]]:
    """Return all that is kept about an instruction, one record for each shard that used its id.

    By the id of a group's member the group is shown. An id is used in several shards by a broadcast or by
    different owners. Where no shard has used it up, its refusals for a wrong key or partition are shown.
    `outcome` is what it has come to by now, `event` the first. `resolved_by` and `follow_ups` are events of
    other records about it: decisions, repeats, postings of a reserve. Each event says what it `reverses`, and
    what has `reversed_by` it; of what it `uses` a part comes back, and `used_by` are the parts of its own
    that did. A reserve's parts name it in no index: its shard is read from it up to its end, which takes as
    long as that is (about 0.1 s a million events of the shard).
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        firsts = await _events_of(connection, instruction_id)
        numbers = [(row["shard"], row["seq"]) for row in firsts]
        followed = {number: await _followed_by(connection, number) for number in numbers}
        follow_ups = [each for rows in followed.values() for each in rows]
        every = [*numbers, *((row["shard"], row["seq"]) for row in follow_ups)]
        movements = await _movements(connection, every)
        resolved = await _resolved(connection, numbers)
        kept = _Kept(movements, await ties_of(connection, [*firsts, *follow_ups]))
    return [_shown(row, followed[row["shard"], row["seq"]], kept, resolved) for row in firsts]


async def _events_of(connection: Connection, instruction_id: UUID) -> list[Any]:
    """The first outcomes; else what named the id and did not use it up."""
    rows = await connection.fetch(
        """
        SELECT journal.*, journal.kind::text AS event, journal.topic::text AS came_from
        FROM transactions.instruction_key AS key
        JOIN transactions.journal USING (shard, seq)
        WHERE key.instruction_id = $1
        ORDER BY journal.recorded_at, journal.shard
        """,
        instruction_id,
    )
    return rows or await connection.fetch(
        """
        SELECT journal.*, kind::text AS event, topic::text AS came_from
        FROM transactions.journal
        WHERE instruction_id = $1 AND about_seq IS NULL
          AND (
            kind IN ('OwnerParked', 'RecordDiscarded', 'DecisionWithoutEffect', 'DryRunJudged')
            OR reason IN ('wrong_key', 'wrong_partition')
          )
        ORDER BY recorded_at, shard, seq
        """,
        instruction_id,
    )


async def _followed_by(connection: Connection, number: Number) -> list[Any]:
    """The events that name another as the one they are about, or that they resolve.

    What came of the execution of something scheduled is about that, at one remove.
    """
    rows = await connection.fetch(
        """
        WITH reserve AS (
            SELECT journal.seq, coalesce(pending.resolved_seq, shard.last_seq) AS until_seq
            FROM transactions.journal
            JOIN transactions.pending USING (shard, seq)
            JOIN transactions.shard ON shard.shard = journal.shard
            WHERE journal.shard = $1 AND journal.seq = $2 AND journal.instruction_type IN ('reserve', 'trade')
        )
        SELECT journal.*, journal.kind::text AS event, journal.topic::text AS came_from
        FROM transactions.journal
        WHERE journal.shard = $1 AND journal.about_seq = $2 AND journal.about_seq IS NOT NULL
        UNION ALL
        SELECT journal.*, journal.kind::text, journal.topic::text
        FROM reserve
        JOIN transactions.journal
          ON journal.shard = $1 AND journal.seq > reserve.seq AND journal.seq <= reserve.until_seq
        WHERE journal.instruction_type IN ('post_pending', 'void_pending') AND journal.about_seq IS NULL
          AND (journal.detail -> 'resolves' ->> 'seq')::bigint = $2
        UNION ALL
        SELECT journal.*, journal.kind::text, journal.topic::text
        FROM transactions.scheduled
        JOIN transactions.journal
          ON journal.shard = scheduled.shard AND journal.about_seq = scheduled.ended_seq
        WHERE scheduled.shard = $1 AND scheduled.seq = $2 AND journal.about_seq IS NOT NULL
        UNION ALL
        SELECT journal.*, journal.kind::text, journal.topic::text
        FROM transactions.scheduled
        JOIN transactions.journal ON journal.shard = scheduled.shard AND journal.seq = scheduled.ended_seq
        WHERE scheduled.shard = $1 AND scheduled.seq = $2 AND journal.about_seq IS NULL
        """,
        *number,
    )
    return sorted(rows, key=lambda row: row["seq"])


async def _movements(connection: Connection, numbers: Sequence[Number]) -> dict[Number, list[dict[str, Any]]]:
    rows = await connection.fetch(
        """
        SELECT movement.shard, movement.seq, movement.leg, movement.kind, movement.amount,
               movement.debit_balance_after, movement.credit_balance_after, asset.code AS asset, asset.scale,
               debit.code AS debit_code, debit.owner AS debit_owner, debit.class AS debit_class,
               debit.container AS debit_container, credit.code AS credit_code, credit.owner AS credit_owner,
               credit.class AS credit_class, credit.container AS credit_container
        FROM unnest($1::int[], $2::bigint[]) AS asked (shard, seq)
        CROSS JOIN LATERAL (
            SELECT * FROM transactions.movement WHERE shard = asked.shard AND seq = asked.seq OFFSET 0
        ) AS movement
        JOIN transactions.asset USING (asset_id)
        JOIN transactions.account AS debit ON debit.account_id = movement.debit_account
        JOIN transactions.account AS credit ON credit.account_id = movement.credit_account
        ORDER BY movement.shard, movement.seq, movement.leg
        """,
        [shard for shard, _ in numbers],
        [seq for _, seq in numbers],
    )
    found: dict[Number, list[dict[str, Any]]] = {}
    for row in rows:
        movement = {
            "leg": row["leg"],
            "kind": row["kind"],
            "amount": format_amount(row["amount"], row["scale"]),
            "asset": row["asset"],
            "debit": _end(row, "debit"),
            "credit": _end(row, "credit"),
        }
        found.setdefault((row["shard"], row["seq"]), []).append(movement)
    return found


def _end(row: Mapping[str, Any], side: str) -> dict[str, Any]:
    return {
        "account": row[f"{side}_code"],
        "owner": row[f"{side}_owner"],
        "class": row[f"{side}_class"],
        "container": row[f"{side}_container"],
        "shard_balance_after": format_amount(row[f"{side}_balance_after"], row["scale"]),
    }


async def _resolved(connection: Connection, numbers: Sequence[Number]) -> dict[Number, tuple[int, str]]:
    """By what those among these that were pending or scheduled were ended: its number and its kind."""
    rows = await connection.fetch(
        """
        SELECT pending.shard, pending.seq, pending.resolved_seq, journal.kind::text AS event
        FROM unnest($1::int[], $2::bigint[]) AS asked (shard, seq)
        JOIN transactions.pending USING (shard, seq)
        JOIN transactions.journal ON journal.shard = pending.shard AND journal.seq = pending.resolved_seq
        UNION ALL
        SELECT scheduled.shard, scheduled.seq, journal.seq, journal.kind::text
        FROM unnest($1::int[], $2::bigint[]) AS asked (shard, seq)
        JOIN transactions.scheduled USING (shard, seq)
        LEFT JOIN transactions.pending
          ON pending.shard = scheduled.shard AND pending.seq = scheduled.ended_seq
        JOIN transactions.journal
          ON journal.shard = scheduled.shard
         AND journal.seq = coalesce(pending.resolved_seq, scheduled.ended_seq)
        """,
        [shard for shard, _ in numbers],
        [seq for _, seq in numbers],
    )
    return {(row["shard"], row["seq"]): (row["resolved_seq"], row["event"]) for row in rows}


class _Kept(NamedTuple):
    """What is kept beside the rows of the journal."""

    movements: Mapping[Number, list[dict[str, Any]]]
    ties: Mapping[Number, Ties]


def _shown(
    row: Mapping[str, Any],
    follow_ups: Iterable[Mapping[str, Any]],
    kept: _Kept,
    resolved: Mapping[Number, tuple[int, str]],
) -> dict[str, Any]:
    number = (row["shard"], row["seq"])
    resolved_seq, last_event = resolved.get(number, (None, row["event"]))
    content: bytes | None = row["content"]
    return {
        "instruction_id": str(row["instruction_id"]),
        "outcome": OUTCOMES.get(last_event),
        "resolved_by": None if resolved_seq is None else {"shard": row["shard"], "seq": resolved_seq},
        "asked": None if content is None else json.loads(content),
        "content_hash": _hash_of(content, row["detail"]),
        **_event(row, kept),
        "follow_ups": [
            {"instruction_id": str(each["instruction_id"]), **_event(each, kept)} for each in follow_ups
        ],
    }


def _hash_of(content: bytes | None, detail: str | None) -> str | None:
    """Return a content's hash; of one that was too large to be kept the event has it."""
    if content is not None:
        return hash_of(content).hex()
    return None if detail is None else json.loads(detail).get("content_hash")


def _event(row: Mapping[str, Any], kept: _Kept) -> dict[str, Any]:
    copies: list[int] = row["copies"] or []
    number = (row["shard"], row["seq"])
    ties = kept.ties[number]
    detail: dict[str, Any] | None = None if row["detail"] is None else json.loads(row["detail"])
    return {
        "event": row["event"],
        "shard": row["shard"],
        "seq": row["seq"],
        "type": row["instruction_type"],
        "owner": row["owner"],
        "reason": row["reason"],
        "rule": rule_of(row["reason"]),
        "recorded_at": _instant(row["recorded_at"]),
        "booking_date": _day(row["booking_date"]),
        "value_date": _day(row["value_date"]),
        "source": None
        if row["came_from"] is None
        else {"topic": row["came_from"], "partition": row["partition"], "offset": row["offset"]},
        "epoch": row["epoch"],
        "traceparent": row["traceparent"],
        "detail": detail,
        "seen": None if row["seen"] is None else json.loads(row["seen"]),
        "copied_to": copies[::2],
        "reverses": ties.reverses,
        "reversed_by": ties.reversed_by,
        "uses": ties.uses,
        "used_by": ties.used_by,
        "movements": _with_members(kept.movements.get(number, []), (detail or {}).get("members", [])),
    }


def _with_members(movements: list[dict[str, Any]], members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say of each movement of a group to which member it belongs."""
    whose = [each["instruction_id"] for each in members for _ in range(each["movements"])]
    return (
        [{**each, "member": member} for each, member in zip(movements, whose, strict=True)]
        if whose
        else movements
    )


def rule_of(reason: str | None) -> dict[str, str] | None:
    """Return what is published about a reason: its rung, its ISO 20022 code, and what upstream should do."""
    known = None if reason is None else REASONS.get(reason)
    if known is None:
        return None
    return {
        "rung": known.rung,
        "iso20022": known.status_code,
        "fate": known.fate,
        "what_to_do": known.upstream,
    }


def _day(value: Any) -> str | None:
    return None if value is None else value.isoformat()


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
