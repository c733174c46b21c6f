"""STK-1, layers: money is handed on over several parties who had nothing to do with each other before.

Altman et al., Realistic Synthetic Financial Transactions for AML Models (NeurIPS 2023), patterns "stack" and
"bipartite"; FATF, Professional Money Laundering (2018), on layering. Parties are told of
once, and so many a business day, as of rings.

Example: Ann pays Bob 9,000 on Monday, Bob pays Cleo 8,700 on Tuesday, Cleo pays Dan 8,500 on Wednesday, none
of them ever before: three layers, found with the third payment; Cleo, who paid last, is told of.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.graph import HOPS_MAX, KEPT, Edge, Graph
from services.compliance.domain.rule import GraphRule, RuleParameter
from services.compliance.domain.windows.entry import DAY


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: 3 layers in 5 days, alike by 80 %, 90 % of pairs new, from 1,000 on; 50 alerts a day."""

    version: int
    layers: int
    days: int
    percent: int
    new_percent: int
    amount_min: int
    alerts_a_day: int


BOUNDS: Final[bounds.Bounds] = {
    "layers": bounds.count(2, HOPS_MAX),
    "days": bounds.count(1, KEPT // DAY),
    "percent": bounds.percent(),
    "new_percent": bounds.percent(0),
    "amount_min": bounds.amount(),
    "alerts_a_day": bounds.count(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    return Parameters(version=row.version, **bounds.read_values(row.values, BOUNDS, scale))


def evaluate(graph: Graph, edge: Edge, parameters: Parameters) -> list[Edge]:
    """Find the most telling chain of layers that this edge is part of."""
    return graph.chain(
        edge,
        layers=parameters.layers,
        time=parameters.days * DAY,
        percent=parameters.percent,
        new_percent=parameters.new_percent,
        amount=parameters.amount_min,
    )


RULE: Final = GraphRule(
    code="STK-1",
    title="Layers",
    bounds=BOUNDS,
    words="Money was handed on {count} times within {days} days, among parties new to each other.",
    read_parameters=read_parameters,
    evaluate=evaluate,
)
