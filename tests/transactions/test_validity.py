"""Data with validity dates: posting rules and account classes that change while the books go on."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import asyncpg
import pytest

from services.transactions.data import see_dates
from services.transactions.domain.chart import AccountClass, Dated
from services.transactions.queries import verify
from shared.runtime.errors import ConfigurationError
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    ISIN,
    PureLedger,
    StoredLedger,
    custody,
    custody_transfer,
    deposit,
    instruction,
    opening,
    outcome,
    owner_in,
    table,
    transfer,
    withdrawal,
)
from tests.transactions.test_expiry import day

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")


def fee(**fields: Any) -> dict[str, Any]:
    """A fee of Alice's."""
    return instruction("fee", owner=ALICE, account=ALICE, amount="1.00", asset="EUR", **fields)


def a_bank() -> PureLedger:
    """Fees are interest from the fifth to the seventh; loans are opened from the third to the fifth."""
    ledger = PureLedger()
    chart = ledger.chart
    first, fifth, eighth = date(1900, 1, 1), date(2026, 1, 5), date(2026, 1, 8)
    chart.rules[1, "fee", ""] = [
        Dated("fee_income", first, fifth),
        Dated("interest_income", fifth, eighth),
        Dated("fee_income", eighth, date(2026, 1, 10)),
    ]
    chart.classes["loan"] = AccountClass(
        "loan",
        is_customer=True,
        is_memorandum=False,
        valid_from=date(2026, 1, 3),
        valid_until=date(2026, 1, 6),
    )
    ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "100.00"))
    ledger.events.clear()
    return ledger


RULES = table("""
    day         against
    2026-01-02  BANK/fee_income/EUR
    2026-01-04  BANK/fee_income/EUR
    2026-01-05  BANK/interest_income/EUR
    2026-01-07  BANK/interest_income/EUR
    2026-01-08  BANK/fee_income/EUR
    2026-01-09  BANK/fee_income/EUR
""")


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("batches", [1, 2])
def test_the_posting_rule_of_the_booking_date_counts(quick: bool, batches: int) -> None:
    """Day by day through the change, in one batch with the days or in several; not that of the value date."""
    ledger = a_bank()
    ledger.quick = quick
    records = [each for row in RULES for each in (*day(row["day"], 1), fee(value_date="2026-01-02"))]
    if batches == 1:
        from tests.transactions.support import received

        ledger.run([each if not isinstance(each, dict) else received(each) for each in records])
    else:
        ledger.send(*records)
    booked = [each for each in ledger.events if each["type"] == "TransactionPosted"]
    assert [each["movements"][0]["credit"]["account"] for each in booked] == [row["against"] for row in RULES]


def test_where_no_rule_holds_any_more_nothing_is_booked() -> None:
    """The chart must say where it goes; that is refused by name, a fact too."""
    ledger = a_bank()
    ledger.send(*day("2026-01-10"))
    (event,) = ledger.send(fee())
    assert (outcome(event), event["field"]) == ("asset_not_used", "asset")


CLASSES = table("""
    day         class  outcome                  field
    2026-01-02  loan   account_class_not_valid  class    # not yet
    2026-01-03  loan   applied                  -
    2026-01-05  loan   applied                  -
    2026-01-06  loan   account_class_not_valid  class    # not any more
    2026-01-06  cash   applied                  -
""")


@pytest.mark.parametrize("row", CLASSES, ids=lambda row: f"{row['day']} {row['class']}")
def test_an_account_is_opened_of_a_class_that_is_valid_on_the_day(row: dict[str, str]) -> None:
    """By the entity's business day, as all that is dated."""
    ledger = a_bank()
    ledger.send(*day(row["day"]))
    (event,) = ledger.send(opening(ALICE, "another", **{"class": row["class"]}))
    assert (outcome(event), event.get("field", "")) == (row["outcome"], row["field"])


def test_references_are_asked_in_their_order() -> None:
    """The class before the code, which only the opening proves to be free."""
    ledger = a_bank()
    (event,) = ledger.send(opening(ALICE, ALICE, **{"class": "loan"}))
    assert outcome(event) == "account_class_not_valid"
    (event,) = ledger.send(opening(ALICE, "another", asset="JPY", **{"class": "loan"}))
    assert outcome(event) == "asset_not_used"


def test_accounts_of_a_class_that_has_ended_go_on() -> None:
    """What is on them must be able to leave, and what has happened is booked."""
    ledger = a_bank()
    ledger.send(*day("2026-01-04"), opening(ALICE, "loan", **{"class": "loan"}), *day("2026-01-09"))
    events = ledger.send(
        deposit(ALICE, "50.00", "loan"),
        transfer(ALICE, BOB, "20.00", debit_account="loan"),
        transfer(ALICE, ALICE, "30.00", debit_account="loan"),
    )
    assert [outcome(each) for each in events] == ["posted"] * 3
    assert "routed" not in events[0]


def test_a_custody_account_that_is_there_takes_new_securities_after_the_end_of_its_class() -> None:
    """Their accounts are opened within it, which is no opening of another custody account."""
    ledger = a_bank()
    ended = AccountClass("custody", is_customer=True, is_memorandum=True, valid_until=date(2026, 1, 6))
    ledger.chart.classes["custody"] = ended
    ledger.send(custody(ALICE), *day("2026-01-09"))
    (event,) = ledger.send(custody_transfer(ALICE, "receive", "3"))
    assert event["opened"] == f"{ALICE}/custody#{ISIN}"
    assert outcome(ledger.send(custody(BOB))[0]) == "account_class_not_valid"


async def test_a_change_in_the_middle_is_stored_and_verified(
    ledger_database: LedgerDatabase, server_of_changes: None
) -> None:
    """By what migrate has loaded; an account opened too late would be found."""
    del server_of_changes
    connection = await asyncpg.connect(ledger_database.service)
    ledger = await StoredLedger.started(connection)
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "100.00"))
    told: list[str] = []
    for name in ("2026-01-04", "2026-01-05", "2026-01-06"):
        await ledger.send(*day(name))
        (booked, opened) = await ledger.send(
            withdrawal(ALICE, "1.00"),
            opening(ALICE, f"loan of {name[-2:]}".replace(" ", "-"), **{"class": "loan"}),
        )
        told += [booked["movements"][0]["credit"]["account"], outcome(opened)]
    await connection.close()
    assert told == [
        "BANK/nostro/EUR",
        "applied",
        "BANK/clearing/EUR",
        "applied",
        "BANK/clearing/EUR",
        "account_class_not_valid",
    ]
    assert (await verify(ledger_database.readonly)).ok
    owner = await asyncpg.connect(ledger_database.owner)
    await owner.execute(
        "UPDATE transactions.account_class SET valid_until = '2026-01-05' WHERE class = 'loan'"
    )
    await owner.close()
    result = await verify(ledger_database.readonly)
    assert result.first_difference is not None
    assert result.first_difference.check == "accounts"


@pytest.fixture
async def server_of_changes(ledger_database: LedgerDatabase) -> None:
    """A database whose chart changes in the first days of the books."""
    owner = await asyncpg.connect(ledger_database.owner)
    await owner.execute(
        """
        UPDATE transactions.posting_rule SET valid_until = '2026-01-05'
        WHERE entity_id = 1 AND instruction_type = 'withdrawal' AND condition = '';
        INSERT INTO transactions.posting_rule
            (entity_id, instruction_type, condition, house_class, valid_from, valid_until)
        VALUES (1, 'withdrawal', '', 'clearing', '2026-01-05', NULL);
        UPDATE transactions.account_class SET valid_until = '2026-01-06' WHERE class = 'loan';
        """
    )
    await owner.close()


FILES = table("""
    class       rule                    fault
    -..-        -..-                    -
    -..-        -..05,05..-             -
    -..-        -..05,07..-             -                     # a gap: nothing is booked in between
    -..-        -..06,05..-             line-3:-line-2-holds
    -..-        05..-,-..06             line-3:-line-2-holds
    -..-        -..-,05..06             line-3:-line-2-holds
    -..-        05..05                  line-2:-it-would-hold-on-no-day
    -..06       -..-                    line-2:-there-is-no-class
    03..-       -..05                   line-2:-there-is-no-class
    03..06      03..06                  -
    none        -..-                    line-2:-there-is-no-class
""")


@pytest.mark.parametrize("row", FILES, ids=lambda row: f"{row['class']} {row['rule']}")
def test_files_whose_days_do_not_fit_are_not_loaded(row: dict[str, str]) -> None:
    """One rule a day for each purpose, and the house's class with it; the line is named."""
    classes = [] if row["class"] == "none" else [{"class": "fee_income", **days_of(row["class"])}]
    rules = [
        {
            "entity": "BANK",
            "instruction_type": "fee",
            "condition": "",
            "house_class": "fee_income",
            **days_of(each),
        }
        for each in row["rule"].split(",")
    ]
    fault = row["fault"].replace("-", " ").replace("line ", "line ", 1)
    if not fault:
        see_dates(numbered(classes), numbered(rules))
        return
    with pytest.raises(ConfigurationError, match=fault):
        see_dates(numbered(classes), numbered(rules))


def days_of(text: str) -> dict[str, str]:
    """The columns of a row's days in January."""
    since, _, until = text.partition("..")
    return {
        "valid_from": "1900-01-01" if since == "-" else f"2026-01-{since}",
        "valid_until": "" if until == "-" else f"2026-01-{until}",
    }


def numbered(rows: list[dict[str, str]]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with the lines they stand on, below the names."""
    return ((line, row) for line, row in enumerate(rows, start=2))
