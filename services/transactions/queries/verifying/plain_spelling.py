"""Spells and hashes the events of plain transactions, many at once, as `spelling` and `seals` do one.

Each event is put together of bytes that it has in common with others, or that were made for all of a run.
"""

from collections.abc import Sequence
from datetime import date
from hashlib import blake2b, sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.transactions.queries.verifying.books import Account
from services.transactions.queries.verifying.columns import PLAIN_TYPES, Block, Ints
from services.transactions.queries.verifying.implied import (
    BOTH_ACCOUNTS,
    CUT_BELOW,
    ENDINGS,
    NAMES_CUT,
    opening_of,
)
from services.transactions.queries.verifying.journal import (
    EPOCH_DAY,
    INSTRUCTIONS_TOPIC,
    SEALED_COUNT,
    spelt_time,
)
from services.transactions.queries.verifying.spelling import posting_of
from shared.messages.envelope import HOUSE

SPELLINGS_MAX: Final = 10_000
_TO_ID: Final = b'},"instruction_id":"'
_TO_HASH: Final = b'","content_hash":"'
_END: Final = b"}"
_END_AND_COUNT: Final = _END + SEALED_COUNT
_ID_BYTES: Final = 36
_HASH_BYTES: Final = 32
_MARK: Final = "\x00"
_FRACTION_MAX: Final = 3
"""Decimals of which all fractions are spelt once."""
_FRACTIONS: Final = {
    scale: [f".{each:0{scale}}".encode() for each in range(10**scale)]
    for scale in range(1, _FRACTION_MAX + 1)
}
_HEX: Final = np.frombuffer(bytes(range(256)).hex().encode(), np.uint16)


class PlainSpelling:
    """Spells one shard's plain events."""

    def __init__(self, shard: int, said: "SaidOfAccounts") -> None:
        self._shard = shard
        self._said = said
        self._begin = f'{{"type":"TransactionPosted","shard":{shard},"seq":'.encode()
        openings = [opening_of(code, _MARK, _MARK).split(_MARK) for code in PLAIN_TYPES]
        self._openings = [opening.encode() for opening, _, _ in openings]
        self._to_owner = openings[0][1].encode()
        self._sources: dict[int, bytes] = {}
        self._terms: dict[tuple[int, ...], tuple[bytes, bytes]] = {}
        self._tails: dict[tuple[int, int], bytes] = {}

    def heads(self, block: Block, run: slice, debit: Ints, credit: Ints, head: bytes) -> list[bytes]:
        """Return the head of the chain after each event of a run, of which these are the accounts."""
        said, data, join, begin = self._said, block.data, b"".join, self._begin
        said.spell()
        debits, credits_ = debit.tolist(), credit.tolist()
        homes = np.where(said.is_house[debit], credit, debit)
        ids = spelt_ids(block.instruction_id[run])
        owners = [said.owners[each] for each in homes.tolist()]
        amounts = decimals(block.amount[run], said.scales[debit])
        contents = self._contents(block, run, debits, credits_, homes.tolist(), ids, owners, amounts)
        hashes = spelt_hashes([blake2b(each, digest_size=16).digest() for each in contents])
        terms = self._terms_of(block, run)
        before, dates = ([each[at] for each in terms] for at in (0, 1))
        seqs, offsets = spelt_numbers(block.seq[run]), spelt_numbers(block.offset[run])
        sources = self._sources_of(block.recorded_at[run].tolist())
        lengths = said.owner_lengths[homes] + said.debit_lengths[debit] + said.credit_lengths[credit]
        lengths += len(begin) + len(_TO_ID) + _ID_BYTES + len(_TO_HASH) + _HASH_BYTES + len(_END)
        for each in (seqs, sources, offsets, before, dates, amounts, contents):
            lengths += _lengths(each)
        heads: list[bytes] = []
        for (
            size, seq, source, offset, instruction_id, said_before, owner, content_hash, said_dates, amount,
            debited, credited, content, row_at, row_end,
        ) in zip(
            lengths.astype(">u4").view("V4").tolist(), seqs, sources, offsets, ids, before, owners, hashes,
            dates, amounts, [said.debits[each] for each in debits], [said.credits[each] for each in credits_],
            contents, (block.starts[run] + 2).tolist(), block.content_at[run].tolist(), strict=True,
        ):  # fmt: skip
            head = sha256(
                join(
                    (b"\x00", head, size, begin, seq, source, offset, _TO_ID, instruction_id, said_before,
                     owner, _TO_HASH, content_hash, said_dates, amount, debited, credited, content,
                     _END_AND_COUNT, data[row_at:row_end])
                )
            ).digest()  # fmt: skip
            heads.append(head)
        return heads

    def _contents(
        self,
        block: Block,
        run: slice,
        debits: list[int],
        credited: list[int],
        homes: list[int],
        ids: list[bytes],
        owners: list[bytes],
        amounts: list[bytes],
    ) -> list[bytes]:
        """Spell what was asked, whole."""
        data, join, openings, to_owner = block.data, b"".join, self._openings, self._to_owner
        first, second, only = self._said.first, self._said.second, self._said.only
        (key, name), (other_key, other_name) = NAMES_CUT
        marks = block.mark[run].tolist()
        return [
            join(
                (openings[place], instruction_id, to_owner, owner,
                 data[at + 1 : end].replace(key, name).replace(other_key, other_name),
                 first[debit] + second[credit] if mark == BOTH_ACCOUNTS else only[home], amount, tail)
            )
            if mark < CUT_BELOW
            else data[at:end]
            for mark, place, debit, credit, home, instruction_id, owner, amount, tail, at, end in zip(
                marks, block.instruction_type[run].tolist(), debits, credited, homes, ids, owners, amounts,
                self._tails_of(marks, block.asset_id[run].tolist(), debits),
                block.content_at[run].tolist(), block.content_end[run].tolist(),
                strict=True,
            )
        ]  # fmt: skip

    def _sources_of(self, recorded_at: list[int]) -> list[bytes]:
        """Spell when each was recorded, and the place it came from, up to the offset."""
        known = self._sources
        if len(known) > SPELLINGS_MAX:
            known.clear()
        for at in set(recorded_at) - known.keys():
            place = f'"source":{{"topic":"{INSTRUCTIONS_TOPIC}","partition":{self._shard},"offset":'
            known[at] = f',"recorded_at":"{spelt_time(at)}",{place}'.encode()
        return [known[each] for each in recorded_at]

    def _terms_of(self, block: Block, run: slice) -> list[tuple[bytes, bytes]]:
        """Spell the type of each, up to the owner, and its dates and kind of movement, up to the amount."""
        known = self._terms
        columns = (
            block.instruction_type[run],
            block.booking_day[run],
            block.value_day[run],
            *block.kind[run].T,
        )
        keys: list[tuple[int, ...]] = list(zip(*(each.tolist() for each in columns), strict=True))
        if len(known) > SPELLINGS_MAX:
            known.clear()
        for key in set(keys) - known.keys():
            known[key] = _spelt_terms(*key)
        return [known[each] for each in keys]

    def _tails_of(self, marks: list[int], asset_ids: list[int], debits: list[int]) -> list[bytes]:
        """Spell what stands behind the amount in a content that is not whole."""
        known = self._tails
        keys = list(zip(marks, asset_ids, strict=True))
        for mark, asset_id in set(keys) - known.keys():
            asset = self._said.accounts[debits[keys.index((mark, asset_id))]].asset
            behind = ENDINGS[mark][1] if mark in ENDINGS else ""
            known[mark, asset_id] = f'","asset":"{asset}"{behind}}}'.encode()
        return [known[each] for each in keys]


class SaidOfAccounts:
    """What is said of accounts, with what stands around it; by the places by which runs name them."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self.accounts = accounts
        self.scales = np.array([each.scale for each in accounts], np.int64)
        self.is_house = np.array([each.owner == HOUSE for each in accounts], np.bool_)
        self.owners: list[bytes] = []
        self.debits: list[bytes] = []
        self.credits: list[bytes] = []
        self.first: list[bytes] = []
        self.second: list[bytes] = []
        self.only: list[bytes] = []
        """In a content that is not whole: both accounts, or the only one."""
        self.owner_lengths = self.debit_lengths = self.credit_lengths = np.zeros(0, np.int64)

    def spell(self) -> None:
        """Spell all, once."""
        if self.owners:
            return
        for account in self.accounts:
            code, posting = account.code, posting_of(account)
            asset = f'","asset":"{account.asset}","scale":{account.scale},"debit":'
            self.owners.append(account.owner.encode())
            self.debits.append(f'{asset}{posting},"credit":'.encode())
            self.credits.append(f'{posting}}}],"instruction":'.encode())
            self.first.append(f',"debit_account":"{code}'.encode())
            self.second.append(f'","credit_account":"{code}","amount":"'.encode())
            self.only.append(f',"account":"{code}","amount":"'.encode())
        self.owner_lengths = _lengths(self.owners)
        self.debit_lengths = _lengths(self.debits)
        self.credit_lengths = _lengths(self.credits)


def _lengths(column: Sequence[bytes]) -> Ints:
    return np.fromiter(map(len, column), np.int64, len(column))


def _spelt_terms(place: int, booking_day: int, value_day: int, *kind: int) -> tuple[bytes, bytes]:
    said = f'","instruction_type":"{PLAIN_TYPES[place]}","owner":"'
    name = np.array(kind, np.uint64).tobytes().rstrip(b"\x00").decode()
    booking_date, value_date = (
        date.fromordinal(EPOCH_DAY + each).isoformat() for each in (booking_day, value_day)
    )
    dates = f'","booking_date":"{booking_date}","value_date":"{value_date}"'
    return said.encode(), f'{dates},"movements":[{{"leg":0,"kind":"{name}","amount":"'.encode()


def spelt_numbers(numbers: Ints) -> list[bytes]:
    """Spell whole numbers, none of them below zero."""
    return repr(numbers.tolist()).encode()[1:-1].split(b", ")


def spelt_ids(ids: NDArray[np.uint8]) -> list[bytes]:
    """Spell UUIDs."""
    spelt = np.full((len(ids), 36), ord("-"), np.uint8)
    digits = _HEX[ids].view(np.uint8)
    for group, (at, end) in enumerate(((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))):
        spelt[:, at + group : end + group] = digits[:, at:end]
    return spelt.view("S36").ravel().tolist()


def spelt_hashes(hashes: Sequence[bytes]) -> list[bytes]:
    """Spell hashes of 16 bytes in hexadecimal digits."""
    digits = _HEX[np.frombuffer(b"".join(hashes), np.uint8)]
    return digits.view("S32").tolist()


def decimals(amounts: Ints, scales: Ints) -> list[bytes]:
    """Spell amounts in minor units, none of them below zero, as decimals."""
    first = int(scales[0])
    if (scales != first).any():
        spelt = np.empty(len(amounts), object)
        for scale in np.unique(scales):
            spelt[scales == scale] = decimals(amounts[scales == scale], scales[scales == scale])
        return spelt.tolist()
    if not first:
        return spelt_numbers(amounts)
    whole, fraction = np.divmod(amounts, 10**first)
    numbers = spelt_numbers(whole)
    if first <= _FRACTION_MAX:
        fractions = _FRACTIONS[first]
        return [number + fractions[rest] for number, rest in zip(numbers, fraction.tolist(), strict=True)]
    rests = spelt_numbers(fraction + 10**first)
    return [b"%b.%b" % (number, rest[1:]) for number, rest in zip(numbers, rests, strict=True)]
