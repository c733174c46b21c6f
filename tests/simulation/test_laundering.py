"""Made-up laundering: the same for a seed, labelled, of the shapes it is named for, found by the rules."""

import json
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from backoffice.cli.app import main
from backoffice.cli.evaluation import judge_rows
from backoffice.cli.transaction_file import Columns, read_transactions
from backoffice.simulator.laundering import PATTERNS, Labelled, labelled, laundering_since

START = date(2026, 1, 5)
MADE = labelled(seed=3, parties=120, days=45, cases=3, start=START)


def cases_of(pattern: str) -> list[list[Labelled]]:
    """The transactions of each case of a pattern."""
    names = sorted({each.case for each in MADE if each.pattern == pattern})
    return [[each for each in MADE if each.case == name] for name in names]


def test_the_same_seed_makes_the_same_and_another_one_does_not():
    """A figure must be repeatable."""
    assert labelled(seed=3, parties=120, days=45, cases=3, start=START) == MADE
    assert labelled(seed=4, parties=120, days=45, cases=3, start=START) != MADE


def test_every_pattern_is_there_among_far_more_ordinary_traffic():
    """In order of time; nobody pays themselves; amounts are above nothing."""
    assert [len(cases_of(pattern)) for pattern in PATTERNS] == [3] * len(PATTERNS)
    assert sum(not each.pattern for each in MADE) > 10 * sum(bool(each.pattern) for each in MADE)
    assert all(one.at <= two.at for one, two in pairwise(MADE))
    assert all(each.payer != each.payee and each.amount_minor > 0 for each in MADE)
    assert all(each.cash == (not each.payer or not each.payee) for each in MADE)


def test_patterns_have_the_shapes_that_they_are_named_for():
    """A label that says something else would measure nothing."""
    for case in cases_of("fan_in"):
        assert len({each.payee for each in case}) == 1 < len({each.payer for each in case})
    for case in cases_of("fan_out"):
        assert len({each.payer for each in case}) == 1 < len({each.payee for each in case})
    for case in cases_of("cycle"):
        assert Counter(each.payer for each in case) == Counter(each.payee for each in case)
    for case in cases_of("gather_scatter"):
        [centre] = {each.payer for each in case} & {each.payee for each in case}
        assert centre
    for case in cases_of("scatter_gather"):
        assert len({each.payer for each in case} & {each.payee for each in case}) == 5
    for case in cases_of("structuring"):
        assert all(each.cash and each.amount_minor < 1_000_000 for each in case)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_rules_find_each_pattern(pattern: str, tmp_path: Path, evaluated: dict[str, set[str]]):
    """Every kind is somebody's matter: at least two cases of three."""
    assert len(evaluated[pattern]) >= 2


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Write the file with the command, judge it, and return the cases found, by pattern."""
    file = tmp_path_factory.mktemp("made") / "made.csv"
    options = ["--parties", "120", "--days", "45", "--cases", "3", "--seed", "3"]
    assert main(["compliance", "generate", str(file), *options]) == 0
    names = ("occurred_at", "payer", "payee", "amount", "asset", "label", "pattern", "case", "cash")
    rows, _ = read_transactions(file, Columns(*names, scale=2, time_unit="text"))
    assert [(row.at, row.payer, row.payee, row.amount, row.pattern) for row in rows] == [
        (each.at, each.payer, each.payee, each.amount_minor, each.pattern) for each in MADE
    ]
    found = {number for alert in judge_rows(rows, 2) for number in alert.events}
    cases: dict[str, set[str]] = {}
    for row in rows:
        if row.number in found and row.pattern:
            cases.setdefault(row.pattern, set()).add(row.case)
    return cases


def test_seven_of_ten_of_each_pattern_are_above_a_line_of_one_percent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """With customers known and half of the days to learn from, by a seed that nobody has looked at before."""
    file, who = tmp_path / "made.csv", tmp_path / "who.csv"
    options = ["--parties", "800", "--days", "60", "--cases", "4", "--seed", "14", "--customers", str(who)]
    assert main(["compliance", "generate", str(file), *options, "--json"]) == 0
    since = json.loads(capsys.readouterr().out)["since"]
    options = ["--customers", str(who), "--since", since, "--budget", "10", "--json"]
    assert main(["compliance", "evaluate", str(file), *options]) == 0
    *records, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert summary["leads_per_thousand"] <= 10
    recall = {each["pattern"]: each["recall_percent"] for each in records if "pattern" in each}
    assert recall.keys() == PATTERNS.keys()
    assert min(recall.values()) >= 70, recall


def test_nothing_is_laundered_before_the_second_half():
    """What is usual has to be seen first; only a sleeper's first money is older, and ordinary."""
    since = laundering_since(START, 45)
    assert {each.at.date() >= since for each in MADE if each.pattern} == {True}


def test_a_file_that_cannot_be_written_is_wrong_usage(capsys: pytest.CaptureFixture[str]):
    """Exit status 2, and a sentence."""
    assert main(["compliance", "generate", "/nowhere/t.csv", "--parties", "20", "--cases", "0"]) == 2
    assert "/nowhere/t.csv cannot be written" in capsys.readouterr().err
