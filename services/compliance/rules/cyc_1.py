"""CYC-1, a round trip: money comes back to where it began over others, in whatever order of time.

FATF, Professional Money Laundering (2018); Altman et al., Realistic Synthetic Financial Transactions for AML
Models (NeurIPS 2023): cycles do not come in order of time, and a plain search is right one time in a hundred,
so a ring counts by how rare its pairs are.

Example: Ann pays Bob 5,000, Bob pays Cleo 4,800, Cleo pays Ann 4,700 within 5 days, none of them ever before:
the third is found.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain.graph import WHOLE, Edge, Graph, rarity
from services.compliance.domain.rule import GraphRule, RuleParameter, threshold_minor
from services.compliance.domain.windows.entry import DAY


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: 3 to 6 hops in 5 days, alike by 60 %, pairs rare by 0.9, from 1,000 on."""

    version: int
    hops_min: int
    hops_max: int
    days: int
    percent: int
    rarity_percent: int
    amount_min: int


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values: `hops_min`, `hops_max`, `days`, `percent`, `rarity_percent`, `amount_min`."""
    values = row.values
    least = threshold_minor(values["amount_min"], scale)
    return Parameters(
        version=row.version,
        hops_min=int(values["hops_min"]),
        hops_max=int(values["hops_max"]),
        days=int(values["days"]),
        percent=int(values["percent"]),
        rarity_percent=int(values["rarity_percent"]),
        amount_min=least,
    )


def evaluate(graph: Graph, edge: Edge, parameters: Parameters) -> list[Edge]:
    """Find the ring that this edge closes."""
    if edge.amount < parameters.amount_min:
        return []
    time = parameters.days * DAY
    ring = graph.ring(edge, hops=parameters.hops_max, time=time, percent=parameters.percent)
    is_rare = rarity(ring) * 100 >= parameters.rarity_percent * WHOLE
    return ring if len(ring) >= parameters.hops_min and is_rare else []


RULE: Final = GraphRule(code="CYC-1", title="Round trip", read_parameters=read_parameters, evaluate=evaluate)
