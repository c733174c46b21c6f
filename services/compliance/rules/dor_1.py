"""DOR-1, a dormant account wakes: nothing for months, then a considerable amount.

FFIEC BSA/AML examination manual, appendix F: "a dormant account containing a minimal sum suddenly receives
a deposit or series of deposits followed by daily cash withdrawals".

Example: an account last moved on 3 January; on 10 April 1,500 come in. 97 days, over 1,000: found.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.domain.windows.telling import tell_one
from services.compliance.domain.windows.window import Window
from shared.messages.compliance import Finding


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: idle for at least 90 days, then over 1,000; `long_days` only says so, from 180 on."""

    version: int
    days: int
    long_days: int
    over: int


BOUNDS: Final[bounds.Bounds] = {
    "days": bounds.count(),
    "long_days": bounds.count(),
    "over": bounds.amount(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    said = bounds.read_values(row.values, BOUNDS, scale)
    bounds.require(said["days"] <= said["long_days"], "long_days", "days at least")
    return Parameters(version=row.version, **said)


def gate(parameters: Parameters) -> Gate:
    """Less wakes nobody."""
    return Gate(size_min=parameters.over + 1)


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that the account had not moved for so long; its opening counts as a movement."""
    if window.idle < parameters.days * DAY or abs(entry.amount) <= parameters.over:
        return None
    days = window.idle // DAY
    pattern = "long" if days >= parameters.long_days else "dormant"
    words = f"The account had not moved for {days} days."
    return tell_one(RULE.code, parameters.version, words, window, entry, pattern=pattern, days=days)


RULE: Final = WindowRule(
    code="DOR-1",
    title="Dormant account",
    bounds=BOUNDS,
    judges="both",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
)
