"""CTR-1, reportable cash: banknotes over a threshold in one business day, in or out, over all accounts.

31 CFR 1010.311 asks for a report of each transaction in currency of more than $10,000; 1010.313(b) adds
up what one person brings, or takes, in one business day, in and out each for itself. It only alerts:
a report is due, the payment is not to be stopped.

What is brought by or on behalf of one person counts together, through whichever customers it goes (31 CFR
1010.313(b)): of those with whom the person is holder, joint holder, beneficial owner or signatory, and what
the person brought or took for anybody. Where several customers are part of it, the second tier alerts, once
for the person, direction and business day, about the customer with the last of it. Whether firms of one owner
are run as one is for people to say (FinCEN, FIN-2012-G001).

Example: 7,000 and 4,000 USD of banknotes paid in on one business day are 11,000: the second is found. So are
4,000 each through three customers of one person, some seconds later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from services.compliance.domain import bounds
from services.compliance.domain.cash import CashEvent, CashLog, Lookback, customers_of
from services.compliance.domain.rule import CashRule, RuleParameter
from shared.messages.compliance import Finding
from shared.money import format_amount


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: over 10,000 of the asset (31 CFR 1010.311)."""

    version: int
    scale: int
    over: int


BOUNDS: Final[bounds.Bounds] = {
    "over": bounds.amount(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    return Parameters(row.version, scale, **bounds.read_values(row.values, BOUNDS, scale))


def evaluate(history: CashLog, event: CashEvent, parameters: Parameters) -> Finding | None:
    """Find that the day's cash in this direction, with this event, is over the threshold."""
    return _finding(_same(history, event), event, parameters)


def evaluate_person(history: CashLog, event: CashEvent, parameters: Parameters) -> Finding | None:
    """Find the same over all customers of one person."""
    same = _same(history, event)
    customers = customers_of([*same, event])
    return _finding(same, event, parameters, customers) if customers > 1 else None


def _same(history: CashLog, event: CashEvent) -> list[CashEvent]:
    return [each for each in history.on(event.asset, event.booking_date) if each.direction == event.direction]


def _finding(
    same: Sequence[CashEvent], event: CashEvent, parameters: Parameters, customers: int = 0
) -> Finding | None:
    total = sum(each.amount for each in same) + event.amount
    if total <= parameters.over:
        return None
    total_text = format_amount(total, parameters.scale)
    over_text = format_amount(parameters.over, parameters.scale)
    through = f" through {customers} customers of one person" if customers else ""
    values: dict[str, Any] = {
        "asset": event.asset,
        "direction": event.direction,
        "business_date": event.booking_date.isoformat(),
        "total": total_text,
        "over": over_text,
        "count": len(same) + 1,
        "events": sorted({each.reference for each in [*same, event]}),
    }
    return Finding(
        rule=RULE.code,
        rule_version=parameters.version,
        sentence=f"Cash {event.direction} of {total_text} {event.asset} on {event.booking_date}{through}"
        f" is over {over_text}.",
        values=values | ({"customers": customers} if customers else {}),
    )


RULE: Final = CashRule(
    code="CTR-1",
    title="Reportable cash",
    bounds=BOUNDS,
    holds=False,
    judges="payments",
    lookback=Lookback(days=0, time=timedelta()),
    read_parameters=read_parameters,
    evaluate=evaluate,
    evaluate_person=evaluate_person,
)
