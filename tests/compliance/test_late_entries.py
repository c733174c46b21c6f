"""What arrives out of order completes patterns with what lies after it, as if it had come in its time."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.compliance.domain.rule import WindowRule
from services.compliance.domain.windows.anew import ANEW_MAX
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.domain.windows.judging import WindowJudge, replay
from services.compliance.domain.windows.telling import is_anew
from services.compliance.domain.windows.window import LOG_DAYS, Window
from services.compliance.rules import WINDOW_RULES
from shared.messages.compliance import Finding
from tests.compliance.disorder import ARRIVALS, Move, arriving, in_order
from tests.compliance.tables import table
from tests.compliance.windows import BOOK, MONDAY, entries, findings_of

LATE = table("""
    rule   entries                                                       completed_by
    STR-2  +8800@72/c,+9000@0/a,+9500@24/b                               0-1
    STR-2  +8800@95/c,+9500@24/b,+9000@0/a                               0-1
    STR-2  +8800@96/c,+9500@24/b,+9000@0/a                               -  # 4 days are over
    STR-2  +8800@72/c,+9500@24/b,+7999.99@0/a                            -
    STR-2  +8800@72/c,+9500@24/b,+9000@24.1/b                            -  # two payers
    STR-2  +9@80,+8800@72/c,+9500@24/b,+9000@0/a                         0-2
    RMF-1  -4000@23,+5000@0                                              0-1
    RMF-1  -4000@72,+5000@0                                              -
    RMF-1  -2000@3,-2000@2,+5000@0                                       0-1
    RMF-1  -4000@0.1,+5000@0                                             0-1  # six minutes behind
    RMF-1  +9@0,+5000@2,-4000@1                                          -  # it went before
    MIR-1  -2000@23,+2000@0                                              0-1
    MIR-1  -2000@24,+2000@0                                              -
    MIR-1  -1800@0.1,+2000@0                                             0-1
    MIR-1  -2000@23,+2000@22,+2000@0                                     -  # the later one is mirrored
    FAN-1  +1000@3/d,+1000@2/c,+1000@1/b,+1000@0/a                       0-1
    FAN-1  +1000@3/d,+1000@2/c,+1000@1/b,+999@0/a                        -
    FAN-1  +1000@3/d,+1000@2/c,+1000@1/b,-1000@0/a                       -
    FAN-1  +1000@3/d,+1000@-99/d,+1000@2/c,+1000@1/b,+1000@0/a           -  # d was known by then
    FAN-1  +1000@3/d,+1000@199/d,+1000@2/c,+1000@1/b,+1000@0/a           0-1
    FAN-2  -1000@3/d,-1000@2/c,-1000@1/b,-1000@0/a                       0-1
    GS-1   -1200@9/z,-1200@8/y,-1200@7/x,+1500@0/a,+1500@1/b,+1500@2/c   0-1
    GS-1   -1200@9/z,-1200@8/y,+1500@0/a,+1500@1/b,+1500@2/c,-1200@7/x   0-1
    GS-1   -1200@9/z,-1200@8/y,-1200@7/x,+1500@0/a,+1500@1/b,+1500@2/b   -
    GEO-1  +1510@2/c/IR,-1500@1/b/KP                                     0-1
    GEO-1  +1510@2/c/IR,-1500@1/b/DE                                     -
    GEO-1  +3000@2/c/IR,-1500@1/b/KP                                     -  # found alone
    RND-1  +2000@719,+5000@5,+1000@0                                     0-1
    RND-1  +2000@720,+5000@5,+1000@0                                     -
    RND-1  +2000@719,+5000@5,-1000@0                                     -
    SPL-1  -157.63@2,+200@0,3*-0.99@1                                    0-1
    SPL-1  -157.62@2,+200@0,3*-0.99@1                                    -
    SPL-1  +500@9,-157.63@2,+200@0,3*-0.99@1                             0-2  # there was no more then
    MA-1   -49@3/~trade,+50@0/~trade,-50@1/~trade,+50@2/~trade           0-1
    MA-1   -49@3,+50@0/~trade,-50@1/~trade,+50@2/~trade                  -  # it is not sold
    MA-1   +9@5/~trade,-7@1/~trade,+9@0.9837/~trade                      0-2
    MA-1   +9@5/~trade,-7@1/~trade,+9@0.9837                             0-2  # free of payment
    MA-1   +9@5/~trade,-7@1/~trade,+9@0.983/~trade                       -
""")


@pytest.mark.parametrize("row", LATE, ids=lambda row: f"{row['rule']}:{row['entries']}")
def test_what_comes_last_but_happened_first_completes_a_pattern(row: dict[str, str]):
    """The last to arrive is part of what a later one, judged long before, completes in time."""
    made = entries(row["entries"])
    found = findings_of(made).get(row["rule"])
    if row["completed_by"] == "-":
        assert found is None or not is_anew(found)
        return
    assert found is not None
    assert found.values["completed_by"] == row["completed_by"]
    assert found.values["late"] is True
    assert found.rule == "SPL-1" or row["completed_by"] in found.values["events"]
    assert made[-1].reference in found.values["events"]


def test_every_rule_with_a_reach_is_in_the_table_with_and_without_a_finding():
    """A rule that names several movements says how far it reaches, and the field its gate asks is kept."""
    rows = {(row["rule"], row["completed_by"] != "-") for row in LATE}
    reaching = [rule for rule in WINDOW_RULES if rule.reach is not None]
    assert {(rule.code, True) for rule in reaching} == {each for each in rows if each[1]}
    assert {rule.code for rule in reaching} - {"FAN-2"} == {code for code, is_found in rows if not is_found}
    for rule in reaching:
        parameters: Any = BOOK.read(rule, "USD", MONDAY, 2)
        assert rule.gate(parameters).tells != "missing"


Told = list[tuple[Entry, Finding]]


def told(arrived: list[Entry], judge: WindowJudge | None = None) -> Told:
    """Let a window take entries, and return what is found, each with the entry it is found of."""
    window, judge = Window(), judge or WindowJudge(WINDOW_RULES, BOOK)
    return [(each, finding) for each in arrived for finding in judge.take(window, each)]


def named(finding: Finding) -> set[str]:
    """The events that a finding names."""
    return set(finding.values["events"])


NAMED_LAST = {"STR-2", "RMF-1", "MIR-1", "GS-1", "GEO-1", "RND-1", "MA-1"}
NAMED_ANY = {"FAN-1", "FAN-2"}
"""A shorter fan, of those who were new as long as the rest had not come, may have been told before."""


@settings(max_examples=300, deadline=None)
@given(moves=ARRIVALS)
def test_what_is_found_in_order_is_found_in_any_order(moves: list[Move]):
    """Whichever of a pattern arrives last, the rule names it in a finding of that one.

    The pattern is what the rule names, and what it was found of when all came in order.
    """
    arrived = arriving(moves)
    arrives = {each.reference: place for place, each in enumerate(arrived)}
    found = told(arrived)
    for trigger, pattern in told(in_order(arrived)):
        members = named(pattern) | {trigger.reference}
        last = max(members, key=arrives.__getitem__)
        alike = [(each, finding) for each, finding in found if finding.rule == pattern.rule]
        if pattern.rule in NAMED_LAST:
            assert any(each.reference == last and last in named(finding) for each, finding in alike)
        elif pattern.rule in NAMED_ANY:
            assert any(members & named(finding) for _, finding in alike)


@settings(max_examples=150, deadline=None)
@given(moves=ARRIVALS)
def test_it_is_judged_as_if_what_is_there_had_come_in_order(moves: list[Move]):
    """The naive model: for each later one a window that takes all before it in order, and judges it."""
    judge, window, arrived = WindowJudge(WINDOW_RULES, BOOK), Window(), list[Entry]()
    for entry in arriving(moves):
        found = judge.take(window, entry)
        arrived.append(entry)
        own = [finding for finding in found if not is_anew(finding)]
        spared = {finding.rule for finding in own if entry.reference in named(finding)}
        expected = dict[str, tuple[str, set[str]]]()
        ordered = in_order(arrived)
        place = ordered.index(entry)
        if place + 1 < len(ordered):
            for each in ordered[place + window.late :]:
                for finding in as_in_order(judge, ordered, each):
                    is_new = entry.reference in named(finding) and finding.rule not in spared
                    if is_new and finding.rule in REACHING:
                        expected.setdefault(finding.rule, (each.reference, named(finding)))
        said = {each.rule: (each.values["completed_by"], named(each)) for each in found if is_anew(each)}
        assert said == expected
        assert len(found) - len(own) == len(said)


REACHING = {rule.code for rule in WINDOW_RULES if rule.reach is not None}


def as_in_order(judge: WindowJudge, ordered: list[Entry], each: Entry) -> list[Finding]:
    """What is found of an entry by a window that takes it and all before it in order."""
    window = Window()
    replay(window, ordered[: ordered.index(each)])
    return list(judge.take(window, each))


@settings(max_examples=150, deadline=None)
@given(moves=ARRIVALS)
def test_a_reach_keeps_nothing_back_that_a_rule_finds(moves: list[Move]):
    """It only saves calls: a rule that reaches over the whole log finds the same."""

    def far(rule: WindowRule[Any]) -> WindowRule[Any]:
        return replace(rule, reach=(lambda _, __: LOG_DAYS * DAY) if rule.reach is not None else None)

    arrived = arriving(moves)
    assert told(arrived) == told(arrived, WindowJudge(map(far, WINDOW_RULES), BOOK))


@settings(max_examples=100, deadline=None)
@given(moves=ARRIVALS, cuts=st.sets(st.integers(0, 24)), heard=st.integers(0, 24))
def test_stored_and_read_or_replayed_it_completes_the_same(moves: list[Move], cuts: set[int], heard: int):
    """Whatever it takes to judge once more is in what is stored of a window."""
    judge, arrived = WindowJudge(WINDOW_RULES, BOOK), arriving(moves)
    whole, cut, replayed = Window(), Window(), Window()
    replay(replayed, arrived[:heard])
    for number, each in enumerate(arrived):
        found = list(judge.take(whole, each))
        if number in cuts:
            cut = Window.from_bytes(cut.to_bytes())
        assert list(judge.take(cut, each)) == found
        if number >= heard:
            assert list(judge.take(replayed, each)) == found


def test_what_comes_in_order_is_judged_once():
    """Nearly everything does, and it must cost no more."""
    asked = list[tuple[str, str]]()

    def noting(rule: WindowRule[Any]) -> WindowRule[Any]:
        def evaluate(window: Window, entry: Entry, parameters: Any) -> Finding | None:
            asked.append((rule.code, entry.reference))
            return rule.evaluate(window, entry, parameters)

        return replace(rule, evaluate=evaluate)

    judge, window = WindowJudge(map(noting, WINDOW_RULES), BOOK), Window()
    for each in entries("+9000@0/a,-9000@0/b,+9500@1/c,-9500@2/d,+9000@3/e,-9000@3/f"):
        judge.take(window, each)
    assert len(asked) == len(set(asked))
    asked.clear()
    [late] = entries("-,-,-,-,-,-,+8100@2.5/a")
    judge.take(window, late)
    assert {code for code, reference in asked if reference != late.reference} <= REACHING
    assert ("STR-2", "0-5") in asked


@pytest.mark.parametrize(("between", "is_found"), [(ANEW_MAX - 1, True), (ANEW_MAX, False)])
def test_so_many_are_judged_once_more_and_not_those_beyond(between: int, is_found: bool):
    """A late entry in a busy window costs a bounded time; smaller ones and other directions do not count."""
    busy = f"-2000@23/z,{between}*-1500@10/y,90*-999@9/y,90*+1500@9/y,+2000@0/x"
    assert ("MIR-1" in findings_of(entries(busy))) is is_found


def test_each_rule_tells_one_pattern_of_a_late_entry():
    """The first in time; the rest is told as soon as another of it arrives, or has been."""
    found = told(entries("-2000@3,-2000@2,-2000@1,+2000@0"))
    mirrored = [finding.values["completed_by"] for _, finding in found if finding.rule == "MIR-1"]
    assert mirrored == ["0-3"]


def test_what_is_older_than_the_log_completes_nothing():
    """What has left the log is not known any more, late or in time."""
    made = entries("+9@800,-4000@23,+5000@0")
    assert not any(is_anew(finding) for finding in findings_of(made).values())
