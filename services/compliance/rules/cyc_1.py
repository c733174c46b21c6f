"""CYC-1, a round trip: money comes back to where it began over others, in whatever order of time.

FATF, Professional Money Laundering (2018); Altman et al., Realistic Synthetic Financial Transactions for AML
Models (NeurIPS 2023): cycles do not come in order of time, and a plain search is right one time in a hundred,
so a ring counts only where its pairs are new, and the most telling come first. Parties are told once in the
days of a ring, and so many alerts are raised of a business day: how many is for the firm to say.

Example: Ann pays Bob 5,000, Bob pays Cleo 4,800, Cleo pays Ann 4,700 within 5 days, none of them ever before:
the ring is found with the third, whichever comes last, and Cleo, who paid last, is told of.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.graph import HOPS_MAX, KEPT, Edge, Graph
from services.compliance.domain.rule import GraphRule, RuleParameter
from services.compliance.domain.windows.entry import DAY


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: 3 to 6 hops in 5 days, alike by 60 %, 90 % of pairs new, from 1,000 on; 50 alerts a day."""

    version: int
    hops_min: int
    hops_max: int
    days: int
    percent: int
    new_percent: int
    amount_min: int
    alerts_a_day: int


BOUNDS: Final[bounds.Bounds] = {
    "hops_min": bounds.count(2, HOPS_MAX),
    "hops_max": bounds.count(2, HOPS_MAX),
    "days": bounds.count(1, KEPT // DAY),
    "percent": bounds.percent(),
    "new_percent": bounds.percent(0),
    "amount_min": bounds.amount(),
    "alerts_a_day": bounds.count(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    said = bounds.read_values(row.values, BOUNDS, scale)
    bounds.require(said["hops_min"] <= said["hops_max"], "hops_max", "hops_min at least")
    return Parameters(version=row.version, **said)


def evaluate(graph: Graph, edge: Edge, parameters: Parameters) -> list[Edge]:
    """Find the most telling ring that this edge is part of."""
    return graph.ring(
        edge,
        least=parameters.hops_min,
        most=parameters.hops_max,
        time=parameters.days * DAY,
        percent=parameters.percent,
        new_percent=parameters.new_percent,
        amount=parameters.amount_min,
    )


RULE: Final = GraphRule(
    code="CYC-1",
    title="Round trip",
    bounds=BOUNDS,
    words="Money came back to where it began, by {count} payments within {days} days.",
    read_parameters=read_parameters,
    evaluate=evaluate,
)
