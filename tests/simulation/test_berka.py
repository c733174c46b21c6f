"""The Berka importer: every line of a file has one fate, and the mapping is the bank's own meaning."""

import gzip
import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from backoffice.importers import berka, berka_check
from shared.messages.instructions import INSTRUCTION

FILE = """\
"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"
12;7;930102;"VYDAJ";"VYBER";100.00;900.00;"";;
11;7;930101;"PRIJEM";"VKLAD";1000.00;1000.00;"";;
14;7;930131;"PRIJEM";"";2.50;902.40;"UROK";;
13;7;930131;"VYDAJ";"VYBER";0.10;899.90;"SANKC. UROK";;
15;7;930131;"VYDAJ";"VYBER";14.60;887.80;"SLUZBY";;
16;8;930131;"PRIJEM";"PREVOD Z UCTU";500.00;500.00;"DUCHOD";"AB";41403269
17;8;930131;"VYDAJ";"PREVOD NA UCET";30.00;470.00;" ";"CD";0
18;8;930131;"VYDAJ";"VYBER KARTOU";20.00;450.00;"";;
19;9;930131;"PRIJE"""
ACCOUNTS = """\
"account_id";"district_id";"frequency";"date"
7;55;"POPLATEK MESICNE";921224
"""


@pytest.fixture
def data(tmp_path: Path) -> berka.BerkaFile:
    """The small file, gzipped as the real one is."""
    path = tmp_path / "trans.asc.gz"
    path.write_bytes(gzip.compress(FILE.encode("latin-1")))
    return berka.read_transactions(path)


def test_whole_lines_are_rows_and_a_cut_off_one_is_kept(data: berka.BerkaFile) -> None:
    """The public copy's last line is cut off; it must still have a fate."""
    assert [row.trans_id for row in data.rows] == [11, 12, 13, 14, 15, 16, 17, 18]
    assert data.bad_lines == ((10, b'19;9;930131;"PRIJE'),)
    assert data.days == (date(1993, 1, 1), date(1993, 1, 2), date(1993, 1, 31))


def test_each_row_becomes_the_instruction_it_means(data: berka.BerkaFile) -> None:
    """Interest and fees are facts; cash is marked; partners are debtor or creditor."""
    records = list(berka.instructions(data, 2))
    rows = [json.loads(each.value) for each in records[:-1]]
    posted = {each["business_reference"]: each for each in rows if "business_reference" in each}
    assert {name: each["type"] for name, each in posted.items()} == {
        "berka-11": "deposit",
        "berka-12": "withdrawal",
        "berka-13": "interest",
        "berka-14": "interest",
        "berka-15": "fee",
        "berka-16": "deposit",
        "berka-17": "withdrawal",
        "berka-18": "withdrawal",
    }
    assert [posted[f"berka-{n}"].get("direction") for n in (13, 14)] == ["debit", "credit"]
    assert posted["berka-11"]["channel"] == {"channel": "branch", "cash": True}
    assert posted["berka-18"]["channel"] == {"channel": "card", "cash": True}
    assert "channel" not in posted["berka-16"]
    assert posted["berka-16"]["payment"] == {
        "debtor": {"account": "41403269", "identifier": "AB"},
        "purpose": "DUCHOD",
    }
    assert posted["berka-17"]["payment"]["creditor"] == {"account": "0", "identifier": "CD"}
    assert posted["berka-12"]["owner"] == posted["berka-12"]["account"] == "BERKA-7"
    for each in records[:-1]:
        INSTRUCTION.validate_json(each.value)
    assert records[-1] == berka.BerkaRecord(b"house", b'19;9;930131;"PRIJE', None)


def test_days_and_accounts_are_opened_before_they_are_used(data: berka.BerkaFile) -> None:
    """A day is a broadcast to every partition; an account is opened once, without a limit."""
    kinds: list[str] = []
    for each in list(berka.instructions(data, 2))[:-1]:
        fields = json.loads(each.value)
        kinds.append(fields["type"])
        if fields["type"] == "open_account":
            assert fields["limit"] is None
    assert kinds[:5] == [
        "open_business_day",
        "open_business_day",
        "open_account",
        "deposit",
        "open_business_day",
    ]
    assert Counter(kinds)["open_account"] == 2


def test_importing_twice_gives_the_same_bytes(data: berka.BerkaFile) -> None:
    """Ids come from the file's own, so that the second time everything is a duplicate."""
    assert list(berka.instructions(data, 2)) == list(berka.instructions(data, 2))


def test_opening_days_come_from_the_accounts_file(data: berka.BerkaFile, tmp_path: Path) -> None:
    """Where it is given, an account is opened on the day the bank opened it."""
    path = tmp_path / "account.asc"
    path.write_text(ACCOUNTS, encoding="latin-1")
    days = berka.read_opening_days(path)
    opened = [
        json.loads(each.value)
        for each in berka.instructions(data, 1, days)
        if b'"open_account"' in each.value
    ]
    assert [each["occurred_at"] for each in opened] == ["1992-12-24T12:00:00Z", "1993-01-31T12:00:00Z"]


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    """Naming the accounts file instead of the transactions is a common slip."""
    path = tmp_path / "account.asc"
    path.write_text(ACCOUNTS, encoding="latin-1")
    with pytest.raises(ValueError, match="trans_id"):
        berka.read_transactions(path)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    """Half a download must not be imported as if it were whole."""
    path = tmp_path / "trans.asc.gz"
    path.write_bytes(gzip.compress(FILE.encode())[:-20])
    with pytest.raises(ValueError, match="damaged"):
        berka.read_transactions(path)


def test_balances_are_held_against_the_printed_ones_both_ways(data: berka.BerkaFile) -> None:
    """Carried on, rounding adds up; from one printed balance to the next it does not."""
    ours = {
        ("BERKA-7", date(1993, 1, 1)): 100_000,
        ("BERKA-7", date(1993, 1, 2)): -10_005,
        ("BERKA-7", date(1993, 1, 31)): -1_220,
        ("BERKA-8", date(1993, 1, 31)): 45_000,
    }
    found = berka_check.check(data, ours)
    assert (found["carried_on"].account_days, found["carried_on"].exact) == (4, 2)
    assert (found["day_to_day"].exact, found["day_to_day"].within_0_10) == (3, 4)
    assert found["carried_on"].missing == 0


def test_a_day_our_books_lack_is_counted(data: berka.BerkaFile) -> None:
    """An import that stopped half-way must not look like agreement."""
    assert berka_check.check(data, {})["carried_on"].missing == 4
