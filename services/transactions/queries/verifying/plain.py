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

from services.transactions.queries.verifying.books import AMOUNT_MAX, Account, Books, Shard
from services.transactions.queries.verifying.effects.charging import SIGN as CHARGES
from services.transactions.queries.verifying.effects.reversals import ITEM_CLASSES
from services.transactions.queries.verifying.first_outcomes import Sum
from services.transactions.queries.verifying.implied import (
    CUT_BELOW,
    ENDINGS,
    ending_of,
    home_of,
    opening_of,
    rest_of,
)
from services.transactions.queries.verifying.journal import (
    INSTRUCTIONS_TOPIC,
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


_FIELDS: Final = 14
"""Of a row's opening: what plain rows have in common, from shard to owner."""
_POSTED: Final = b"\x00\x00\x00\x11TransactionPosted" + NULL
"""The kind, of a record of the instructions' topic."""
_LENGTH: Final = struct.Struct(">i").unpack_from
_NUMBERS: Final = struct.Struct(">iqiqiiiqi16siqiqiqiqiqi").unpack_from
_NUMBERS_BYTES: Final = 128
"""With the length of the trace."""
_OPENINGS_MAX: Final = 1_000
_FACT_MARKS: Final = frozenset(mark for mark, (code, _) in ENDINGS.items() if code in FACTS)


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """What a row's opening says, with no reason, detail or the like in it."""

    instruction_type: str | None
    """None where the content names it."""
    booking_date: date
    value_date: date
    kind: str
    asset_id: int


@dataclass(frozen=True, slots=True)
class _End:
    """An account as a movement meets it in this shard."""

    account: Account
    counters: list[int]
    """As in `Shard.rows`."""
    asset_id: int
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
        self._opening, self._says = b"?", None
        self._recorded_at = -1
        self._spellings: dict[tuple[_Said, str], _Spelling] = {}
        self._facts = 0
        self._limited = 0
        self._walked = 0
        self.rows = 0
        """How many have been walked, and counted."""

    def take(self, chunk: bytes, at: int, expected: int) -> int:
        """Walk the row of this number that begins there, and say where the next one does.

        Says 0, and has done nothing, where it is not plain or anything does not hold.
        """
        if chunk.startswith(self._opening, at):
            said, place = self._says, at + len(self._opening)
        else:
            said, place = self._open(chunk, at)
        if said is None:
            return 0
        (
            is_1, seq, is_2, recorded_at, is_3, _, is_4, offset, is_5, id_bytes, is_6, debit_id, is_7,
            credit_id, is_8, amount, is_9, debit_after, is_10, credit_after, length,
        ) = _NUMBERS(chunk, place)  # fmt: skip
        if (
            seq != expected
            or not is_1 == is_2 == is_4 == is_6 == is_7 == is_8 == is_9 == is_10 == 8
            or is_3 != 4
            or is_5 != 16
        ):
            return 0
        copies_at = place + _NUMBERS_BYTES + (max(length, 0))
        length = _LENGTH(chunk, copies_at)[0]
        content_at = copies_at + 8 + (max(length, 0))
        length = _LENGTH(chunk, content_at - 4)[0]
        content_end = content_at + length
        if length <= 0 or chunk[content_end : content_end + 8] != NULL + NULL:
            return 0
        if chunk.find(CHARGES, content_at, content_end) >= 0:
            return 0
        mark = chunk[content_at]
        code = said.instruction_type
        if code is None:
            if mark not in ENDINGS:
                return 0
            code = ENDINGS[mark][0]
            is_fact = mark in _FACT_MARKS
        elif mark < CUT_BELOW:
            return 0
        else:
            is_fact = code in FACTS
        ends = self._ends
        debit = ends.get(debit_id) or self._meet(debit_id)
        credit = ends.get(credit_id) or self._meet(credit_id)
        watched = self._shard.watched
        if (
            debit is None
            or credit is None
            or debit is credit
            or amount <= 0
            or not debit.asset_id == credit.asset_id == said.asset_id
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
        if is_fact:
            self._facts += 1
        elif limit is not None:
            self._limited += 1
        hashed = self._keyed()
        hashed.update(id_bytes + chunk[place : place + 12] + chunk[at + 2 : at + 10])
        self._total += int.from_bytes(hashed.digest(), "big")
        chain = self._chain
        if chain is not None and chain.difference is None:
            if recorded_at != self._recorded_at:
                self._recorded_at = recorded_at
                self._spellings.clear()
            spelling = self._spellings.get((said, code)) or self._spell(said, code, debit)
            digits = str(amount)
            scale = debit.scale
            if scale:
                if len(digits) <= scale:
                    digits = digits.rjust(scale + 1, "0")
                digits = f"{digits[:-scale]}.{digits[-scale:]}"
            id_hex = id_bytes.hex()
            instruction_id = f"{id_hex[:8]}-{id_hex[8:12]}-{id_hex[12:16]}-{id_hex[16:20]}-{id_hex[20:]}"
            owner = home_of(debit.account, credit.account).owner
            content = chunk[content_at:content_end]
            if mark < CUT_BELOW:
                content = (
                    opening_of(code, instruction_id, owner).encode()
                    + rest_of(content)
                    + ending_of(mark, debit.account, credit.account, digits).encode()
                )
            text = (
                f"{spelling.seq}{seq}{spelling.offset}{offset}{spelling.instruction_id}{instruction_id}"
                f"{spelling.owner}{owner}{spelling.content_hash}"
                f"{blake2b(content, digest_size=16).hexdigest()}{spelling.amount}{digits}{spelling.debit}"
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
        books.see_many("content", walked)
        books.see_many("movements", 2 * walked)
        books.see_many("booking_dates", walked)
        books.see_many("periods", walked)
        books.see_many("after_balances", 2 * walked)
        books.see_many("limits", walked + self._facts + self._limited)
        books.see_many("value_dates", self._limited)
        self.rows += walked
        self._walked = self._facts = self._limited = 0

    def _open(self, chunk: bytes, at: int) -> tuple[_Said | None, int]:
        """Read a row's opening, and say where it ends; none where it is not that of a plain row."""
        if not chunk.startswith(_POSTED, at + 10):
            return None, 0
        place = at + 2
        for _ in range(_FIELDS):
            length: int = _LENGTH(chunk, place)[0]
            place += 4 + max(length, 0)
        opening = chunk[at:place]
        said = self._said.get(opening)
        if said is None:
            said = self._learn(opening)
            if said is None:
                return None, 0
            if len(self._said) < _OPENINGS_MAX:
                self._said[opening] = said
        self._opening, self._says = opening, said
        return said, place

    def _learn(self, opening: bytes) -> _Said | None:
        fields: list[bytes | None] = []
        place = 2
        for _ in range(_FIELDS):
            length: int = _LENGTH(opening, place)[0]
            fields.append(None if length < 0 else opening[place + 4 : place + 4 + length])
            place += 4 + max(length, 0)
        _, _, _, code, booked, valued, partition, kind, asset, *rest = fields
        if booked is None or asset is None or partition is not None or any(each is not None for each in rest):
            return None
        if code is not None and code.decode() not in PLAIN_TYPES:
            return None
        said = _Said(
            None if code is None else code.decode(),
            day_of(booked),
            day_of(valued or booked),
            "principal" if kind is None else kind.decode(),
            int.from_bytes(asset, "big"),
        )
        return None if said.value_date > said.booking_date else said

    def _meet(self, account_id: int) -> _End | None:
        account = self._books.accounts.get(account_id)
        if account is None:
            return None
        met = self._ends[account_id] = _End(
            account,
            self._shard.rows.setdefault(account_id, [0, 0, 0, 0]),
            account.asset_id,
            account.entity_id,
            account.scale,
            # What takes from an account of items is looked at closely: it must say which.
            account.home == self._shard.number
            if account.is_customer
            else account.account_class not in ITEM_CLASSES,
            account.limit if account.is_customer else None,
            posting_of(account),
        )
        return met

    def _spell(self, said: _Said, code: str, end: _End) -> _Spelling:
        spelt = self._spellings[said, code] = _Spelling(
            f'{{"type":"TransactionPosted","shard":{self._shard.number},"seq":',
            f',"recorded_at":"{spelt_time(self._recorded_at)}","source":{{"topic":"{INSTRUCTIONS_TOPIC}",'
            f'"partition":{self._shard.number},"offset":',
            '},"instruction_id":"',
            f'","instruction_type":"{code}","owner":"',
            '","content_hash":"',
            f'","booking_date":"{said.booking_date.isoformat()}","value_date":"{said.value_date.isoformat()}",'
            f'"movements":[{{"leg":0,"kind":"{said.kind}","amount":"',
            f'","asset":"{end.account.asset}","scale":{end.scale},"debit":',
        )
        return spelt
