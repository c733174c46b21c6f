"""RND-1, round amounts: whole thousands, again and again within a month.

FFIEC BSA/AML examination manual, appendix F: transfers "in large, round dollar, hundred dollar, or thousand
dollar amounts".

Example: 5,000, 2,000 and 10,000 go out within 30 days: the third is found. 5,000.01 would not count.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain.rule import Gate, RuleParameter, WindowRule, threshold_minor
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.domain.windows.telling import tell
from services.compliance.domain.windows.window import LOG_DAYS, Window
from shared.messages.compliance import Finding


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: 3 multiples of 1,000 in 30 days."""

    version: int
    multiple: int
    count_min: int
    days: int


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values: `multiple`, a decimal string, `count`, `days`."""
    multiple, days = threshold_minor(row.values["multiple"], scale), int(row.values["days"])
    if multiple <= 0 or not 0 < days <= LOG_DAYS:
        raise ValueError(f"RND-1 needs a multiple above 0 and looks back {LOG_DAYS} days at most")
    return Parameters(row.version, multiple, int(row.values["count"]), days)


def gate(parameters: Parameters) -> Gate:
    """A multiple is no less than what it is one of."""
    return Gate(size_min=parameters.multiple)


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
    judges="both",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
)
