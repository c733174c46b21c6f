"""An export is the whole ledger at one vector, and what is changed in it is found."""

# ruff: noqa: E501 - tampering in one line each

import hashlib
import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from services.transactions.queries import ExportUnreadableError, check_export, export_ledger
from services.transactions.queries.export_files import Spelling, path_of
from services.transactions.queries.export_files import lines_of as all_lines_of
from services.transactions.queries.moments import vector_now
from shared.messages.envelope import HOUSE
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PARTITIONS,
    StoredLedger,
    answer,
    deposit,
    instruction,
    opening,
    owner_in,
    received,
    transfer,
    withdrawal,
)

ANN, BEA = owner_in(1, "ann"), owner_in(2, "bea")


async def first_half(ledger: StoredLedger) -> None:
    """Posted, pending and refused ones, and texts that are awkward in a file."""
    await ledger.send(opening(ANN), opening(BEA), deposit(ANN, "5000.00"), deposit(BEA, "9.00"))
    await ledger.send(transfer(ANN, BEA, "60.00", business_reference='a "quote", a \\ and a \u2028'))
    (pending, _) = await ledger.send(*[withdrawal(ANN, "1500.00") for _ in range(2)])
    await ledger.send(answer(pending, "cleared"), transfer(ANN, BEA, "x\n\x01\x02"), b"{")


async def second_half(ledger: StoredLedger) -> None:
    """Another day, a reserve in parts."""
    day = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-02")
    await ledger.send(*[received(day, partition=shard) for shard in range(PARTITIONS)])
    reserve = instruction("reserve", owner=BEA, account=BEA, amount="20.00", asset="EUR")
    await ledger.send(reserve)
    part = {"pending_id": reserve["instruction_id"], "amount": "5.00"}
    await ledger.send(instruction("post_pending", owner=BEA, **part), transfer(BEA, ANN, "1.00"))


@pytest_asyncio.fixture
async def asking(ledger_database: LedgerDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A connection with the read-only login."""
    connection = await asyncpg.connect(ledger_database.readonly)
    yield connection
    await connection.close()


async def exported(asking: asyncpg.Connection, folder: Path, since: dict[int, int]) -> dict[str, Any]:
    """Export into a new folder."""
    folder.mkdir()
    return await export_ledger(asking, folder, since, lambda *_: None)


def checked(folder: Path) -> dict[str, Any]:
    """Check a folder."""
    return check_export(folder, lambda _: None)


def lines_of(folder: Path, name: str) -> list[dict[str, Any]]:
    """The lines of a file."""
    return [json.loads(line) for line in all_lines_of(path_of(folder, name))]


async def test_an_export_holds_every_row_as_it_is(
    ledger: StoredLedger, asking: asyncpg.Connection, tmp_path: Path
) -> None:
    """As many lines as rows, content byte for byte, and the check finds it in order."""
    await first_half(ledger)
    await second_half(ledger)
    folder = tmp_path / "export"
    manifest = await exported(asking, folder, {})
    for name, table in (("accounts", "account"), ("journal", "journal"), ("movements", "movement")):
        assert len(lines_of(folder, name)) == await asking.fetchval(
            f"SELECT count(*) FROM transactions.{table}"
        )
    for line in lines_of(folder, "journal"):
        row = await asking.fetchrow(
            "SELECT content, recorded_at FROM transactions.journal WHERE shard = $1 AND seq = $2",
            line["shard"],
            line["seq"],
        )
        assert row is not None
        assert (None if line["content"] is None else line["content"].encode()) == row["content"]
    verdict = checked(folder)
    assert verdict["first_difference"] is None
    assert verdict["ok"]
    assert verdict["as_of"] == manifest["vector"]
    assert all(each["checked"] for each in verdict["checks"])


async def test_an_export_goes_on_from_another(
    ledger: StoredLedger, asking: asyncpg.Connection, tmp_path: Path
) -> None:
    """From its vector: only what came since, with the balances that it adds to."""
    await first_half(ledger)
    manifest = await exported(asking, tmp_path / "first", {})
    vector = {int(shard): seq for shard, seq in manifest["vector"].items()}
    await second_half(ledger)
    await exported(asking, tmp_path / "second", vector)
    assert checked(tmp_path / "second")["ok"]
    opened = lines_of(tmp_path / "second", "opening_balances")
    assert [each for each in opened if each["debits_posted"] != "0"]
    assert all(each in lines_of(tmp_path / "first", "balances") for each in opened)
    numbers = [(each["shard"], each["seq"]) for each in lines_of(tmp_path / "second", "journal")]
    assert all(seq > vector[shard] for shard, seq in numbers)


def change(name: str, match: str, replacement: str) -> Callable[[Path], None]:
    """Change the first place in a file, and let the manifest say so too."""

    def apply(folder: Path) -> None:
        file = folder / f"{name}.jsonl"
        before = file.read_text("utf-8")
        after = before.replace(match, replacement, 1)
        assert before != after
        file.write_text(after, "utf-8")
        sign_again(folder, file)

    return apply


def drop(name: str, number: int) -> Callable[[Path], None]:
    """Take a line out of a file, and let the manifest say so too."""

    def apply(folder: Path) -> None:
        file = folder / f"{name}.jsonl"
        lines = file.read_bytes().splitlines(keepends=True)
        del lines[number]
        file.write_bytes(b"".join(lines))
        sign_again(folder, file)

    return apply


def sign_again(folder: Path, file: Path) -> None:
    """Let the manifest say of a file what is in it now."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for each in manifest["files"]:
        if each["file"] == file.name:
            data = file.read_bytes()
            each |= {"lines": data.count(b"\n"), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


TAMPERING: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped byte": (lambda folder: (folder / "assets.jsonl").write_bytes((folder / "assets.jsonl").read_bytes().replace(b"E", b"F", 1)), "files"),
    "a lost file": (lambda folder: (folder / "freezes.jsonl").unlink(), "files"),
    "a changed amount": (change("movements", '"amount":"6000"', '"amount":"6001"'), "after_balances"),
    "a changed balance": (change("balances", '"credits_pending":"150000"', '"credits_pending":"150001"'), "balances"),
    "a lost event": (drop("journal", 3), "sequence"),
    "a lost last event": (drop("journal", -1), "sequence"),
    "a lost movement": (drop("movements", 0), "movements"),
    "a lost balance": (drop("balances", 0), "balances"),
    "a movement of another account": (change("movements", '"asset_id":978', '"asset_id":840'), "movements"),
    "no JSON": (change("journal", '"seq"', "seq"), "files"),
}  # fmt: skip


async def test_what_is_changed_in_an_export_is_found(
    ledger: StoredLedger, asking: asyncpg.Connection, tmp_path: Path
) -> None:
    """Though the manifest's hashes were made to fit."""
    await first_half(ledger)
    await exported(asking, tmp_path / "export", {})
    for number, (name, (tamper, check)) in enumerate(TAMPERING.items()):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "export", folder)
        tamper(folder)
        verdict = checked(folder)
        assert not verdict["ok"], name
        assert verdict["first_difference"]["check"] == check, (name, verdict)
        assert not str(verdict["first_difference"]["found"]).startswith("_"), name


def test_a_folder_without_a_manifest_is_no_export(tmp_path: Path) -> None:
    """It comes last, so an export that was broken off has none."""
    with pytest.raises(ExportUnreadableError):
        checked(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": "another"}')
    with pytest.raises(ExportUnreadableError):
        checked(tmp_path)


async def test_parquet_holds_the_same_lines(
    ledger: StoredLedger, asking: asyncpg.Connection, tmp_path: Path
) -> None:
    """By types; checked by its files alone as JSON lines are, and what is changed in it is found."""
    await first_half(ledger)
    await second_half(ledger)
    vector = {shard: min(seq, 3) for shard, seq in (await vector_now(asking)).items()}
    for spelling in Spelling:
        (tmp_path / spelling).mkdir()
        await export_ledger(asking, tmp_path / spelling, vector, lambda *_: None, spelling=spelling)
    for name in ("accounts", "journal", "movements", "balances", "opening_balances", "limits"):
        texts, columns = (lines_of(tmp_path / spelling, name) for spelling in Spelling)
        assert texts == columns
    verdict = checked(tmp_path / "parquet")
    assert verdict["ok"]
    assert verdict == checked(tmp_path / "jsonl")
    path = tmp_path / "parquet" / "movements.parquet"
    found = bytearray(path.read_bytes())
    found[len(found) // 2] ^= 1
    path.write_bytes(found)
    assert not checked(tmp_path / "parquet")["ok"]
