"""Rules about persons and the auditor's plain loops tell the same, however runs cut what came."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import audit.persons as model
from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.cash import CashEvent
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.persons import Handed, Key, PersonFinding, find
from services.compliance.rules import PERSON_RULES
from tests.compliance.ledger import PARTITIONS, hours

BOOK = ParameterBook(RULE_PARAMETERS)
OWNERS = ["C1", "C2", "C3"]
STEPS = st.lists(
    st.tuples(
        st.integers(0, PARTITIONS - 1),
        st.sampled_from(OWNERS),
        st.sampled_from(["in", "in", "in", "out"]),
        st.sampled_from(["posted", "posted", "pending", "settled"]),
        st.sampled_from([400_000, 600_000, 799_999, 800_000, 900_000, 999_999, 1_000_000, 1_000_001]),
        st.sampled_from([0, 1, 5, 11, 24, 150, 170, 1500]),  # hours into the first day
        st.sampled_from([0, 0, 0, 1, 60]),  # days that it is booked later
    ),
    max_size=14,
)
CUTS = st.lists(st.lists(st.integers(0, 4), min_size=PARTITIONS, max_size=PARTITIONS), max_size=6)


def cash_of(steps: Sequence[Any]) -> dict[int, list[CashEvent]]:
    """Put steps into the shards that they came to, in order."""
    found: dict[int, list[CashEvent]] = {shard: [] for shard in range(PARTITIONS)}
    for number, (shard, owner, direction, phase, amount, hour, late) in enumerate(steps, start=1):
        at: datetime = hours(hour)
        day = at.date() + timedelta(days=late)
        found[shard].append(CashEvent(owner, "USD", direction, phase, amount, at, day, shard, number, 0))
    return found


def vectors(cuts: Sequence[Sequence[int]], cash: dict[int, list[CashEvent]]) -> list[list[int]]:
    """How far each run sees: each goes on by so many, the last sees everything."""
    now, found = [0] * PARTITIONS, list[list[int]]()
    for cut in cuts:
        now = [min(len(cash[shard]), now[shard] + cut[shard]) for shard in range(PARTITIONS)]
        found.append(now)
    return [*found, [len(cash[shard]) for shard in range(PARTITIONS)]]


def told_by_service(cash: dict[int, list[CashEvent]], runs: Sequence[Sequence[int]]) -> list[PersonFinding]:
    """What is told of runs, one after another."""
    told: set[Key] = set()
    found: list[PersonFinding] = []
    before = [0] * PARTITIONS
    for run in runs:
        handed = [
            Handed(event, 2, place >= before[shard])
            for shard in reversed(range(PARTITIONS))
            for place, event in enumerate(cash[shard][: run[shard]])
        ]
        found += find("P-1", handed, PERSON_RULES, BOOK, told)
        before = list(run)
    return found


def told_by_model(
    cash: dict[int, list[CashEvent]], runs: Sequence[Sequence[int]]
) -> list[model.ToldOfPerson]:
    """What the auditor says that runs have to tell."""

    def values_of(rule: str, asset: str, day: date) -> Any:
        """Return a rule's values."""
        row = BOOK.choose(rule, asset, day)
        return row.values if row is not None else None

    plain = {
        shard: [
            model.Cash(
                e.owner, e.asset, 2, e.direction, e.phase, e.amount, e.occurred_at, e.booking_date,
                e.source_shard, e.seq, e.leg,
            )
            for e in events
        ]
        for shard, events in cash.items()
    }  # fmt: skip
    roles = {0: [model.Role(owner, "P-1", "holder", None, None) for owner in OWNERS]}
    return model.tell(plain, roles, [(run, [len(OWNERS), 0, 0, 0], values_of) for run in runs])


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, cuts=CUTS)
def test_rules_and_plain_loops_tell_the_same(steps: list[Any], cuts: list[list[int]]):
    """They share no code: a finding missed, one too many, or of other cash shows here."""
    cash = cash_of(steps)
    runs = vectors(cuts, cash)
    mine = {(each.key, each.owner, each.pattern, _events(each)) for each in told_by_model(cash, runs)}
    assert mine == {
        (
            each.key,
            each.event.owner,
            each.finding.values.get("pattern", ""),
            tuple(each.finding.values["events"]),
        )
        for each in told_by_service(cash, runs)
    }


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, cuts=CUTS)
def test_however_runs_cut_what_came_the_same_is_told(steps: list[Any], cuts: list[list[int]]):
    """More cash never unmakes a finding: what is told once is what one look at everything tells."""
    cash = cash_of(steps)
    keys = {each.key for each in told_by_service(cash, vectors(cuts, cash))}
    assert keys == {each.key for each in told_by_service(cash, vectors([], cash))}


def _events(told: model.ToldOfPerson) -> tuple[str, ...]:
    return tuple(sorted({each.reference for each in told.members}))
