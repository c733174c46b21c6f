"""An export carries the rows under the ledger's seals: a changed character is found, or not sealed."""

import json
import shutil
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from services.transactions.queries import check_export
from services.transactions.queries.export import FILES
from services.transactions.queries.exported_seals import NOT_SEALED
from services.transactions.queries.seals import checkpoint
from services.transactions.queries.verifying import Anchor
from services.transactions.queries.verifying.journal import NULL, row_at
from services.transactions.queries.verifying.seals import hash_of_plain
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import StoredLedger, answer, transfer, withdrawal
from tests.transactions.test_export import ANN, BEA, exported, first_half, lines_of, second_half, sign_again


@pytest_asyncio.fixture
async def whole(
    ledger: StoredLedger, ledger_database: LedgerDatabase, tmp_path: Path
) -> AsyncIterator[tuple[StoredLedger, asyncpg.Connection, Path]]:
    """A small ledger, a connection with the read-only login, and an export of it."""
    await first_half(ledger)
    await second_half(ledger)
    connection = await asyncpg.connect(ledger_database.readonly)
    await exported(connection, tmp_path / "export", {})
    yield ledger, connection, tmp_path / "export"
    await connection.close()


def checked(folder: Path, *anchors: Anchor) -> dict[str, Any]:
    """Check a folder, with heads that somebody has kept."""
    return check_export(folder, lambda _: None, anchors)


def flipped(value: Any) -> Any:
    """The same with one character otherwise, at its end or in its first part."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            last = value[-1:]
            return value[:-1] + (
                "1" if last == "0" else "0" if last.isdigit() else "x" if last != "x" else "y"
            )
        case list():
            return [flipped(value[0]), *value[1:]]
        case _:
            name = next(iter(value))
            return {**value, name: flipped(value[name])}


def altered(folder: Path, name: str, number: int, alter: Callable[[dict[str, Any]], Any]) -> Path:
    """Copy an export with one line changed, and the manifest made to fit."""
    copy = folder.with_name(f"{name}-{number}-altered")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    file = copy / f"{name}.jsonl"
    lines = file.read_text("utf-8").split("\n")
    line = json.loads(lines[number])
    alter(line)
    lines[number] = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
    file.write_text("\n".join(lines), "utf-8")
    sign_again(copy, file)
    return copy


def changing(field: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    """Set a field to the same with one character otherwise."""
    return lambda line: line.update({field: flipped(value)})


USED = {"accounts": ("code", BEA), "assets": ("code", "EUR"), "entities": ("code", "BANK")}
"""What movements are of; of the others the check says that nothing names them."""


async def test_one_changed_character_is_found_in_every_field_or_said_not_to_be_sealed(
    whole: tuple[StoredLedger, asyncpg.Connection, Path],
) -> None:
    """Texts among them, though the manifest was made to fit."""
    _, _, folder = whole
    assert checked(folder)["ok"]
    tried: set[str] = set()
    for name in FILES:
        places: dict[str, list[tuple[int, Any]]] = {}
        for number, line in enumerate(lines_of(folder, name)):
            if name not in USED or line[USED[name][0]] == USED[name][1]:
                for field, value in line.items():
                    if value not in (None, [], {}, ""):
                        places.setdefault(field, []).append((number, value))
        for field, found in places.items():
            tried.add(f"{name}.{field}")
            for number, value in {found[0][0]: found[0][1], found[-1][0]: found[-1][1]}.items():
                verdict = checked(altered(folder, name, number, changing(field, value)))
                told = verdict["not_sealed"]
                assert not verdict["ok"] or f"{name}.{field}" in told or name in told, (name, field, value)
    texts = {"journal.content", "journal.detail", "journal.copies", "journal.owner", "movements.kind"}
    assert texts | {"sealed.row", "accounts.owner", "assets.code", "entities.code"} <= tried


async def test_what_is_said_not_to_be_sealed_is_there(
    whole: tuple[StoredLedger, asyncpg.Connection, Path],
) -> None:
    """A field of an export that has been renamed would be named in vain."""
    _, _, folder = whole
    manifest = json.loads((folder / "manifest.json").read_text())
    for each in NOT_SEALED:
        name, _, field = each.partition(".")
        assert name in FILES or field in manifest
        lines = lines_of(folder, name) if name in FILES else []
        assert not field or not lines or field in lines[0]


async def test_a_part_of_the_ledger_begins_where_the_earlier_export_ends(
    whole: tuple[StoredLedger, asyncpg.Connection, Path], tmp_path: Path
) -> None:
    """Its chain goes on from that head, so that both are one."""
    ledger, connection, folder = whole
    first = json.loads((folder / "manifest.json").read_text())
    await ledger.send(transfer(ANN, BEA, "1.00", business_reference="later"))
    later = await exported(
        connection, tmp_path / "later", {int(shard): seq for shard, seq in first["vector"].items()}
    )
    assert later["begins"] == {shard: each["head"] for shard, each in first["heads"].items()} | {
        shard: head for shard, head in later["begins"].items() if shard not in first["heads"]
    }
    verdict = checked(tmp_path / "later")
    assert verdict["ok"], verdict
    later["begins"]["1"] = "00" * 32
    (tmp_path / "later" / "manifest.json").write_text(json.dumps(later))
    assert checked(tmp_path / "later")["first_difference"]["check"] == "seals"


async def test_a_chain_made_anew_is_found_by_a_head_that_somebody_kept(
    whole: tuple[StoredLedger, asyncpg.Connection, Path],
) -> None:
    """Without one it would be in order in itself, as the check says."""
    _, connection, folder = whole
    kept = [
        Anchor(each["shard"], each["seq"], bytes.fromhex(each["head"]))
        for each in await checkpoint(connection)
    ]
    assert checked(folder, *kept)["ok"]
    assert checked(folder)["heads"] == {
        str(each.shard): {"seq": each.seq, "head": each.head.hex()} for each in kept
    }
    for each in kept:
        other = Anchor(each.shard, each.seq, hash_of_plain(each.head, b"", b""))
        verdict = checked(folder, other)
        assert (verdict["first_difference"]["check"], verdict["first_difference"]["shard"]) == (
            "seals",
            each.shard,
        )
        beyond = checked(folder, Anchor(each.shard, each.seq + 1, each.head))
        assert beyond["first_difference"]["check"] == "seals"


LEFT_OUT: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a file": lambda manifest: manifest["files"].pop(),
    "where a chain ends": lambda manifest: manifest["heads"].pop("1"),
    "where a chain begins": lambda manifest: manifest["begins"].pop("1"),
    "how far it goes": lambda manifest: manifest["vector"].pop("1"),
}


@pytest.mark.parametrize("leave_out", LEFT_OUT.values(), ids=LEFT_OUT)
async def test_what_is_left_out_of_the_manifest_is_missed(
    leave_out: Callable[[dict[str, Any]], Any], whole: tuple[StoredLedger, asyncpg.Connection, Path]
) -> None:
    """Nothing is checked less because it is not asked for."""
    _, _, folder = whole
    manifest = json.loads((folder / "manifest.json").read_text())
    leave_out(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert not checked(folder)["ok"]


async def test_what_repeats_an_event_that_is_away_is_said_not_to_be_sealed(
    whole: tuple[StoredLedger, asyncpg.Connection, Path], tmp_path: Path
) -> None:
    """Of a part that was detached, what was asked is not there to be hashed; rows are compared."""
    ledger, connection, folder = whole
    (pending, _) = await ledger.send(withdrawal(ANN, "1500.00"), transfer(ANN, BEA, "1.00"))
    now = {row["shard"]: row["seq"] for row in await checkpoint(connection)}
    await ledger.send(answer(pending, "cleared"))
    del folder
    await exported(connection, tmp_path / "later", now)
    assert checked(tmp_path / "later")["ok"]
    [number] = [
        at
        for at, line in enumerate(lines_of(tmp_path / "later", "journal"))
        if line["kind"] == "TransactionPosted" and line["about_seq"] is not None
    ]

    def detach(line: dict[str, Any]) -> None:
        """Take away what the first outcome was asked."""
        row, _ = row_at(b64decode(line["row"]), 0)
        assert row.first_content is not None
        spelt = len(row.first_content).to_bytes(4, "big") + row.first_content
        line["row"] = b64encode(b64decode(line["row"]).replace(spelt, NULL)).decode()

    copy = altered(tmp_path / "later", "sealed", number, detach)
    verdict = checked(copy)
    assert verdict["ok"], verdict
    shard = lines_of(copy, "sealed")[number]["shard"]
    assert any(each.startswith(f"journal: shard {shard} from ") for each in verdict["not_sealed"])
    assert str(shard) not in verdict["heads"]
