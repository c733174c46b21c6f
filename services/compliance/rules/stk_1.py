"""STK-1, layers: money is handed on over several parties who had nothing to do with each other before.

Altman et al., Realistic Synthetic Financial Transactions for AML Models (NeurIPS 2023), patterns "stack" and
"bipartite"; FATF, Professional Money Laundering (2018), on layering. Parties are told of
once, and so many a business day, as of rings.

Example: Ann pays Bob 9,000 on Monday, Bob pays Cleo 8,700 on Tuesday, Cleo pays Dan 8,500 on Wednesday, none
of them ever before: three layers, found with the third payment; Cleo, who paid last, is told of.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain.graph import KEPT, Edge, Graph
from services.compliance.domain.rule import GraphRule, RuleParameter, threshold_minor
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


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values, named as the parameters are but for `version`; amounts are decimal strings."""
    values = row.values
    if not 0 < int(values["days"]) * DAY <= KEPT:
        raise ValueError(f"layers are looked for in {KEPT // DAY} days at most")
    return Parameters(
        version=row.version,
        layers=int(values["layers"]),
        days=int(values["days"]),
        percent=int(values["percent"]),
        new_percent=int(values["new_percent"]),
        amount_min=threshold_minor(values["amount_min"], scale),
        alerts_a_day=int(values["alerts_a_day"]),
    )


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
    words="Money was handed on {count} times within {days} days, among parties new to each other.",
    read_parameters=read_parameters,
    evaluate=evaluate,
)
