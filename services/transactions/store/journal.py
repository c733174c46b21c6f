"""Appends to the journal, and reads back what events are rebuilt from."""

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from asyncpg import Connection

from services.transactions.domain import decisions as kinds
from services.transactions.domain.chart import Account, Chart
from services.transactions.domain.decisions import Decision, Leg
from services.transactions.domain.state import First
from services.transactions.store import binary
from services.transactions.store.accounts import accounts_by_code, accounts_by_id
from services.transactions.store.arrays import array_of
from shared.runtime.failpoints import planted

# The fields that every row has, packed in one go: 20 fields, each with its length before it.
_JOURNAL_HEAD: Final = struct.Struct(">hiiiqiqiqiqii").pack
_NULL: Final = binary.NULL
_UUID_LENGTH: Final = binary.length(16)
_JOURNAL_COLUMNS: Final = (
    "shard",
    "seq",
    "recorded_at",
    "epoch",
    "offset",
    "partition",
    "kind",
    "topic",
    "about_seq",
    "instruction_id",
    "booking_date",
    "value_date",
    "instruction_type",
    "owner",
    "reason",
    "detail",
    "content",
    "seen",
    "copies",
    "traceparent",
)
_MOVEMENT_HEAD: Final = struct.Struct(">hiiiiiqiqiqiqiqiqii").pack
_MOVEMENT_COLUMNS: Final = (
    "shard",
    "leg",
    "seq",
    "debit_account",
    "credit_account",
    "amount",
    "debit_balance_after",
    "credit_balance_after",
    "asset_id",
    "kind",
)
_KEY_ROW: Final = struct.Struct(">hi16siiiqi16s").pack
_KEY_COLUMNS: Final = ("instruction_id", "shard", "seq", "content_hash")


class JournalRows:
    """The rows of one unit of work, spelt as they come and written by three statements."""

    def __init__(self) -> None:
        self._journal: list[bytes] = []
        self._movements: list[bytes] = []
        self._keys: list[bytes] = []
        self._words: dict[str, bytes] = {}
        self._days: dict[date | None, bytes] = {None: _NULL}

    def add(
        self,
        decision: Decision,
        shard: int,
        recorded_at: int,
        epoch: int,
        copies: Sequence[tuple[int, int, bytes]],
    ) -> None:
        """Add a decision's rows; `recorded_at` as `binary.microseconds` spells it."""
        seq = decision.seq
        words = self._words
        kind = words.get(decision.kind) or self._word(decision.kind)
        topic = words.get(decision.topic) or self._word(decision.topic)
        code = decision.instruction_type
        instruction_id = (
            None
            if decision.instruction_id is None
            else bytes.fromhex(decision.instruction_id.replace("-", ""))
        )
        days = self._days
        about_seq, owner, reason = decision.about_seq, decision.owner, decision.reason
        detail, seen, traceparent = decision.detail, decision.seen, decision.traceparent
        content = decision.content if about_seq is None or decision.keeps_content else None
        self._journal += (
            _JOURNAL_HEAD(
                20, 4, shard, 8, seq, 8, recorded_at, 8, epoch, 8, decision.offset, 4, decision.partition
            ),
            kind,
            topic,
            _NULL if about_seq is None else binary.bigint(about_seq),
            _NULL if instruction_id is None else _UUID_LENGTH + instruction_id,
            days.get(decision.booking_date) or self._day(decision.booking_date),
            days.get(decision.value_date) or self._day(decision.value_date),
            _NULL if code is None else words.get(code) or self._word(code),
            _NULL if owner is None else binary.field_of(owner.encode()),
            _NULL if reason is None else words.get(reason) or self._word(reason),
            _NULL if detail is None else binary.field_of(_json(detail)),
            _NULL if content is None else binary.field_of(content),
            _NULL if seen is None else binary.field_of(_json(seen)),
            _copies(copies) if copies else _NULL,
            _NULL if traceparent is None else binary.field_of(traceparent.encode()),
        )
        for leg, (kind_of_leg, debit, credit, amount, debit_after, credit_after) in enumerate(decision.legs):
            self._movements += (
                _MOVEMENT_HEAD(
                    10, 4, shard, 4, leg, 8, seq, 8, debit.account_id, 8, credit.account_id, 8, amount,
                    8, debit_after, 8, credit_after, 4, debit.asset_id,
                ),
                words.get(kind_of_leg) or self._word(kind_of_leg),
            )  # fmt: skip
        if decision.uses_up_id and not planted("no_unique_id"):
            assert instruction_id is not None
            assert decision.content_hash is not None
            self._keys.append(_KEY_ROW(4, 16, instruction_id, 4, shard, 8, seq, 16, decision.content_hash))

    def _word(self, word: str) -> bytes:
        spelt = self._words[word] = binary.field_of(word.encode())
        return spelt

    def _day(self, day: date | None) -> bytes:
        assert day is not None
        spelt = self._days[day] = binary.day(day)
        return spelt

    async def write(self, connection: Connection) -> None:
        """Write everything added, with a constant number of statements."""
        await _copy(connection, "journal", _JOURNAL_COLUMNS, self._journal)
        await _copy(connection, "movement", _MOVEMENT_COLUMNS, self._movements)
        await _copy(connection, "instruction_key", _KEY_COLUMNS, self._keys)


def _copies(copies: Sequence[tuple[int, int, bytes]]) -> bytes:
    return binary.bigints([number for partition, prev, _ in copies for number in (partition, prev)])


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


async def _copy(connection: Connection, table: str, columns: Sequence[str], rows: list[bytes]) -> None:
    if rows:
        await connection.copy_to_table(
            table,
            # asyncpg would take bytes for a path; a view of them it copies as they are.
            source=memoryview(b"".join((binary.HEADER, *rows, binary.TRAILER))),
            columns=columns,
            format="binary",
        )


async def first_outcomes(
    connection: Connection, instruction_ids: Sequence[str], shards: Sequence[int]
) -> dict[int, dict[str, First]]:
    """Return the first outcomes of those of these instructions that are known, by shard and id."""
    rows = await connection.fetch(
        """
        SELECT key.shard, key.instruction_id, key.seq, key.content_hash,
               journal.kind::text AS kind, journal.reason, journal.content
        FROM unnest($1::text::uuid[], $2::text::int[]) AS asked (instruction_id, shard)
        JOIN instruction_key AS key
          ON key.instruction_id = asked.instruction_id AND key.shard = asked.shard
        JOIN journal ON journal.shard = key.shard AND journal.seq = key.seq
        """,
        array_of(instruction_ids),
        array_of(shards),
    )
    found: dict[int, dict[str, First]] = {}
    for row in rows:
        first = First(row["seq"], row["content_hash"], row["kind"], row["reason"], row["content"])
        found.setdefault(row["shard"], {})[str(row["instruction_id"])] = first
    return found


async def decisions_after(
    connection: Connection, chart: Chart, shard: int, seq: int, limit: int
) -> list[tuple[Decision, datetime, int, tuple[int, ...]]]:
    """Read decisions back as they were made, with their time, epoch and copies, in order of `seq`."""
    rows = await connection.fetch(
        """
        SELECT journal.seq, journal.kind::text AS kind, journal.topic::text AS topic, journal.partition,
               journal."offset", journal.instruction_id, journal.instruction_type, journal.owner,
               journal.about_seq, journal.booking_date, journal.value_date, journal.reason, journal.detail,
               coalesce(journal.content, first.content) AS content, journal.traceparent,
               journal.recorded_at, journal.epoch, journal.copies
        FROM journal
        LEFT JOIN journal AS first
          ON first.shard = journal.shard AND first.seq = journal.about_seq
         AND journal.kind IN ('TransactionPosted', 'TransactionVoided')
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
    applied = [decision for decision, _ in decided if decision.kind == kinds.APPLIED]
    codes = {json.loads(decision.content or b"{}").get("account") for decision in applied}
    accounts = await accounts_by_code(connection, chart, sorted(code for code in codes if code))
    for decision in applied:
        decision.account = accounts[json.loads(decision.content or b"")["account"]]
    return [
        (decision, row["recorded_at"], row["epoch"], tuple(row["copies"] or ())) for decision, row in decided
    ]


def _decision(row: Mapping[str, Any], legs: list[Leg]) -> Decision:
    detail = None if row["detail"] is None else json.loads(row["detail"])
    content: bytes | None = row["content"]
    content_hash = None if content is None else kinds.hash_of(content)
    if detail is not None and "content_hash" in detail:
        content_hash = bytes.fromhex(detail["content_hash"])
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
        content_hash=content_hash,
        legs=legs,
        traceparent=row["traceparent"],
    )


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
    )


async def legs_of(
    connection: Connection, chart: Chart, shard: int, seqs: Sequence[int]
) -> dict[int, list[Leg]]:
    """Read the movements of these events of a shard, by seq."""
    return await _legs(
        connection,
        chart,
        await connection.fetch(
            """
            SELECT seq, leg, kind, debit_account, credit_account, amount,
                   debit_balance_after, credit_balance_after
            FROM movement
            WHERE shard = $1 AND seq = ANY($2::bigint[])
            ORDER BY seq, leg
            """,
            shard,
            seqs,
        ),
    )


async def _legs(
    connection: Connection, chart: Chart, rows: Iterable[Mapping[str, Any]]
) -> dict[int, list[Leg]]:
    rows = list(rows)
    ids = {row["debit_account"] for row in rows} | {row["credit_account"] for row in rows}
    accounts: dict[int, Account] = await accounts_by_id(connection, chart, sorted(ids))
    found: dict[int, list[Leg]] = {}
    for row in rows:
        found.setdefault(row["seq"], []).append(
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
