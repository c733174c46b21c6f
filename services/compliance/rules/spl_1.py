"""SPL-1, tiny tests, then a drain: payments of cents try an account, then most of it goes.

Europol and the payment schemes' guidance on account takeover: cards and accounts are tried with tiny amounts
before they are emptied. What is on the account is what moved on it since compliance knows it.

Example: 200 on the account, three payments of 0.50, then 180 go out: found, over 80 % of the 198.50 there.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.domain.windows.telling import tell
from services.compliance.domain.windows.window import LOG_DAYS, LOG_MAX, Window
from shared.messages.compliance import Finding


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: 3 under 1 in 7 days, then at least 80 % of what is there, at least 100."""

    version: int
    tiny_below: int
    count_min: int
    days: int
    percent: int
    amount_min: int


BOUNDS: Final[bounds.Bounds] = {
    "tiny_below": bounds.amount(),
    "count": bounds.count(1, LOG_MAX),
    "days": bounds.count(1, LOG_DAYS),
    "percent": bounds.percent(),
    "amount_min": bounds.amount(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    said = bounds.read_values(row.values, BOUNDS, scale)
    tiny, least = said["tiny_below"], said["amount_min"]
    return Parameters(row.version, tiny, said["count"], said["days"], said["percent"], least)


def gate(parameters: Parameters) -> Gate:
    """Less is no drain."""
    return Gate(size_min=parameters.amount_min)


def reach(parameters: Parameters, entry: Entry) -> int:
    """Another tiny one may be what was lacking; of a drain nothing is named."""
    return parameters.days * DAY if abs(entry.amount) < parameters.tiny_below else 0


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that most of what was there goes, after several tiny amounts."""
    out = -entry.amount
    if out < parameters.amount_min:
        return None
    there = window.balance() + out
    if there <= 0 or out * 100 < there * parameters.percent:
        return None
    amount, below = window.amount, parameters.tiny_below
    tiny = [each for each in window.span(parameters.days * DAY) if abs(amount[each]) < below]
    if len(tiny) < parameters.count_min:
        return None
    words = f"{len(tiny)} tiny amounts, then {out * 100 // there} % of what was there went out."
    return tell(RULE.code, parameters.version, words, window, entry, tiny)


RULE: Final = WindowRule(
    code="SPL-1",
    title="Tiny tests, then a drain",
    bounds=BOUNDS,
    judges="out",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
    reach=reach,
)
