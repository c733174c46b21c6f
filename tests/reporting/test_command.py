"""`backoffice report`: what it prints and writes, and when it writes nothing."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backoffice.cli import items, output, report, sessions
from backoffice.cli.app import main
from backoffice.cli.connection import Connection
from backoffice.cli.errors import CommandError
from shared.messages.acts import MakeReport
from tests.reporting.books import MONDAY, PARTITIONS, two_days, with_items
from tests.reporting.conftest import READONLY, Harness
from tests.reporting.test_reports import example

GOLDEN = Path(__file__).with_name("golden")
CONNECTION = Connection("", "", PARTITIONS, {}, {})


@pytest.fixture
def connected(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> Harness:
    """Put the service on its database in the place of Kafka and the stack."""

    @asynccontextmanager
    async def nothing(*_: Any) -> AsyncIterator[None]:
        """Stand for a Kafka client."""
        yield None

    @asynccontextmanager
    async def session(*_: Any) -> AsyncIterator[Any]:
        """Open a read-only connection to the test's database."""
        connection = await harness.database.connect(READONLY)
        yield connection
        await connection.close()

    async def ask(client: Any, connection: Any, act: MakeReport, timeout: float) -> Any:
        """Let the service take the act at once."""
        return (await harness.take([], act))[-1]

    monkeypatch.setattr(sessions, "open_client", nothing)
    monkeypatch.setattr(sessions, "open_database", session)
    monkeypatch.setattr(report, "_ask", ask)
    return harness


async def made(act: MakeReport, folder: Path, file_format: Any = "csv") -> int:
    """Run the command's work, as `report run` does."""
    run, body = await report._have_made(CONNECTION, act, 0.5)
    return report._present(run, body, file_format, folder)


async def test_open_items_are_listed_the_oldest_first(connected: Harness) -> None:
    """With the number and owner by which they are used up, and what is left on the day asked for."""
    await connected.take(with_items().delivered)

    async def listed(on: date | None = None, entity: str | None = None, from_age: int = 0) -> list[Any]:
        """Return what the command finds."""
        found = await items._found(CONNECTION, on, entity, from_age, 20)
        return [(each.owner, each.account_class, each.left, each.amount, each.age_days) for each in found]

    assert await listed(MONDAY) == [
        ("ann", "suspense", "65.00", "100.00", 0),
        ("dee", "suspense", "700", "700", 0),
        ("ann", "return", "10.00", "10.00", 0),
        ("ann", "suspense", "-3.00", "-3.00", 0),
    ]
    assert await listed(from_age=17) == [
        ("ann", "suspense", "65.00", "100.00", 18),
        ("ann", "return", "6.00", "10.00", 18),
        ("ann", "suspense", "-3.00", "-3.00", 18),
        ("ann", "suspense", "50.00", "50.00", 17),
    ]
    assert len(await listed()) == 7


@pytest.mark.parametrize("name", ["trial_balance", "account_statement", "daily_activity"])
async def test_the_file_is_the_canonical_csv(connected: Harness, tmp_path: Path, name: str) -> None:
    """Whoever checks the checksum has the bytes it was taken over."""
    await connected.take(two_days().delivered)
    assert await made(example(name), tmp_path) == 0
    (path,) = tmp_path.iterdir()
    assert path.name.startswith(f"{name}-2026-03-0")
    assert path.suffix == ".csv"
    assert path.read_text() == (GOLDEN / f"{name}.csv").read_text()


async def test_a_person_sees_the_rows_the_totals_and_how_far_was_read(
    connected: Harness, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers stand right-aligned with their asset's decimals."""
    await connected.take(two_days().delivered)
    await made(example("trial_balance"), tmp_path)
    printed = capsys.readouterr().out
    assert "Trial balance, 2026-03-03" in printed
    assert "BANK    cash    ann    ann/EUR             EUR      947.66  200.00     0.99" in printed
    assert "EUR: opening 0.00  debits 200.99  credits 200.99  closing 0.00" in printed
    assert "comparisons agree. The ledger's events were read up to 0=" in printed


async def test_a_program_gets_one_line_of_json(
    connected: Harness, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the shape that `commands.md` promises."""
    await connected.take(two_days().delivered)
    output.use_json()
    await made(example("trial_balance"), tmp_path, "json")
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert set(told) >= {
        "report", "run_id", "booking_date", "known_at", "vector", "rows", "totals", "reconciled",
        "reconciles_with", "sha256", "files",
    }  # fmt: skip
    assert (told["booking_date"], told["rows"], told["reconciled"]) == ("2026-03-03", 7, True)
    written = json.loads(Path(told["files"][0]).read_text())
    assert (written["sha256"], len(written["lines"])) == (told["sha256"], 7)
    assert written["lines"][0]["closing"] == "748.65"


async def test_a_report_that_does_not_reconcile_leaves_no_file(
    connected: Harness, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 1, and the comparison that failed."""
    await connected.take(two_days().delivered)
    await connected.tamper("UPDATE account_day SET debits = debits + 1 WHERE account = 'ann/EUR'")
    assert await made(example("trial_balance"), tmp_path) == 1
    assert list(tmp_path.iterdir()) == []
    assert "debits = credits, BANK EUR: expected 200.99, found 201.01" in capsys.readouterr().err


async def test_it_asks_again_until_enough_was_read(connected: Harness, tmp_path: Path) -> None:
    """Each time with an act of its own, since an act is answered once."""
    await connected.take(two_days().delivered)
    with pytest.raises(CommandError) as problem:
        await made(example("trial_balance", at_least={"0": 999}), tmp_path)
    assert (problem.value.error, problem.value.exit_code) == ("not_reached", 4)
    asked = {event.act_id for event in connected.published}
    assert len(asked) > 1


def test_a_shard_that_there_is_not_is_not_waited_for() -> None:
    """Nobody ever reads it."""
    report.require_shards({"0": 5, "3": 1}, shards=4)
    with pytest.raises(CommandError) as problem:
        report.require_shards({"4": 1}, shards=4)
    assert (problem.value.error, problem.value.exit_code) == ("shard_unknown", 2)


async def test_what_reporting_refuses_is_told(connected: Harness, tmp_path: Path) -> None:
    """With its own words and what to type."""
    await connected.take(two_days().delivered)
    act = example("account_statement").model_copy(update={"parameters": {"account": "nobody/EUR"}})
    with pytest.raises(CommandError, match="there is no account 'nobody/EUR'") as problem:
        await made(act, tmp_path)
    assert (problem.value.error, problem.value.exit_code) == ("account_unknown", 1)


async def test_a_folder_that_cannot_be_written_is_told(connected: Harness, tmp_path: Path) -> None:
    """The report is kept; only the file is missing."""
    await connected.take(two_days().delivered)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(CommandError) as problem:
        await made(example("trial_balance"), blocked)
    assert problem.value.error == "output_unwritable"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["run", "nothing", "--booking-date", "2026-03-02"], "report_unknown"),
        (["run", "trial_balance", "--booking-date", "today"], "date_wrong"),
        (["run", "trial_balance", "--booking-date", "2026-03-02", "--at-least", "1"], "vector_wrong"),
        (
            ["run", "trial_balance", "--booking-date", "2026-03-02", "--at-least", f"0={'9' * 19}"],
            "vector_wrong",
        ),
        (["run", "account_statement", "--booking-date", "2026-03-02"], "parameter_missing"),
        (["run", "trial_balance", "--booking-date", "2026-03-02", "--account", "a"], "parameter_unknown"),
        (["show", "nothing"], "run_unknown"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_asked(
    words: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, one line, no stack needed."""
    status = main(["report", *words, "--json"])
    assert (status, json.loads(capsys.readouterr().err)["error"]) == (2, error)
