"""The commands that ask the ledger print what their contract says, and say what to type where they cannot."""

import asyncio
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import typer

from backoffice.cli import account, book, ledger, output, transaction
from backoffice.cli.app import main
from backoffice.cli.business_days import days_behind
from backoffice.cli.errors import FOUND, USAGE, CommandError
from shared.messages.envelope import HOUSE
from tests.transactions.conftest import TEMPLATE, LedgerDatabase, Server, database
from tests.transactions.support import (
    PARTITIONS,
    StoredLedger,
    deposit,
    instruction,
    named_id,
    opening,
    owner_in,
    received,
    transfer,
)

ANN, BEA = owner_in(1, "ann"), owner_in(2, "bea")
BOX, PAID = f"{ANN}-main", named_id("paid")

Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def asked(ledger_server: Server) -> str:
    """The read-only address of a small ledger."""

    async def prepare() -> str:
        async with database(ledger_server, TEMPLATE, name="asked_template", keep=True) as addresses:
            service = await asyncpg.connect(addresses.service)
            stored = await StoredLedger.started(service)
            await stored.send(
                opening(ANN, BOX), opening(ANN, container=BOX), opening(BEA), deposit(ANN, "5.00")
            )
            paid = transfer(ANN, BEA, "2.00", instruction_id=PAID, value_date="2026-01-03")
            await stored.send(paid | {"business_reference": "INV-1"})
            await service.close()
            return addresses.readonly

    return asyncio.run(prepare())


@pytest.fixture
def run(
    asked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run a command against that ledger and return the lines it printed as JSON."""
    monkeypatch.setenv("BACKOFFICE_READONLY_DSN", asked)
    monkeypatch.setenv("BACKOFFICE_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.chdir(tmp_path)
    output.use_json()

    def do(app: typer.Typer, *words: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        status = typer.main.get_command(app).main(list(words), standalone_mode=False)
        assert status in (None, 0), status
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return do


def balances_app() -> typer.Typer:
    """`backoffice balances` as the command line makes it."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name="balances")(book.balances)
    return app


def test_an_account_is_shown_at_a_moment(run: Run) -> None:
    """The fields of the contract, whatever bounds it."""
    (now,) = run(account.app, "show", BEA)
    (then,) = run(account.app, "show", BEA, "--value-date", "2026-01-03", "--at", "2026-03-01T09:30:00.002Z")
    contract = {"code", "entity", "owner", "shard", "asset", "class", "status", "limit", "debits_posted"}
    contract |= {"credits_posted", "debits_pending", "credits_pending", "balance", "available", "as_of"}
    assert contract <= now.keys() == then.keys()
    assert (now["balance"], now["available"], then["balance"], then["available"]) == (
        "2.00",
        "0.00",  # it has its value on a day to come
        "2.00",
        None,
    )
    assert then["at"] == "2026-03-01T09:30:00.002000Z"
    (earlier,) = run(account.app, "show", BEA, "--at", "2026-03-01T10:30:00.001+01:00")
    assert earlier["balance"] == "0.00"
    assert now["as_of"]["1"] == earlier["as_of"]["1"] + 1


def test_balances_are_lines_and_totals(run: Run) -> None:
    """A line an account of an owner or container, a line a class of an entity or the book."""
    (line, total) = run(balances_app(), "--container", BOX)
    assert (line["account"], line["balance"]) == (ANN, "3.00")
    assert (total["total"], total["asset"], total["balance"], total["balanced"]) == (
        True,
        "EUR",
        "3.00",
        None,
    )
    assert [each["balance"] for each in run(balances_app(), "--owner", BEA)] == ["2.00", "2.00"]
    for whole in (("--book",), ("--entity", "BANK")):
        *lines, total = run(balances_app(), *whole)
        assert [(each["class"], each["balance"]) for each in lines] == [("cash", "5.00"), ("nostro", "5.00")]
        assert (total["debits_posted"], total["credits_posted"], total["balanced"]) == ("7.00", "7.00", True)


@pytest.mark.parametrize("number", range(18))
def test_a_wrong_question_is_told_what_to_type(run: Run, number: int) -> None:
    """With status 2; what is unknown has status 1."""
    app, words, error, status = (
        (account.app, ("show", BEA, "--at", "2026-03-01T09:30:00"), "instant_wrong", USAGE),
        (account.app, ("show", BEA, "--value-date", "tomorrow"), "date_wrong", USAGE),
        (account.app, ("show", BEA, "--at", "2020-01-01T00:00:00Z"), "account_unknown", FOUND),
        (balances_app(), (), "usage", USAGE),
        (balances_app(), ("--book", "--owner", ANN), "usage", USAGE),
        (balances_app(), ("--owner", "nobody"), "owner_unknown", FOUND),
        (transaction.app, ("find", "--amount", "1"), "usage", USAGE),
        (transaction.app, ("find", "--after", "9-9"), "usage", USAGE),
        (transaction.app, ("find", "--asset", "EURO"), "usage", USAGE),
        (ledger.app, ("suspense", "--entity", "NOPE"), "entity_unknown", FOUND),
        (account.app, ("holders", "NOPE"), "account_unknown", FOUND),
        (account.app, ("show", BEA, "--at", "9999-12-31T23:59:59-12:00"), "instant_wrong", USAGE),
        (transaction.app, ("find", "--date", "0001-01-01.."), "date_wrong", USAGE),
        (account.app, ("history", BEA, "--after", "9-9-9"), "usage", USAGE),
        (ledger.app, ("export", "--output", "x", "--from-seq", "1=9999"), "position_unknown", USAGE),
        (ledger.app, ("export", "--output", "x", "--from-seq", "99=1"), "position_unknown", USAGE),
        (ledger.app, ("export", "--output", "x", "--from-seq", "1=-1"), "position_unknown", USAGE),
        (ledger.app, ("periods", "--entity", "NOPE"), "entity_unknown", FOUND),
    )[number]
    with pytest.raises(CommandError) as raised:
        run(app, *words)
    assert (raised.value.error, raised.value.exit_code) == (error, status)


def test_a_word_that_is_no_utf_8_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the command; it is nobody's code, and no defect of ours."""
    assert main(["account", "show", "\udcff", "--json"]) == USAGE
    assert json.loads(capsys.readouterr().err)["error"] == "usage"


def test_a_history_is_read_page_by_page_to_its_end(run: Run) -> None:
    """What comes after the last line is nothing, and no error."""
    (line,) = run(account.app, "history", BEA)
    assert run(account.app, "history", BEA, "--after", line["position"]) == []


async def test_a_shard_that_was_not_told_of_a_business_day_is_named(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """An upstream that sends a day to one partition leaves the others booking on the day before."""
    day = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-02")
    readonly = await asyncpg.connect(ledger_database.readonly)
    assert await days_behind(readonly) == {}
    for shard in range(PARTITIONS):
        await ledger.send(received(day, partition=shard))
        others = dict.fromkeys(range(shard + 1, PARTITIONS), date(2026, 1, 1))
        assert await days_behind(readonly) == ({"BANK": others} if others else {})
    await readonly.close()


def test_a_transaction_is_found_and_shown(run: Run) -> None:
    """By its reference, a range of amounts, a page at a time; and then whole."""
    (found,) = run(transaction.app, "find", "--reference", "INV-1", "--date", "2026-01-01..")
    assert (found["instruction_id"], found["amount"], found["debit_account"]) == (PAID, "2.00", ANN)
    (large,) = run(transaction.app, "find", "--amount", "2.01..", "--asset", "EUR")
    assert large["type"] == "deposit"
    pages = [run(transaction.app, "find", "--limit", "2")]
    while pages[-1]:
        pages.append(run(transaction.app, "find", "--limit", "2", "--after", pages[-1][-1]["position"]))
    assert [len(each) for each in pages] == [2, 2, 1, 0]
    (shown,) = run(transaction.app, "show", PAID)
    assert (shown["asked"]["business_reference"], shown["outcome"]) == ("INV-1", "posted")


def test_an_export_is_made_and_checked(run: Run, tmp_path: Path) -> None:
    """Into an empty folder only; what was changed since has status 1."""
    folder = tmp_path / "export"
    (manifest,) = run(ledger.app, "export", "--output", str(folder))
    (verdict,) = run(ledger.app, "check-export", str(folder))
    assert verdict["ok"]
    assert verdict["as_of"] == manifest["vector"]
    with pytest.raises(CommandError, match="not empty"):
        run(ledger.app, "export", "--output", str(folder))
    since = ",".join(f"{shard}={seq}" for shard, seq in manifest["vector"].items())
    (rest,) = run(ledger.app, "export", "--output", str(tmp_path / "rest"), "--from-seq", since)
    assert {each["file"]: each["lines"] for each in rest["files"]}["journal.jsonl"] == 0
    (folder / "balances.jsonl").write_text("")
    with pytest.raises(AssertionError, match=str(FOUND)):
        run(ledger.app, "check-export", str(folder))


def test_an_export_is_held_against_a_checkpoint_that_was_kept(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed by who is known; in words the check says what no seal covers, and whose chain it may be."""
    folder, key, kept = tmp_path / "export", tmp_path / "key", tmp_path / "kept.json"
    run(ledger.app, "checkpoint", "--new-key", str(key))
    run(ledger.app, "checkpoint", "--new-key", str(tmp_path / "other"))
    [signed] = run(ledger.app, "checkpoint", "--key", str(key))
    kept.write_text(json.dumps(signed))
    run(ledger.app, "export", "--output", str(folder))
    asked = ("check-export", str(folder), "--checkpoint", str(kept))
    (verdict,) = run(ledger.app, *asked, "--public-key", f"{key}.pub")
    assert verdict["ok"]
    with pytest.raises(CommandError, match="not signed with this key"):
        run(ledger.app, *asked, "--public-key", str(tmp_path / "other.pub"))
    with pytest.raises(CommandError, match="Give --checkpoint"):
        run(ledger.app, "check-export", str(folder), "--public-key", f"{key}.pub")
    signed["checkpoint"]["shards"][1]["head"] = "00" * 32
    kept.write_text(json.dumps(signed))
    with pytest.raises(AssertionError, match=str(FOUND)):
        run(ledger.app, *asked)
    output.use_json(wanted=False)
    typer.main.get_command(ledger.app).main(["check-export", str(folder)], standalone_mode=False)
    said = capsys.readouterr().out
    assert "Not sealed: accounts.container, " in said
    assert "Nothing says that this chain is the ledger's: compare the heads" in said


def test_words_are_printed_for_people(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Without `--json` each command prints a table or lines, and no JSON."""
    output.use_json(wanted=False)
    for app, words, said in (
        (account.app, ("show", ANN, "--value-date", "2026-01-01"), "with value by the end of 2026-01-01"),
        (balances_app(), ("--book",), "balanced"),
        (balances_app(), ("--owner", ANN), ANN),
        (transaction.app, ("find",), "INV-1"),
        (transaction.app, ("show", PAID), "principal"),
    ):
        typer.main.get_command(app).main(list(words), standalone_mode=False)
        assert said in capsys.readouterr().out
