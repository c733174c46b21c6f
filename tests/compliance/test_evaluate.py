"""What `compliance evaluate` says of a file of transactions, without a stack."""

import json
from pathlib import Path
from typing import Any

import pytest

from backoffice.cli.app import main

Capture = pytest.CaptureFixture[str]

FILE = """\
occurred_at,payer,payee,amount,asset,label,pattern,case
2026-03-02T09:00:00Z,Ann,Dan,9000.00,USD,1,smurfing,S1
2026-03-03T09:00:00Z,Bob,Dan,9500.00,USD,1,smurfing,S1
2026-03-04T09:00:00Z,Cleo,Dan,8800.00,USD,1,smurfing,S1
2026-03-04T10:00:00Z,Eve,Fay,12.50,USD,0,,
2026-03-04T11:00:00Z,Gus,Hal,77.00,USD,1,cycle,C1
"""


def told(capsys: Capture, *arguments: str, status: int = 0) -> list[dict[str, Any]]:
    """Run the command with --json and return what it printed."""
    assert main(["compliance", "evaluate", *arguments, "--json"]) == status
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_recall_is_told_by_pattern_and_alerts_by_rule(tmp_path: Path, capsys: Capture):
    """A case is found if a finding names one of its transactions; an alert is a rule, a party and a day."""
    file = tmp_path / "t.csv"
    file.write_text(FILE)
    *records, summary = told(capsys, str(file), "--budget", "1000")
    by = {record.get("pattern") or record.get("rule"): record for record in records}
    assert (by["smurfing"]["cases_found"], by["smurfing"]["transactions_found"]) == (1, 3)
    assert (by["cycle"]["cases"], by["cycle"]["recall_percent"]) == (1, 0.0)
    assert (by["STR-2"]["alerts"], by["STR-2"]["alerts_labelled"]) == (1, 1)
    assert (summary["transactions"], summary["labelled"], summary["labelled_found"]) == (5, 4, 3)


def test_columns_of_any_file_are_named_and_taken_together(tmp_path: Path, capsys: Capture):
    """Files of others have headings of their own, and an account may need its bank."""
    file = tmp_path / "t.csv"
    head = "Timestamp,From Bank,Account,To Bank,Account,Paid,Currency,Is Laundering"
    rows = [f"2022/09/0{day} 00:20,1,A{day},2,B,9000,US Dollar,1" for day in (1, 2, 3)]
    file.write_text("\n".join([head, *rows, "2022/09/03 00:30,1,A1,1,A1,5,US Dollar,0"]))
    [labelled, *_, summary] = told(
        capsys, str(file), "--at", "Timestamp", "--payer", "From Bank+Account", "--payee",
        "To Bank+Account.1", "--amount", "Paid", "--asset", "Currency", "--label", "Is Laundering",
    )  # fmt: skip
    assert (labelled["pattern"], labelled["cases"], labelled["cases_found"]) == ("labelled", 3, 3)
    assert (summary["transactions"], summary["left_out"]) == (3, 1), "from oneself to oneself nothing moves"


SPELLINGS = {
    "semicolons": (FILE.replace(",", ";"), ()),
    "tabs": (FILE.replace(",", "\t"), ()),
    "a mark of UTF-8": ("\ufeff" + FILE, ()),
    "date and time apart": (
        FILE.replace("occurred_at", "day,hour").replace("T", ",").replace("Z,", ","),
        ("--at", "day+hour"),
    ),
    "hours since the beginning": (
        FILE.replace("2026-03-02T09:00:00Z", "0")
        .replace("2026-03-03T09:00:00Z", "24")
        .replace("2026-03-04T09:00:00Z", "48")
        .replace("2026-03-04T10:00:00Z", "49")
        .replace("2026-03-04T11:00:00Z", "50"),
        ("--time-unit", "hours"),
    ),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_is_found_depends_not_on_how_a_file_is_spelt(spelling: str, tmp_path: Path, capsys: Capture):
    """Published sets come with semicolons, and count hours from nowhere."""
    text, options = SPELLINGS[spelling]
    plain, other = tmp_path / "plain.csv", tmp_path / "other.csv"
    plain.write_text(FILE)
    other.write_text(text, encoding="utf-8")
    assert told(capsys, str(other), *options) == told(capsys, str(plain))


def test_days_before_the_first_one_only_warm_up(tmp_path: Path, capsys: Capture):
    """The third payer completes the pattern on a day that is judged; those before are not counted."""
    file = tmp_path / "t.csv"
    file.write_text(FILE)
    *records, summary = told(capsys, str(file), "--since", "2026-03-04")
    by = {record.get("pattern") or record.get("rule"): record for record in records}
    assert (by["STR-2"]["alerts"], by["smurfing"]["transactions"]) == (1, 1)
    assert (summary["transactions"], summary["labelled"]) == (3, 2)


def test_a_party_of_another_segment_is_judged_by_parameters_of_its_own(tmp_path: Path, capsys: Capture):
    """What is many for a person is not for a firm, and the customers' file says who is what."""
    file, customers = tmp_path / "t.csv", tmp_path / "who.csv"
    rows = [
        f"2026-03-{day:02}T{hour:02}:00:00Z,P{day},Shop,9.00" for day in range(2, 28) for hour in range(8, 20)
    ]
    file.write_text("\n".join(["occurred_at,payer,payee,amount", *rows, ""]))
    customers.write_text("party,segment,country,opened_on\nShop,organisation,DE,2019-05-01\n")
    without = told(capsys, str(file))
    assert {record["rule"] for record in without[:-1]} >= {"VEL-1", "BEN-1"}
    within = told(capsys, str(file), "--customers", str(customers))
    assert not {record["rule"] for record in within[:-1]} & {"VEL-1", "BEN-1"}


def test_no_more_leads_come_above_the_line_than_the_budget_allows(tmp_path: Path, capsys: Capture):
    """One of a thousand, of five transactions, is none; a thousand is a lead for each party that alerted."""
    file = tmp_path / "t.csv"
    file.write_text(FILE)
    *records, summary = told(capsys, str(file), "--budget", "1")
    assert (summary["leads_above_the_line"], records[0]["cases_above_the_line"]) == (0, 0)
    *records, summary = told(capsys, str(file), "--budget", "1000")
    assert summary["leads_above_the_line"] > 0
    assert {each["recall_percent"] for each in records if "pattern" in each} == {0.0, 100.0}


WRONG_CUSTOMERS = {
    "column": ("party,kind\nShop,person\n", "it has no column 'segment'"),
    "day": ("party,segment,opened_on\nShop,person,soon\n", "at line 2"),
    "short": ("party,segment,opened_on\nShop\n", "at line 2"),
}


@pytest.mark.parametrize("wrong", WRONG_CUSTOMERS)
def test_a_customers_file_that_cannot_be_read_names_the_place(wrong: str, tmp_path: Path, capsys: Capture):
    """A firm taken for a person would make the figures worthless."""
    text, words = WRONG_CUSTOMERS[wrong]
    file, customers = tmp_path / "t.csv", tmp_path / "who.csv"
    file.write_text(FILE)
    customers.write_text(text)
    assert main(["compliance", "evaluate", str(file), "--customers", str(customers)]) == 2
    assert words in capsys.readouterr().err


WRONG = {
    "column": ("when,payer,payee,amount\n", "The file has no column 'occurred_at'"),
    "time": ("occurred_at,payer,payee,amount\nlately,a,b,1\n", "Line 2 cannot be read"),
    "amount": ("occurred_at,payer,payee,amount\n2026-03-02,a,b,1.005\n", "Line 2 cannot be read"),
    "number": ("occurred_at,payer,payee,amount\n1704103200,a,b,1\n", "is a number, not a time"),
    "short": ("occurred_at,payer,payee,amount\n2026-03-02,a\n", "Line 2 cannot be read"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_file_that_cannot_be_read_names_the_place(wrong: str, tmp_path: Path, capsys: Capture):
    """Half an evaluation would be a lie."""
    text, words = WRONG[wrong]
    file = tmp_path / "t.csv"
    file.write_text(text)
    assert main(["compliance", "evaluate", str(file)]) == 2
    assert words in capsys.readouterr().err


def test_a_file_that_is_not_there_is_wrong_usage(capsys: Capture):
    """Exit status 2, and a sentence."""
    assert main(["compliance", "evaluate", "/nowhere/t.csv"]) == 2
    assert "/nowhere/t.csv cannot be read" in capsys.readouterr().err
