"""The service's graphs and the auditor's plain recursion tell the same, however runs cut what has come."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

import audit.flows as model
from audit.movements import Moved, Opened, movements_of
from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.ledger_events import read_news
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.tier_two import Flow, Flows, Telling
from services.compliance.domain.windows.entry import Entry
from services.compliance.rules import GRAPH_RULES
from shared.messages.partitioner import shard_of
from tests.compliance.ledger import DAY, PARTITIONS, RECORDED_AT, Ledger

BOOK = ParameterBook(RULE_PARAMETERS)
LOWER = ParameterBook(
    replace(row, values={**row.values, "amount_min": "400"}) if row.rule in ("CYC-1", "STK-1") else row
    for row in RULE_PARAMETERS
)
"""What people may have published: smaller payments count, too."""
PARTIES = ["C1", "C2", "C3", "C4", "C5", "C6"]
OUTSIDE = ["X1", "X2"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*PARTIES, *OUTSIDE]),
        st.sampled_from([*PARTIES, *OUTSIDE]),
        st.sampled_from(["500", "1000", "4000", "5000", "5000", "6000"]),
        st.sampled_from([0, 1, 5, 30, 200, 6000]),  # minutes on
        st.sampled_from([0, 0, 0, 30, 3000, 40_000, -10_000]),  # minutes behind; or ahead of what can be
    ),
    min_size=3,
    max_size=40,
)
CUTS = st.lists(st.lists(st.integers(0, 6), min_size=PARTITIONS, max_size=PARTITIONS), max_size=12)

Entered = tuple[dict[int, list[Entry]], dict[int, list[Moved | Opened]]]
Told = list[tuple[str, str, date, tuple[str, ...]]]


def entered(steps: Sequence[tuple[str, str, str, int, int]]) -> Entered:
    """Play steps through a ledger; return what each shard takes, as the service and as we read it."""
    ledger, at = Ledger(), RECORDED_AT
    service: dict[int, list[Entry]] = {shard: [] for shard in range(PARTITIONS)}
    plain: dict[int, list[Moved | Opened]] = {shard: [] for shard in range(PARTITIONS)}
    for payer, payee, amount, on, behind in steps:
        at += timedelta(minutes=on)
        if payer == payee or {payer, payee} <= set(OUTSIDE):
            continue
        side = payer if payer in OUTSIDE else payee if payee in OUTSIDE else None
        what: Any = "transfer" if side is None else "deposit" if side == payer else "withdrawal"
        made = ledger.moved(
            what,
            amount,
            owner=payee if side == payer else payer,
            other=payee,
            cash=False,
            at=at - timedelta(minutes=behind),
            day=DAY + (at - RECORDED_AT) // timedelta(days=1) * timedelta(days=1),
            payment={"debtor": {"account": side}, "creditor": {"account": side}} if side else None,
        )
        for copy in made:
            for entry in read_news(copy.value).entries():
                if shard_of(entry.owner, PARTITIONS) == copy.partition:
                    service[copy.partition].append(entry)
            for moved in movements_of(json.loads(copy.value)):
                if isinstance(moved, Moved) and shard_of(moved.owner, PARTITIONS) == copy.partition:
                    plain[copy.partition].append(moved)
    return service, plain


def vectors(cuts: Sequence[Sequence[int]], sizes: Sequence[int]) -> list[list[int]]:
    """How far each run sees: each goes on by so many, the last sees everything."""
    now, found = [0] * len(sizes), list[list[int]]()
    for cut in cuts:
        now = [min(size, before + more) for size, before, more in zip(sizes, now, cut, strict=True)]
        found.append(now)
    return [*found, list(sizes)]


def told_by_service(
    entries: Mapping[int, Sequence[Entry]], runs: Sequence[Sequence[int]], books: Sequence[ParameterBook]
) -> list[Flow]:
    """What is told of runs, one after another; with other parameters all is read again."""
    flows, telling, told = Flows(GRAPH_RULES, (books[0],)), Telling(), list[Flow]()
    before = [0] * PARTITIONS
    for run, book in zip(runs, books, strict=True):
        if flows.books[0] is not book:
            flows = Flows(GRAPH_RULES, (book,))
            for shard in range(PARTITIONS):
                for entry in entries[shard][: before[shard]]:
                    flows.take(entry)
        fresh = [
            found
            for shard in range(PARTITIONS)
            for entry in entries[shard][before[shard] : run[shard]]
            if (found := flows.take(entry)) is not None
        ]
        told += [flow for flow in flows.find(fresh) if telling.judge(flow) == "alert"]
        before = list(run)
    return told


def named(told: Sequence[Flow]) -> Told:
    """Return what identifies findings."""
    return [
        (each.rule.code, each.last.owner, each.business_date, tuple(sorted(x.reference for x in each.edges)))
        for each in told
    ]


def values_in(book: ParameterBook) -> model.ValuesOf:
    """How the auditor finds a rule's values in a book."""

    def values_of(rule: str, asset: str, day: date) -> Mapping[str, Any] | None:
        """Return them."""
        row = book.choose(rule, asset, day)
        return row.values if row is not None else None

    return values_of


@settings(max_examples=200, deadline=None)
@example(
    steps=[("C1", "C2", "5000", 0, 0), ("C2", "X1", "5000", 1, 0), ("X1", "C1", "5000", 1, 0)],
    cuts=[],
    changed=9,
)
@example(
    steps=[("C1", "C2", "500", 0, 0), ("C2", "X1", "500", 1, 0), ("X1", "C1", "500", 1, 0)],
    cuts=[[0] * 4],
    changed=1,
)
@given(steps=STEPS, cuts=CUTS, changed=st.integers(0, 13))
def test_graphs_and_plain_recursion_tell_the_same(
    steps: list[tuple[str, str, str, int, int]], cuts: list[list[int]], changed: int
):
    """They share no code: a path missed, one too many, or told in another order shows here.

    From one run on, parameters that were published meanwhile count.
    """
    service, plain = entered(steps)
    runs = vectors(cuts, [len(service[shard]) for shard in range(PARTITIONS)])
    books = [LOWER if number >= changed else BOOK for number in range(len(runs))]
    values = {id(book): values_in(book) for book in (BOOK, LOWER)}
    told = model.tell(plain, [(run, values[id(book)]) for run, book in zip(runs, books, strict=True)])
    mine = [(each.rule, each.owner, each.day, tuple(sorted(x.reference for x in each.path))) for each in told]
    assert named(told_by_service(service, runs, books)) == mine


@settings(max_examples=100, deadline=None)
@given(steps=STEPS, cuts=CUTS, split=st.randoms(use_true_random=False))
def test_how_runs_read_changes_nothing(
    steps: list[tuple[str, str, str, int, int]], cuts: list[list[int]], split: Any
):
    """Entries up to a run are a set: read in another order, by a rebuild, they say the same of the next."""
    service, _ = entered(steps)
    runs = vectors(cuts, [len(service[shard]) for shard in range(PARTITIONS)])
    last = runs[-2] if len(runs) > 1 else [0] * PARTITIONS
    until = [entry for shard in range(PARTITIONS) for entry in service[shard][: last[shard]]]
    after = [entry for shard in range(PARTITIONS) for entry in service[shard][last[shard] :]]
    found: list[Told] = []
    for _ in range(2):
        flows = Flows(GRAPH_RULES, (BOOK,))
        for entry in until:
            flows.take(entry)
        found.append(named(flows.find([new for entry in after if (new := flows.take(entry)) is not None])))
        split.shuffle(until)
        split.shuffle(after)
    assert found[0] == found[1]
