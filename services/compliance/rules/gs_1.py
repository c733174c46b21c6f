"""GS-1, gather–scatter: money of several payers comes together at one account and is spread again.

Altman et al., Realistic Synthetic Financial Transactions for AML Models (NeurIPS 2023), patterns
"gather-scatter" and their length; FFIEC BSA/AML examination manual, appendix F (funnel accounts).

Example: three payers send 1,900 each; two days later 1,800 each go to three payees. 5,400 are within 20 % of
5,700: the third payment out is found.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.domain.windows.telling import tell
from services.compliance.domain.windows.window import DAYS, LOG_DAYS, LOG_MAX, Window
from shared.messages.compliance import Finding


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: 3 payers, 3 payees, in 9 days, sums alike within 20 %, of amounts from 1,000 on."""

    version: int
    payers: int
    payees: int
    days: int
    percent: int
    amount_min: int
    """Smaller amounts are no part of it."""


BOUNDS: Final[bounds.Bounds] = {
    "payers": bounds.count(1, LOG_MAX),
    "payees": bounds.count(1, LOG_MAX),
    "days": bounds.count(1, LOG_DAYS),
    "percent": bounds.percent(0),
    "amount_min": bounds.amount(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    return Parameters(version=row.version, **bounds.read_values(row.values, BOUNDS, scale))


def gate(parameters: Parameters) -> Gate:
    """Smaller amounts are no part of it."""
    return Gate(size_min=parameters.amount_min)


def reach(parameters: Parameters, entry: Entry) -> int:
    """Larger amounts, of somebody named, in either direction."""
    is_part = entry.other and abs(entry.amount) >= parameters.amount_min
    return parameters.days * DAY if is_part else 0


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that this payment to somebody new makes what went out as much as what came in."""
    least = parameters.amount_min
    if not entry.other or window.times or -entry.amount < least:
        return None
    came, _, went, _ = window.in_days(DAYS)
    if came < parameters.payers or went < parameters.payees:
        return None
    amount, other = window.amount, window.other
    payers: set[int] = set()
    payees: set[int] = set()
    members: list[int] = []
    gathered = scattered = 0
    for each in window.span(parameters.days * DAY):
        if not other[each] or -least < amount[each] < least:
            continue
        if amount[each] > 0:
            payers.add(other[each])
            gathered += amount[each]
        else:
            payees.add(other[each])
            scattered -= amount[each]
        members.append(each)
    if len(payers) < parameters.payers or len(payees) < parameters.payees:
        return None
    if abs(gathered - scattered) * 100 > gathered * parameters.percent:
        return None
    words = f"What {len(payers)} payers sent was spread over {len(payees)} payees in {parameters.days} days."
    return tell(
        RULE.code,
        parameters.version,
        words,
        window,
        entry,
        members,
        payers=len(payers),
        payees=len(payees),
    )


RULE: Final = WindowRule(
    code="GS-1",
    title="Gather and scatter",
    bounds=BOUNDS,
    judges="out",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
    reach=reach,
)
