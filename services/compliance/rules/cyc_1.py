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

from services.compliance.domain.graph import KEPT, Edge, Graph
from services.compliance.domain.rule import GraphRule, RuleParameter, threshold_minor
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


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values, named as the parameters are but for `version`; amounts are decimal strings."""
    values = row.values
    if not 0 < int(values["days"]) * DAY <= KEPT:
        raise ValueError(f"rings are looked for in {KEPT // DAY} days at most")
    return Parameters(
        version=row.version,
        hops_min=int(values["hops_min"]),
        hops_max=int(values["hops_max"]),
        days=int(values["days"]),
        percent=int(values["percent"]),
        new_percent=int(values["new_percent"]),
        amount_min=threshold_minor(values["amount_min"], scale),
        alerts_a_day=int(values["alerts_a_day"]),
    )


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
    words="Money came back to where it began, by {count} payments within {days} days.",
    read_parameters=read_parameters,
    evaluate=evaluate,
)
