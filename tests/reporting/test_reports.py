"""What every report promises, what each shows, and that none is published that does not reconcile."""

import csv
import io
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from services import transactions
from services.reporting import reports
from services.reporting.domain.items import ITEM_CLASSES
from services.reporting.domain.report import Report
from services.reporting.queries import find_run
from services.reporting.reports import REPORTS
from services.reporting.reports.stock_record import CUSTODY, LOCATIONS
from services.reporting.store.snapshot import queries_of
from services.transactions.domain import chart as charts
from shared.messages.acts import MakeReport
from shared.messages.journal import ActDone
from shared.messages.reporting import ReportPublished, ReportRefused
from tests.reporting.books import (
    BOND,
    ENTITY,
    IDS,
    LATER,
    MONDAY,
    PARTITIONS,
    SAP,
    TUESDAY,
    home,
    movement,
    two_days,
    with_a_closed_period,
    with_items,
    with_securities,
)
from tests.reporting.conftest import READONLY, Harness

FOLDER_OF_DATA = Path(transactions.__file__).parent / "data"
GOLDEN = Path(__file__).with_name("golden")
EXAMPLES: dict[str, tuple[date, dict[str, str]]] = {
    "trial_balance": (TUESDAY, {}),
    "account_statement": (TUESDAY, {"account": "ann/EUR", "since": "2026-03-02"}),
    "daily_activity": (MONDAY, {}),
    "stock_record": (TUESDAY, {}),
    "suspense_by_age": (LATER, {}),
    "period_trial_balance": (TUESDAY, {"entity": ENTITY}),
}
BOOKS = {
    "stock_record": with_securities,
    "suspense_by_age": with_items,
    "period_trial_balance": with_a_closed_period,
}
"""What a report is made of, where two days of money are not enough."""


def asking(report: str, parameters: dict[str, str] | None = None, **also: Any) -> MakeReport:
    """Make an act that asks for a report."""
    act_id = uuid5(IDS, f"{report}{parameters}{also}")
    values: dict[str, Any] = {"booking_date": TUESDAY, "act_id": act_id, "parameters": parameters or {}}
    return MakeReport(actor="tester", reason="test", report=report, **values | also)


def example(report: str, **also: Any) -> MakeReport:
    """Make the act of a report's golden file."""
    booking_date, parameters = EXAMPLES[report]
    return asking(report, parameters, booking_date=booking_date, **also)


async def body_of(harness: Harness, run_id: UUID) -> str:
    """Read a run's canonical CSV with the read-only login."""
    connection = await harness.database.connect(READONLY)
    found = await find_run(connection, run_id)
    await connection.close()
    assert found is not None
    return found[1].decode()


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.code)
def test_a_report_has_its_query_its_golden_file_and_says_what_it_is(report: Report) -> None:
    """One .py and one .sql of the same name, listed; a person can read what every column is."""
    folder = Path(reports.__file__).parent
    assert (folder / f"{report.code}.py").exists()
    assert queries_of(report.code)
    assert (GOLDEN / f"{report.code}.csv").exists()
    assert report.code in EXAMPLES
    assert all((report.title, report.period, report.totals, report.reconciles_with))
    assert all(column.description for column in report.columns)
    assert all(parameter.description for parameter in report.parameters)


def test_every_report_in_the_folder_is_listed() -> None:
    """A file nobody lists is a report nobody gets."""
    folder = Path(reports.__file__).parent
    written = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert written == {report.code for report in REPORTS} == {path.stem for path in folder.glob("*.sql")}


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.code)
async def test_a_report_is_as_its_golden_file(harness: Harness, report: Report) -> None:
    """What people compare and archive changes only on purpose; UPDATE_GOLDEN=1 writes it anew."""
    await harness.take(BOOKS.get(report.code, two_days)().delivered)
    act = example(report.code)
    announced, done = await harness.take([], act)
    assert isinstance(announced, ReportPublished), announced
    assert isinstance(done, ActDone)
    assert (done.done, done.detail) == (True, "published")
    body = await body_of(harness, act.act_id)
    golden = GOLDEN / f"{report.code}.csv"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(body)
    assert body == golden.read_text()
    rows = list(csv.reader(io.StringIO(body)))
    assert tuple(rows[0]) == tuple(column.name for column in report.columns)
    assert announced.rows == len(rows) - 1
    assert {len(row) for row in rows} == {len(report.columns)}


async def test_a_trial_balance_carries_on_what_yesterday_closed_with(harness: Harness) -> None:
    """Opening is everything booked before the day."""
    await harness.take(two_days().delivered)
    monday, _ = await harness.take([], asking("trial_balance", booking_date=MONDAY))
    tuesday, _ = await harness.take([], asking("trial_balance", booking_date=TUESDAY))
    assert monday.totals["EUR"]["debits"] == "1552.34"
    assert tuesday.totals["EUR"]["debits"] == "200.99"
    closed = {row["account"]: row["closing"] for row in csv.DictReader(await _lines(harness, monday))}
    opened = {row["account"]: row["opening"] for row in csv.DictReader(await _lines(harness, tuesday))}
    assert closed.items() <= opened.items()


async def test_a_period_has_a_trial_balance_when_every_shard_has_closed_it(harness: Harness) -> None:
    """Softly is not enough; and it says where each shard did."""
    books = two_days()
    march = asking("period_trial_balance", {"entity": ENTITY}, booking_date=MONDAY)
    await harness.take(books.delivered)
    for expected, state, shards in (
        ("period_not_closed", None, ()),
        ("period_closing", "soft_closed", range(PARTITIONS)),
        ("period_closing", "closed", range(1, PARTITIONS)),
        ("published", "closed", [0]),
    ):
        before = len(books.delivered)
        if state is not None:
            books.close_period(MONDAY, MONDAY, state, shards)
        await harness.take(books.delivered[before:])
        act = march.model_copy(update={"act_id": uuid5(IDS, f"{expected} {state} {len(shards)}")})
        *_, done = await harness.take([], act)
        assert done.detail == expected
    published = next(each for each in harness.published if isinstance(each, ReportPublished))
    closed_at = {str(shard): books.seqs[shard] for shard in range(PARTITIONS)}
    assert (published.totals["first_day"], published.totals["closed_at"]) == (MONDAY.isoformat(), closed_at)


async def test_a_trial_balance_reconciles_on_a_day_on_which_the_ledger_moved_something_by_itself(
    harness: Harness,
) -> None:
    """A credit swept off a closed account is a movement like others."""
    books = two_days()
    books.sweep(books.apply("dee/EUR", "close_account"), 700)
    await harness.take(books.delivered)
    announced, _ = await harness.take([], asking("trial_balance", booking_date=TUESDAY))
    assert isinstance(announced, ReportPublished), announced


async def test_what_the_ledger_does_by_itself_is_counted_and_reconciles(harness: Harness) -> None:
    """A credit swept off a closed account has moved money; it is no instruction's first outcome."""
    books = two_days()
    closing = books.apply("dee/EUR", "close_account")
    books.sweep(closing, 700)
    books.shut(closing)
    await harness.take(books.delivered)
    announced, done = await harness.take([], asking("daily_activity", booking_date=TUESDAY))
    assert isinstance(done, ActDone)
    assert (done.done, done.detail) == (True, "published")
    assert announced.totals["EUR"] == {"posted": "0.99", "posted_later": "200.00", "swept": "7.00"}
    events = announced.totals["events"]
    assert (events["applied"], events["swept"], events["closed"]) == (5, 1, 1)
    lines = list(csv.DictReader(await _lines(harness, announced)))
    assert {(each["outcome"], each["later"]) for each in lines if each["type"] == "close_account"} == {
        ("applied", "no"),
        ("swept", "yes"),
        ("closed", "yes"),
    }


async def test_what_is_pending_is_shown_and_not_posted(harness: Harness) -> None:
    """Reserved money has not moved; it stands in columns of its own until it is posted or freed."""
    await harness.take(two_days().delivered)
    monday, _ = await harness.take([], asking("trial_balance", booking_date=MONDAY))
    tuesday, _ = await harness.take([], asking("trial_balance", booking_date=TUESDAY))
    assert monday.totals["EUR"]["debits_pending"] == "215.00"  # ann's 200 and cyd's 15; ben's 70 were freed
    assert tuesday.totals["EUR"]["debits_pending"] == "15.00"  # ann's were posted


async def test_a_statement_of_one_day_opens_with_the_days_before(harness: Harness) -> None:
    """Without `since` the statement is the booking date's."""
    await harness.take(two_days().delivered)
    announced, _ = await harness.take([], asking("account_statement", {"account": "ann/EUR"}))
    assert announced.totals == {
        "EUR": {
            "opening": "947.66",
            "debits": "200.00",
            "credits": "0.99",
            "closing": "748.65",
            "debits_pending": "0.00",
            "credits_pending": "0.00",
        }
    }


async def test_a_statement_merges_the_shards_in_order_of_time(harness: Harness) -> None:
    """The house's nostro is written by several shards; its statement is one list."""
    await harness.take(two_days().delivered)
    announced, _ = await harness.take(
        [], asking("account_statement", {"account": "house/nostro-EUR", "since": "2026-03-01"})
    )
    rows = list(csv.DictReader(await _lines(harness, announced)))[1:-1]
    assert {row["shard"] for row in rows} == {str(home("ann")), str(home("ben"))}
    assert [row["recorded_at"] for row in rows] == sorted(row["recorded_at"] for row in rows)
    assert rows[-1]["balance"] == "-1500.00"


async def test_the_straight_through_rate_counts_first_outcomes_only(harness: Harness) -> None:
    """Posted after a decision is not straight through; a duplicate or a dry run is no further instruction."""
    books = two_days()
    books.try_out(movement("ann/EUR", "ben/EUR", 500), owner="ann")
    await harness.take(books.delivered)
    announced, _ = await harness.take([], asking("daily_activity", booking_date=MONDAY))
    # 4 days opened, 4 accounts, 5 postings; 3 waited, 1 was rejected.
    assert announced.totals["straight_through_rate"] == "0.7647"
    assert announced.totals["events"] == {
        "applied": 8, "duplicate": 1, "pending": 3, "posted": 5, "rejected": 1, "unreadable": 1, "voided": 1,
    }  # fmt: skip
    assert announced.totals["rejections"] == {"insufficient_funds": 1}


TAMPERINGS: dict[str, tuple[str, ...]] = {
    "trial_balance": (
        "UPDATE account_day SET debits = debits + 1 WHERE account = 'ben/EUR' AND entries = 1",
        "DELETE FROM account_day WHERE account = 'ann/EUR' AND booking_date = '2026-03-02'",
        "UPDATE activity SET amount = amount + 1 WHERE outcome = 'posted' AND day = '2026-03-03'",
        "UPDATE account_day SET debits_pending = debits_pending + 1 WHERE account = 'cyd/EUR'",
    ),
    "account_statement": (
        "UPDATE entry SET amount = amount + 1 WHERE debit_account = 'ann/EUR'",
        "INSERT INTO entry SELECT * FROM entry WHERE debit_account = 'ann/EUR' LIMIT 1",
        "DELETE FROM entry WHERE credit_account = 'ann/EUR'",
        "UPDATE account_day SET credits = credits + 1 WHERE account = 'ann/EUR'",
    ),
    "daily_activity": (
        "UPDATE activity SET count = count + 1 WHERE outcome = 'rejected' AND day = '2026-03-03'",
        "DELETE FROM activity WHERE outcome = 'applied' AND day = '2026-03-03'",
        "UPDATE account_day SET credits = credits + 1 WHERE account = 'ann/EUR'",
    ),
    "stock_record": (
        f"UPDATE account_day SET credits = credits + 1 WHERE account = 'ben/custody#{SAP}'",
        f"UPDATE account_day SET debits = debits + 1 WHERE account = 'house/custodian-{BOND}'",
        f"UPDATE owner_day SET credits = credits + 1 WHERE owner = 'ben' AND asset = '{BOND}'",
        f"UPDATE account SET owner = 'house' WHERE account = 'ann/custody#{SAP}'",
    ),
    "suspense_by_age": (
        "UPDATE item SET amount = amount + 1 WHERE account = 'house/suspense-EUR' AND amount > 0",
        "DELETE FROM item_use WHERE booking_date = '2026-03-02'",
        "UPDATE account_day SET credits = credits + 1 WHERE account = 'house/return-EUR'",
        "INSERT INTO item SELECT seq, 1, shard, booking_date, 9, account, owner FROM item WHERE amount > 1",
    ),
    "period_trial_balance": (
        "UPDATE account_day SET debits = debits + 1 WHERE account = 'ann/EUR'",
        "UPDATE account_day SET debits = debits + 1, credits = credits + 1 WHERE account = 'ben/EUR'",
        "UPDATE activity SET amount = amount + 1 WHERE outcome = 'posted' AND day = '2026-03-02'",
    ),
}
EVERYWHERE = (
    "UPDATE taken SET count = count + 1 WHERE kind = 'BusinessDayOpened'",
    "UPDATE source_mark SET last_seq = last_seq + 1 WHERE partition = source_shard",
)


@pytest.mark.parametrize(
    ("report", "statement"),
    [(code, each) for code, own in TAMPERINGS.items() for each in (*own, *EVERYWHERE)],
)
async def test_a_report_that_does_not_reconcile_is_refused(
    harness: Harness, report: str, statement: str
) -> None:
    """A wrong figure must stop at the report, with the comparison that failed."""
    await harness.take(BOOKS.get(report, two_days)().delivered)
    await harness.tamper(statement)
    refused, done = await harness.take([], asking(report, EXAMPLES[report][1]))
    assert isinstance(refused, ReportRefused), statement
    assert any(not each.ok for each in refused.reconciles_with)
    assert (done.done, done.detail) == (False, "not_reconciled")


def test_every_report_has_its_tampering() -> None:
    """A report whose refusal nobody tried may never refuse."""
    assert TAMPERINGS.keys() == {report.code for report in REPORTS}


async def test_the_same_books_give_the_same_bytes(new_harness: Callable[[], Any]) -> None:
    """Whatever the batches were, and however often it is made."""
    books = with_securities()
    books.close_period(MONDAY, TUESDAY, "closed")
    whole, cut = await new_harness(), await new_harness()
    await whole.take(books.delivered)
    for each in books.delivered:
        await cut.take([each])
    for report in EXAMPLES:
        first, _ = await whole.take([], example(report))
        again, _ = await whole.take([], example(report, act_id=uuid5(IDS, f"again {report}")))
        other, _ = await cut.take([], example(report))
        assert first.sha256 == again.sha256 == other.sha256


async def test_the_stock_record_says_whose_each_security_is_and_where(harness: Harness) -> None:
    """Whoever holds it, suspense too, against every place at which the firm has it."""
    await harness.take(with_securities().delivered)
    announced, _ = await harness.take([], asking("stock_record"))
    assert announced.totals == {
        f"{SAP} BANK": {"holders": "32", "locations": "32", "difference": "0", "traded": "32"},
        f"{BOND} BANK": {
            "holders": "1000.00",
            "locations": "1000.00",
            "difference": "0.00",
            "traded": "750.00",
        },
    }
    one, _ = await harness.take([], asking("stock_record", {"asset": BOND, "entity": "BANK"}))
    rows = [
        (row["side"], row["settled"], row["pending_in"], row["pending_out"])
        for row in csv.DictReader(await _lines(harness, one))
    ]
    assert rows == [("holder", "1000.00", "0.00", "250.00"), ("location", "1000.00", "0.00", "250.00")]
    (done,) = await harness.take([], asking("stock_record", {"asset": "EUR"}))
    assert (done.done, done.detail) == (False, "security_unknown")


async def test_suspense_by_age_is_what_is_left_on_that_day(harness: Harness) -> None:
    """Of each item by its own booking date, on any day asked for; what was used later is still there."""
    await harness.take(with_items().delivered)

    async def told(day: date) -> dict[str, dict[str, str]]:
        """By account, what the report of a day says."""
        announced, _ = await harness.take([], asking("suspense_by_age", booking_date=day))
        return {row["account"]: row for row in csv.DictReader(await _lines(harness, announced))}

    monday, tuesday, later = [await told(day) for day in (MONDAY, TUESDAY, LATER)]
    names = ("items", "oldest", "days_0_1", "days_8_30", "paid", "balance")
    assert [monday["house/suspense-EUR"][name] for name in names] == [
        "2",
        "0",
        "65.00",
        "0.00",
        "3.00",
        "62.00",
    ]
    assert [tuesday["house/suspense-EUR"][name] for name in names] == [
        "3", "1", "115.00", "0.00", "3.00", "112.00",
    ]  # fmt: skip
    assert [later["house/suspense-EUR"][name] for name in names] == [
        "4", "18", "25.00", "115.00", "3.00", "137.00",
    ]  # fmt: skip
    assert [later["house/return-EUR"][name] for name in names] == ["2", "18", "0.60", "6.00", "0.00", "6.60"]
    assert tuesday["house/suspense-JPY"]["balance"] == "700"
    assert "house/suspense-JPY" not in later
    (done,) = await harness.take([], asking("suspense_by_age", {"entity": "NONE"}))
    assert (done.done, done.detail) == (False, "entity_unknown")


def test_accounts_of_items_are_those_of_the_ledger() -> None:
    """What one calls an item must be one to the other."""
    assert ITEM_CLASSES == charts.ITEM_CLASSES


def test_locations_are_those_of_the_chart() -> None:
    """A location that the report took for a holder would make the record wrong by twice what is there."""
    text = (FOLDER_OF_DATA / "account_classes.csv").read_text()
    chart = list(csv.DictReader(io.StringIO(text)))
    assert {row["class"] for row in chart if row["parent"] == "locations"} == set(LOCATIONS)
    assert {
        row["class"] for row in chart if row["holder"] == "customer" and row["statement"] == "memorandum"
    } == {CUSTODY}


async def test_sums_beyond_64_bits_are_exact(harness: Harness) -> None:
    """The ledger keeps each account's counters within 64 bits; their sums over accounts need not be."""
    most = 2**63 - 1
    books = two_days()
    for name in ("x", "y"):
        books.post(movement(f"house/{name}-EUR", f"ann/EUR/{name}", most), owner="ann")
    await harness.take(books.delivered)
    announced, _ = await harness.take([], asking("trial_balance"))
    assert announced.totals["EUR"]["debits"] == "184467440737095717.13"
    row = await harness.connection.fetchrow("SELECT credits FROM owner_day WHERE credits > $1", most)
    assert int(row["credits"]) == 2 * most + 99


async def _lines(harness: Harness, announced: Any) -> io.StringIO:
    return io.StringIO(await body_of(harness, announced.run_id))
