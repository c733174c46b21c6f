"""Appends to the journal, and reads back what events are rebuilt from."""

import json
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from asyncpg import Connection
from asyncpg.exceptions import UniqueViolationError

from services.transactions.domain import decisions as kinds
from services.transactions.domain.chart import Account, Chart
from services.transactions.domain.claims import Claim, contents_of
from services.transactions.domain.decisions import Decision, Leg
from services.transactions.domain.outside import First
from services.transactions.store import asking, binary
from services.transactions.store.accounts import accounts_by_code, accounts_by_id
from services.transactions.store.arrays import array_of
from shared.runtime.failpoints import planted

IDS_AT_ONCE_MAX: Final = 500
"""So many ids are taken by one statement that asks whether they are free; more, for which asking each would
cost more than four more waits, by a COPY behind a savepoint."""

Key = TypeVar("Key")

_FIELDS: Final = (27).to_bytes(2, "big")
# What differs between plain rows: seq to credit_balance_after, in one go, each with its length before it.
_NUMBERS: Final = struct.Struct(">iqiqiiiqi16siqiqiqiqiq").pack
_NULL: Final = binary.NULL
_JOIN: Final = b"".join
_UUID_LENGTH: Final = binary.length(16)
_LENGTH: Final = binary.length
# First what plain rows have in common, then what differs; this is also the form that is sealed.
_JOURNAL_COLUMNS: Final = (
    "shard",
    "kind",
    "topic",
    "instruction_type",
    "booking_date",
    "value_date",
    "partition",
    "movement_kind",
    "asset_id",
    "about_seq",
    "reason",
    "detail",
    "seen",
    "owner",
    "seq",
    "recorded_at",
    "epoch",
    "offset",
    "instruction_id",
    "debit_account",
    "credit_account",
    "amount",
    "debit_balance_after",
    "credit_balance_after",
    "traceparent",
    "copies",
    "content",
)
_NO_MOVEMENT: Final = 5 * _NULL
_TO_CREDIT: Final = b',"credit":'
_END: Final = b"}"
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
_KEY: Final = struct.Struct(">hi16siqii")
_KEY_ROW: Final = _KEY.pack
_KEY_COLUMNS: Final = ("instruction_id", "seq", "shard")


class JournalRows:
    """The rows of one unit of work, spelt as they come and written by two statements."""

    def __init__(self) -> None:
        self._journal: list[bytes] = []
        self._movements: list[bytes] = []
        self._words: dict[str, bytes] = {}
        self._days: dict[date | None, bytes] = {None: _NULL}
        self._copied: dict[tuple[int, int], bytes] = {}

    def add(
        self,
        decision: Decision,
        shard: int,
        recorded_at: int,
        epoch: int,
        copies: Sequence[tuple[int, int, bytes]],
    ) -> tuple[bool, tuple[bytes, ...]]:
        """Add a decision's rows; `recorded_at` as `binary.microseconds` spells it.

        Returns whether it is plain, and what of it is sealed: if it is, row, content and what its accounts
        are called; if not, the rows beside the event's value, without the content, which is in there.
        """
        terms = decision.terms
        if terms is None or decision.partition != shard:
            return self._add(decision, shard, recorded_at, epoch, copies)
        spelt: tuple[bytes, asking.Cut | None, bytes] | None = terms.row
        if spelt is None:
            opening = self._opening_of(decision, shard, None, None)
            spelt = (opening, asking.cut_of(terms), _to_debit(terms.asset, terms.scale))
            terms.row = spelt
        opening, cut, to_debit = spelt
        content = None
        if cut is not None:
            content = asking.kept_of_plain(
                decision.content,  # pyright: ignore[reportArgumentType] - every plain instruction has these
                decision.owner,  # pyright: ignore[reportArgumentType]
                cut,
            )
        if content is None:
            return self._add(decision, shard, recorded_at, epoch, copies)
        _, debit, credit, amount, debit_after, credit_after = decision.legs[0]
        seq = decision.seq
        traceparent = decision.traceparent
        if copies:
            ((partition, prev, _),) = copies
            copied = self._copied.get((partition, seq - prev)) or self._copy(partition, seq - prev)
        else:
            copied = _NULL
        row = _JOIN(
            (
                opening,
                _NUMBERS(
                    8, seq, 8, recorded_at, 4, epoch, 8, decision.offset,
                    16, bytes.fromhex(decision.instruction_id.replace("-", "")),  # pyright: ignore
                    8, debit.account_id, 8, credit.account_id, 8, amount, 8, debit_after, 8, credit_after,
                ),
                _NULL if traceparent is None else binary.field_of(traceparent.encode()),
                copied,
                _LENGTH(len(content)),
            )
        )  # fmt: skip
        self._journal += (row, content)
        return True, (row, content, to_debit, debit.posting, _TO_CREDIT, credit.posting, _END)

    def _add(
        self,
        decision: Decision,
        shard: int,
        recorded_at: int,
        epoch: int,
        copies: Sequence[tuple[int, int, bytes]],
    ) -> tuple[bool, tuple[bytes, ...]]:
        """Add the rows of any decision, field by field."""
        seq, legs, owner, code = decision.seq, decision.legs, decision.owner, decision.instruction_type
        content = decision.content if decision.about_seq is None or decision.keeps_content else None
        movement = _NO_MOVEMENT
        if len(legs) == 1:
            (leg,) = legs
            _, debit, credit, amount, debit_after, credit_after = leg
            movement = _JOIN(
                map(binary.bigint, (debit.account_id, credit.account_id, amount, debit_after, credit_after))
            )
            if content is not None:
                kept = asking.kept_of(content, code, decision.instruction_id, owner, leg)
                if kept is not content:
                    content, code = kept, None
            if owner == asking.home_of(leg):
                owner = None
        instruction_id, offset, traceparent = decision.instruction_id, decision.offset, decision.traceparent
        row = _JOIN(
            (
                self._opening_of(decision, shard, code, owner),
                binary.bigint(seq),
                binary.bigint(recorded_at),
                binary.integer(epoch),
                _NULL if offset is None else binary.bigint(offset),
                _NULL
                if instruction_id is None
                else _UUID_LENGTH + bytes.fromhex(instruction_id.replace("-", "")),
                movement,
                _NULL if traceparent is None else binary.field_of(traceparent.encode()),
                binary.field_of(" ".join(f"{each} {seq - prev}" for each, prev, _ in copies).encode())
                if copies
                else _NULL,
                _NULL if content is None else _LENGTH(len(content)),
            )
        )
        self._journal.append(row)
        if content is not None:
            self._journal.append(content)
            if owner is None and _is_plain(decision, shard):
                (leg,) = legs
                to_debit = _to_debit(leg.debit.asset, leg.debit.scale)
                return True, (row, content, to_debit, leg.debit.posting, _TO_CREDIT, leg.credit.posting, _END)
        return False, (row, *self._several(shard, seq, legs)) if len(legs) > 1 else (row,)

    def _several(self, shard: int, seq: int, legs: Sequence[Leg]) -> list[bytes]:
        rows: list[bytes] = []
        for number, (kind, debit, credit, amount, debit_after, credit_after) in enumerate(legs):
            rows += (
                _MOVEMENT_HEAD(
                    10, 4, shard, 4, number, 8, seq, 8, debit.account_id, 8, credit.account_id, 8, amount,
                    8, debit_after, 8, credit_after, 4, debit.asset_id,
                ),
                self._words.get(kind) or self._word(kind),
            )  # fmt: skip
        self._movements += rows
        return rows

    def _opening_of(self, decision: Decision, shard: int, code: str | None, owner: str | None) -> bytes:
        """Spell the columns from `shard` to `owner`, without what a row says by not saying it."""
        words, days = self._words, self._days
        topic, reason = decision.topic, decision.reason
        booking_date, value_date = decision.booking_date, decision.value_date
        kind = asset_id = None
        if len(decision.legs) == 1:
            (leg,) = decision.legs
            kind, asset_id = leg.kind, leg.debit.asset_id
            if kind == asking.KIND_ASSUMED:
                kind = None
            if value_date == booking_date:
                value_date = None
        if topic == asking.TOPIC_ASSUMED:
            topic = None
        return _JOIN(
            (
                _FIELDS,
                binary.integer(shard),
                words.get(decision.kind) or self._word(decision.kind),
                _NULL if topic is None else words.get(topic) or self._word(topic),
                _NULL if code is None else words.get(code) or self._word(code),
                days.get(booking_date) or self._day(booking_date),
                days.get(value_date) or self._day(value_date),
                _NULL
                if decision.partition is None or decision.partition == shard
                else binary.integer(decision.partition),
                _NULL if kind is None else words.get(kind) or self._word(kind),
                _NULL if asset_id is None else binary.integer(asset_id),
                _NULL if decision.about_seq is None else binary.bigint(decision.about_seq),
                _NULL if reason is None else words.get(reason) or self._word(reason),
                _NULL if decision.detail is None else binary.field_of(_json(decision.detail)),
                _NULL if decision.seen is None else binary.field_of(_json(decision.seen)),
                _NULL if owner is None else binary.field_of(owner.encode()),
            )
        )

    def _copy(self, partition: int, back: int) -> bytes:
        spelt = self._copied[partition, back] = binary.field_of(b"%d %d" % (partition, back))
        return spelt

    def _word(self, word: str) -> bytes:
        spelt = self._words[word] = binary.field_of(word.encode())
        return spelt

    def _day(self, day: date | None) -> bytes:
        assert day is not None
        spelt = self._days[day] = binary.day(day)
        return spelt

    async def write(self, connection: Connection) -> None:
        """Write everything added, with a constant number of statements."""
        await _copy(connection, "journal_row", _JOURNAL_COLUMNS, self._journal)
        await _copy(connection, "movement_of_several", _MOVEMENT_COLUMNS, self._movements)


def _is_plain(decision: Decision, shard: int) -> bool:
    """Say whether a decision's row, with a content and no owner, tells all of its event."""
    return (
        decision.kind == kinds.POSTED
        and len(decision.legs) == 1
        and decision.topic == asking.TOPIC_ASSUMED
        and decision.partition == shard
        and decision.instruction_id is not None
        and decision.about_seq is None
        and decision.reason is None
        and decision.detail is None
        and decision.seen is None
    )


def _to_debit(asset: str, scale: int) -> bytes:
    """Spell how what a plain event's accounts are called begins, up to the debited one."""
    return f'{{"asset":"{asset}","scale":{scale},"debit":'.encode()


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


def key_rows(used: Iterable[tuple[int, Iterable[Decision | Claim]]]) -> list[bytes]:
    """Spell the rows of first outcomes' ids, in the order of the ids.

    Ids that an upstream makes in the order of time are then appended to their index, which keeps it full.
    """
    rows: list[bytes] = []
    for shard, decisions in used:
        for decision in decisions:
            assert decision.instruction_id is not None
            id_bytes = bytes.fromhex(decision.instruction_id.replace("-", ""))
            rows.append(_KEY_ROW(3, 16, id_bytes, 8, decision.seq, 4, shard))
    rows.sort()
    return rows


async def claim_ids(connection: Connection, used: Iterable[tuple[int, Iterable[Decision | Claim]]]) -> bool:
    """Take the ids of first outcomes, by shard; says no, and takes none, where one has been taken before."""
    rows = key_rows(used)
    if not rows or planted("no_unique_id"):
        return True
    if len(rows) <= IDS_AT_ONCE_MAX:
        return await _claim_together(connection, rows)
    try:
        async with connection.transaction():
            await _copy(connection, "instruction_key", _KEY_COLUMNS, rows)
    except UniqueViolationError:
        return False
    return True


async def _claim_together(connection: Connection, rows: Sequence[bytes]) -> bool:
    """Take ids all or none: between looking and taking nobody else can, since a shard has one writer.

    Each id is looked for by itself: so no plan, however old its statistics, reads the whole table.
    """
    keys = [_KEY.unpack(row) for row in rows]
    done = await connection.execute(
        """
        WITH asked AS MATERIALIZED (
            SELECT *
            FROM unnest($1::text::uuid[], $2::text::bigint[], $3::text::int[])
                AS key (instruction_id, seq, shard)
        )
        INSERT INTO instruction_key (instruction_id, seq, shard)
        SELECT instruction_id, seq, shard
        FROM asked
        WHERE NOT EXISTS (
            SELECT
            FROM asked
            WHERE (
                SELECT taken.seq
                FROM instruction_key AS taken
                WHERE taken.instruction_id = asked.instruction_id AND taken.shard = asked.shard
            ) IS NOT NULL
        )
        """,
        array_of(key[2].hex() for key in keys),
        array_of(key[4] for key in keys),
        array_of(key[6] for key in keys),
    )
    return done == f"INSERT 0 {len(rows)}"


async def first_outcomes(
    connection: Connection, instruction_ids: Sequence[str], shards: Sequence[int]
) -> dict[int, dict[str, First]]:
    """Return the first outcomes of those of these instructions that are known, by shard and id."""
    rows = await connection.fetch(
        """
        SELECT key.shard, key.instruction_id, key.seq, coalesce(journal.kind, detached.kind)::text AS kind,
               coalesce(journal.reason, detached.reason) AS reason, journal.content, journal.detail,
               detached.content_hash, journal.instruction_id <> key.instruction_id AS is_member
        FROM unnest($1::text::uuid[], $2::text::int[]) AS asked (instruction_id, shard)
        JOIN instruction_key AS key
          ON key.instruction_id = asked.instruction_id AND key.shard = asked.shard
        LEFT JOIN journal ON journal.shard = key.shard AND journal.seq = key.seq
        LEFT JOIN detached_outcome AS detached
          ON detached.shard = key.shard AND detached.seq = key.seq
         AND detached.instruction_id = key.instruction_id
        """,
        array_of(instruction_ids),
        array_of(shards),
    )
    found: dict[int, dict[str, First]] = {}
    for row in rows:
        instruction_id, content, is_member = str(row["instruction_id"]), row["content"], row["is_member"]
        if is_member:
            content = contents_of(content)[instruction_id]
        detail = None if row["detail"] is None or is_member else json.loads(row["detail"])
        content_hash = row["content_hash"] or hash_of_kept(content, detail)
        assert content_hash is not None, "a first outcome has its content, or the hash of it"
        first = First(row["seq"], content_hash, row["kind"], row["reason"], content, bool(is_member))
        found.setdefault(row["shard"], {})[instruction_id] = first
    return found


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


async def legs_at(
    connection: Connection, chart: Chart, numbers: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], list[Leg]]:
    """Read the movements of these events, of any shards, by shard and seq."""
    return await _legs_by(
        connection,
        chart,
        await connection.fetch(
            """
            SELECT movement.shard, movement.seq, movement.leg, movement.kind, movement.debit_account,
                   movement.credit_account, movement.amount, movement.debit_balance_after,
                   movement.credit_balance_after
            FROM unnest($1::text::int[], $2::text::bigint[]) AS asked (shard, seq)
            JOIN movement ON movement.shard = asked.shard AND movement.seq = asked.seq
            ORDER BY movement.shard, movement.seq, movement.leg
            """,
            array_of([shard for shard, _ in numbers]),
            array_of([seq for _, seq in numbers]),
        ),
        lambda row: (row["shard"], row["seq"]),
    )


async def _legs(
    connection: Connection, chart: Chart, rows: Iterable[Mapping[str, Any]]
) -> dict[int, list[Leg]]:
    return await _legs_by(connection, chart, rows, lambda row: row["seq"])


async def _legs_by(
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
