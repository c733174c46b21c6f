"""The service's windows and the auditor's plain loops find the same in any stream of the ledger's events."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from audit.findings import Found, found_in, found_pattern
from audit.movements import History, Moved, movements_of
from audit.patterns import ANEW_MOST, patterns_in
from services.compliance.domain.ledger_events import read_news
from services.compliance.domain.windows.entry import instant
from services.compliance.domain.windows.judging import WindowJudge
from services.compliance.domain.windows.window import Window
from services.compliance.rules import WINDOW_RULES
from shared.messages.envelope import Number
from shared.messages.partitioner import shard_of
from tests.compliance.disorder import ARRIVALS, Move
from tests.compliance.ledger import ALICE, BOB, DAY, PARTITIONS, RECORDED_AT, Ledger, hours
from tests.compliance.windows import BOOK

PARTIES: list[dict[str, Any] | None] = [
    None,
    {"name": "Jane", "account": "DE02", "country": "DE"},
    {"name": "Reza", "country": "IR"},
    {"account": "X9"},
    {"name": "Kim", "account": "KP1", "country": "KP"},
]
WAYS = ["deposit", "withdrawal", "withdrawal", "transfer", "back", "own", "settle"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*WAYS, "open", "bought", "sold", "sold"]),
        st.sampled_from(
            ["0.50", "400", "999.99", "1000", "2000", "1800", "5000.01", "9000", "9500", "30000"]
        ),
        st.integers(0, 4),
        st.sampled_from([0, 1, 5, 50, 60, 700, 3000, 150_000]),  # minutes on
        st.sampled_from([0, 0, 0, 0, 5, 11, 2000, 40_000, 60_000]),  # minutes behind
        st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


def events_of(steps: list[tuple[str, str, int, int, int, bool]]) -> list[bytes]:
    """Play steps through a ledger that posts them as they are."""
    ledger, at, made = Ledger(), RECORDED_AT, list[bytes]()
    for what, amount, party, on, behind, pending in steps:
        at += timedelta(minutes=on)
        named = PARTIES[party]
        common: dict[str, Any] = {
            "at": at - timedelta(minutes=behind),
            "day": DAY + (at - RECORDED_AT) // timedelta(days=1) * timedelta(days=1),
            "cash": party == 0,
            "payment": {"debtor": named, "creditor": named} if named else None,
        }
        match what:
            case "open":
                [copy] = ledger.opened("Jane Doe", kind="person", country="DE")
            case "settle":
                copy = ledger.moved("withdrawal", amount, first=Number(shard=0, seq=1), **common)[0]
            case "back":
                copy = ledger.moved("transfer", amount, owner=BOB, other=ALICE, **common)[0]
            case "own":
                copy = ledger.moved("transfer", amount, other=ALICE, **common)[0]
            case "bought" | "sold":
                way: Any = "deposit" if what == "bought" else "withdrawal"
                copy = ledger.moved(way, amount, **common)[0]
                traded = copy.value.replace(f'"type":"{way}"'.encode(), b'"type":"trade"')
                copy = replace(copy, value=traded)
            case "deposit" | "withdrawal" | "transfer":
                copy = ledger.moved(what, amount, pending=pending and what != "deposit", **common)[0]
            case _:
                raise AssertionError(what)
        made.append(copy.value)
    return made


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_windows_and_plain_loops_find_the_same(steps: list[tuple[str, str, int, int, int, bool]]):
    """They share no code: a misread threshold, a bucket too many or a lost late entry shows here."""
    judge = WindowJudge(WINDOW_RULES, BOOK)
    windows: dict[tuple[str, str], Window] = {}
    histories: dict[tuple[str, str], History] = {}
    for value in events_of(steps):
        said = dict[str, list[Found]]()
        for entry in read_news(value).entries():
            window = windows.setdefault((entry.owner, entry.asset), Window())
            findings = judge.take(window, entry)
            said.setdefault(entry.owner, []).extend(found_in(each.model_dump(), 2) for each in findings)
        expected = dict[str, list[Found]]()
        for each in movements_of(json.loads(value)):
            history = histories.setdefault((each.owner, each.asset), History())
            history.take(each)
            mine = expected.setdefault(each.owner, [])
            if isinstance(each, Moved):
                mine += [
                    found_pattern(rule, found) for rule, found, *_ in patterns_in(history, _values(each))
                ]
        assert said == expected


@settings(max_examples=200, deadline=None)
@given(moves=ARRIVALS)
def test_what_comes_out_of_order_completes_the_same(moves: list[Move]):
    """The auditor judges again from the rules' words: whom, in which order, how many, as of when."""
    judge, window, history = WindowJudge(WINDOW_RULES, BOOK), Window(), History()
    for value in values_of(moves):
        [entry] = read_news(value).entries()
        [moved] = movements_of(json.loads(value))
        findings = [found_in(each.model_dump(), 2) for each in judge.take(window, entry)]
        history.take(moved)
        assert isinstance(moved, Moved)
        mine = [found_pattern(rule, found) for rule, found, *_ in patterns_in(history, _values(moved))]
        assert findings == mine


def values_of(moves: list[Move]) -> list[bytes]:
    """Play moves through a ledger, in the order in which they arrive."""
    ledger, made = Ledger(), list[bytes]()
    for minute, amount, party, traded in moves:
        way: Any = "deposit" if amount[0] == "+" else "withdrawal"
        name, _, country = party.partition("/")
        named = {"name": name, "account": name, "country": country} if name else None
        payment = {"debtor": named, "creditor": named} if named else None
        [copy] = ledger.moved(way, amount[1:], cash=False, at=hours(minute / 60), payment=payment)
        made.append(copy.value.replace(f'"type":"{way}"'.encode(), b'"type":"trade"', traded))
    return made


@pytest.mark.parametrize("between", [ANEW_MOST - 1, ANEW_MOST])
def test_so_many_are_judged_once_more_by_both(between: int):
    """Where one stops and the other goes on, a busy customer's findings would differ."""
    busy: list[Move] = [
        (1400, "-2000", "z", False),
        *((600 + n / 4, "-1500", "y", False) for n in range(between)),
    ]
    smaller: list[Move] = [(500 + n / 4, "-999", "y", False) for n in range(90)]
    judge, window, history = WindowJudge(WINDOW_RULES, BOOK), Window(), History()
    findings, mine = list[Found](), list[Found]()
    for value in values_of([*busy, *smaller, (0, "+2000", "x", False)]):
        [entry] = read_news(value).entries()
        [moved] = movements_of(json.loads(value))
        findings = [found_in(each.model_dump(), 2) for each in judge.take(window, entry)]
        history.take(moved)
        assert isinstance(moved, Moved)
        mine = [found_pattern(rule, found) for rule, found, *_ in patterns_in(history, _values(moved))]
    assert findings == mine
    assert ("MIR-1" in {each.rule for each in mine}) is (between < ANEW_MOST)


def _values(each: Moved) -> Any:
    def values_of(rule: str) -> Any:
        row = BOOK.choose(rule, each.asset, each.day, "", "")
        return row.values if row is not None else None

    return values_of


@pytest.mark.parametrize("kind", ["reversal", "return"])
def test_what_is_put_right_is_nobody_s_doing(kind: str):
    """A reversed deposit is no money passed on, and a payment that came back is none received."""
    [event] = Ledger().moved("withdrawal", "5000", cash=False)
    value = event.value.replace(b'"type":"withdrawal"', f'"type":"{kind}"'.encode())
    assert value != event.value
    assert read_news(event.value).entries()
    assert not read_news(value).entries()
    assert not movements_of(json.loads(value))


@given(steps=STEPS)
@settings(max_examples=100)
def test_shards_make_together_what_all_owners_have(steps: list[tuple[str, str, int, int, int, bool]]):
    """Each entry where its owner is at home and nowhere else, in the order in which the event has them."""
    for value in events_of(steps):
        news = read_news(value)
        for home in range(PARTITIONS):
            at_home = {owner for owner in (ALICE, BOB) if shard_of(owner, PARTITIONS) == home}
            assert news.entries(at_home.__contains__) == [e for e in news.entries() if e.owner in at_home]


def test_what_was_scheduled_happens_when_it_is_carried_out():
    """Not when it was asked for, which may be months before."""
    [event] = Ledger().moved("withdrawal", "5000", cash=False, at=RECORDED_AT - timedelta(days=60))
    said = b'"type":"TransactionPosted"'
    value = event.value.replace(said, said + b',"executes":{"shard":1,"seq":1}', 1)
    assert value != event.value
    ([before], [on_its_day]) = (read_news(each).entries() for each in (event.value, value))
    recorded_at = datetime.fromisoformat(json.loads(value)["recorded_at"])
    assert before.at < on_its_day.at == instant(recorded_at)
    assert on_its_day == structs.replace(before, at=on_its_day.at)
    [moved] = movements_of(json.loads(value))
    assert isinstance(moved, Moved)
    assert moved.at == recorded_at


def test_a_long_stream_is_told_the_same():
    """Beyond what the log keeps, and with more counterparties than are remembered."""
    start = datetime.combine(date(2026, 3, 2), datetime.min.time(), RECORDED_AT.tzinfo)
    judge, window, history = WindowJudge(WINDOW_RULES, BOOK), Window(), History()
    ledger = Ledger()
    for number in range(1300):
        named = {"name": f"N{number}", "account": f"A{number * number % 1150}"}
        what: Any = "deposit" if number % 3 else "withdrawal"
        amount = f"{(number * 7919) % 9000 + 1}.{number % 100:02d}"
        at = start + timedelta(minutes=20 * number)
        payment = {"debtor": named, "creditor": named}
        event = ledger.moved(what, amount, cash=False, at=at, day=at.date(), payment=payment)[0]
        [entry] = read_news(event.value).entries()
        [moved] = movements_of(json.loads(event.value))
        history.take(moved)
        findings = [found_in(each.model_dump(), 2) for each in judge.take(window, entry)]
        if number % 25 == 0 or number > 1290:
            assert isinstance(moved, Moved)
            mine = [found_pattern(rule, found) for rule, found, *_ in patterns_in(history, _values(moved))]
            assert findings == mine
