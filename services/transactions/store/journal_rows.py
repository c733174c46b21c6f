"""Spells the journal's rows, which is also the form in which they are sealed, and appends them."""

import json
import struct
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from asyncpg import Connection

from services.transactions.domain import decisions as kinds
from services.transactions.domain.decisions import Decision, Leg
from services.transactions.store import asking, binary

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
        await binary.copy(connection, "journal_row", _JOURNAL_COLUMNS, self._journal)
        await binary.copy(connection, "movement_of_several", _MOVEMENT_COLUMNS, self._movements)


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
