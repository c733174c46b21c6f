"""Windows are exact: what they hold equals plain loops over all entries, stored in between or not."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from services.compliance.domain.rule import WindowRule, open_to_all
from services.compliance.domain.windows import shard as shard_windows
from services.compliance.domain.windows.entry import DAY, HOUR, SECOND, Entry, counterparty
from services.compliance.domain.windows.judging import WindowJudge, replay
from services.compliance.domain.windows.shard import SAVED_A_BATCH, ShardWindows
from services.compliance.domain.windows.window import (
    DAYS,
    HOURS,
    KNOWN_MAX,
    LATENESS,
    LOG_DAYS,
    LOG_MAX,
    WEEK,
    Window,
)
from services.compliance.rules import WINDOW_RULES
from shared.messages.compliance import Finding
from shared.money import AMOUNT_MINOR_MAX
from tests.compliance.windows import BOOK

START = 20_000 * DAY
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, SECOND, 599 * SECOND, 601 * SECOND, HOUR, 5 * HOUR, DAY, 7 * DAY, 29 * DAY]),
        st.sampled_from([0, 0, 0, SECOND, LATENESS, LATENESS + 1, 30 * HOUR, 9 * DAY, 31 * DAY, 70 * DAY]),
        st.sampled_from([-100_000, -900_000, -50, 99, 100_000, 500_000, 900_000, 12_345, 0]),
        st.integers(0, 6),
        st.sampled_from(["", "IR", "DE"]),
    ),
    min_size=1,
    max_size=60,
)


def made_of(steps: list[tuple[int, int, int, int, str]]) -> list[Entry]:
    """Let event time go on by steps, some entries coming behind the latest."""
    at, made = START, list[Entry]()
    for seq, (step, behind, amount, other, country) in enumerate(steps, start=1):
        at += step
        day = (at // DAY) + 719_163
        named = counterparty(str(other)) if other else 0
        made.append(
            Entry("C1", "EUR", f"C1-{other % 2}", 2, amount, at - behind, day, 0, seq, named, country)
        )
    return made


@dataclass
class Naive:
    """What a window has to say after some entries, by plain loops over all of them."""

    seen: list[Entry]
    of: Entry | None = None
    """As of which it looks, as of a late one; None for the last."""

    def __post_init__(self) -> None:
        moved = [each for each in self.seen if each.amount]
        *before, self.last = moved
        latest = max(each.at for each in moved)
        behind = max((each.at for each in before), default=self.last.at) - self.last.at
        self.late = behind > LATENESS or self.of is not None
        self.last = self.of or self.last
        self.now = self.last.at if self.late else latest
        kept = sorted(moved, key=lambda each: each.at)
        self.kept = [each for each in kept[-LOG_MAX:] if each.at > latest - LOG_DAYS * DAY]
        self.moved, self.latest = moved, latest

    def times(self) -> int:
        """How often the counterparty had been seen, of a late one without what is kept after it."""
        last = self.last
        after = self.kept[self.kept.index(last) + 1 :] if last in self.kept else self.kept
        passed = [each for each in self.moved if each is not last and not (self.late and each in after)]
        alike = [each for each in passed if (each.other, each.amount > 0) == (last.other, last.amount > 0)]
        return len(alike) if last.other else 0

    def balance(self) -> int:
        """What all comes to, without what is kept after now."""
        ahead = [each.amount for each in self.kept if each.at > self.now]
        return sum(each.amount for each in self.moved) - (sum(ahead) if self.late else 0)

    def span(self, time: int) -> list[int]:
        """The events that lie less than a time before now."""
        return [each.seq for each in self.kept if self.now - time < each.at <= self.now]

    def total(self, grain: int, held: int, count: int) -> tuple[int, int, int, int]:
        """What buckets of a grain add up to, of so many that are held."""
        last = self.now // grain
        inside = [
            each.amount
            for each in self.moved
            if last - count < each.at // grain <= last and each.at // grain > self.latest // grain - held
        ]
        came, went = [each for each in inside if each > 0], [-each for each in inside if each < 0]
        return len(came), sum(came), len(went), sum(went)


def spans_agree(window: Window, naive: Naive) -> None:
    """Compare all that rules ask for."""
    assert (window.late, window.now) == (naive.late, naive.now)
    for time in (HOUR, DAY, 9 * DAY, LOG_DAYS * DAY):
        places = window.span(time)
        assert [int(window.reference_at(each).split("-")[1]) for each in places] == naive.span(time)
    assert all(
        window.may_have(count, time) for time in (HOUR, DAY) for count in range(1, len(naive.span(time)) + 1)
    )
    assert window.in_hours() == naive.total(HOUR, HOURS, HOURS)
    assert window.in_days(DAYS) == naive.total(DAY, DAYS, DAYS)
    assert window.in_days(WEEK) == naive.total(DAY, DAYS, WEEK)
    assert window.times == naive.times()
    assert window.balance() == naive.balance()


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_a_window_says_what_plain_loops_over_all_entries_say(steps: list[tuple[int, int, int, int, str]]):
    """Sparse buckets, running totals and a log that is cut now and then must not show."""
    window, seen = Window(), list[Entry]()
    for entry in made_of(steps):
        replay(window, [entry])
        seen.append(entry)
        if entry.amount:
            spans_agree(window, Naive(seen))


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_a_window_looks_as_of_any_entry_in_its_log(steps: list[tuple[int, int, int, int, str]]):
    """What came after it in time is not seen then, in spans, sums and how often somebody was."""
    window, made = Window(), made_of(steps)
    replay(window, made)
    kept = Naive(made).kept if any(each.amount for each in made) else []
    for place, each in enumerate(kept, start=len(window.at) - len(kept)):
        window.look_from(place)
        assert (window.number_at(place), window.is_traded_at(place)) == ((0, each.seq), False)
        spans_agree(window, Naive(made, each))


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, cuts=st.sets(st.integers(0, 60)), heard=st.integers(0, 60))
def test_stored_and_read_or_replayed_it_finds_the_same(
    steps: list[tuple[int, int, int, int, str]], cuts: set[int], heard: int
):
    """A restart at any point, from a stored window and what came after it, changes no finding."""
    judge = WindowJudge(WINDOW_RULES, BOOK)
    made = made_of(steps)
    whole, cut, replayed = Window(), Window(), Window()
    replay(replayed, made[:heard])
    expected = list[tuple[Finding, ...]]()
    for number, entry in enumerate(made):
        if number in cuts:
            cut = Window.from_bytes(cut.to_bytes())
        expected.append(tuple(judge.take(whole, entry)))
        assert tuple(judge.take(cut, entry)) == expected[-1]
        if number >= heard:
            assert tuple(judge.take(replayed, entry)) == expected[-1]
    assert whole.to_bytes() == replayed.to_bytes() == cut.to_bytes()


AROUND = [
    amount + more
    for amount in (100, 10_000, 80_000, 100_000, 300_000, 500_000, 800_000, 1_000_000, 2_000_000, 5_000_000)
    for more in (-1, 0, 1)
]
"""Amounts around the thresholds of rules."""


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([0, SECOND, HOUR, DAY, 3 * DAY, 91 * DAY]),
            st.sampled_from([0, 0, 0, 0, SECOND, LATENESS + 1, 9 * DAY]),
            st.sampled_from([*AROUND, *(-each for each in AROUND)]),
            st.integers(0, 9),
            st.sampled_from(["", "", "IR", "DE"]),
        ),
        min_size=1,
        max_size=40,
    ),
    traded=st.sets(st.integers(0, 40)),
    lacking=st.sets(st.integers(0, 40)),
)
def test_gates_keep_nothing_back_that_a_rule_finds(
    steps: list[tuple[int, int, int, int, str]], traded: set[int], lacking: set[int]
):
    """They only save calls: every rule asked about every entry finds the same."""
    gated = WindowJudge(WINDOW_RULES, BOOK)
    open_ = WindowJudge([replace(rule, gate=open_to_all) for rule in WINDOW_RULES], BOOK)
    window = Window()
    for number, each in enumerate(made_of(steps)):
        missing = "creditor.name" if number in lacking else ""
        entry = structs.replace(each, traded=number in traded, missing=missing)
        assert gated.take(window, entry) == open_.judge(window, entry)


def test_few_rules_are_asked_about_a_small_payment_to_somebody_known():
    """Most entries are of that kind, and most of what judging costs is to ask."""
    asked = list[str]()

    def counting(rule: WindowRule[Any]) -> WindowRule[Any]:
        def evaluate(window: Window, entry: Entry, parameters: Any) -> Finding | None:
            asked.append(rule.code)
            return rule.evaluate(window, entry, parameters)

        return replace(rule, evaluate=evaluate)

    judge = WindowJudge(map(counting, WINDOW_RULES), BOOK)
    judge.take(Window(), Entry("C1", "EUR", "C1-1", 2, -5000, START, 20_000 + 719_163, 0, 1, 2))
    assert asked == []
    judge.take(Window(), Entry("C1", "EUR", "C1-1", 2, -500_001, START, 20_000 + 719_163, 0, 1, 2))
    assert "PAY-1" in asked
    assert "STR-2" not in asked


def test_a_busy_window_keeps_its_last_five_hundred_entries_and_counts_all():
    """The log is bounded; buckets count what has left it."""
    made = made_of([(SECOND, 0, 100, 0, "")] * (3 * LOG_MAX))
    window = Window()
    replay(window, made)
    spans_agree(window, Naive(made))
    assert len(window.span(DAY)) == LOG_MAX
    assert window.in_days(DAYS)[0] == 3 * LOG_MAX
    assert len(window.at) < LOG_MAX + 100


def test_counterparties_are_bounded_and_the_oldest_is_forgotten():
    """A clearing house must not fill the memory."""
    window = Window()
    for number in range(1, KNOWN_MAX + 2):
        replay(window, [Entry("C1", "EUR", "A", 2, 5, START + number, 1, 0, number, number * 2)])
    assert len(window.known) == KNOWN_MAX
    assert 2 not in window.known


def test_volumes_beyond_64_bits_stop_at_the_bound():
    """A bucket can hold no more, and nothing may break."""
    window = Window()
    most = [Entry("C1", "EUR", "A", 2, AMOUNT_MINOR_MAX, START, 1, 0, number, 0) for number in (1, 2)]
    replay(window, most)
    assert window.in_days(DAYS) == (2, AMOUNT_MINOR_MAX, 0, 0)
    assert Window.from_bytes(window.to_bytes()).in_sum == 2 * AMOUNT_MINOR_MAX


@pytest.mark.parametrize("size", [1, 20, 3_000])
def test_a_batch_stores_as_many_windows_as_it_has_entries(size: int, monkeypatch: pytest.MonkeyPatch):
    """So a small one is soon over, and the tail that a claim reads stays bounded all the same."""
    monkeypatch.setattr(shard_windows, "BEHIND_MAX", 2_000)
    shard = ShardWindows()
    for owner in range(500):
        shard.build((f"C{owner}", "EUR"), None)
    longest = saved = 0
    for batch in range(-(-12_000 // size)):
        numbers = range(batch * size, (batch + 1) * size)
        shard.begin([_paid(f"C{number * 7 % 500}", number) for number in numbers])
        wanted = shard.to_save()
        assert len(wanted) <= max(SAVED_A_BATCH, size)
        saved += len(shard.save(wanted))
        shard.advance()
        longest = max(longest, shard.behind)
    assert saved
    assert longest <= 2_000 + 500 + size


def test_a_counterparty_is_a_number_that_keeps_no_name():
    """No personal data in what is stored of windows; equal ones are equal."""
    assert counterparty("ann") == counterparty("ann") != counterparty("bob")
    assert counterparty("ann") % 2 == 0
    assert 0 < counterparty("ann") < 2**63


def _paid(owner: str, seq: int) -> Entry:
    return Entry(owner, "EUR", f"{owner}-EUR", 2, -100, START + seq, START // DAY + 719_163, 0, seq)
