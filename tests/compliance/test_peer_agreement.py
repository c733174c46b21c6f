"""The service's turnovers and the auditor's plain sums tell the same, live and in shadow."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

import audit.peers as model
from audit.movements import Moved, Opened, movements_of
from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.ledger_events import read_news
from services.compliance.domain.peers import AllTurnovers
from services.compliance.domain.rule_changes import Proposal, RuleSets
from services.compliance.domain.tier_two import TierJudge, last_of_each
from services.compliance.domain.windows.entry import Entry
from services.compliance.rules import TIER_RULES
from shared.messages.envelope import RiskClass
from shared.messages.partitioner import shard_of
from tests.compliance.ledger import DAY, PARTITIONS, RECORDED_AT, Ledger
from tests.compliance.test_flow_agreement import CUTS, vectors

LOW: dict[str, Any] = {"peers_min": 2, "spreads": 1, "alerts_a_day": 2, "amount_min": "4000"}
ROWS = [replace(row, values={**row.values, **LOW}) if row.rule == "DEV-2" else row for row in RULE_PARAMETERS]
[BASE] = [row for row in ROWS if (row.rule, row.asset) == ("DEV-2", "*")]
SHADOW = Proposal(
    UUID(int=7),
    replace(BASE, version=1001, values={**BASE.values, "times": 1, "days": 9}, segment="person"),
    "ann",
)
NOW = RuleSets(ROWS, ()).of([], [SHADOW])
PARTIES = ["C1", "C2", "C3", "C4", "C5", "C6"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(PARTIES),
        st.sampled_from(PARTIES),
        st.sampled_from(["500", "1000", "4000", "9000"]),
        st.sampled_from([0, 0, 1, 4, 12, 40]),  # days on
        st.sampled_from([0, 0, 0, 1, 33]),  # days behind
        st.sampled_from(["", "", "", "person", "organisation"]),  # or an account is opened
    ),
    min_size=6,
    max_size=40,
)

CLASSES: tuple[RiskClass, ...] = ("low", "medium", "high")
RATED = st.lists(
    st.tuples(st.sampled_from(PARTIES), st.sampled_from(CLASSES), st.integers(0, 3)),
    max_size=5,
).map(lambda drawn: sorted(drawn, key=lambda each: each[2]))

Entered = tuple[dict[int, list[Entry]], dict[int, list[Moved | Opened]]]


def entered(steps: Sequence[tuple[str, str, str, int, int, str]]) -> Entered:
    """Play steps through a ledger; return what each shard takes, as the service and as we read it."""
    ledger, day = Ledger(), DAY
    service: dict[int, list[Entry]] = {shard: [] for shard in range(PARTITIONS)}
    plain: dict[int, list[Moved | Opened]] = {shard: [] for shard in range(PARTITIONS)}
    for payer, payee, amount, on, behind, segment in steps:
        day += timedelta(days=on)
        of = day - timedelta(days=behind)
        at = RECORDED_AT + (of - DAY)
        if segment:
            country = "DE" if behind else "CZ"
            made = ledger.opened("Somebody", owner=payer, kind=segment, at=at, country=country)
        elif payer == payee:
            continue
        else:
            made = ledger.moved("transfer", amount, owner=payer, other=payee, cash=False, at=at, day=of)
        for copy in made:
            for entry in read_news(copy.value).entries():
                if shard_of(entry.owner, PARTITIONS) == copy.partition:
                    service[copy.partition].append(entry)
            for each in movements_of(json.loads(copy.value)):
                if shard_of(each.owner, PARTITIONS) == copy.partition:
                    plain[copy.partition].append(each)
    return service, plain


Rated = Sequence[tuple[str, RiskClass, int]]
"""Owners, the class, and how many runs there were before; in the order of their versions."""

Named = list[tuple[str, date, int, int, str]]


def told_by_service(
    entries: Mapping[int, Sequence[Entry]], runs: Sequence[Sequence[int]], rated: Rated
) -> tuple[Named, Named]:
    """What is told of runs, one after another, live and in shadow."""
    judges = (
        TierJudge.live(TIER_RULES, NOW.book),
        *(TierJudge.of_shadow(TIER_RULES, each) for each in NOW.shadows),
    )
    turnovers, before = AllTurnovers(), [0] * PARTITIONS
    told: list[Named] = [[], []]
    for number, run in enumerate(runs):
        for version, (owner, risk_class, when) in enumerate(rated, start=1):
            if when == number:
                turnovers.rate(owner, version, risk_class)
        fresh = [e for shard in range(PARTITIONS) for e in entries[shard][before[shard] : run[shard]]]
        for entry in fresh:
            turnovers.take(entry)
        for judge, named in zip(judges, told, strict=True):
            for found, outcome in judge.find(turnovers, last_of_each(fresh)):
                if outcome == "alert":
                    finding = found.finding().values
                    total = int(finding["total"].replace(".", ""))
                    named.append(
                        (found.last.owner, found.business_date, finding["count"], total, finding["events"][0])
                    )
        before = list(run)
    return told[0], told[1]


def told_by_model(
    plain: Mapping[int, Sequence[Moved | Opened]], runs: Sequence[Sequence[int]], rated: Rated, shadow: bool
) -> Named:
    """What the auditor says that runs have to tell."""
    book = NOW.shadows[0].book if shadow else NOW.book

    def values_for(rule: str, asset: str, day: date, segment: str, country: str) -> Mapping[str, Any] | None:
        """Return a rule's values."""
        row = book.choose(rule, asset, day, segment, country)
        return row.values if row is not None else None

    only = SHADOW.row.values if shadow else None
    classes = [
        {owner: risk_class for owner, risk_class, when in rated if when <= number}
        for number in range(len(runs))
    ]
    told = model.tell_apart(plain, [(run, values_for) for run in runs], only, classes)
    return [(each.owner, each.day, each.count, each.total, each.event) for each in told]


@settings(max_examples=200, deadline=None)
@given(steps=STEPS, cuts=CUTS, rated=RATED)
def test_turnovers_and_plain_sums_tell_the_same(
    steps: list[tuple[str, str, str, int, int, str]], cuts: list[list[int]], rated: Rated
):
    """They share no code: a peer too many, a day too few, or another order of the budget shows here."""
    service, plain = entered(steps)
    runs = vectors(cuts, [len(service[shard]) for shard in range(PARTITIONS)])
    live, shadow = told_by_service(service, runs, rated)
    assert live == told_by_model(plain, runs, rated, shadow=False)
    assert shadow == told_by_model(plain, runs, rated, shadow=True)


def test_the_two_are_compared_on_something():
    """A property of nothing would hold, too."""
    steps = [(one, two, "500", 1, 0, "") for one in PARTIES for two in PARTIES]
    steps += [("C1", "C2", "9000", 0, 0, ""), ("C3", "C4", "9000", 0, 0, "")]
    service, plain = entered(steps)
    runs = vectors([], [len(service[shard]) for shard in range(PARTITIONS)])
    high: Rated = [("C2", "high", 0)]
    for rated, owners in (([], ["C2", "C3"]), (high, ["C3", "C4"])):
        live, _ = told_by_service(service, runs, rated)
        assert [owner for owner, *_ in live] == owners, "the budget of a day; who is alone has no peers"
        assert live == told_by_model(plain, runs, rated, shadow=False)
