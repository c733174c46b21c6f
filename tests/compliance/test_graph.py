"""The rules about who paid whom, at and around each of their thresholds."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain import graph as graphs
from services.compliance.domain.graph import BUSY, KEPT, Edge, Graph, score
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.windows.entry import DAY, HOUR, counterparty
from services.compliance.rules import GRAPH_RULES
from shared.money import parse_amount
from tests.compliance.tables import table

BOOK = ParameterBook(RULE_PARAMETERS)
START = 1000 * HOUR
WEEK: dict[str, int] = {"time": 5 * DAY, "new_percent": 90, "amount": 100_000}

OUTCOMES = table("""
    rule   edges                                             finds
    CYC-1  a>b:5000@0,b>c:4800@1,c>a:4700@2                  3
    CYC-1  a>b:5000@0,b>a:4800@1                             -      # paid back
    CYC-1  a>b:5000@0,b>c:4800@1,c>d:4700@2                  -
    CYC-1  b>c:4800@5,c>a:4700@9,a>b:5000@0                  3      # in any order of time
    CYC-1  a>b:5000@0,b>c:4800@1,c>a:4700@119                3
    CYC-1  a>b:5000@0,b>c:4800@1,c>a:4700@120                -      # 5 days are over
    CYC-1  a>b:5000@0,b>c:4800@1,c>a:3000@2                  3
    CYC-1  a>b:5000@0,b>c:4800@1,c>a:2999.99@2               -      # not alike by 60 %
    CYC-1  a>b:1e@0,b>c:1e@1,c>a:1e@2                        3
    CYC-1  a>b:1e@0,b>c:1e@1,c>a:999.99@2                    -      # too small
    CYC-1  b>c:4800@60,c>a:4700@120,a>b:5000@0               -      # from the first to the last
    CYC-1  a>b:5000@0,b>c:4800@1,c>d:4600@2,d>b:4500@3       3      # b, c and d; a is no part of it
    CYC-1  a>b:9@-9,a>b:5000@0,b>c:4800@1,c>a:4700@2         -      # a pair had met before
    CYC-1  a>b:5000@0,b>c:4800@1,c>a:4700@2,a>b:9@-9         -      # which is known only later
    CYC-1  a>b:9@9,a>b:5000@0,b>c:4800@1,c>a:4700@2          3      # they met after it
    CYC-1  a>b:1e@0,b>c:1e@0,c>d:1e@0,d>e:1e@0,e>f:1e@0,f>a:1e@0         6
    CYC-1  a>b:1e@0,b>c:1e@0,c>d:1e@0,d>e:1e@0,e>f:1e@0,f>g:1e@0,g>a:1e@0  -  # 7 hops
    STK-1  a>b:9000@0,b>c:8700@1,c>d:8500@2                  3
    STK-1  a>b:9000@0,b>c:8700@1                             -
    STK-1  a>b:9000@0,b>c:8700@3,c>d:8500@2                  -      # handed on before it came
    STK-1  b>c:8700@1,c>d:8500@2,a>b:9000@0                  3      # in any order of coming
    STK-1  a>b:9000@0,c>d:8500@2,b>c:8700@1                  3
    STK-1  a>b:1e@0,b>c:1e@1,c>d:1e@2                        3
    STK-1  a>b:1e@0,b>c:1e@1,c>d:999.99@2                    -      # too small
    STK-1  a>b:9000@0,b>c:7200@1,c>d:5760@2                  3
    STK-1  a>b:9000@0,b>c:7199.99@1,c>d:5760@2               -      # not alike by 80 %
    STK-1  a>b:9000@0,b>c:8700@1,c>d:8500@119                3
    STK-1  a>b:9000@0,b>c:8700@1,c>d:8500@120                -
    STK-1  a>b:9000@0,b>c:8700@1,c>a:8500@2                  -      # a ring is CYC-1's matter
    STK-1  c>d:1@-9,a>b:9000@0,b>c:8700@1,c>d:8500@2         -
    STK-1  b>c:1@-9,a>b:9000@0,b>c:8700@1,c>d:8500@2         -      # a pair had met before
""")


def edge_of(words: str, number: int) -> Edge:
    """Read `a>b:5000@3`: what a paid b after three hours; `1e` is 1,000."""
    ends, _, rest = words.partition(":")
    (payer, payee), (amount, hour) = ends.split(">"), rest.split("@")
    text = "1000" if amount == "1e" else amount
    return Edge(
        at=START + int(hour) * HOUR,
        shard=0,
        seq=number,
        payer=counterparty(payer),
        payee=counterparty(payee),
        amount=parse_amount(text, 2),
        day=date(2026, 3, 2).toordinal(),
        scale=2,
        owner=payer,
    )


def edges_of(words: str) -> list[Edge]:
    """Read edges with commas between."""
    return [edge_of(each, number) for number, each in enumerate(words.split(","), start=1)]


def graph_of(edges: list[Edge]) -> Graph:
    """Make the graph of these edges."""
    graph = Graph()
    for each in edges:
        graph.add(each)
    return graph


def found_by(rule_code: str, edges: list[Edge], asked: Edge) -> list[Edge]:
    """Ask a rule about an edge among these."""
    [rule] = [each for each in GRAPH_RULES if each.code == rule_code]
    parameters = BOOK.read(rule, "USD", date(2026, 3, 2), 2)
    assert parameters is not None
    return rule.evaluate(graph_of(edges), asked, parameters)


@pytest.mark.parametrize("row", OUTCOMES, ids=lambda row: f"{row['rule']}:{row['edges']}")
def test_a_graph_rule_finds_at_its_threshold_and_not_below(row: dict[str, str]):
    """What is found is told by its number of edges; whichever of them is asked about, it is the same."""
    edges = edges_of(row["edges"])
    found = {tuple(found_by(row["rule"], edges, each)) for each in edges} - {()}
    assert [str(len(path)) for path in found] == ([row["finds"]] if row["finds"] != "-" else [])


def test_every_graph_rule_is_in_the_table_with_and_without_a_finding():
    """A threshold is tested from both sides."""
    sides = {(row["rule"], row["finds"] != "-") for row in OUTCOMES}
    assert sides == {(rule.code, side) for rule in GRAPH_RULES for side in (True, False)}


@given(st.data())
def test_the_order_in_which_edges_come_changes_nothing(data: st.DataObject):
    """A graph is a set: or the same payments, read again after a crash, would say something else."""
    parties = st.sampled_from("abcde")
    words = st.tuples(parties, parties, st.sampled_from(["5000", "4500", "900"]), st.integers(0, 130))
    made = data.draw(st.lists(words.filter(lambda each: each[0] != each[1]), min_size=3, max_size=14))
    edges = [edge_of(f"{a}>{b}:{amount}@{at}", n) for n, (a, b, amount, at) in enumerate(made)]
    shuffled = data.draw(st.permutations(edges))
    for code in ("CYC-1", "STK-1"):
        for each in edges:
            assert found_by(code, edges, each) == found_by(code, shuffled, each)


def test_nothing_is_followed_through_a_hub():
    """A shop that everybody pays connects nobody."""
    ring = edges_of("a>b:5000@0,b>c:4800@1,c>a:4700@2")
    bills = [edge_of(f"b>x{number}:5000@0", 10 + number) for number in range(BUSY)]
    asked = {"least": 3, "most": 6, "percent": 60, **WEEK}
    assert graph_of([*ring, *bills[1:]]).ring(ring[-1], **asked) == ring
    assert graph_of([*ring, *bills]).ring(ring[-1], **asked) == []


def test_what_could_have_gone_many_ways_tells_less():
    """Who follows the money at random comes back by one of so many ways."""
    ring = edges_of("a>b:5000@0,b>c:4800@1,c>a:4700@2")
    bills = [edge_of(f"b>x{number}:5000@0", 10 + number) for number in range(3)]
    known = [edge_of("a>b:5@-1", 20)]
    assert score(graph_of(ring), ring, 5 * DAY) == 1_000_000
    assert score(graph_of([*ring, *bills]), ring, 5 * DAY) == 250_000
    assert score(graph_of([*ring, *known]), ring, 5 * DAY) == 333_333  # two ways, two of three pairs new


def test_a_search_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch):
    """However dense the graph, one transaction costs so much at most; what was not looked at is counted."""
    monkeypatch.setattr(graphs, "STEPS_MAX", 1)
    ring = edges_of("a>b:5000@0,b>c:4800@1,c>d:4700@2,d>a:4700@3")
    graph = graph_of(ring)
    assert graph.ring(ring[-1], least=3, most=6, percent=60, **WEEK) == []
    assert graph.cut_short == 1
    assert graph.chain(ring[-1], layers=4, percent=60, **WEEK) == []
    assert graph.cut_short == 2


def test_edges_that_are_over_are_forgotten_and_who_had_met_is_not():
    """A year of transactions must not stay in memory; what comes when it is over is no part of anything."""
    edges = [edge_of(f"a>b:5000@{24 * number}", number) for number in range(100)]
    graph = graph_of([*edges, edge_of("c>d:5000@0", 200)])
    [a], [b] = graph.out, graph.into
    assert len(graph.out[a]) == len(graph.into[b]) == KEPT // DAY
    assert [graph.is_new(each) for each in edges[-2:]] == [False, False]


WRONG: list[tuple[str, dict[str, Any]]] = [("CYC-1", {"days": 22}), ("STK-1", {"days": 0})]


@pytest.mark.parametrize(("code", "change"), WRONG, ids=str)
def test_parameters_that_a_graph_cannot_answer_are_refused(code: str, change: dict[str, Any]):
    """Looking back farther than edges are kept would find too little, silently."""
    [rule] = [each for each in GRAPH_RULES if each.code == code]
    row = next(each for each in RULE_PARAMETERS if each.rule == code)
    with pytest.raises(ValueError, match="is not a whole number from 1 to 21"):
        rule.read_parameters(replace(row, values={**row.values, **change}), 2)


@pytest.mark.parametrize("rule", GRAPH_RULES, ids=lambda rule: rule.code)
def test_every_graph_rule_has_parameters(rule: object):
    """A number without a source is nobody's."""
    row = BOOK.choose(getattr(rule, "code"), "XTS", date(1993, 1, 1))  # noqa: B009
    assert row is not None
    assert row.source
