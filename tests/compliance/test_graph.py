"""The rules about who paid whom, at and around each of their thresholds."""

from datetime import date

import pytest

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain import graph as graphs
from services.compliance.domain.graph import BUSY, Edge, Graph
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.windows.entry import HOUR
from services.compliance.rules import GRAPH_RULES
from shared.money import parse_amount
from tests.compliance.tables import table

BOOK = ParameterBook(RULE_PARAMETERS)
START = 1000 * HOUR

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
    CYC-1  a>b:999.99@0,b>c:999.99@1,c>a:999.99@2            -
    CYC-1  a>b:9@-9,a>b:5000@0,b>c:4800@1,c>a:4700@2         -      # a pair had met before
    CYC-1  a>b:1e@0,b>c:1e@0,c>d:1e@0,d>e:1e@0,e>f:1e@0,f>a:1e@0         6
    CYC-1  a>b:1e@0,b>c:1e@0,c>d:1e@0,d>e:1e@0,e>f:1e@0,f>g:1e@0,g>a:1e@0  -  # 7 hops
    STK-1  a>b:9000@0,b>c:8700@1,c>d:8500@2                  3
    STK-1  a>b:9000@0,b>c:8700@1                             -
    STK-1  a>b:9000@0,b>c:8700@3,c>d:8500@2                  -      # handed on before it came
    STK-1  a>b:9000@0,b>c:7200@1,c>d:5760@2                  3
    STK-1  a>b:9000@0,b>c:7199.99@1,c>d:5760@2               -      # not alike by 80 %
    STK-1  a>b:9000@0,b>c:8700@1,c>d:8500@119                3
    STK-1  a>b:9000@0,b>c:8700@1,c>d:8500@120                -
    STK-1  a>b:9000@0,b>c:8700@1,c>a:8500@2                  -      # a ring is CYC-1's matter
    STK-1  c>d:1@-9,a>b:9000@0,b>c:8700@1,c>d:8500@2         -
    STK-1  b>c:1@-9,a>b:9000@0,b>c:8700@1,c>d:8500@2         -      # a pair had met before
""")


def edge_of(graph: Graph, words: str, number: int) -> Edge:
    """Add `a>b:5000@3`: what a paid b after three hours; `1e` is 1,000."""
    ends, _, rest = words.partition(":")
    (payer, payee), (amount, hour) = ends.split(">"), rest.split("@")
    text = "1000" if amount == "1e" else amount
    return graph.add(payer, payee, parse_amount(text, 2), START + int(hour) * HOUR, f"0-{number}")


@pytest.mark.parametrize("row", OUTCOMES, ids=lambda row: f"{row['rule']}:{row['edges']}")
def test_a_graph_rule_finds_at_its_threshold_and_not_below(row: dict[str, str]):
    """The last edge is the one judged; what is found is told by its number of edges."""
    graph = Graph()
    edges = [edge_of(graph, each, number) for number, each in enumerate(row["edges"].split(","), start=1)]
    [rule] = [each for each in GRAPH_RULES if each.code == row["rule"]]
    parameters = BOOK.read(rule, "USD", date(2026, 3, 2), 2)
    assert parameters is not None
    found = rule.evaluate(graph, edges[-1], parameters)
    assert (str(len(found)) if found else "-") == row["finds"]
    assert not found or edges[-1] in found


def test_nothing_is_followed_through_a_hub():
    """A shop that everybody pays connects nobody."""
    graph = Graph()
    for number in range(BUSY + 1):
        edge_of(graph, f"b>x{number}:5000@0", number)
    words = ("a>b:5000@0", "b>c:4800@1", "c>a:4700@2")
    edges = [edge_of(graph, each, number) for number, each in enumerate(words)]
    assert graph.ring(edges[-1], hops=6, time=100 * HOUR, percent=60) == []


def test_a_search_is_bounded(monkeypatch: pytest.MonkeyPatch):
    """However dense the graph, one transaction costs so much at most."""
    monkeypatch.setattr(graphs, "STEPS_MAX", 1)
    graph = Graph()
    words = ("a>b:5000@0", "b>c:4800@1", "c>d:4700@2", "d>a:4700@3")
    edges = [edge_of(graph, each, number) for number, each in enumerate(words)]
    assert graph.ring(edges[-1], hops=6, time=100 * HOUR, percent=60) == []
    assert graph.chain(edges[-1], layers=4, time=100 * HOUR, percent=60) == []


def test_edges_that_are_over_are_forgotten():
    """A year of transactions must not stay in memory."""
    graph = Graph()
    for number in range(100):
        edge_of(graph, f"a>b:5000@{24 * number}", number)
    assert len(graph.out["a"]) == len(graph.into["b"]) == 21


@pytest.mark.parametrize("rule", GRAPH_RULES, ids=lambda rule: rule.code)
def test_every_graph_rule_has_parameters(rule: object):
    """A number without a source is nobody's."""
    row = BOOK.choose(getattr(rule, "code"), "XTS", date(1993, 1, 1))  # noqa: B009
    assert row is not None
    assert row.source
