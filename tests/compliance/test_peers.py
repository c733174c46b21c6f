"""DEV-2, a customer beside its peers: at and around each of its thresholds, and whatever the order was."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.peers import AllTurnovers, Peers
from services.compliance.domain.tier_two import Deviation, Telling, deviations, last_of_each
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.rules import PEER_RULES
from services.compliance.rules.dev_2 import RULE
from shared.messages.envelope import RiskClass
from shared.money import parse_amount
from tests.compliance.tables import table

BOOK = ParameterBook(RULE_PARAMETERS)
TODAY = date(2026, 3, 31)
EPOCH = date(1970, 1, 1)

OUTCOMES = table("""
    peers                moves                 finds
    30x2000              15000@0               found  # all alike: over 2 times and any spread
    30x2000              14999.99@0            -      # too small
    30x7500              15000@0               -      # just 2 times the median
    30x7499.99           15000@0               found
    30x7500              15000.01@0            found
    29x2000              15000@0               -      # too few peers
    10x2000,10x3000,10x4500         22781.25@0 -      # 1.5 to the fifth, times 3,000
    10x2000,10x3000,10x4500         22781.26@0 found
    10x2000,10x3000,10x4500         22781.26@30 -     # over
    10x2000,10x3000,10x4500         22781.26@29 found
    10x2000,10x3000,10x4500         7781@0,7500@3,7500.26@29  found  # in and out, together
    10x2000,10x3000,10x4500         -22781.26@0 found
    15x2000,15x8000                 15000@0    found  # of two in the middle the lower is the median
    14x2000,16x8000                 15000@0    -
    30x2000:organisation            15000@0    -      # of another kind
    30x2000:person:CZ               15000@0    -      # of another country
    30x2000:young                   15000@0    -      # who have come of late
    30x2000:old                     15000@0    found
    30x2000:today                   15000@0    -      # whose day has only begun
    30x2000:over                    15000@0    -      # whose month is over
    30x2000:first                   15000@0    found
""")


def entry_of(owner: str, amount: str, ago: int, number: int) -> Entry:
    """Make what somebody moved so many days ago."""
    day = TODAY - timedelta(days=ago)
    at = (day - EPOCH).days * DAY + number
    return Entry(
        owner=owner,
        asset="USD",
        account=owner,
        scale=2,
        amount=parse_amount(amount.lstrip("-"), 2) * (-1 if amount.startswith("-") else 1),
        at=at,
        day=day.toordinal(),
        shard=number % 4,
        seq=number,
    )


def opening(owner: str, segment: str, residence: str, ago: int) -> Entry:
    """Make the opening of somebody's account."""
    day = TODAY - timedelta(days=ago)
    at = (day - EPOCH).days * DAY
    return Entry(owner, "USD", owner, 2, 0, at, day.toordinal(), 0, 1, segment=segment, residence=residence)


AGO = {"today": 0, "over": 31, "first": 30}
"""When peers moved; else the day before."""


def peers_of(words: str) -> list[Entry]:
    """Read `30x2000:organisation`: so many who moved so much the day before, persons of no country else."""
    made: list[Entry] = []
    for group in words.split(","):
        what, _, kind = group.partition(":")
        count, _, amount = what.partition("x")
        for _ in range(int(count)):
            owner = f"P{len(made)}"
            segment, _, residence = kind.partition(":")
            if kind and kind not in AGO:
                ago = {"young": 29, "old": 30}.get(kind, 400)
                made.append(opening(owner, "" if kind in ("young", "old") else segment, residence, ago))
            made.append(entry_of(owner, amount, AGO.get(kind, 1), len(made) + 1))
    return made


def moved_by(words: str, owner: str = "C") -> list[Entry]:
    """Read `15000@0`: what a customer moved, so many days ago."""
    parts = [each.split("@") for each in words.split(",")]
    return [entry_of(owner, amount, int(ago), 900 + n) for n, (amount, ago) in enumerate(parts)]


BEGAN = [entry_of("Z", "0.01", 40, 1), entry_of("Z", "0.01", 0, 2)]
"""The firm has been there for a while, and today has begun; who moved a cent today is nobody's peer yet."""


def found_of(
    entries: list[Entry],
    book: ParameterBook = BOOK,
    owner: str = "C",
    ratings: Sequence[tuple[str, int, RiskClass]] = (),
) -> list[Deviation]:
    """Ask about a customer when all of these have come; ratings are owner, version and class."""
    turnovers = AllTurnovers()
    for each in entries[::2]:
        turnovers.take(each)
    for rating in ratings:
        turnovers.rate(*rating)
    for each in entries[1::2]:
        turnovers.take(each)
    return deviations(turnovers, PEER_RULES, last_of_each(e for e in entries if e.owner == owner), book)


@pytest.mark.parametrize("row", OUTCOMES, ids=lambda row: f"{row['peers']}:{row['moves']}")
def test_a_customer_is_found_at_the_threshold_and_not_below(row: dict[str, str]):
    """How far is far depends on how far the peers are from each other."""
    found = found_of([*BEGAN, *peers_of(row["peers"]), *moved_by(row["moves"])])
    assert [each.rule.code for each in found] == (["DEV-2"] if row["finds"] == "found" else [])


def test_nobody_is_compared_before_there_are_so_many_days_of_history():
    """Peers of one day are no measure of two."""
    entries = [*peers_of("30x2000"), *moved_by("15000@0")]
    assert found_of([*entries, entry_of("Z", "0.01", 29, 1)]) == []
    assert found_of([*entries, entry_of("Z", "0.01", 30, 1)]) != []


def test_the_example_of_the_page_is_found():
    """Forty persons of one country, half of them within 1.5 times the median."""
    amounts = ["1000"] * 10 + ["1500"] * 5 + ["2000"] * 10 + ["3000"] * 8 + ["4000"] * 7
    who = [opening(f"P{n}", "person", "DE", 400) for n in range(40)]
    moved = [entry_of(f"P{n}", amount, 3, n) for n, amount in enumerate(amounts)]
    entries = [*BEGAN, *who, *moved, opening("C", "person", "DE", 900)]
    [found] = found_of([*entries, *moved_by("30000@0")])
    assert (found.standing.peers.median, found.standing.peers.spread) == (200_000, 1500)
    assert found_of([*entries, *moved_by("15187.50@0")]) == []
    assert found_of([*entries, *moved_by("15187.51@0")]) != []
    finding = found.finding()
    assert finding.sentence == (
        "The turnover of 30 days is 15.0 times the median of 40 customers of this kind."
    )
    assert finding.values == {
        "asset": "USD",
        "business_date": "2026-03-31",
        "count": 1,
        "total": "30000.00",
        "events": ["0-900"],
        "days": 30,
        "peers": 40,
        "median": "2000.00",
        "spread": "1.500",
    }


CLASSES: tuple[RiskClass, ...] = ("low", "medium", "high")
RATED: dict[str, tuple[list[tuple[str, int, RiskClass]], int]] = {
    "nobody": ([], 1),
    "the customer": ([("C", 1, "high")], 0),
    "a peer too many": ([("P0", 1, "high")], 0),
    "a peer who is medium again": ([("P0", 2, "medium"), ("P0", 1, "high")], 1),
    "somebody of another group": ([("Z", 1, "low")], 1),
}


@pytest.mark.parametrize(("ratings", "count"), RATED.values(), ids=RATED)
def test_peers_are_of_the_same_risk_class(ratings: list[tuple[str, int, RiskClass]], count: int):
    """What is usual for one class is not for another; the last version counts, however they come."""
    entries = [*BEGAN, *peers_of("30x2000"), *moved_by("15000@0")]
    assert len(found_of(entries, ratings=ratings)) == count


def test_a_customer_of_high_risk_is_compared_with_others_of_high_risk():
    """Thirty of them move little; of those of medium risk, who move much, there are as many."""
    usual = [entry_of(f"M{n}", "9000", 1, n) for n in range(40)]
    entries = [*BEGAN, *usual, *peers_of("30x2000"), *moved_by("15000@0")]
    assert found_of(entries) == []
    ratings: list[tuple[str, int, RiskClass]] = [(f"P{n}", 1, "high") for n in range(30)]
    [found] = found_of(entries, ratings=[*ratings, ("C", 1, "high")])
    assert (found.standing.peers.count, found.standing.peers.median) == (30, 200_000)


def test_who_is_rated_again_is_measured_anew():
    """Measures that were taken before a rating are of another group."""
    turnovers = AllTurnovers()
    for each in [*BEGAN, *peers_of("30x2000"), *moved_by("15000@0")]:
        turnovers.take(each)
    of_asset = turnovers.assets["USD"]
    for number, count in ((0, 29), (1, 28)):
        turnovers.rate(f"P{number}", 1, "low")
        peers = of_asset.peers_of("P9", 30, 30)
        assert peers is not None
        assert peers.count == count


@given(st.data())
def test_the_order_in_which_entries_come_changes_nothing(data: st.DataObject):
    """Turnovers are a set: or the same entries, read again after a crash, would say something else."""
    owners, kinds = (
        st.sampled_from("abcdefg"),
        st.sampled_from([("person", "DE"), ("", ""), ("person", "CZ")]),
    )
    moves = data.draw(
        st.lists(
            st.tuples(owners, st.sampled_from(["2000", "-2500", "9000", "40000"]), st.integers(0, 70)),
            min_size=4,
            max_size=40,
        )
    )
    entries = [entry_of(owner, amount, ago, number) for number, (owner, amount, ago) in enumerate(moves, 1)]
    entries += [opening(owner, *data.draw(kinds), data.draw(st.integers(0, 60))) for owner in "abcdefg"]
    shuffled = data.draw(st.permutations(entries))
    book = lowered(peers_min=2, spreads=1)
    classes = st.sampled_from(CLASSES)
    ratings = data.draw(st.lists(st.tuples(owners, st.integers(1, 9), classes), unique_by=lambda e: e[:2]))
    again = data.draw(st.permutations(ratings))
    for owner in "abcdefg":
        found = found_of(entries, book, owner, ratings)
        assert found == found_of(shuffled, book, owner, again)


def lowered(**values: Any) -> ParameterBook:
    """Change parameters of the rule."""
    return ParameterBook(
        replace(row, values={**row.values, **values}) if row.rule == "DEV-2" else row
        for row in RULE_PARAMETERS
    )


@given(st.lists(st.integers(1, 10**15), min_size=1, max_size=60))
def test_half_of_the_peers_are_within_the_spread(turnovers: list[int]):
    """The measures mean what the page says, whatever the turnovers are."""
    peers = Peers.of(turnovers)
    assert sum(each <= peers.median for each in turnovers) * 2 >= len(turnovers)
    near = [
        each
        for each in turnovers
        if max(each, peers.median) * 1000 < (peers.spread + 1) * min(each, peers.median)
    ]
    assert len(near) * 2 >= len(turnovers)


def test_a_customer_over_the_budget_is_kept_once_a_day():
    """It is asked about again with whatever it moves next."""
    book = lowered(alerts_a_day=1)
    entries = [*BEGAN, *peers_of("30x2000"), *moved_by("15000@0"), *moved_by("16000@0", "D")]
    [more] = found_of(entries, book, "D")
    [less] = found_of(entries, book)
    telling = Telling()
    assert [telling.judge(each) for each in (more, less, less, more)] == [
        "alert", "over_budget", "cooling", "cooling",
    ]  # fmt: skip


def test_a_segment_may_have_parameters_of_its_own():
    """What is far for a person may be usual for a firm."""
    [row] = [each for each in RULE_PARAMETERS if (each.rule, each.asset) == ("DEV-2", "*")]
    off = replace(row, version=1001, values={}, segment="organisation")
    book = ParameterBook([*RULE_PARAMETERS, off])
    for segment, count in (("person", 1), ("organisation", 0)):
        entries = [*BEGAN, *peers_of(f"30x2000:{segment}"), opening("C", segment, "", 400)]
        assert len(found_of([*entries, *moved_by("15000@0")], book)) == count


WRONG: list[dict[str, Any]] = [{"days": 31}, {"days": 0}, {"spreads": 0}, {"spreads": 21}, {"times": 0}]


@pytest.mark.parametrize("change", WRONG, ids=str)
def test_parameters_that_cannot_be_answered_are_refused(change: dict[str, Any]):
    """Looking back farther than days are kept would find too little, silently."""
    row = next(each for each in RULE_PARAMETERS if each.rule == "DEV-2")
    with pytest.raises(ValueError, match="is not a whole number from 1 to"):
        RULE.read_parameters(replace(row, values={**row.values, **change}), 2)
