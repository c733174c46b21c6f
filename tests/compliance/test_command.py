"""What the command says of names and lists without a stack; the rest is told by the journeys."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backoffice.cli import lists as cli_lists
from backoffice.cli.app import main
from backoffice.cli.backtest import JUDGED
from services.compliance.rules import RULES
from shared.messages.acts import RefuseList
from shared.messages.journal import ActDone


def test_a_list_that_is_not_whole_is_refused_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Exit status 1, the file and line named, and nothing but JSON."""
    file = tmp_path / "sdn.csv"
    file.write_bytes(b'36,"GHOST AIRLINES",-0- ,"DE')
    assert main(["compliance", "lists", "load", str(file), "--code", "OFAC", "--json"]) == 1
    said = capsys.readouterr()
    error = json.loads(said.err)
    assert (said.out, error["error"]) == ("", "list_refused")
    assert "sdn.csv, line 1" in error["message"]
    assert "Compliance could not be told, so nothing warns of it (stack_not_running)." in error["message"]


def test_a_warning_that_compliance_refuses_is_not_told_as_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Whoever has no right to load lists has none to have it warn of one, and must not believe it does."""

    async def refuse(_connection: object, act: RefuseList, _timeout: float) -> ActDone:
        """Answer as the writer does to who is no rule author."""
        return ActDone(
            shard=0,
            seq=1,
            recorded_at=datetime(2026, 1, 5, tzinfo=UTC),
            act_id=act.act_id,
            act=act.type,
            actor=act.actor,
            done=False,
            detail="no_right: paul is no rule_author",
        )

    monkeypatch.setattr(cli_lists, "_note_refusal", refuse)
    monkeypatch.setattr(cli_lists, "connect", lambda: None)
    file = tmp_path / "sdn.csv"
    file.write_bytes(b"")
    assert main(["compliance", "lists", "load", str(file), "--code", "OFAC", "--actor", "paul"]) == 1
    said = capsys.readouterr().err
    assert "so nothing warns of it (no_right: paul is no rule_author)" in said
    assert "Compliance warns of it" not in said


def test_a_file_that_is_not_there_is_wrong_usage(capsys: pytest.CaptureFixture[str]):
    """Exit status 2, and a sentence."""
    assert main(["compliance", "lists", "load", "/nowhere/sdn.csv", "--code", "OFAC"]) == 2
    assert "/nowhere/sdn.csv cannot be read" in capsys.readouterr().err


def test_a_list_needs_a_name_that_can_be_written_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """It becomes part of keys and sentences."""
    file = tmp_path / "own.csv"
    file.write_text("entry_id,kind,name,programmes\nA,person,Zoe Q.,\n")
    assert main(["compliance", "lists", "load", str(file), "--code", "no good"]) == 2
    assert "'no good' is no name for --code" in capsys.readouterr().err


def test_a_period_without_a_day_is_wrong_usage(capsys: pytest.CaptureFixture[str]):
    """Nothing judged would read as nothing found."""
    period = ("--since", "2026-02-01", "--until", "2026-02-01")
    assert main(["compliance", "backtest", "STR-1", "--set", "count=2", *period]) == 2
    assert "no day from 2026-02-01 to before 2026-02-01" in capsys.readouterr().err


NOT_THERE: list[tuple[str, str]] = [
    ("alerts list --rule XXX", "CTR-1"),
    ("alerts list --order age", "priority, work"),
    ("cases list --kind queue", "suspicion"),
    ("cases list --status new", "waiting"),
    ("holds list --status waiting", "held"),
    ("compliance alerts list --rule CTR-11", "CTR-1"),
    ("compliance parameters list --rule XXX", "RETENTION"),
    ("compliance parameters show XXX", "CASE"),
    ("compliance parameters history CASE", "CTR-1"),
    ("compliance parameters propose XXX --off --reason none", "CTR-1"),
    ("compliance snooze alerts --rule XXX", "CTR-1"),
    ("compliance snooze propose C1 XXX --until 2030-01-01 --reason none", "CTR-1"),
    ("compliance snooze list --status held", "proposed"),
    ("compliance whitelist list --status held", "proposed"),
    ("compliance legal-hold list --status held", "placed"),
    ("compliance ratings rate C1 worst --reason none", "high"),
    ("compliance roles propose ann boss --reason none", "analyst"),
    ("compliance backtest XXX", "CTR-1"),
    ("transaction find --type transfers", "transfer"),
    ("transaction find --outcome done", "posted"),
    ("report list --report trialbalance", "trial_balance"),
]
"""What there is not, and one of those that there are."""


@pytest.mark.parametrize(("typed", "known"), NOT_THERE, ids=[typed for typed, _ in NOT_THERE])
def test_what_there_is_not_is_wrong_usage_and_no_empty_list(
    typed: str, known: str, capsys: pytest.CaptureFixture[str]
):
    """Exit status 2 and what there is, before anything is asked: nothing found would read as an answer."""
    assert main([*typed.split(), "--json"]) == 2
    said = capsys.readouterr()
    error = json.loads(said.err)
    assert said.out == ""
    assert known in f"{error['message']} {error['fix']}"


def test_a_rule_about_names_says_why_it_is_not_tested_and_what_does_instead(
    capsys: pytest.CaptureFixture[str],
):
    """Names are not kept to be screened once more; every other rule can be tested."""
    assert main(["compliance", "backtest", "SAN-1", "--json"]) == 2
    error = json.loads(capsys.readouterr().err)
    assert error["error"] == "rule_not_replayed"
    assert "sealed in the ledger" in error["message"]
    assert "compliance screen --file" in error["fix"]
    assert {*JUDGED, "SAN-1"} == {rule.code for rule in RULES}


# ── compare ───────────────────────────────────────────────────────────────────────────────────────

Capture = pytest.CaptureFixture[str]


def told(capsys: Capture, *arguments: str, status: int = 0) -> list[dict[str, Any]]:
    """Run a command with --json and return what it printed."""
    assert main(["compliance", *arguments, "--json"]) == status
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_two_names_are_compared_without_a_stack(capsys: Capture):
    """A score from 0 to 1, the parts aligned, what is left, and a score of the kind OFAC shows."""
    [found] = told(capsys, "compare", "Otto Grimwald", "GRIMWOLD, Otto Karl")
    assert 0.5 < found["score"] < 1.0
    assert found["parts"] == [
        {"part": "otto", "other": "otto", "score": 1.0, "how": "equal"},
        {"part": "grimwald", "other": "grimwold", "score": 0.85, "how": "letters"},
    ]
    assert (found["left"], found["other_left"], found["equal"]) == ([], ["karl"], False)
    assert 0 < found["official_style_score"] <= 100


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ("Малахит Хребтовский", "Malakhit Khrebtovskiy", 1.0, 1.0),
        ("Acme Ltd", "ACME LIMITED", 0.99, 1.0),
        ("Jane Doe", "John Smith", 0.0, 0.3),
        ("...", "Jane Doe", 0.0, 0.0),
        ("x" * 10_000, "Jane Doe", 0.0, 0.3),
        ("\u202eeoD enaJ\u202c", "Jane Doe", 1.0, 1.0),
    ],
)
def test_compared_names_score_between_nothing_and_one(
    one: str, other: str, low: float, high: float, capsys: Capture
):
    """Whatever is typed."""
    [found] = told(capsys, "compare", one, other)
    assert low <= found["score"] <= high


def test_people_are_told_in_words_what_is_alike(capsys: Capture):
    """Without --json it is a table, and what only one of the names has."""
    assert main(["compliance", "compare", "Otto Grimwald", "GRIMWOLD, Otto Karl"]) == 0
    said = capsys.readouterr()
    assert "grimwald" in said.out
    assert "only in the second: karl" in said.err


def test_a_kind_nobody_knows_is_wrong_usage(capsys: Capture):
    """Exit status 2."""
    assert main(["compliance", "compare", "a", "b", "--kind", "alien"]) == 2
    assert "no kind 'alien'" in capsys.readouterr().err


# ── screen ────────────────────────────────────────────────────────────────────────────────────────

OWN = """entry_id,kind,name,programmes,strength,birth_dates,countries,identifiers
A-1,person,"GRIMWOLD, Ottokar",P,,1962-09-08,FR,passport:X12345
A-1,person,Old Grim,P,weak,,,
B-1,organisation,Umbra Vortex Trading Ltd,P,,,CY,bic:UMBRCY2N
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    """Return the option that names a list of our own."""
    file = tmp_path / "own.csv"
    file.write_text(OWN)
    return f"--list=OWN={file}"


def test_a_name_is_screened_against_list_files_without_a_stack(own: str, capsys: Capture):
    """Exit status 1 says that something was found; the match says on which entry and why."""
    [found] = told(capsys, "screen", "Ottokar Grimwald", own, status=1)
    [match] = found["matches"]
    assert (found["decision"], found["cut"], list(found["lists"])) == ("hold", False, ["OWN"])
    assert (match["entry_id"], match["name"], match["list"]) == ("A-1", "GRIMWOLD, Ottokar", "OWN")
    assert [(each["part"], each["listed"], each["how"]) for each in match["parts"]] == [
        ("ottokar", "ottokar", "equal"),
        ("grimwald", "grimwold", "letters"),
    ]
    assert match["score"] == match["name_score"] == found["score"]
    assert 0 < match["official_style_score"] <= 100


def test_nobody_found_is_exit_status_zero(own: str, capsys: Capture):
    """A program asks by the exit status."""
    [found] = told(capsys, "screen", "Jane Doe", own)
    assert (found["decision"], found["score"], found["matches"]) == ("clear", 0.0, [])


def test_birth_date_and_country_qualify_a_match(own: str, capsys: Capture):
    """Said beside the score, for each match."""
    for born, country, expected in (("1962-09-08", "France", "agrees"), ("1985", "DE", "contradicts")):
        options = ("--birth-date", born, "--country", country, own)
        [found] = told(capsys, "screen", "Ottokar Grimwald", *options, status=1)
        [match] = found["matches"]
        assert [(each["what"], each["bearing"]) for each in match["evidence"]] == [
            ("birth_date", expected),
            ("country", expected),
        ]
        assert (match["score"] > match["name_score"]) == (expected == "agrees")


def test_a_weak_alias_alone_is_shown_and_clear(own: str, capsys: Capture):
    """Somebody may want to see it; it decides nothing."""
    [found] = told(capsys, "screen", "Old Grim", own)
    assert (found["decision"], found["matches"][0]["weak_alias"]) == ("clear", True)


def test_an_identifier_is_found_whatever_the_name(own: str, capsys: Capture):
    """A passport or a bank's code is exact."""
    [found] = told(capsys, "screen", "Jane Doe", "--identifier", "x-12345", own, status=1)
    [match] = found["matches"]
    assert (match["comparison"], match["entry_id"], match["level"]) == ("identifier", "A-1", "hold")


def test_thresholds_can_be_tried(own: str, capsys: Capture):
    """Before they become parameters."""
    options = ("screen", "Ottokar Grimwald", own)
    [found] = told(capsys, *options, "--hold-at", "0.99", status=1)
    assert (found["decision"], found["hold_at"]) == ("alert", 0.99)
    [found] = told(capsys, *options, "--alert-at", "0.98", "--hold-at", "0.99")
    assert found["decision"] == "clear"


def test_a_file_of_names_is_screened_line_by_line(own: str, tmp_path: Path, capsys: Capture):
    """Empty lines are nobody; each answer names its line."""
    file = tmp_path / "names.txt"
    file.write_text("Jane Doe\n\nUmbra Vortex Trading\n", encoding="utf-8")
    found = told(capsys, "screen", "--file", str(file), own, status=1)
    assert [(each["line"], each["decision"]) for each in found] == [(1, "clear"), (3, "hold")]


def test_a_file_of_customers_may_tell_more_of_them(own: str, tmp_path: Path, capsys: Capture):
    """CSV with the column `name`; others as far as they are known, in any order."""
    file = tmp_path / "customers.csv"
    file.write_text(
        "country,name,birth_date,identifier,kind\n"
        'FR,"Grimwald, Ottokar",1962-09-08,,person\n'
        "DE,Jane Doe,,X12345,\n"
        ",Jane Doe,,,\n",
        encoding="utf-8",
    )
    found = told(capsys, "screen", "--file", str(file), own, status=1)
    assert [(each["line"], each["decision"]) for each in found] == [(2, "hold"), (3, "hold"), (4, "clear")]
    assert [each["bearing"] for each in found[0]["matches"][0]["evidence"]] == ["agrees", "agrees"]


def test_names_that_nobody_has_are_screened_like_others(own: str, capsys: Capture):
    """Ten thousand letters, control characters, punctuation, text turned around: none is cleared unread."""
    names = ["x" * 10_000, "\x01\x02", "!!!", "\u202edlawmirG rakottO\u202c"]
    found = told(capsys, "screen", *names, own, status=1)
    assert [each["decision"] for each in found] == ["hold"] * 4
    assert [each["too_long"] for each in found] == [True, False, False, False]
    assert [each["nothing_to_compare"] for each in found] == [False, True, True, False]
    assert [each["cut"] for each in found] == [True, False, False, False]


def test_what_was_left_aside_and_what_lowers_the_score_is_shown(own: str, capsys: Capture):
    """The guide's examples: the field says more than the name, and whoever looks at the match sees what."""
    names = ["Odile Meyer c/o Ottokar Grimwold (deceased)", "Ottokar Grimwold Trading Ltd", "???"]
    matches = [(each["decision"], *each["matches"]) for each in told(capsys, "screen", *names, own, status=1)]
    [(held, remarks), (alerted, trading), (unnamed,)] = matches
    assert (held, alerted, unnamed) == ("hold", "alert", "hold")
    assert (remarks["score"], remarks["left_aside"]) == (1.0, ["odile", "meyer", "careof", "deceased"])
    assert (trading["score"], trading["business_words"]) == (0.8, ["trading", "ltd"])
    assert main(["compliance", "screen", *names, own]) == 1
    said = capsys.readouterr().out
    assert "equal; left aside: odile meyer careof deceased" in said
    assert "whole beside trading, ltd" in said
    assert "hold; there is nothing in it that can be compared with any list" in said


def test_two_names_are_compared_without_their_remarks(capsys: Capture):
    """As a list's name would be."""
    [found] = told(capsys, "compare", "Otto Grimwold (deceased)", "GRIMWOLD, Otto")
    assert (found["score"], found["equal"], found["left_aside"]) == (1.0, True, ["deceased"])


WRONG = {
    "no name": ([], "There is no name to screen"),
    "no date": (["Jane Doe", "--birth-date", "soon"], "'soon' is no date"),
    "a day that is none": (["Jane Doe", "--birth-date", "1962-02-30"], "'1962-02-30' is no date"),
    "no country": (["Jane Doe", "--country", "Utopia"], "'Utopia' is no country"),
    "no kind": (["Jane Doe", "--kind", "alien"], "no kind 'alien'"),
    "no file": (["--file", "/nowhere/names.txt"], "/nowhere/names.txt cannot be read"),
    "no list": (["Jane Doe", "--list", "own.csv"], "'own.csv' is no list"),
    "no list file": (["Jane Doe", "--list", "OWN=/nowhere/own.csv"], "/nowhere/own.csv cannot be read"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_screened_is_wrong_usage(
    arguments: list[str], message: str, own: str, capsys: Capture
):
    """Exit status 2, and a sentence that says what to type."""
    lists = [] if "--list" in arguments else [own]
    assert main(["compliance", "screen", *arguments, *lists]) == 2
    assert message in capsys.readouterr().err


# ── lists diff ────────────────────────────────────────────────────────────────────────────────────


def test_two_versions_in_files_are_compared_without_a_stack(own: str, tmp_path: Path, capsys: Capture):
    """One line for each entry that differs, and a total."""
    before, after = Path(own.partition("OWN=")[2]), tmp_path / "after.csv"
    after.write_text(OWN.replace("B-1,", "C-1,").replace("1962-09-08", "1963-09-08"))
    arguments = ("--before-file", str(before), "--after-file", str(after))
    *entries, total = told(capsys, "lists", "diff", "OWN", *arguments)
    assert [(each["change"], each["entry_id"]) for each in entries] == [
        ("added", "C-1"),
        ("removed", "B-1"),
        ("changed", "A-1"),
    ]
    assert entries[2]["facts"] == {"birth_dates": {"before": ["1962-09-08"], "after": ["1963-09-08"]}}
    assert [total[name] for name in ("added", "removed", "changed", "to_screen_against")] == [1, 1, 1, 2]
    assert main(["compliance", "lists", "diff", "OWN", "--before-file", str(before)]) == 2
