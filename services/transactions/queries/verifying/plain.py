"""Walks plain transactions at one go: posted, of one movement, with nothing beside it.

Nearly all rows are such. What is looked at is what `effects.movements` looks at, for the case that all of it
holds; whatever does not hold, or is anything else, is left to the walk row by row, which names it.
`tests/transactions/test_verify.py` holds both against each other.
"""

import struct
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b, sha256
from typing import Final, NamedTuple

from services.transactions.queries.verifying.books import AMOUNT_MAX, Books, Shard
from services.transactions.queries.verifying.first_outcomes import Sum
from services.transactions.queries.verifying.journal import (
    NULL,
    SEALED_COUNT,
    day_of,
    spelt_time,
)
from services.transactions.queries.verifying.seals import Chain
from services.transactions.queries.verifying.spelling import posting_of
from shared.messages.instructions import FACTS

PLAIN_TYPES: Final = frozenset({"transfer", "deposit", "withdrawal", "fee", "interest", "house_posting"})
"""Instruction types that do nothing but move money, where nothing stands beside the movement."""


def _field(text: str) -> bytes:
    return len(text).to_bytes(4, "big") + text.encode()


_TOPIC: Final = "transactions.instructions.v1"
_OPENING: Final = _field("TransactionPosted") + _field(_TOPIC)
_NULLS: Final = 4 * NULL
_HEAD: Final = struct.Struct(">hiiiqiqiqiqii").unpack_from
_LENGTH: Final = struct.Struct(">i").unpack_from
_ID: Final = struct.Struct(">i16si").unpack_from
_MOVEMENT: Final = struct.Struct(">iqiqiqiqiqiii").unpack_from
_HEAD_BYTES: Final = 66
_TYPE_AT: Final = _HEAD_BYTES + len(_OPENING)
_SPELLINGS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """What a row says between its topic and its trace, with no reason, detail or the like."""

    instruction_type: str
    booking_date: date
    value_date: date
    is_fact: bool


@dataclass(frozen=True, slots=True)
class _End:
    """An account as a movement meets it in this shard."""

    counters: list[int]
    """As in `Shard.rows`."""
    asset_id: int
    asset: str
    entity_id: int
    scale: int
    is_debited_here: bool
    limit: int | None
    """None where there is none to be held: for a house account, and for one without."""
    posting: str


class _Spelling(NamedTuple):
    """What plain events of a batch have in common."""

    seq: str
    offset: str
    instruction_id: str
    owner: str
    content_hash: str
    amount: str
    debit: str


class PlainWalk:
    """Walks the plain transactions of one shard; all else comes to its caller."""

    def __init__(self, books: Books, shard: Shard, ids: Sum, chain: Chain | None) -> None:
        self._books = books
        self._shard = shard
        self._ids = ids
        self._keyed = ids.keyed.copy
        self._total = 0
        self._chain = chain
        self._ends: dict[int, _End] = {}
        self._said: dict[bytes, _Said] = {}
        self._recorded_at = -1
        self._spellings: dict[tuple[_Said, bytes, int, int], _Spelling] = {}
        self._facts = 0
        self._limited = 0
        self._walked = 0
        self.rows = 0
        """How many have been walked, and counted."""

    def take(self, chunk: bytes, at: int, expected: int) -> int:
        """Walk the row of this number that begins there, and say where the next one does.

        Says 0, and has done nothing, where it is not plain or anything does not hold.
        """
        _, _, _, _, seq, _, recorded_at, _, _, is_offset, offset, is_partition, partition = _HEAD(chunk, at)
        if (
            seq != expected
            or is_offset != 8
            or is_partition != 4
            or not chunk.startswith(_OPENING, at + _HEAD_BYTES)
        ):
            return 0
        place = at + _TYPE_AT
        end = place + chunk[place + 3] + 36
        said = self._said.get(chunk[place:end]) or self._learn(chunk[place:end])
        if said is None:
            return 0
        length: int = _LENGTH(chunk, end)[0]
        id_at = end + 4 if length < 0 else end + 4 + length
        is_id, id_bytes, length = _ID(chunk, id_at)
        owner_at = id_at + 24
        copies_at = owner_at + length
        if is_id != 16 or length < 0:
            return 0
        length = _LENGTH(chunk, copies_at)[0]
        movement_at = copies_at + 4 if length < 0 else copies_at + 4 + length
        (
            is_1,
            debit_id,
            is_2,
            credit_id,
            is_3,
            amount,
            is_4,
            debit_after,
            is_5,
            credit_after,
            is_6,
            asset_id,
            length,
        ) = _MOVEMENT(chunk, movement_at)
        if not is_1 == is_2 == is_3 == is_4 == is_5 == 8 or is_6 != 4 or length < 0:
            return 0
        kind_at = movement_at + 72
        content_length_at = kind_at + length
        content_at = content_length_at + 4
        length = _LENGTH(chunk, content_length_at)[0]
        content_end = content_at + length
        if length < 0 or chunk[content_end : content_end + 8] != NULL + NULL:
            return 0
        ends = self._ends
        debit = ends.get(debit_id) or self._meet(debit_id)
        credit = ends.get(credit_id) or self._meet(credit_id)
        watched = self._shard.watched
        if (
            debit is None
            or credit is None
            or debit is credit
            or amount <= 0
            or not debit.asset_id == credit.asset_id == asset_id
            or debit.entity_id != credit.entity_id
            or not debit.is_debited_here
            or self._shard.days[debit.entity_id] != said.booking_date
            or (watched and (debit_id in watched or credit_id in watched))
        ):
            return 0
        taken, given = debit.counters, credit.counters
        debited, credited = taken[0] + amount, given[1] + amount
        balance = taken[1] - debited
        limit = debit.limit
        if (
            balance != debit_after
            or credited - given[0] != credit_after
            or debited + taken[2] > AMOUNT_MAX
            or credited + given[3] > AMOUNT_MAX
            or (limit is not None and balance - taken[2] + limit < 0)
        ):
            return 0
        taken[0], given[1] = debited, credited
        self._walked += 1
        if said.is_fact:
            self._facts += 1
        elif limit is not None:
            self._limited += 1
        content = chunk[content_at:content_end]
        content_hash = blake2b(content, digest_size=16).digest()
        hashed = self._keyed()
        hashed.update(id_bytes + chunk[at + 2 : at + 22] + content_hash)
        self._total += int.from_bytes(hashed.digest(), "big")
        chain = self._chain
        if chain is not None and chain.difference is None:
            if recorded_at != self._recorded_at:
                self._recorded_at = recorded_at
                self._spellings.clear()
            kind = chunk[kind_at:content_length_at]
            spelling = self._spellings.get((said, kind, asset_id, partition))
            if spelling is None:
                spelling = self._spell(said, kind, partition, debit)
            digits = str(amount)
            scale = debit.scale
            if scale:
                if len(digits) <= scale:
                    digits = digits.rjust(scale + 1, "0")
                digits = f"{digits[:-scale]}.{digits[-scale:]}"
            id_hex = id_bytes.hex()
            text = (
                f"{spelling.seq}{seq}{spelling.offset}{offset}{spelling.instruction_id}"
                f"{id_hex[:8]}-{id_hex[8:12]}-{id_hex[12:16]}-{id_hex[16:20]}-{id_hex[20:]}"
                f"{spelling.owner}{chunk[owner_at:copies_at].decode()}"
                f"{spelling.content_hash}{content_hash.hex()}{spelling.amount}{digits}{spelling.debit}"
                f'{debit.posting},"credit":{credit.posting}}}],"instruction":'
            ).encode()
            size = len(text) + len(content) + 1
            chain.take(
                seq,
                sha256(
                    b"".join(
                        (b"\x00", chain.head, size.to_bytes(4, "big"), text, content, b"}", SEALED_COUNT,
                         chunk[at + 2 : content_at])
                    )
                ).digest(),
            )  # fmt: skip
        return content_end + 8

    def count(self) -> None:
        """Count what was looked at as the walk row by row does."""
        books, walked = self._books, self._walked
        self._ids.join(walked, self._total)
        self._total = 0
        books.instructions += walked
        books.movements += walked
        books.see_many("sequence", walked)
        books.see_many("movements", 2 * walked)
        books.see_many("booking_dates", walked)
        books.see_many("after_balances", 2 * walked)
        books.see_many("limits", walked + self._facts + self._limited)
        self.rows += walked
        self._walked = self._facts = self._limited = 0

    def _learn(self, spelt: bytes) -> _Said | None:
        """Read a type and two dates with nothing behind them; none where that is not what stands there."""
        length = int.from_bytes(spelt[:4], "big")
        dates = spelt[4 + length : 20 + length]
        if spelt[20 + length :] != _NULLS or dates[:4] != dates[8:12] or dates[:4] != b"\x00\x00\x00\x04":
            return None
        code = spelt[4 : 4 + length].decode()
        if code not in PLAIN_TYPES:
            return None
        said = _Said(code, day_of(dates[4:8]), day_of(dates[12:16]), code in FACTS)
        if len(self._said) < _SPELLINGS_MAX:
            self._said[spelt] = said
        return said

    def _meet(self, account_id: int) -> _End | None:
        account = self._books.accounts.get(account_id)
        if account is None:
            return None
        met = self._ends[account_id] = _End(
            self._shard.rows.setdefault(account_id, [0, 0, 0, 0]),
            account.asset_id,
            account.asset,
            account.entity_id,
            account.scale,
            not account.is_customer or account.home == self._shard.number,
            account.limit if account.is_customer else None,
            posting_of(account),
        )
        return met

    def _spell(self, said: _Said, kind: bytes, partition: int, end: _End) -> _Spelling:
        spelt = self._spellings[said, kind, end.asset_id, partition] = _Spelling(
            f'{{"type":"TransactionPosted","shard":{self._shard.number},"seq":',
            f',"recorded_at":"{spelt_time(self._recorded_at)}","source":{{"topic":"{_TOPIC}",'
            f'"partition":{partition},"offset":',
            '},"instruction_id":"',
            f'","instruction_type":"{said.instruction_type}","owner":"',
            '","content_hash":"',
            f'","booking_date":"{said.booking_date.isoformat()}","value_date":"{said.value_date.isoformat()}",'
            f'"movements":[{{"leg":0,"kind":"{kind.decode()}","amount":"',
            f'","asset":"{end.asset}","scale":{end.scale},"debit":',
        )
        return spelt
