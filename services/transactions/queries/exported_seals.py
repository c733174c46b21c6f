"""Holds an export's lines against the rows under the ledger's seals, and follows each shard's chain."""

import struct
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from services.transactions.queries.export_files import lines_of, path_of
from services.transactions.queries.sealed_rows import head_after, line_of, movements_of, repeats_what_is_away
from services.transactions.queries.verifying.books import Account, Books
from services.transactions.queries.verifying.implied import complete
from services.transactions.queries.verifying.journal import Row, row_at
from services.transactions.queries.verifying.seals import NOTHING, Anchor
from shared.messages.kinds import HOUSE

NOT_SEALED: Final[tuple[str, ...]] = (
    "accounts.container",
    "accounts.shard",
    "accounts.limit_minor",
    "accounts.opened_seq",
    "assets.kind",
    "assets.name",
    "entities.name",
    "entities.first_booking_date",
    "account_classes",
    "business_days",
    "accruals",
    "carried_over",
    "day_balances",
    "day_openings",
    "periods",
    "scheduled",
    "freezes",
    "closings",
    "limits",
    "manifest.taken_at",
)
"""Fields and whole files that no seal covers, and that the check does not derive from what one covers."""


class _Sealed(msgspec.Struct, forbid_unknown_fields=True):
    shard: int
    seq: int
    row: str


class _Account(msgspec.Struct):
    account_id: int
    code: str
    entity_id: int
    owner: str
    asset_id: int
    class_: str = msgspec.field(name="class")


class _Asset(msgspec.Struct):
    asset_id: int
    code: str
    scale: int


class _Entity(msgspec.Struct):
    entity_id: int
    code: str


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is not as it is under the seals."""

    check: str
    seq: int
    expected: str
    found: str


class SealedLines:
    """The rows under the seals, taken one after the other beside the lines of the journal."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any], anchors: Iterable[Anchor]) -> None:
        """Begin where the export does; `anchors` are heads that somebody has kept."""
        self._books = _books_of(folder)
        self._rows = _rows_of(folder)
        self._begins = {int(shard): bytes.fromhex(head) for shard, head in manifest["begins"].items()}
        self._head = dict(self._begins)
        self._last = {int(shard): seq for shard, seq in manifest["vector"].items()}
        self._since = {int(shard): seq for shard, seq in manifest["since"].items()}
        ends = [
            Anchor(int(shard), each["seq"], bytes.fromhex(each["head"]))
            for shard, each in manifest["heads"].items()
        ]
        self._said = {(each.shard, each.seq) for each in ends}
        self._kept: dict[tuple[int, int], bytes] = {}
        self._twice: list[Anchor] = []
        for each in (*ends, *anchors):
            if self._kept.setdefault((each.shard, each.seq), each.head) != each.head:
                self._twice.append(each)
        self._lost: dict[int, int] = {}
        self._named: set[int] = set()
        self.hashed = 0
        """Events."""

    def flaws(self, line: Mapping[str, Any], movements: list[dict[str, Any]]) -> Iterator[Flaw]:
        """Compare an event's line and its movements' with its row, and hash that."""
        shard, seq = line["shard"], line["seq"]
        found = next(self._rows, None)
        if found is None or (found.shard, found.seq) != (shard, seq):
            yield Flaw("rows", seq, "its row", "none" if found is None else f"{found.shard}-{found.seq}")
            return
        try:
            row = _row_of(found)
            head = self._hashed(shard, row)
        except (LookupError, TypeError, ValueError, AttributeError, struct.error) as error:
            yield Flaw("rows", seq, "an event that can be spelt", type(error).__name__)
            return
        self._note_accounts(row)
        for expected, given in ((line_of(row), line), *zip(movements_of(row), movements, strict=False)):
            if expected == given:
                continue
            for name in sorted(expected.keys() | given.keys()):
                if expected.get(name) != given.get(name):
                    yield Flaw("rows", seq, f"{name} {expected.get(name)!r}", repr(given.get(name)))
        if head is not None:
            kept = self._kept.pop((shard, seq), head)
            if kept != head:
                yield Flaw("seals", seq, f"the head {kept.hex()}", head.hex())

    def _hashed(self, shard: int, row: Row) -> bytes | None:
        """Complete a row and go on by it; None where the chain cannot be followed any more."""
        before = self._head.get(shard, b"")
        is_away = repeats_what_is_away(row) and row["about_seq"] <= self._since[shard]
        if shard in self._lost or not before or is_away:
            self._lost.setdefault(shard, row["seq"])
            complete(row, self._books)
            return None
        head = self._head[shard] = head_after(before, row, self._books)
        if row.is_plain:
            complete(row, self._books)
        self.hashed += 1
        return head

    def end(self) -> Iterator[tuple[int, Flaw]]:
        """Say of each shard what is missing at its end, such as a head that was kept and is not reached."""
        for shard in sorted({*self._since, *self._last, *self._begins}):
            if not all(shard in each for each in (self._since, self._last, self._begins)):
                yield (
                    shard,
                    Flaw("seals", 0, "where it begins and ends", "one of them in the manifest"),
                )
        for shard, since in sorted(self._since.items()):
            if not since and self._begins.get(shard) != NOTHING:
                yield shard, Flaw("seals", 1, "a chain that begins with nothing", "another beginning")
        for each in self._twice:
            yield each.shard, Flaw("seals", each.seq, f"the head {each.head.hex()}", "another, as it is said")
        left = next(self._rows, None)
        if left is not None:
            yield left.shard, Flaw("rows", left.seq, "no more rows", f"{left.shard}-{left.seq}")
        for (shard, seq), head in sorted(self._kept.items()):
            begin = self._since.get(shard, 0)
            is_here = seq == begin and self._begins.get(shard) == head
            if seq >= begin and not is_here and shard not in self._lost:
                yield shard, Flaw("seals", seq, f"an event with the head {head.hex()}", "none")
        for shard, last in sorted(self._last.items()):
            if last and (shard, last) not in self._said:
                yield shard, Flaw("seals", last, "the head of the last event", "none in the manifest")

    def heads(self) -> dict[str, dict[str, Any]]:
        """Where each chain ends, for whoever has kept a head elsewhere; none that could not be followed."""
        return {
            str(shard): {"seq": last, "head": self._head[shard].hex()}
            for shard, last in sorted(self._last.items())
            if shard not in self._lost and self._head.get(shard)
        }

    def not_sealed(self) -> list[str]:
        """What no seal covers of this export."""
        unnamed = len(self._books.accounts.keys() - self._named)
        told: list[str] = list(NOT_SEALED)
        if unnamed:
            told.append(f"accounts: {unnamed} that no event of the export names")
        told += [
            f"journal: shard {shard} from {seq} on, whose first outcome is in a detached part"
            for shard, seq in sorted(self._lost.items())
        ]
        return told

    def _note_accounts(self, row: Row) -> None:
        """Remember whose names are part of what is hashed."""
        self._named |= {leg[side] for leg in row.legs for side in ("debit_account", "credit_account")}
        if row["kind"] in ("InstructionApplied", "AccountClosed"):
            said = msgspec.json.decode(row["detail"] if row["kind"] == "AccountClosed" else row["content"])
            self._named |= {self._books.ids[said["account"]]} & self._books.accounts.keys()


def _rows_of(folder: Path) -> Iterator[_Sealed]:
    decode = msgspec.json.Decoder(_Sealed).decode
    for line in lines_of(path_of(folder, "sealed")):
        yield decode(line)


def _row_of(line: _Sealed) -> Row:
    spelt = b64decode(line.row, validate=True)
    row, end = row_at(spelt, 0)
    if end != len(spelt) or (row["shard"], row["seq"]) != (line.shard, line.seq):
        raise ValueError("another row, or more than one")
    return row


def _books_of(folder: Path) -> Books:
    """Read what accounts are called, as far as events say it."""

    def read(name: str, kind: Any) -> Iterator[Any]:
        decode = msgspec.json.Decoder(kind).decode
        for line in lines_of(path_of(folder, name)):
            yield decode(line)

    assets: dict[int, _Asset] = {each.asset_id: each for each in read("assets", _Asset)}
    entities: dict[int, str] = {each.entity_id: each.code for each in read("entities", _Entity)}
    books = Books()
    for each in read("accounts", _Account):
        asset = assets[each.asset_id]
        is_customer = each.owner != HOUSE
        entity = entities[each.entity_id]
        books.accounts[each.account_id] = Account(
            each.code, 0, each.asset_id, each.entity_id, None, is_customer, 0,
            asset.scale, each.owner, entity, each.class_, asset.code,
        )  # fmt: skip
        books.ids[each.code] = each.account_id
    return books
