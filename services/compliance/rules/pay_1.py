"""PAY-1, a large payment to a payee never paid before.

FATF, Professional Money Laundering (2018), and the European Banking Authority's guidelines on fraud
reporting (EBA/GL/2018/05) name first payments to new payees; the figures are the design's.

Example: 6,000 to a payee never paid before are found; 1,500 are too, if the payments before were 400 each.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import Entry
from services.compliance.domain.windows.telling import tell_one
from services.compliance.domain.windows.window import Window
from shared.messages.compliance import Finding


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: over 5,000, or over 1,000 and over 3 times the mean of 3 or more payments before."""

    version: int
    over: int
    times: int
    times_over: int
    count_min: int


BOUNDS: Final[bounds.Bounds] = {
    "over": bounds.amount(),
    "times": bounds.count(),
    "times_over": bounds.amount(),
    "count": bounds.count(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    said = bounds.read_values(row.values, BOUNDS, scale)
    return Parameters(row.version, said["over"], said["times"], said["times_over"], said["count"])


def gate(parameters: Parameters) -> Gate:
    """Both patterns ask for more."""
    return Gate(size_min=min(parameters.over, parameters.times_over) + 1)


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that a new payee is sent much, or much more than others."""
    if not entry.other or window.times:
        return None
    size = -entry.amount
    if size > parameters.over:
        words = "A large payment to a payee never paid before."
        return tell_one(RULE.code, parameters.version, words, window, entry, pattern="large")
    before = window.out_count - 1
    if size <= parameters.times_over or before < parameters.count_min:
        return None
    if size * before <= parameters.times * (window.out_sum - size):
        return None
    words = f"A payment over {parameters.times} times the usual one to a payee never paid before."
    return tell_one(RULE.code, parameters.version, words, window, entry, pattern="unusual")


RULE: Final = WindowRule(
    code="PAY-1",
    title="New payee, large",
    bounds=BOUNDS,
    judges="out",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
)
