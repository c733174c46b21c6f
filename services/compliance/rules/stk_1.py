"""STK-1, layers: money is handed on over several parties who had nothing to do with each other before.

Altman et al., Realistic Synthetic Financial Transactions for AML Models (NeurIPS 2023), patterns "stack" and
"bipartite"; FATF, Professional Money Laundering (2018), on layering.

Example: Ann pays Bob 9,000 on Monday, Bob pays Cleo 8,700 on Tuesday, Cleo pays Dan 8,500 on Wednesday, none
of them ever before: three layers, the third payment is found.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain.graph import WHOLE, Edge, Graph, rarity
from services.compliance.domain.rule import GraphRule, RuleParameter, threshold_minor
from services.compliance.domain.windows.entry import DAY


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: 3 layers in 5 days, alike by 80 %, pairs rare by 0.9, from 1,000 on."""

    version: int
    layers: int
    days: int
    percent: int
    rarity_percent: int
    amount_min: int


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values: `layers`, `days`, `percent`, `rarity_percent`, `amount_min`."""
    values = row.values
    least = threshold_minor(values["amount_min"], scale)
    return Parameters(
        version=row.version,
        layers=int(values["layers"]),
        days=int(values["days"]),
        percent=int(values["percent"]),
        rarity_percent=int(values["rarity_percent"]),
        amount_min=least,
    )


def evaluate(graph: Graph, edge: Edge, parameters: Parameters) -> list[Edge]:
    """Find the chain of layers that ends in this edge."""
    if edge.amount < parameters.amount_min or edge.times:
        return []
    time = parameters.days * DAY
    chain = graph.chain(edge, layers=parameters.layers, time=time, percent=parameters.percent)
    return chain if rarity(chain) * 100 >= parameters.rarity_percent * WHOLE else []


RULE: Final = GraphRule(code="STK-1", title="Layers", read_parameters=read_parameters, evaluate=evaluate)
