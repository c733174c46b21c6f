"""Checks an export by its files alone: hashes, numbers without gaps, balances derived from movements."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from services.transactions.queries.export import FILES, FORMAT, MANIFEST
from services.transactions.queries.export_files import (
    ParquetMissingError,
    count_of,
    lines_of,
    need_parquet,
    path_of,
)
from services.transactions.queries.exported_seals import Flaw, SealedLines
from services.transactions.queries.verifying.seals import Anchor

_PROGRESS_EVERY: Final = 100_000
_CHECKS: Final = (
    "files",
    "sequence",
    "movements",
    "after_balances",
    "rows",
    "seals",
    "debits_equal_credits",
    "balances",
)


class ExportUnreadableError(ValueError):
    """The folder holds no export, or one that cannot be read."""


_NULL: Final = msgspec.Raw(b"null")


class _Account(msgspec.Struct):
    account_id: int
    asset_id: int


class _Asset(msgspec.Struct):
    asset_id: int
    code: str
    scale: int


class _Detail(msgspec.Struct):
    resolves: dict[str, int] | None = None
    executes: dict[str, int] | None = None
    freed: str | None = None


class _Event(msgspec.Struct, forbid_unknown_fields=True):
    shard: int
    seq: int
    about_seq: int | None
    recorded_at: str
    epoch: int
    kind: str
    instruction_id: str | None
    instruction_type: str | None
    owner: str | None
    booking_date: str | None
    value_date: str | None
    reason: str | None
    detail: msgspec.Raw
    seen: msgspec.Raw
    topic: str | None
    partition: int | None
    offset: int | None
    copies: list[int] | None
    traceparent: str | None
    content: str | None

    def line(self) -> dict[str, Any]:
        """As a dictionary, with what is JSON within it read."""
        spelt = msgspec.structs.asdict(self)
        for name in ("detail", "seen"):
            spelt[name] = None if spelt[name] == _NULL else json.loads(bytes(spelt[name]))
        return spelt


class _Movement(msgspec.Struct, forbid_unknown_fields=True):
    shard: int
    seq: int
    leg: int
    kind: str
    debit_account: int
    credit_account: int
    asset_id: int
    amount: str
    debit_balance_after: str
    credit_balance_after: str


class _Balance(msgspec.Struct):
    shard: int
    account_id: int
    debits_posted: str
    credits_posted: str
    debits_pending: str
    credits_pending: str

    def counters(self) -> list[int]:
        """As numbers."""
        return [
            int(self.debits_posted),
            int(self.credits_posted),
            int(self.debits_pending),
            int(self.credits_pending),
        ]


_Line = TypeVar("_Line", bound=msgspec.Struct)
_DETAIL: Final = msgspec.json.Decoder(_Detail).decode
_POSTED: Final = frozenset({"TransactionPosted", "CreditSwept", "ObligationBooked"})
_SETTLING: Final = frozenset({"TransactionPosted", "TransactionVoided"})
_RESERVING: Final = frozenset({"TransactionPending", "PendingReopened"})
_MOVING: Final = _POSTED | _SETTLING | _RESERVING


@dataclass(slots=True)
class _Verdict:
    checked: dict[str, int]
    first: dict[str, Any] | None = None
    failed: set[str] | None = None

    def see(self, check: str, holds: bool, expected: object = "", found: object = "", **place: Any) -> None:
        self.checked[check] += 1
        if holds:
            return
        self.failed = (self.failed or set()) | {check}
        if self.first is None:
            at = {"shard": None, "seq": None, **place}
            self.first = {"check": check, **at, "expected": str(expected), "found": str(found)}


def check_export(
    folder: Path, progress: Callable[[int], None], anchors: Iterable[Anchor] = ()
) -> dict[str, Any]:
    """Return what `backoffice ledger check-export` prints; needs no database.

    `anchors` are heads of chains that somebody has kept. Raises `ExportUnreadableError`.
    """
    manifest = _manifest(folder)
    try:
        if any(Path(each["file"]).suffix == ".parquet" for each in manifest["files"]):
            need_parquet()
    except ParquetMissingError as error:
        raise ExportUnreadableError(f"{folder} is in Parquet: {error}") from error
    verdict = _Verdict(dict.fromkeys(_CHECKS, 0))
    lines = _check_files(folder, manifest, verdict)
    sealed: SealedLines | None = None
    if verdict.first is None:
        try:
            sealed = SealedLines(folder, manifest, anchors)
            _check_books(folder, manifest, verdict, progress, sealed)
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError, AttributeError) as error:
            verdict.see("files", holds=False, expected="lines as exported", found=error)
    return {
        "ok": verdict.first is None,
        "format": manifest["format"],
        "events": lines.get("journal", 0),
        "movements": lines.get("movements", 0),
        "since": manifest["since"],
        "as_of": manifest["vector"],
        "checks": [
            {"name": name, "ok": name not in (verdict.failed or ()), "checked": checked}
            for name, checked in verdict.checked.items()
        ],
        "heads": sealed.heads() if sealed is not None else {},
        "not_sealed": sealed.not_sealed() if sealed is not None else ["all of it"],
        "first_difference": verdict.first,
    }


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: Any = json.loads((folder / MANIFEST).read_bytes())
        known = manifest["format"] == FORMAT and manifest["files"] and manifest["vector"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportUnreadableError(f"{folder} holds no readable {MANIFEST}") from error
    if not known:
        raise ExportUnreadableError(f"{folder} holds no export in the format {FORMAT}")
    return manifest


def _check_files(folder: Path, manifest: dict[str, Any], verdict: _Verdict) -> dict[str, int]:
    """Compare each file's lines and hash with the manifest."""
    found: dict[str, int] = {}
    named = {Path(each["file"]).stem for each in manifest["files"]}
    for name in FILES:
        verdict.see("files", name in named, f"a file {name}", "none in the manifest")
    for each in manifest["files"]:
        digest, lines = hashlib.sha256(), 0
        try:
            with (folder / Path(each["file"]).name).open("rb") as file:
                while data := file.read(1 << 20):
                    digest.update(data)
                    lines += data.count(b"\n")
        except OSError as error:
            verdict.see("files", holds=False, expected=each["file"], found=error.strerror)
            continue
        path = folder / Path(each["file"]).name
        if path.suffix == ".parquet" and digest.hexdigest() == each["sha256"]:
            lines = count_of(path)
        found[Path(each["file"]).stem] = lines
        same = (lines, digest.hexdigest()) == (each["lines"], each["sha256"])
        expected = f"{each['file']}: {each['lines']} lines, sha256 {each['sha256']}"
        verdict.see("files", same, expected, f"{lines} lines, sha256 {digest.hexdigest()}")
    return found


def _check_books(
    folder: Path,
    manifest: dict[str, Any],
    verdict: _Verdict,
    progress: Callable[[int], None],
    sealed: SealedLines,
) -> None:
    assets = {each.asset_id: each for each in _lines(folder, "assets", _Asset)}
    accounts = {each.account_id: each.asset_id for each in _lines(folder, "accounts", _Account)}
    rows = {
        (each.shard, each.account_id): each.counters()
        for each in _lines(folder, "opening_balances", _Balance)
    }
    movements = _lines(folder, "movements", _Movement)
    coming = next(movements, None)
    expected = {int(shard): seq for shard, seq in manifest["since"].items()}
    for number, event in enumerate(_lines(folder, "journal", _Event), start=1):
        if number % _PROGRESS_EVERY == 0:
            progress(number)
        at = {"shard": event.shard, "seq": event.seq}
        follows = event.seq == expected[event.shard] + 1
        verdict.see("sequence", follows, expected[event.shard] + 1, event.seq, **at)
        expected[event.shard] = event.seq
        legs: list[dict[str, Any]] = []
        while coming is not None and (coming.shard, coming.seq) == (event.shard, event.seq):
            legs.append(msgspec.structs.asdict(coming))
            asset = accounts.get(coming.debit_account)
            agree = asset == accounts.get(coming.credit_account) == coming.asset_id
            verdict.see("movements", agree, "two accounts of the asset", coming.asset_id, **at)
            _apply(event, coming, rows, verdict)
            coming = next(movements, None)
        verdict.see(
            "movements", bool(legs) == (event.kind in _MOVING), event.kind, f"{len(legs)} movements", **at
        )
        _see_sealed(sealed.flaws(event.line(), legs), verdict, event)
    for shard, seq in manifest["vector"].items():
        verdict.see("sequence", expected[int(shard)] == seq, seq, expected[int(shard)], shard=int(shard))
    verdict.see("movements", coming is None, "no more movements", coming)
    for shard, flaw in sealed.end():
        verdict.see(flaw.check, False, flaw.expected, flaw.found, shard=shard, seq=flaw.seq)
    verdict.checked["seals"] += sealed.hashed
    for each in _lines(folder, "balances", _Balance):
        derived, found = rows.pop((each.shard, each.account_id), [0, 0, 0, 0]), each.counters()
        expected_words, found_words = f"{each.account_id}: {derived}", f"{each.account_id}: {found}"
        verdict.see("balances", derived == found, expected_words, found_words, shard=each.shard)
    for (shard, account_id), derived in rows.items():
        verdict.see("balances", not any(derived), f"{account_id}: {derived}", "no row", shard=shard)
    totals: dict[int, list[int]] = {}
    for each in _lines(folder, "balances", _Balance):
        summed = totals.setdefault(accounts[each.account_id], [0, 0, 0, 0])
        for index, value in enumerate(each.counters()):
            summed[index] += value
    for asset_id, own in totals.items():
        balanced = own[0] == own[1] and own[2] == own[3]
        verdict.see("debits_equal_credits", balanced, f"{assets[asset_id].code}: equal", own)


def _see_sealed(flaws: Iterable[Flaw], verdict: _Verdict, event: _Event) -> None:
    verdict.checked["rows"] += 1
    for flaw in flaws:
        verdict.see(flaw.check, False, flaw.expected, flaw.found, shard=event.shard, seq=event.seq)


def _apply(
    event: _Event,
    movement: _Movement,
    rows: dict[tuple[int, int], list[int]],
    verdict: _Verdict,
) -> None:
    """Add a movement to its shard's rows of both accounts, and compare what they come to."""
    amount = int(movement.amount)
    posted = amount if event.kind in _POSTED else 0
    pending = amount if event.kind in _RESERVING else 0
    if event.kind in _SETTLING:
        detail = _DETAIL(event.detail) if bytes(event.detail) != b"null" else _Detail()
        settles = event.about_seq is not None and detail.executes is None
        if settles or detail.resolves is not None:
            pending = -amount - int((detail.freed or "0").replace(".", ""))
    ends = (
        (movement.debit_account, 0, movement.debit_balance_after),
        (movement.credit_account, 1, movement.credit_balance_after),
    )
    for account_id, side, after in ends:
        row = rows.get((movement.shard, account_id))
        if row is None:
            row = rows[movement.shard, account_id] = [0, 0, 0, 0]
        row[side] += posted
        row[side + 2] += pending
        verdict.see(
            "after_balances",
            row[1] - row[0] == int(after),
            row[1] - row[0],
            after,
            shard=movement.shard,
            seq=movement.seq,
        )


def _lines(folder: Path, name: str, kind: type[_Line]) -> Iterator[_Line]:
    decode = msgspec.json.Decoder(kind).decode
    for line in lines_of(path_of(folder, name)):
        yield decode(line)
