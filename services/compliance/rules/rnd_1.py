"""RND-1, round amounts: whole thousands, again and again within a month.

FFIEC BSA/AML examination manual, appendix F: transfers "in large, round dollar, hundred dollar, or thousand
dollar amounts".

Example: 5,000, 2,000 and 10,000 go out within 30 days: the third is found. 5,000.01 would not count.
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
    """Default: 3 multiples of 1,000 in 30 days."""

    version: int
    multiple: int
    count_min: int
    days: int


BOUNDS: Final[bounds.Bounds] = {
    "multiple": bounds.amount(),
    "count": bounds.count(1, LOG_MAX),
    "days": bounds.count(1, LOG_DAYS),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    said = bounds.read_values(row.values, BOUNDS, scale)
    return Parameters(row.version, said["multiple"], said["count"], said["days"])


def gate(parameters: Parameters) -> Gate:
    """A multiple is no less than what it is one of."""
    return Gate(size_min=parameters.multiple)


def reach(parameters: Parameters, entry: Entry) -> int:
    """Only another round amount makes them more."""
    return 0 if entry.amount % parameters.multiple else parameters.days * DAY


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that this is one of several round amounts in its direction."""
    multiple, comes = parameters.multiple, entry.amount > 0
    if entry.amount % multiple:
        return None
    amount = window.amount
    members = [
        each
        for each in window.span(parameters.days * DAY)
        if amount[each] % multiple == 0 and (amount[each] > 0) is comes
    ]
    if len(members) < parameters.count_min:
        return None
    words = f"{len(members)} round amounts within {parameters.days} days."
    return tell(RULE.code, parameters.version, words, window, entry, members)


RULE: Final = WindowRule(
    code="RND-1",
    title="Round amounts",
    bounds=BOUNDS,
    judges="both",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
    reach=reach,
)
